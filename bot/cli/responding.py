"""survey response: who answered of whom, by the names that survey methodologists use."""

from typing import Annotated

import typer
from sqlalchemy import select

from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table
from bot.surveys.models import Survey


def response(
    form: Annotated[str, typer.Argument(help="Id of the form, such as diaspora_mapping.")], as_json: AsJson = False
) -> None:
    """Tell response, cooperation, refusal and contact rates of the newest version, and how people were recruited."""
    from bot.exports import response as found

    with installation() as opened, opened.database.begin() as db:
        newest = select(Survey).where(Survey.form_id == form, Survey.published_at.is_not(None))
        survey = db.scalars(newest.order_by(Survey.published_at.desc(), Survey.id.desc()).limit(1)).one_or_none()
        if survey is None:
            raise Trouble(f"There is no survey {form}: publish it with `outreach survey publish FILE`")
        groups = found.outcomes(db, survey)
        made = found.composition(db, survey)
    rates = found.rates(groups)
    lines = [(table, code, "*" if count is None else count) for (table, code), count in made.figures.items()]
    if as_json:
        as_of = made.at.date().isoformat()
        recruited = [{"table": table, "code": code, "people": count} for (table, code), count in made.figures.items()]
        show_json({"outcomes": groups, "rates": rates, "recruited": recruited, "recruited_as_of": as_of})
        return
    show_table(f"{form}: outcomes by AAPOR's groups", ["group", "interviews"], list(groups.items()))
    shown = [(name, "-" if rate is None else f"{rate:.1%}") for name, rate in rates.items()]
    show_table("Rates; respondents chose to take part and are not a random sample", ["rate", "value"], shown)
    show_table(f"Recruited, as of {made.at:%Y-%m-%d}; * is hidden", ["by", "what", "people"], sorted(lines))
