"""survey response: who answered of whom, by the names that survey methodologists use."""

from collections.abc import Iterable
from typing import Annotated

import typer

from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table


def response(
    form: Annotated[str, typer.Argument(help="Id of the form, such as diaspora_mapping.")], as_json: AsJson = False
) -> None:
    """Publish response, cooperation, refusal and contact rates of a form, and how people were recruited."""
    from bot.reports import response as reports
    from bot.surveys.publishing import newest_published

    with installation() as opened, opened.database.begin() as db:
        survey = newest_published(db, form)
        if survey is None:
            raise Trouble(f"There is no survey {form}: publish it with `outreach survey publish FILE`")
        made = reports.publish(db, opened.settings.messages, survey, opened.settings.publish_least)
    recruited = [("source", code, count) for code, count in made.sources.items()]
    recruited += [("links", code, count) for code, count in made.chains.items()]
    if as_json:
        people = [{"table": table, "code": code, "people": count} for table, code, count in recruited]
        as_of = made.at.date().isoformat()
        show_json({"outcomes": dict(made.groups), "rates": made.rates, "recruited": people, "as_of": as_of})
        return
    show_table(f"{form}: outcomes by AAPOR's groups", ["group", "interviews"], _shown(made.groups.items()))
    shown = [(name, "-" if rate is None else f"{rate:.1%}") for name, rate in made.rates.items()]
    show_table("Rates; respondents chose to take part and are not a random sample", ["rate", "value"], shown)
    show_table(f"Recruited, as of {made.at:%Y-%m-%d}; * is hidden", ["by", "what", "people"], _shown(recruited))


def _shown(rows: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [tuple("*" if cell is None else cell for cell in row) for row in rows]
