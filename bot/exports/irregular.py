"""Which questions hold a value that is not what their type says, so that typed formats keep them as text."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.exports.models import Export, ExportMember
from bot.exports.options import Format, Options
from bot.exports.variables import Kind, tables
from bot.surveys.form import Form
from bot.surveys.models import Answer

#: As PostgreSQL and SQLite both read it: what a double holds exactly, and a day.
_NUMBER = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?$"
_DAY = r"^[12][0-9]{3}-[01][0-9]-[0-3][0-9]"
_TYPED = {Format.PARQUET, Format.SPSS, Format.STATA}
_LONGEST = 16  # characters of a number


def irregular(db: Session, export: Export, forms: Iterable[Form]) -> frozenset[str]:
    """Return the names of these questions; none when no typed format is asked for."""
    options = Options.from_json(export.options)
    if not options.formats & _TYPED:
        return frozenset()
    named: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for table in tables(list(forms), options):
        for variable in table.variables:
            named[variable.kinds(labels=False)[0]] |= {each.name for each in variable.versions.values()}
    answers = (
        select(Answer.name)
        .distinct()
        .join(ExportMember, ExportMember.run_id == Answer.run_id)
        .where(ExportMember.export_id == export.id, Answer.superseded_at.is_(None), Answer.value != "")
    )
    odd = ~Answer.value.regexp_match(_NUMBER) | (func.length(Answer.value) > _LONGEST)
    return frozenset(
        [
            *db.scalars(answers.where(Answer.name.in_(named[Kind.NUMBER]), odd)),
            *db.scalars(answers.where(Answer.name.in_(named[Kind.DATE]), ~Answer.value.regexp_match(_DAY))),
        ]
    )
