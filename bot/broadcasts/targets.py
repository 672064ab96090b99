"""What a broadcast leads to: a card, a session or a survey, by a button under it; never to one that is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts.checks import Problem
from bot.broadcasts.models import KIND, Broadcast, BroadcastStatus
from bot.contacts.models import Purpose
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.events.models import Event, EventStatus
from bot.messaging import outbox
from bot.opportunities import service as opportunities
from bot.opportunities import wording
from bot.opportunities.models import Opportunity
from bot.staff import audit
from bot.surveys.models import Status, Survey
from bot.surveys.publishing import open_surveys

CARD, SESSION, SURVEY = opportunities.KIND, "event", "survey"
Link = tuple[str, int]

#: What people must have agreed to before they are led there.
PURPOSES: Mapping[str, Purpose] = {
    CARD: Purpose.INVESTMENT,
    SESSION: Purpose.SESSIONS,
    SURVEY: Purpose.SURVEYS,
}
#: Key of the button's label.
LABELS: Mapping[str, str] = {CARD: "button.opp_show", SESSION: "button.session_show", SURVEY: "button.begin"}
#: What the button does; the rooms it leads to read it.
_BUTTONS: Mapping[str, str] = {CARD: f"{wording.PREFIX}:%d:show", SESSION: "rsvp:%d:show", SURVEY: "sv:%d:begin"}
#: Reason of a broadcast, or of what had not left, when the link ended.
GONE: Mapping[str, str] = {CARD: "card_gone", SESSION: "session_over", SURVEY: "survey_closed"}
#: Where a broadcast can still be ended.
_OPEN = (BroadcastStatus.DRAFT, BroadcastStatus.APPROVED, BroadcastStatus.SENDING, BroadcastStatus.PAUSED)
_OFFERED = 50


@dataclass(frozen=True, slots=True)
class Target:
    """Something that may be linked to."""

    link: Link
    title: Mapping[str, str]  #: by language, in some
    ends_at: datetime | None  #: None: when somebody ends it


def find(db: Session, content: Content, link: Link, at: datetime | None = None) -> Target | None:
    """Return what a link leads to if people may be led there at `at` (None: now), else None."""
    kind, number = link
    found: Target | None = None
    if kind == CARD and (card := opportunities.find_visible(db, content, number)):
        found = _card(card)
    elif kind == SESSION and (event := db.get(Event, number)):
        found = _session(event)
    elif kind == SURVEY and (survey := db.get(Survey, number)):
        found = _survey(survey, at or clock.now())
    is_over = found is not None and found.ends_at is not None and found.ends_at <= (at or clock.now())
    return None if is_over else found


def _card(card: Opportunity) -> Target:
    return Target((CARD, card.id), {code: wording.title(card, code) for code in LANGUAGES}, opportunities.ends_at(card))


def _session(event: Event) -> Target | None:
    """Return a session that everybody who is led there may register for."""
    if event.status != EventStatus.OPEN or event.by_invitation:
        return None
    return Target((SESSION, event.id), event.title, event.closes_at)


def _survey(survey: Survey, at: datetime) -> Target | None:
    if survey.status != Status.OPEN or (survey.opens_at and survey.opens_at > at):
        return None
    return Target((SURVEY, survey.id), dict.fromkeys(LANGUAGES, survey.title or survey.form_id), survey.closes_at)


def offered(db: Session, content: Content) -> list[Target]:
    """Return everything that may be linked to now."""
    events = select(Event).where(Event.status == EventStatus.OPEN).order_by(Event.starts_local).limit(_OFFERED)
    links: list[Link] = [(CARD, card.id) for card in opportunities.visible(db, content)[:_OFFERED]]
    links += [(SESSION, event.id) for event in db.scalars(events)]
    links += [(SURVEY, survey.id) for survey in open_surveys(db)[:_OFFERED]]
    return [target for link in links if (target := find(db, content, link))]


def read(code: str) -> Link | None:
    """Read a link as forms and files name it, "event:17"; None for what is none."""
    kind, _, number = code.partition(":")
    is_number = number.isascii() and number.isdecimal() and len(number) < 16
    return (kind, int(number)) if kind in PURPOSES and is_number else None


def of(broadcast: Broadcast) -> Link | None:
    """Return what a broadcast leads to."""
    kind, number = broadcast.link_kind or "", broadcast.link_ref
    return (kind, number) if kind in PURPOSES and number is not None else None


def buttons(content: Content, link: Link | None, others: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the buttons of a broadcast: the one that leads on, then the others."""
    prefixes = tuple(pattern.partition(":")[0] + ":" for pattern in _BUTTONS.values())
    kept = [dict(button) for button in others if not button["id"].startswith(prefixes)]
    if link is None or link[0] not in _BUTTONS:
        return kept
    labels = {code: content.catalogue.text(LABELS[link[0]], code) for code in LANGUAGES}
    return [{"id": _BUTTONS[link[0]] % link[1], "labels": labels}, *kept]


def risks(db: Session, link: Link | None) -> dict[str, str]:
    """Return the risks that go with every text about a card, by language."""
    card = db.get(Opportunity, link[1]) if link and link[0] == CARD else None
    return {code: wording.risks_text(card, code) for code in LANGUAGES} if card else {}


def problems(db: Session, content: Content, broadcast: Broadcast) -> list[Problem]:
    """Return what is wrong with the link of a broadcast that leaves now or at its time."""
    if broadcast.link_kind is None:
        return []
    link = of(broadcast)
    if link is None:
        return [Problem("link_unknown", detail=broadcast.link_kind)]
    found = []
    if broadcast.purpose != PURPOSES[link[0]]:
        found.append(Problem("link_purpose", detail=PURPOSES[link[0]]))
    if is_dead(db, content, broadcast):
        found.append(Problem(GONE[link[0]]))
    return found


def is_dead(db: Session, content: Content, broadcast: Broadcast) -> bool:
    """Say whether what a broadcast leads to is over, or will be when it leaves."""
    return broadcast.link_kind is not None and _target(db, content, broadcast) is None


def ends_at(db: Session, content: Content, broadcast: Broadcast) -> datetime:
    """Return when the link ends, after which nobody may get it."""
    target = _target(db, content, broadcast)
    return (target and target.ends_at) or datetime.max.replace(tzinfo=UTC)


def _target(db: Session, content: Content, broadcast: Broadcast) -> Target | None:
    """Return where a broadcast leads that leaves now or at its time."""
    link, now = of(broadcast), clock.now()
    return find(db, content, link, max(now, broadcast.scheduled_at or now)) if link else None


def linked(link: Link) -> Select[Broadcast]:
    """Select the broadcasts that lead there."""
    return select(Broadcast).where(Broadcast.link_kind == link[0], Broadcast.link_ref == link[1])


def stop(db: Session, link: Link) -> int:
    """Let nothing more leave that leads there; return how many people do not get it."""
    return sum(_end(db, one) for one in db.scalars(linked(link).where(Broadcast.status.in_(_OPEN)).with_for_update()))


def end_dead(db: Session, content: Content) -> int:
    """End what is being sent and leads to a session or survey that is over; a job calls it. Return how many people."""
    sending = Broadcast.status.in_((BroadcastStatus.SENDING, BroadcastStatus.PAUSED))
    leads = or_(Broadcast.link_kind == SESSION, Broadcast.link_kind == SURVEY)
    rows = db.scalars(select(Broadcast).where(sending, leads).with_for_update(skip_locked=True)).all()
    return sum(_end(db, one) for one in rows if is_dead(db, content, one))


def _end(db: Session, broadcast: Broadcast) -> int:
    reason = GONE.get(broadcast.link_kind or "", "link_unknown")
    broadcast.status, broadcast.finished_at = BroadcastStatus.CANCELLED, clock.now()
    cancelled = outbox.cancel_ref(db, KIND, broadcast.id, reason)
    db.flush()
    audit.record(db, None, "broadcast.cancelled", KIND, broadcast.id, {"reason": reason})
    return cancelled
