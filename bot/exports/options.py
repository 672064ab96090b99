"""What an analyst may ask of an export."""

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self


class ExportError(Exception):
    """An export cannot be made; the message carries the cure."""


class Format(StrEnum):
    """A kind of file that an analyst may take."""

    CSV = "csv"  #: one respondent a row
    LONG = "long"  #: CSV with one question a row
    XLSX = "xlsx"
    PARQUET = "parquet"
    SPSS = "sav"
    STATA = "dta"
    JSON = "jsonl"
    XML = "xml"  #: submissions for ODK's tools, in a zip
    FLOIP = "floip"  #: Flow Results: one answer a row, with a descriptor


#: A declared total: question, code, how many people, who says so, and of which day.
Target = tuple[str, str, float, str, str]


@dataclass(frozen=True)
class Options:
    """Filters and layout. The defaults are pseudonymous: codes in CSV, labels in XLSX, no free text."""

    formats: frozenset[str] = frozenset({Format.CSV, Format.LONG, Format.XLSX})
    all_versions: bool = False  #: with the answers to the form's other versions, each person once
    corrections: bool = False  #: with what was answered before it was corrected
    timings: bool = False  #: with the seconds that each answer took
    language: str | None = None  #: language of labels as the form writes it, "English (en)"; None: the form's default
    csv_labels: bool = False  #: labels instead of codes in the wide CSV
    xlsx_labels: bool = True
    groups: bool = False  #: name columns group/question
    free_text: bool = False  #: keep what people wrote in their own words: it may name them
    identified: bool = False  #: with addresses and files, of who agreed to sharing and nobody else
    reason: str = ""  #: why names leave, such as the agreement it rests on
    recipient: str = ""  #: who gets them
    leave_out: frozenset[str] = frozenset()  #: names of questions to withhold, whatever their type
    identifying: frozenset[str] = frozenset()  #: questions whose combinations may give people away; none: by name
    bands: frozenset[str] = frozenset()  #: numbers to make coarser, with how wide: arrival_year:10
    mask: bool = False  #: withhold these combinations of who is nearly alone with one
    targets: tuple[Target, ...] = ()  #: totals to which weights bring the respondents
    since: date | None = None  #: runs started on or after this day (UTC)
    until: date | None = None  #: runs started on or before this day (UTC)
    dispositions: frozenset[str] = frozenset()  #: none: all

    @property
    def may_name(self) -> bool:
        """Tell whether the files may say who people are."""
        return self.free_text or self.identified

    def as_json(self) -> dict[str, Any]:
        """Return the options as plain JSON values, always in the same order."""

        def plain(value: Any) -> Any:
            if isinstance(value, frozenset):
                return sorted(value)
            return value.isoformat() if isinstance(value, date) else value

        return {name: plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the options that `as_json` wrote; what it did not know yet is as it is by default."""
        known = dict(values)
        for name in {"leave_out", "dispositions", "formats", "identifying", "bands"} & known.keys():
            known[name] = frozenset(known[name])
        if "targets" in known:
            known["targets"] = tuple((str(a), str(b), float(c), str(d), str(e)) for a, b, c, d, e in known["targets"])
        for name in {"since", "until"} & known.keys():
            known[name] = date.fromisoformat(known[name]) if known[name] else None
        return cls(**known)
