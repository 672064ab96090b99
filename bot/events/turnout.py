"""How many were invited, came and were missed; by group of people without showing how few are in one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Label, SQLColumnExpression, case, func, select, union
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.disclosure import releases
from bot.disclosure.suppression import THRESHOLD, Sum
from bot.events.models import Answer, Attendance, Event, Rsvp, Standing
from bot.events.service import invited

MEASURES = ("invited", "yes", "maybe", "waiting", "came", "missed")
GROUPS: Mapping[str, SQLColumnExpression[str | None]] = {
    "origin": Contact.origin,
    "channel": Contact.channel,
    "residence": Contact.residence,
}
Row = dict[str, int]
Shown = dict[str, int | None]  #: None: hidden
Cell = tuple[str, str, str]  #: group and code, or neither, and one of MEASURES


@dataclass(frozen=True, slots=True)
class Figures:
    """MEASURES for all people, and by group and code ("" where it is not known), as they may be shown."""

    totals: Shown
    groups: dict[str, dict[str, Shown]]


def counted(db: Session, event: Event) -> dict[str, dict[str, Row]]:
    """Return MEASURES by group and code as they are."""
    rows = _rows(db, event, *GROUPS.values())
    return {name: _folded((codes[place], row) for codes, row in rows) for place, name in enumerate(GROUPS)}


def totals(groups: Mapping[str, Mapping[str, Row]]) -> Row:
    """Return each of MEASURES for all people; every group has them all."""
    rows = next(iter(groups.values())).values()
    return {name: sum(row[name] for row in rows) for name in MEASURES}


def publish(db: Session, event: Event, groups: Mapping[str, Mapping[str, Row]], least: int = THRESHOLD) -> Figures:
    """Publish them, small numbers hidden; while few more came, the figures of the last time stand."""
    counts, sums = cells(groups, is_over(event))
    return arranged(groups, releases.publish(db, f"session {event.id}", counts, sums, least).figures)


def cells(groups: Mapping[str, Mapping[str, Row]], over: bool) -> tuple[dict[Cell, int], list[Sum[Cell]]]:
    """Return every figure as a cell, and the sums that readers know."""
    rows = {("", ""): totals(groups)}
    rows |= {(group, code): row for group, codes in groups.items() for code, row in codes.items()}
    counts = {(*place, name): count for place, row in rows.items() for name, count in row.items()}
    sums = [
        Sum(tuple((group, code, name) for code in codes), ("", "", name))
        for group, codes in groups.items()
        for name in MEASURES
    ]
    for place, row in rows.items() if over else ():
        # Who came or was missed had a place or came without one: nobody sees these two, but can work them out.
        either, without = (*place, "either"), (*place, "without")
        counts[either] = row["came"] + row["missed"]
        counts[without] = counts[either] - row["yes"]
        sums.append(Sum(((*place, "came"), (*place, "missed")), either))
        sums.append(Sum(((*place, "yes"), without), either))
    return counts, sums


def arranged(groups: Mapping[str, Mapping[str, Row]], shown: Mapping[Cell, int | None]) -> Figures:
    """Return cells as they stand in a table."""

    def line(group: str, code: str) -> Shown:
        return {name: shown[group, code, name] for name in MEASURES}

    return Figures(
        line("", ""), {group: {code: line(group, code) for code in codes} for group, codes in groups.items()}
    )


def by_code(db: Session, event: Event, column: SQLColumnExpression[str | None]) -> dict[str, Row]:
    """Return MEASURES as they are by the codes of a column or expression on Contact, "" where there is none."""
    return _folded((code, row) for [code], row in _rows(db, event, column))


def _folded(rows: Iterable[tuple[str, Row]]) -> dict[str, Row]:
    """Add up the rows of each code, in the order of the codes."""
    found: dict[str, Row] = {}
    for code, row in sorted(rows, key=lambda one: one[0]):
        known = found.setdefault(code, dict.fromkeys(row, 0))
        found[code] = {name: known[name] + count for name, count in row.items()}
    return found


def _rows(db: Session, event: Event, *columns: SQLColumnExpression[str | None]) -> list[tuple[tuple[str, ...], Row]]:
    """Return MEASURES by the codes of several columns together, in one pass over the people concerned."""
    came = Attendance.contact_id.is_not(None)
    has_place = Rsvp.standing == Standing.CONFIRMED
    conditions: dict[str, ColumnElement[bool]] = {
        "invited": Contact.id.in_(invited(event.id)),
        "yes": has_place,
        "maybe": Rsvp.answer == Answer.MAYBE,
        "waiting": Rsvp.standing == Standing.WAITING,
        "came": came,
        "missed": has_place & Attendance.contact_id.is_(None),
    }
    codes: list[Label[Any]] = [column.label(f"code{place}") for place, column in enumerate(columns)]
    # Named by themselves: a condition on the joined rows would look at every member.
    concerned = union(
        invited(event.id),
        select(Rsvp.contact_id).where(Rsvp.event_id == event.id),
        select(Attendance.contact_id).where(Attendance.event_id == event.id),
    )
    people = (
        select(*codes, *(case((one, 1), else_=0).label(name) for name, one in conditions.items()))
        .select_from(Contact)
        .join(Rsvp, (Rsvp.contact_id == Contact.id) & (Rsvp.event_id == event.id), isouter=True)
        .join(Attendance, (Attendance.contact_id == Contact.id) & (Attendance.event_id == event.id), isouter=True)
        .where(Contact.id.in_(concerned))
        .subquery()
    )
    labels = [people.c[code.name] for code in codes]
    statement = select(*labels, *(func.sum(people.c[name]) for name in MEASURES)).group_by(*labels)
    unknown = {} if is_over(event) else {"missed": 0}
    return [
        (
            tuple(code or "" for code in found[: len(labels)]),
            dict(zip(MEASURES, map(int, found[len(labels) :]), strict=True)) | unknown,
        )
        for found in db.execute(statement)
    ]


def is_over(event: Event) -> bool:
    """Tell whether it is known who was missed."""
    return event.ends_at <= clock.now()
