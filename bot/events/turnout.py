"""How many were invited, came and were missed; by group of people without showing how few are in one."""

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, SQLColumnExpression, case, func, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.events.models import Answer, Attendance, Event, Rsvp, Standing
from bot.events.service import invited

MEASURES = ("invited", "yes", "maybe", "waiting", "came", "missed")
GROUPS: Mapping[str, SQLColumnExpression[str | None]] = {
    "origin": Contact.origin,
    "channel": Contact.channel,
    "residence": Contact.residence,
}
#: A group is shown from so many people on.
LEAST = 5
#: Who said yes and had a place either came or was missed: two of these give the third away.
_LINKED = ("came", "missed", "yes")

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
    hidden = {(code, name) for code, row in rows.items() for name, count in row.items() if 0 < count < LEAST}
    if hidden and len(rows) == 1:  # the total is the row
        return {}
    before = -1
    while len(hidden) != before:
        before = len(hidden)
        for name in MEASURES:
            _hide_another(rows, hidden, [(code, name) for code in rows], LEAST)
        for code in rows:
            _hide_another(rows, hidden, [(code, name) for name in _LINKED], 0)
    return {
        code: {name: None if (code, name) in hidden else count for name, count in row.items()}
        for code, row in rows.items()
    }


def _hide_another(
    rows: Mapping[str, Row], hidden: set[tuple[str, str]], cells: Iterable[tuple[str, str]], least: int
) -> None:
    """Hide more of cells whose sum is known until two are hidden, which hold at least so many people."""
    inside = [cell for cell in cells if cell in hidden]
    # The smallest first, the empty ones last: those say least about how few the others are.
    order = sorted(set(cells) - hidden, key=lambda cell: (rows[cell[0]][cell[1]] or 10**9, cell))
    while inside and order and (len(inside) < 2 or sum(rows[code][name] for code, name in inside) < least):
        inside.append(order.pop(0))
    hidden.update(inside)


def by_code(db: Session, event: Event, column: SQLColumnExpression[str | None]) -> dict[str, Row]:
    """Return MEASURES as they are by the codes of a column or expression on Contact, "" where there is none."""
    came = Attendance.contact_id.is_not(None)
    has_place = Rsvp.standing == Standing.CONFIRMED
    over = event.ends_at <= clock.now()
    conditions: dict[str, ColumnElement[bool]] = {
        "invited": Contact.id.in_(invited(event)),
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
