"""How many were invited, came and were missed; by group of people without showing how few are in one."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, SQLColumnExpression, case, func, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.disclosure import suppression
from bot.disclosure.suppression import Sum
from bot.events.models import Answer, Attendance, Event, Rsvp, Standing
from bot.events.service import invited

MEASURES = ("invited", "yes", "maybe", "waiting", "came", "missed")
GROUPS: Mapping[str, SQLColumnExpression[str | None]] = {
    "origin": Contact.origin,
    "channel": Contact.channel,
    "residence": Contact.residence,
}
#: A group is shown from so many people on.
LEAST = suppression.FLOOR

Row = dict[str, int]
Shown = dict[str, int | None]  #: None: hidden


def totals(db: Session, event: Event) -> Row:
    """Return each of MEASURES for all people."""
    rows = by_code(db, event, Contact.channel).values()
    return {name: sum(row[name] for row in rows) for name in MEASURES}


def by_group(db: Session, event: Event) -> dict[str, dict[str, Shown]]:
    """Return MEASURES by group and code ("" where it is not known), small numbers hidden."""
    return {name: protected(by_code(db, event, column)) for name, column in GROUPS.items()}


def protected(rows: Mapping[str, Row]) -> dict[str, Shown]:
    """Hide what is under LEAST, and as much beside it that no total gives it away."""
    counts = {(code, name): count for code, row in rows.items() for name, count in row.items()}
    totals = [Sum(tuple((code, name) for code in rows), together=LEAST) for name in MEASURES]
    # Who said yes and had a place either came or was missed: two of these give the third away.
    lines = [Sum(((code, "came"), (code, "missed")), (code, "yes")) for code in rows]
    hidden = suppression.hidden(counts, [*totals, *lines], LEAST)
    if hidden and len(rows) == 1:  # the total is the row
        return {}
    return {
        code: {name: None if (code, name) in hidden else count for name, count in row.items()}
        for code, row in rows.items()
    }


def by_code(db: Session, event: Event, column: SQLColumnExpression[str | None]) -> dict[str, Row]:
    """Return MEASURES as they are by the codes of a column or expression on Contact, "" where there is none."""
    came = Attendance.contact_id.is_not(None)
    has_place = Rsvp.standing == Standing.CONFIRMED
    over = event.ends_at <= clock.now()
    conditions: dict[str, ColumnElement[bool]] = {
        "invited": Contact.id.in_(invited(event.id)),
        "yes": has_place,
        "maybe": Rsvp.answer == Answer.MAYBE,
        "waiting": Rsvp.standing == Standing.WAITING,
        "came": came,
        "missed": has_place & Attendance.contact_id.is_(None),
    }
    people = (
        select(column.label("code"), *(case((one, 1), else_=0).label(name) for name, one in conditions.items()))
        .select_from(Contact)
        .join(Rsvp, (Rsvp.contact_id == Contact.id) & (Rsvp.event_id == event.id), isouter=True)
        .join(Attendance, (Attendance.contact_id == Contact.id) & (Attendance.event_id == event.id), isouter=True)
        .where(or_(conditions["invited"], Rsvp.answer.is_not(None), came))
        .subquery()
    )
    code = people.c.code
    statement = select(code, *(func.sum(people.c[name]) for name in MEASURES)).group_by(code).order_by(code)
    rows = {code or "": dict(zip(MEASURES, map(int, numbers), strict=True)) for code, *numbers in db.execute(statement)}
    return rows if over else {code: row | {"missed": 0} for code, row in rows.items()}
