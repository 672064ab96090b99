"""SPSS and Stata: labelled numbers, declared missing values, options as 0 and 1; made of the Parquet, batch by batch.

Both formats want the number of rows and the width of every text before the first row, which is why they come last.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bot.exports.cases import MEANINGS, Missing
from bot.exports.cells import Cells
from bot.exports.formats import sets
from bot.exports.formats.parquet import reason
from bot.exports.names import SPSS_CODES, SPSS_RANGE, numbered, short_names
from bot.exports.options import ExportError, Format
from bot.exports.variables import Kind, Table, Variable
from bot.surveys.form import Type

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from readstat_arrow import Metadata
    from readstat_arrow.metadata import Code

_BATCH = 5000
_LONGEST = {Format.SPSS: 32_767, Format.STATA: 2045}  # bytes of a text
_DAY_ZERO = {Format.SPSS: date(1582, 10, 14), Format.STATA: date(1960, 1, 1)}
_DAY_FORMAT = {Format.SPSS: "SDATE10", Format.STATA: "%td"}
_DAY_LENGTH = {Format.SPSS: 86_400, Format.STATA: 1}
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class _Out:
    """One variable of the file."""

    header: str
    label: str
    array: "Callable[[pa.RecordBatch], pa.Array]"
    kind: Kind
    values: dict[int, str] | None = None  #: labels; None: a text, or days
    width: int = 0  #: of a text, in bytes


@dataclass(frozen=True)
class Labels:
    """What questions are called in the language of the labels."""

    cells: dict[Variable, Cells]
    questions: dict[Variable, str]
    kinds: dict[Variable, Kind]


def convert(source: Path, path: Path, kind: Format, table: Table, labels: Labels, newest: date) -> list[str]:
    """Write one table; return the variables of which a text was longer than the format takes, and so is cut."""
    import pyarrow.parquet as pq
    import readstat_arrow

    with pq.ParquetFile(source) as file:
        outs = list(_Plan(file, kind, table, labels).outs())
        names = short_names(out.header for out in outs)
        schema, metadata = _described(outs, names, kind)
        rows = file.metadata.num_rows
        writer: readstat_arrow.SavWriter | readstat_arrow.DtaWriter
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", readstat_arrow.ReadstatWarning)  # a label is cut: the codebook has it whole
            if kind is Format.SPSS:
                writer = readstat_arrow.SavWriter(
                    path, schema, rows, metadata, on_text_limits_exceeded="truncate", compression="rows"
                )
            else:
                writer = readstat_arrow.DtaWriter(path, schema, rows, metadata, on_text_limits_exceeded="truncate")
            with writer:
                for batch in file.iter_batches(_BATCH):
                    writer.write_table(_table(batch, outs, schema))
    _date(path, kind, newest)
    if kind is Format.SPSS:
        sets.write(path, table, names, labels.questions)
    return [out.header for out in outs if out.width > _LONGEST[kind]]


def _table(batch: "pa.RecordBatch", outs: list[_Out], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    return pa.table([out.array(batch) for out in outs], schema=schema)


class _Plan:
    """Which variables a file has, and how each is made of the Parquet's columns."""

    def __init__(self, file: "pq.ParquetFile", kind: Format, table: Table, labels: Labels) -> None:
        self._file, self._format, self._table, self._labels = file, kind, table, labels

    def outs(self) -> Iterator[_Out]:
        """Yield the variables in order."""
        for name, kind in zip(self._table.head, self._table.head_kinds, strict=True):
            if kind is Kind.TEXT:
                yield self._text(name, name)
            else:
                yield self._number(name, name, None, kind, None if kind is Kind.DATE else {})
        for variable in self._table.variables:
            yield from self._variable(variable)

    def _variable(self, variable: Variable) -> Iterator[_Out]:
        header, kind = variable.name, self._labels.kinds[variable]
        label = self._labels.questions[variable] or header
        if variable.question.type is Type.SELECT_ONE:
            yield self._choice(variable, label, kind)
        elif kind is Kind.TEXT:
            yield self._text(header, label)
            if not variable.options:
                yield self._text(reason(header), f"Why missing: {label}")
        else:
            yield self._number(header, label, reason(header), kind, None if kind is Kind.DATE else {})
        shown = self._labels.cells[variable].labels
        for code, option in zip(variable.options, variable.headers[1:], strict=True):
            said = f"{shown[code]}: {label}"
            yield self._number(option, said, reason(header), Kind.NUMBER, {0: "no", 1: "yes"}, chosen_counts=True)

    def _text(self, header: str, label: str) -> _Out:
        return _Out(header, label, lambda batch: batch.column(header), Kind.TEXT, width=self._width(header))

    def _choice(self, variable: Variable, label: str, kind: Kind) -> _Out:
        """Return a choice as a labelled number; a refusal by a choice of the form is missing as any other."""
        import pyarrow as pa
        import pyarrow.compute as pc

        header, shown = variable.name, self._labels.cells[variable].labels
        if kind is Kind.NUMBER:
            numbers = numbered(variable)
            texts = {numbers[code]: shown[code] for code in numbers if str(numbers[code]) == code}
            return self._number(header, label, reason(header), kind, texts)
        numbers = numbered(variable, self._codes(header))
        codes, values = pa.array(numbers, pa.string()), pa.array(numbers.values(), pa.float64())

        def coded(batch: "pa.RecordBatch") -> "pa.Array":
            return values.take(pc.index_in(batch.column(header), value_set=codes))

        texts = {number: shown.get(code, code) for code, number in numbers.items()}
        return _Out(header, label, lambda batch: self._whole(coded(batch), batch, reason(header)), kind.NUMBER, texts)

    def _number(
        self,
        header: str,
        label: str,
        why: str | None,
        kind: Kind,
        values: dict[int, str] | None,
        chosen_counts: bool = False,
    ) -> _Out:
        def array(batch: "pa.RecordBatch") -> "pa.Array":
            found = self._days(batch.column(header)) if kind is Kind.DATE else batch.column(header).cast("float64")
            self._check(found, header)
            return self._whole(found, batch, why, chosen_counts)

        return _Out(header, label, array, kind, values)

    def _check(self, found: "pa.Array", header: str) -> None:
        import pyarrow.compute as pc

        low, high = SPSS_RANGE
        if (
            self._format is Format.SPSS
            and pc.any(pc.and_(pc.greater_equal(found, low), pc.less_equal(found, high))).as_py()
        ):
            raise ExportError(f"{header} holds a number that means missing in SPSS: take another format")

    def _days(self, days: "pa.Array") -> "pa.Array":
        import pyarrow.compute as pc

        since = (_EPOCH - _DAY_ZERO[self._format]).days
        counted = pc.add(days.cast("int32").cast("float64"), float(since))
        return pc.multiply(counted, float(_DAY_LENGTH[self._format]))

    def _whole(
        self, values: "pa.Array", batch: "pa.RecordBatch", why: str | None, chosen_counts: bool = False
    ) -> "pa.Array":
        """Return values and missing codes as one array: a refusal wins over its choice, but not in the options."""
        import pyarrow as pa
        import pyarrow.compute as pc

        reasons = batch.column(why) if why else pa.nulls(len(values), pa.string())
        if chosen_counts:
            reasons = pc.if_else(pc.is_valid(values), pa.scalar(None, pa.string()), reasons)
        values = pc.if_else(pc.is_valid(reasons), pa.scalar(None, pa.float64()), values)
        where = pc.index_in(reasons, value_set=pa.array(list(Missing), pa.string()))
        if self._format is Format.SPSS:
            return pc.coalesce(values, pa.array(map(float, SPSS_CODES.values()), pa.float64()).take(where))
        tags = pa.array([missing[1] for missing in Missing]).take(where)
        return pa.StructArray.from_arrays([values, tags], names=["value", "tag"])

    def _width(self, header: str) -> int:
        import pyarrow.compute as pc

        columns = (batch.column(0) for batch in self._file.iter_batches(_BATCH, columns=[header]))
        return max((pc.max(pc.binary_length(column)).as_py() or 1 for column in columns), default=1)

    def _codes(self, header: str) -> list[str]:
        columns = (batch.column(0) for batch in self._file.iter_batches(_BATCH, columns=[header]))
        return sorted({code for column in columns for code in column.unique().to_pylist() if code is not None})


def _described(outs: list[_Out], names: dict[str, str], kind: Format) -> tuple["pa.Schema", "Metadata"]:
    import pyarrow as pa
    from readstat_arrow import Metadata

    number: pa.DataType = pa.float64()
    if kind is Format.STATA:
        number = pa.struct([("value", pa.float64()), ("tag", pa.string())])
    schema = pa.schema([(names[out.header], pa.string() if out.kind is Kind.TEXT else number) for out in outs])
    texts = {names[out.header]: out for out in outs if out.kind is Kind.TEXT}
    numbers = {names[out.header]: out for out in outs if out.kind is not Kind.TEXT}
    low, high = SPSS_RANGE
    return schema, Metadata(
        variable_labels={names[out.header]: out.label for out in outs},
        storage_widths={name: min(out.width, _LONGEST[kind]) for name, out in texts.items()},
        measures={name: "nominal" if out.values else "scale" for name, out in numbers.items()},
        value_labels={name: _codes(out, kind) for name, out in numbers.items()},
        missing_values={name: {"lo": low, "hi": high} for name in numbers} if kind is Format.SPSS else {},
        formats={name: _DAY_FORMAT[kind] for name, out in numbers.items() if out.kind is Kind.DATE},
    )


def _codes(out: _Out, kind: Format) -> "list[Code]":
    codes: list[Code] = [{"value": value, "label": label} for value, label in (out.values or {}).items()]
    for missing in Missing:
        value = SPSS_CODES[missing] if kind is Format.SPSS else missing[1]
        codes.append({"value": value, "label": MEANINGS[missing].partition(":")[0]})
    return codes


def _date(path: Path, kind: Format, newest: date) -> None:
    """Write the day of the data where the library wrote the time: the same data gives the same bytes."""
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[newest.month - 1]
    with path.open("r+b") as file:
        if kind is Format.SPSS:  # the header's creation date and time
            file.seek(92)
            file.write(f"{newest.day:02} {month} {newest.year % 100:02}00:00:00".encode())
        else:
            start = file.read(1000).index(b"<timestamp>") + len("<timestamp>") + 1  # after the length
            file.seek(start)
            file.write(f"{newest.day:02} {month} {newest.year} 00:00".encode())
