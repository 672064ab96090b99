"""What staff do with sessions: create, publish, invite, move, resize, cancel."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, exists, func, or_, select, union
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.content import Content, links
from bot.events import attendance, places, times, wording
from bot.events.models import REMINDERS, Answer, Event, EventStatus, Rsvp, Standing
from bot.events.notices import People, announce, people
from bot.messaging import outbox
from bot.messaging.models import WAITING, OutboxMessage, Priority, Status
from bot.sentences import Sentence

#: What people must be told of once a session is open.
TOLD = frozenset({"starts_local", "zone", "minutes", "place", "link", "capacity"})
#: An invitation that has left, or may have.
_LEFT = (Status.SENDING, Status.SENT, Status.DELIVERED, Status.READ, Status.UNCERTAIN)
#: Databases take a limited number of values in one statement.
_CHUNK = 10_000


class NotPossible(Exception):
    """The session is not in a state for this; the message carries the cure."""


def create(
    db: Session,
    *,
    title: Mapping[str, str],
    starts_local: datetime,
    zone: str,
    minutes: int,
    created_by: str,
    description: Mapping[str, str] | None = None,
    place: str | None = None,
    link: str | None = None,
    capacity: int | None = None,
    languages: Sequence[str] = (),
    register_by: datetime | None = None,
    reminders: Sequence[int] = REMINDERS,
    **more: Any,
) -> Event:
    """Add a draft; `starts_local` is the time on the wall in `zone`, `reminders` are minutes before the start.

    `more` are other columns of Event, such as its speaker.
    """
    _refuse_no_time(starts_local, zone)
    _refuse_sizes(minutes, capacity)
    _refuse_late_deadline(register_by, times.instant(starts_local, zone))
    event = Event(
        uid=str(uuid4()),
        title=dict(title),
        description=dict(description or {}),
        starts_local=starts_local,
        zone=zone,
        minutes=minutes,
        place=place,
        link=link,
        capacity=capacity,
        languages=list(languages),
        register_by=register_by,
        reminders=sorted(set(reminders), reverse=True),
        created_by=created_by,
        created_at=clock.now(),
        **more,
    )
    db.add(event)
    db.flush()
    return event


def edit(db: Session, event: Event, values: Mapping[str, Any]) -> None:
    """Change columns of a draft, or of an open session those that nobody must be told of; invitations are kept."""
    places.lock(db, event.id)
    _refuse_ended(event)
    changed = {name: value for name, value in values.items() if getattr(event, name) != value}
    if event.status == EventStatus.OPEN and TOLD & changed.keys():
        raise NotPossible(Sentence("People must be told of a new time, place or size: change it on the session's page"))
    for name, value in changed.items():
        setattr(event, name, value)
    _refuse_no_time(event.starts_local, event.zone)
    _refuse_sizes(event.minutes, event.capacity)
    if changed.keys() & {"register_by", "starts_local", "zone"}:
        _refuse_late_deadline(event.register_by, event.starts_at)
    _refuse_circle(db, event)
    if event.status == EventStatus.OPEN and changed:
        event.edited_at = clock.now()
        outbox.expire_ref(db, "invitation", event.id, event.closes_at)
    db.flush()


def refuse_links(values: Mapping[str, Any], domains: tuple[str, ...]) -> None:
    """Refuse values of a session that lead members, by a link or in a text, to other domains than these."""
    said = [values.get(name) or "" for name in ("link", "place", "speaker")]
    said += [text for name in ("title", "description") for text in (values.get(name) or {}).values()]
    if found := sorted({host for text in said for host in links.foreign(text, domains)}):
        raise NotPossible(
            Sentence(
                "Members are led to known places only, and %(hosts)s is none: take the link out, or have it added "
                "to OUTREACH_MEETING_DOMAINS",
                hosts=", ".join(found),
            )
        )


def intend(db: Session, event: Event, audience: Mapping[str, list[str]]) -> None:
    """Keep whom a session is for, by condition; who is invited is said when people are."""
    places.lock(db, event.id)
    _refuse_ended(event)
    event.audience = dict(audience)
    db.flush()


def publish(db: Session, event: Event) -> None:
    """Open a draft for registration."""
    places.lock(db, event.id)
    if event.status != EventStatus.DRAFT:
        raise NotPossible(Sentence("Only a draft can be published."))
    if not any(event.title.values()):
        raise NotPossible(Sentence("Write a title in at least one language first"))
    _refuse_past(event.closes_at)
    event.status = EventStatus.OPEN
    event.code = event.code or attendance.new_code(db)
    db.flush()


def invite(db: Session, content: Content, event: Event, audience: Sequence[int] | Select[int]) -> int:
    """Queue one invitation for each contact (ids, or a SELECT of them) who has none and has not answered."""
    places.lock(db, event.id)
    if event.status != EventStatus.OPEN:
        raise NotPossible(Sentence("Publish the session before you invite people to it"))
    _refuse_past(event.closes_at)
    invited = select(OutboxMessage.contact_id).where(
        OutboxMessage.kind == "invitation",
        OutboxMessage.ref == event.id,
        OutboxMessage.status != Status.CANCELLED,
    )
    return sum(
        announce(
            db,
            content,
            event,
            people(event).where(Contact.id.in_(part), Contact.id.not_in(invited), Rsvp.answer.is_(None)),
            wording.invitation,
            kind="invitation",
            once=f"invitation:{event.id}:{event.sequence}",
            priority=Priority.BROADCAST,
            expires_at=event.closes_at,
        )
        for part in _parts(audience)
    )


def _parts(audience: Sequence[int] | Select[int]) -> Iterator[Sequence[int] | Select[int]]:
    if isinstance(audience, Select):
        yield audience
    else:
        yield from (audience[start : start + _CHUNK] for start in range(0, len(audience), _CHUNK))


def invited(event_id: int) -> Select[int]:
    """Select the ids of those whose invitation to a session has left, or may have."""
    return select(OutboxMessage.contact_id).where(
        OutboxMessage.kind == "invitation", OutboxMessage.ref == event_id, OutboxMessage.status.in_(_LEFT)
    )


def _concerned(event: Event, closes_at: datetime) -> People:
    """Select who must know of a change: who said yes or maybe and, while they still can answer, who was invited."""
    answered = Rsvp.answer != Answer.NO
    if closes_at <= clock.now():
        return people(event).where(answered)
    # Named by themselves: a condition on the joined rows would look at every member.
    named = union(select(Rsvp.contact_id).where(Rsvp.event_id == event.id), invited(event.id))
    return people(event).where(Contact.id.in_(named), or_(answered, Rsvp.answer.is_(None)))


def concerned(db: Session, event: Event, starts_at: datetime | None = None) -> int:
    """Return how many people are told when the session is moved to `starts_at` or, without it, cancelled."""
    if event.status != EventStatus.OPEN:
        return 0
    here = Rsvp.event_id == event.id
    answered = db.scalar(select(func.count()).where(here, Rsvp.answer != Answer.NO)) or 0
    if event.closing(starts_at or event.starts_at) <= clock.now():
        return answered
    left = invited(event.id).where(~exists().where(here, Rsvp.contact_id == OutboxMessage.contact_id))
    return answered + (db.scalar(select(func.count()).select_from(left.distinct().subquery())) or 0)


def move(
    db: Session,
    content: Content,
    event: Event,
    starts_local: datetime | None = None,
    *,
    zone: str | None = None,
    minutes: int | None = None,
    place: str | None = None,
    link: str | None = None,
) -> int:
    """Change when or where (what is None stays, an empty text is taken away); return how many people are told.

    They keep their answers.
    """
    places.lock(db, event.id)
    before = (event.starts_local, event.zone, event.minutes, event.place, event.link)
    after = (
        starts_local or event.starts_local,
        zone or event.zone,
        minutes or event.minutes,
        event.place if place is None else place or None,
        event.link if link is None else link or None,
    )
    refuse_move(event, after[0], after[1])
    if after == before:
        return 0
    was = event.starts_at
    event.starts_local, event.zone, event.minutes, event.place, event.link = after
    _new_version(db, event, "moved")
    if event.status == EventStatus.DRAFT:
        return 0
    _invite_again(db, content, event)
    return announce(
        db,
        content,
        event,
        _concerned(event, event.closes_at),
        wording.moved,
        kind="notice",
        once=f"moved:{event.id}:{event.sequence}",
        priority=Priority.REMINDER,
        calendar=True,
        # Whoever goes by the old time must know before it.
        expires_at=min(at for at in (was, event.starts_at) if at > clock.now()),
    )


def refuse_move(event: Event, starts_local: datetime, zone: str) -> None:
    """Raise NotPossible for a time to which the session cannot be moved."""
    _refuse_ended(event)
    _refuse_no_time(starts_local, zone)
    _refuse_past(times.instant(starts_local, zone))


def _invite_again(db: Session, content: Content, event: Event) -> None:
    """Replace the invitations that have not left: they name the old time."""
    waiting = select(OutboxMessage.contact_id).where(
        OutboxMessage.kind == "invitation", OutboxMessage.ref == event.id, OutboxMessage.status.in_(WAITING)
    )
    ids = db.scalars(waiting).all()
    outbox.cancel_ref(db, "invitation", event.id, "moved")
    if event.closes_at > clock.now():
        invite(db, content, event, ids)


def resize(db: Session, content: Content, event: Event, capacity: int | None) -> int:
    """Change how many places there are; return how many people come off the waiting list."""
    places.lock(db, event.id)
    refuse_size(db, event, capacity)
    event.capacity = capacity
    return places.fill(db, content, event)


def refuse_size(db: Session, event: Event, capacity: int | None) -> None:
    """Raise NotPossible for fewer places than are taken."""
    _refuse_ended(event)
    taken = places.confirmed(db, event)
    if capacity is not None and capacity < max(taken, 1):
        raise NotPossible(
            Sentence(
                "%(taken)s people have a place, so the capacity must be at least %(least)s: "
                "agree first with some of them to stay away, or cancel the session",
                taken=taken,
                least=max(taken, 1),
            )
        )


def cancel(db: Session, content: Content, event: Event) -> int:
    """Call the session off; return how many people are told."""
    places.lock(db, event.id)
    _refuse_ended(event)
    was_open = event.status == EventStatus.OPEN
    event.status = EventStatus.CANCELLED
    _new_version(db, event, "cancelled")
    outbox.cancel_ref(db, "invitation", event.id, "cancelled")
    if not was_open or event.ends_at <= clock.now():
        return 0
    return announce(
        db,
        content,
        event,
        _concerned(event, event.closes_at),
        wording.cancelled,
        kind="notice",
        once=f"cancelled:{event.id}",
        priority=Priority.REMINDER,
        expires_at=event.ends_at,
        calendar=True,
    )


def _new_version(db: Session, event: Event, reason: str) -> None:
    """Raise the sequence: what was queued for the old version is void."""
    event.sequence += 1
    event.changed_at = clock.now()
    for kind in ("reminder", "notice", "start"):
        outbox.cancel_ref(db, kind, event.id, reason)


def _refuse_ended(event: Event) -> None:
    if event.status in {EventStatus.CANCELLED, EventStatus.DONE}:
        raise NotPossible(
            Sentence("The session has the status “%(status)s”: create a new one instead", status=event.status)
        )


def _refuse_no_time(starts_local: datetime, zone: str) -> None:
    problem = times.problem(starts_local, zone)
    if problem:
        raise NotPossible(problem)


def _refuse_sizes(minutes: int, capacity: int | None) -> None:
    if minutes < 1 or (capacity is not None and capacity < 1):
        raise NotPossible(Sentence("Length and capacity are at least 1; leave the capacity empty for no limit"))


def _refuse_late_deadline(register_by: datetime | None, starts_at: datetime) -> None:
    if register_by is not None and register_by > starts_at:
        raise NotPossible(Sentence("Registration must close before the session begins: choose an earlier deadline"))


def _refuse_circle(db: Session, event: Event) -> None:
    """Refuse a session that could be attended by nobody, because it would have to be attended before itself."""
    seen, at = set[int](), event.requires_id
    while at is not None and at not in seen:
        if at == event.topic_id:
            raise NotPossible(Sentence("A session cannot require itself, nor one that requires it: choose another"))
        seen.add(at)
        at = db.scalar(select(Event.requires_id).where(Event.id == at))


def _refuse_past(at: datetime) -> None:
    if at <= clock.now():
        raise NotPossible(Sentence("The start and the registration deadline must lie ahead: choose a later time"))


def figures(db: Session, event: Event) -> dict[str, int]:
    """Return how many people are confirmed, waiting, maybe and no."""
    rows = db.execute(
        select(Rsvp.answer, Rsvp.standing, func.count())
        .where(Rsvp.event_id == event.id)
        .group_by(Rsvp.answer, Rsvp.standing)
    )
    counts = {str(name): 0 for name in (Standing.CONFIRMED, Standing.WAITING, Answer.MAYBE, Answer.NO)}
    for answer, standing, count in rows:
        counts[str(answer if standing == Standing.NONE else standing)] += count
    return counts
