"""The files of one export, all written in one pass over the interviews."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.exports import codebook
from bot.exports.cells import Cells, label_in
from bot.exports.columns import Block
from bot.exports.formats import sets
from bot.exports.formats.base import Target, Writer
from bot.exports.formats.csv_files import CsvFile, LongCsv, WideCsv
from bot.exports.formats.flow_results import FlowResults
from bot.exports.formats.json_lines import JsonLines
from bot.exports.formats.parquet import Parquet
from bot.exports.formats.statistics import Labels, convert
from bot.exports.formats.submissions import Submissions
from bot.exports.formats.workbook import Sheet, Workbook
from bot.exports.manifest import ABOUT_HEAD, ABOUT_KINDS, MISSING_HEAD, about_rows, describe, missing_rows
from bot.exports.options import ExportError, Format, Options
from bot.exports.tally import Tally
from bot.exports.variables import Kind, Variable, tables
from bot.sentences import Sentence
from bot.surveys.form import Form

_STATISTICS = (Format.SPSS, Format.STATA)
_UNDATED = date(2000, 1, 1)  # of an export without any data


class Package:
    """Files of some of the formats that the options ask for; `forms` are the versions, the newest first.

    `irregular` are the names of questions of which some value is not what its type says: they stay text.
    """

    def __init__(
        self,
        forms: Sequence[Form],
        options: Options,
        directory: Path,
        irregular: frozenset[str],
        formats: frozenset[Format],
    ) -> None:
        self.forms, self.options, self.tally = forms, options, Tally()
        self.tables = tables(forms, options)
        self._variables = [variable for table in self.tables for variable in table.variables]
        self._kinds = {variable: _kind(variable, irregular) for variable in self._variables}
        self._languages = _languages(forms, options)
        self._target = Target(directory, _file_name(forms[0]))
        self._codes = self._cells(labels=False)
        self._book: Workbook | None = None
        self._parquet: Parquet | None = None
        self.shortened: list[str] = []  #: texts that a format has no room for
        self._formats = formats
        self._writers = list(self._opened(options))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers:
            writer.abandon()

    def add(self, block: Block) -> None:
        """Write some lines of one table to every file, and count them."""
        for writer in self._writers:
            writer.add(block)
        self.tally.add(block)

    def close(self) -> dict[Path, int]:
        """Finish the files of these formats; return how many rows of data each holds."""
        newest = self.tally.newest or _UNDATED
        return self._typed(newest) | self._closed(newest)

    def finish(self, anonymity: dict[str, Any], shortened: Sequence[str]) -> tuple[dict[str, Any], dict[Path, int]]:
        """Finish the files, and write what is known at the end only; return the manifest, and the rows of each file.

        `anonymity` is what the check of all people found, `shortened` what other formats had no room for.
        """
        newest = self.tally.newest or _UNDATED
        found = self._typed(newest)
        manifest = describe(self.forms, self.options, self.tally, [*shortened, *self.shortened], anonymity)
        if self._book:
            self._explain(self._book, manifest)
        found |= self._closed(newest)
        book = CsvFile(self._target.path("-codebook", ".csv"), codebook.header(self.forms))
        _fill(book, self._codebook())
        book.close()
        return manifest, found | {book.path: book.rows}

    def _typed(self, newest: date) -> dict[Path, int]:
        """Finish the Parquet and what is made of it."""
        if not self._parquet:
            return {}
        found = self._parquet.close(newest) | self._statistics(self._parquet, newest)
        if Format.PARQUET not in self._formats:
            for path in self._parquet.paths.values():
                path.unlink()
                del found[path]
        return found

    def _closed(self, newest: date) -> dict[Path, int]:
        found: dict[Path, int] = {}
        for writer in self._writers:
            if writer is not self._parquet:
                found |= writer.close(newest)
        return found

    @property
    def tells_days(self) -> bool:
        """Tell whether a file says on which day each answer was given."""
        return bool(self._formats & {Format.LONG, Format.FLOIP})

    def path_of_manifest(self) -> Path:
        """Return where the manifest belongs."""
        return self._target.path("-manifest", ".json")

    def path_beside(self, name: str) -> Path:
        """Return where a CSV file about the answers belongs."""
        return self._target.path(f"-{name}", ".csv")

    def cells_by_name(self) -> Mapping[tuple[str, int], tuple[Variable, Cells]]:
        """Return what writes the replies to each question, by its path and the number of the version."""
        return {
            (question.path, number): (variable, self._codes[variable])
            for variable in self._variables
            for number, question in variable.versions.items()
        }

    def _opened(self, options: Options) -> Iterator[Writer]:
        wanted = self._formats
        if Format.CSV in wanted:
            yield WideCsv(self._target, self.tables, self._cells(labels=True) if options.csv_labels else self._codes)
        if Format.LONG in wanted:
            yield LongCsv(self._target, self._codes)
        if Format.XLSX in wanted:
            labels = options.xlsx_labels
            self._book = Workbook(self._target, self.tables, self._cells(labels=labels), labels)
            yield self._book
        if Format.JSON in wanted:
            yield JsonLines(self._target, self.tables, self._codes)
        if Format.XML in wanted:
            yield Submissions(self._target, self.tables, self._codes, self.forms)
        if Format.FLOIP in wanted:
            yield FlowResults(self._target, self.tables, self._codes, self.forms[0], self._languages)
        if wanted & {Format.PARQUET, *_STATISTICS}:
            self._parquet = Parquet(self._target, self.tables, self._codes, self._kinds)
            yield self._parquet

    def _statistics(self, parquet: Parquet, newest: date) -> dict[Path, int]:
        questions = {each: label_in(each.question.label, self._languages) for each in self._variables}
        labels = Labels(self._codes, questions, self._kinds)
        rows = parquet.close(newest)
        found = {}
        for kind in _STATISTICS:
            for table in self.tables if kind in self._formats else ():
                path, source = self._target.path("", f".{kind}", table), parquet.paths[table]
                cut = convert(source, path, kind, table, labels, newest)
                self.shortened += [f"{path.name}: {name}" for name in cut]
                found[path] = rows[source]
                if (syntax := sets.path_beside(path)).exists():
                    found[syntax] = syntax.read_text("utf-8").count("MRSETS")
        return found

    def _explain(self, book: Workbook, manifest: dict[str, Any]) -> None:
        sheet = book.book.sheet
        _fill(sheet("codebook", codebook.header(self.forms)), self._codebook())
        _fill(sheet("missing codes", MISSING_HEAD), missing_rows())
        _fill(sheet("about", ABOUT_HEAD, ABOUT_KINDS), about_rows(manifest))

    def _codebook(self) -> Iterator[list[str]]:
        return codebook.rows(self.forms, self.tables, self.options, self.tally)

    def _cells(self, labels: bool) -> dict[Variable, Cells]:
        return {variable: Cells(variable, self._languages, labels) for variable in self._variables}


def check(forms: Sequence[Form], options: Options) -> None:
    """Raise ExportError for options that do not fit the form."""
    tables(forms, options)
    _languages(forms, options)


def _kind(variable: Variable, irregular: frozenset[str]) -> Kind:
    return Kind.TEXT if variable.question.name in irregular else variable.kinds(labels=False)[0]


def _languages(forms: Sequence[Form], options: Options) -> tuple[str, ...]:
    """Return the languages of labels: the one asked for, else the default, then any that has the text."""
    known = list(dict.fromkeys(language for form in forms for language in (form.default_language, *form.languages)))
    if options.language and options.language not in known:
        named = ", ".join(filter(None, known)) or "only one without a name"
        raise ExportError(
            Sentence("The form has no language %(language)s: it has %(named)s", language=options.language, named=named)
        )
    return tuple(dict.fromkeys([*filter(None, [options.language]), *known]))


def _file_name(form: Form) -> str:
    # A form's id is its author's: it must not choose another directory.
    return re.sub(r"[^\w.-]+", "_", f"{form.id}-{form.version}").lstrip(".")


def _fill(out: CsvFile | Sheet, rows: Iterable[Sequence[str]]) -> None:
    for row in rows:
        out.write(row)
