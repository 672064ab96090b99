"""What can be done with a broadcast: write, have a second person approve, send, pause, resume, cancel."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import audience as audiences
from bot.broadcasts import checks, freezing, rendering, targets, times
from bot.broadcasts.audience import Audience
from bot.broadcasts.models import KIND, Broadcast, BroadcastStatus
from bot.broadcasts.policy import Policy
from bot.contacts.models import Contact
from bot.content import Content
from bot.messaging import lives, outbox
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.sentences import Sentence
from bot.staff import audit, roles
from bot.staff.models import StaffUser
from bot.staff.roles import Permission

#: An audience may grow by this much between approval and sending.
GROWTH = 1.1
#: How far back the same texts count as sent recently.
RECENT = timedelta(days=14)


class NotPossible(Exception):
    """The step does not fit where the broadcast stands; the message carries the cure."""


class OwnWork(NotPossible):
    """Who wrote on it may not approve it."""


class HasProblems(NotPossible):
    """The checks found something."""

    def __init__(self, problems: list[checks.Problem]) -> None:
        found = ", ".join(sorted({problem.code for problem in problems}))
        super().__init__(Sentence("Put right first: %(problems)s", problems=found))
        self.problems = problems


class LinkDead(NotPossible):
    """What the broadcast leads to is over."""


class ApprovalVoid(NotPossible):
    """What was approved is not what would be sent."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author decides."""

    title: str
    purpose: str
    texts: Mapping[str, str]
    audience: Audience = field(default_factory=Audience)
    buttons: tuple[Mapping[str, Any], ...] = ()  #: {"id": ..., "labels": {language: label}}
    template: str | None = None
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  #: language -> {name: value}
    risks: Mapping[str, str] = field(default_factory=dict)  #: language -> named risks that always go along
    link: targets.Link | None = None  #: where its first button leads: kind and number
    attachments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  #: language -> attachments.noted
    paid: bool = False  #: may use a provider's paid rate
    scheduled_at: datetime | None = None
    at_local: bool = False  #: at that time of day at each person's place
    repeat: str | None = None  #: one of times.REPEATS
    repeat_until: datetime | None = None
    expires_at: datetime | None = None

    @classmethod
    def of(cls, broadcast: Broadcast) -> "Draft":
        """Return what the author of a broadcast decided."""
        link = (broadcast.link_kind, broadcast.link_ref)
        names = {item.name for item in fields(cls)} - {"audience", "buttons", "link"}
        return cls(
            **{name: getattr(broadcast, name) for name in names},
            audience=Audience.from_json(broadcast.audience),
            buttons=tuple(broadcast.buttons),
            link=link if link[0] and link[1] else None,  # type: ignore[arg-type]
        )

    def rewritten(self, new: "Draft", offered: Collection[str]) -> "Draft":
        """Return the new one with what no author writes: the buttons that are not `offered`, risks, link and files."""
        own = tuple(button for button in self.buttons if button["id"] not in offered)
        buttons = (*own, *new.buttons)
        return replace(new, buttons=buttons, risks=self.risks, link=new.link or self.link, attachments=self.attachments)


def draft(db: Session, content: Content, author: StaffUser, what: Draft) -> Broadcast:
    """Store a new broadcast; nothing is checked yet."""
    roles.require(author, Permission.BROADCAST_WRITE)
    broadcast = Broadcast(author_id=author.id, status=BroadcastStatus.DRAFT, created_at=clock.now(), writers=[])
    _write(db, content, broadcast, author, what)
    db.add(broadcast)
    db.flush()
    audit.record(db, author, "broadcast.drafted", KIND, broadcast.id, {"content": broadcast.content_hash})
    return broadcast


def edit(db: Session, content: Content, broadcast: Broadcast, editor: StaffUser, what: Draft) -> None:
    """Replace what the author decided; an approval is void from now on, whatever changed."""
    roles.require(editor, Permission.BROADCAST_WRITE)
    _lock(db, broadcast, BroadcastStatus.DRAFT, BroadcastStatus.APPROVED)
    _write(db, content, broadcast, editor, what)
    broadcast.status = BroadcastStatus.DRAFT
    broadcast.approved_hash = broadcast.approved_by = broadcast.approved_at = None
    broadcast.approved_audience_count = None
    broadcast.refused_by = broadcast.refused_at = broadcast.refused_why = None
    db.flush()
    audit.record(db, editor, "broadcast.edited", KIND, broadcast.id, {"content": broadcast.content_hash})


def _write(db: Session, content: Content, broadcast: Broadcast, writer: StaffUser, what: Draft) -> None:
    fill(broadcast, what)
    broadcast.buttons = targets.buttons(content, what.link, what.buttons)
    if what.link:
        broadcast.risks = targets.risks(db, what.link)
    broadcast.writers = sorted({*broadcast.writers, writer.id})
    broadcast.edited_at = clock.now()
    broadcast.content_hash = rendering.content_hash(content, broadcast)


def fill(broadcast: Broadcast, what: Draft) -> None:
    """Put what an author decided into the row."""
    broadcast.title, broadcast.purpose = what.title, what.purpose
    broadcast.texts, broadcast.buttons = dict(what.texts), [dict(button) for button in what.buttons]
    broadcast.template = what.template
    broadcast.risks = dict(what.risks)
    broadcast.link_kind, broadcast.link_ref = what.link or (None, None)
    broadcast.variables = {language: dict(values) for language, values in what.variables.items()}
    broadcast.attachments = {language: dict(file) for language, file in what.attachments.items()}
    broadcast.audience, broadcast.paid = what.audience.to_json(), what.paid
    broadcast.scheduled_at, broadcast.expires_at = what.scheduled_at, what.expires_at
    broadcast.at_local = what.at_local and what.scheduled_at is not None
    broadcast.repeat, broadcast.repeat_until = what.repeat, what.repeat_until if what.repeat else None


def problems(db: Session, content: Content, broadcast: Broadcast, policy: Policy) -> list[checks.Problem]:
    """Return everything that must be put right before a second person may approve."""
    return [*checks.problems(content, broadcast, policy), *targets.problems(db, content, broadcast)]


def approve(
    db: Session, content: Content, broadcast: Broadcast, approver: StaffUser, policy: Policy, *, seen: str
) -> None:
    """Approve what the approver saw: `seen` is the content hash of the page, so that no later edit slips in."""
    current = _read(db, content, broadcast, approver, seen)
    if found := problems(db, content, broadcast, policy):
        raise HasProblems(found)
    broadcast.content_hash = broadcast.approved_hash = current
    broadcast.approved_by, broadcast.approved_at = approver.id, clock.now()
    broadcast.approved_audience_count = audiences.count(db, Audience.from_json(broadcast.audience))
    broadcast.status = BroadcastStatus.APPROVED
    broadcast.refused_by = broadcast.refused_at = broadcast.refused_why = None
    db.flush()
    detail = {"content": current, "audience": broadcast.approved_audience_count}
    audit.record(db, approver, "broadcast.approved", KIND, broadcast.id, detail)


def refuse(
    db: Session, content: Content, broadcast: Broadcast, approver: StaffUser, *, seen: str, why: str = ""
) -> None:
    """Send a draft back to who wrote it; an approval given before is gone."""
    current = _read(db, content, broadcast, approver, seen)
    broadcast.refused_by, broadcast.refused_at, broadcast.refused_why = approver.id, clock.now(), why or None
    broadcast.status = BroadcastStatus.DRAFT
    broadcast.approved_hash = broadcast.approved_by = broadcast.approved_at = None
    broadcast.approved_audience_count = None
    db.flush()
    audit.record(db, approver, "broadcast.refused", KIND, broadcast.id, {"content": current})


def _read(db: Session, content: Content, broadcast: Broadcast, approver: StaffUser, seen: str) -> str:
    """Return the hash of what the approver read, who must be another person and have read what is there now."""
    roles.require(approver, Permission.BROADCAST_APPROVE)
    _lock(db, broadcast, BroadcastStatus.DRAFT, BroadcastStatus.APPROVED)
    if approver.id in broadcast.writers:
        raise OwnWork(Sentence("Whoever wrote on a broadcast may not approve it: ask another person"))
    current = rendering.content_hash(content, broadcast)
    if seen != current:
        raise ApprovalVoid(Sentence("The broadcast changed while you read it: read it again"))
    return current


def why_void(db: Session, content: Content, broadcast: Broadcast) -> str | None:
    """Return why the approval does not cover what would be sent now, or None when it does."""
    if broadcast.approved_hash is None:
        return "not_approved"
    if broadcast.approved_hash != rendering.content_hash(content, broadcast):
        return "content_changed"
    now_found = audiences.count(db, Audience.from_json(broadcast.audience))
    return "audience_grew" if now_found > (broadcast.approved_audience_count or 0) * GROWTH else None


def send(db: Session, content: Content, broadcast: Broadcast, sender: StaffUser | None, policy: Policy) -> int:
    """Freeze the audience: one outbox row each, at once or never. Return how many, those left out included.

    `sender` None: the next turn of a repeating broadcast, which leaves by itself.
    """
    _require(sender)
    _lock(db, broadcast, BroadcastStatus.APPROVED)
    # The domains may have been fewer since it was approved.
    foreign = "link_not_allowed" if checks.foreign_links(broadcast, policy) else None
    if reason := why_void(db, content, broadcast) or foreign:
        raise ApprovalVoid(Sentence("The approval is void (%(reason)s): have it approved again", reason=reason))
    if targets.is_dead(db, content, broadcast):
        raise LinkDead(
            Sentence("What it leads to is over, or will be when it leaves (%(link)s)", link=broadcast.link_kind)
        )
    now = clock.now()
    due_at = max(now, broadcast.scheduled_at or now)
    expires_at = min(
        broadcast.expires_at or due_at + lives.of(Priority.BROADCAST), targets.ends_at(db, content, broadcast)
    )
    if expires_at <= due_at:
        raise NotPossible(Sentence("Its deadline is over before it would leave: set a later one"))
    broadcast.audience_count = freezing.freeze(db, broadcast, policy, now, expires_at)
    broadcast.status, broadcast.sent_at = BroadcastStatus.SENDING, now
    db.flush()
    detail = {"content": broadcast.approved_hash, "audience": broadcast.audience_count}
    audit.record(db, sender, "broadcast.sent", KIND, broadcast.id, detail)
    return broadcast.audience_count


def pause(db: Session, broadcast: Broadcast, by: StaffUser | None, reason: str = "paused") -> int:
    """Hold what has not left (`by` None: the system); return how many."""
    _require(by)
    _lock(db, broadcast, BroadcastStatus.SENDING)
    broadcast.status, broadcast.pause_reason = BroadcastStatus.PAUSED, reason
    held = outbox.pause(db, KIND, broadcast.id)
    audit.record(db, by, "broadcast.paused", KIND, broadcast.id, {"held": held, "reason": reason})
    return held


def resume(db: Session, broadcast: Broadcast, by: StaffUser) -> int:
    """Release what a pause holds; return how many."""
    _require(by)
    _lock(db, broadcast, BroadcastStatus.PAUSED)
    broadcast.status, broadcast.pause_reason = BroadcastStatus.SENDING, None
    released = outbox.resume(db, KIND, broadcast.id)
    if broadcast.scheduled_at and broadcast.scheduled_at + times.AHEAD > clock.now():
        db.execute(
            update(OutboxMessage)
            .where(OutboxMessage.kind == KIND, OutboxMessage.ref == broadcast.id)
            .where(OutboxMessage.status == Status.QUEUED)
            .values(due_at=_due_again(db, broadcast))
            .execution_options(synchronize_session=False)
        )
    audit.record(db, by, "broadcast.resumed", KIND, broadcast.id, {"released": released})
    return released


def _due_again(db: Session, broadcast: Broadcast) -> ColumnElement[datetime]:
    """Return when each recipient's message is due after a pause."""
    zone = select(Contact.zone).where(Contact.id == OutboxMessage.contact_id).scalar_subquery()
    zones = db.scalars(select(Contact.zone).distinct()) if broadcast.at_local else ()
    return times.due_column(broadcast, zones, zone, clock.now())


def cancel(db: Session, broadcast: Broadcast, by: StaffUser) -> int:
    """End it for good; what has left has left. Return how many do not get it."""
    _require(by)
    status = BroadcastStatus
    _lock(db, broadcast, status.DRAFT, status.APPROVED, status.SENDING, status.PAUSED)
    broadcast.status, broadcast.finished_at = status.CANCELLED, clock.now()
    cancelled = outbox.cancel_ref(db, KIND, broadcast.id, "broadcast_cancelled")
    audit.record(db, by, "broadcast.cancelled", KIND, broadcast.id, {"cancelled": cancelled})
    return cancelled


def _require(by: StaffUser | None) -> None:
    if by:
        roles.require(by, Permission.BROADCAST_SEND)


def _lock(db: Session, broadcast: Broadcast, *allowed: BroadcastStatus) -> None:
    """Lock the row, so that two people who press at once take turns, and look where it stands now."""
    db.refresh(broadcast, with_for_update=True)
    if broadcast.status not in allowed:
        raise NotPossible(
            Sentence(
                "The broadcast has the status “%(status)s”: this step needs “%(allowed)s”",
                status=broadcast.status,
                allowed=" / ".join(allowed),
            )
        )


def again(db: Session, content: Content, broadcast: Broadcast, by: StaffUser) -> Broadcast:
    """Write a draft of the same for those whom a broadcast that is over certainly did not reach."""
    roles.require(by, Permission.BROADCAST_WRITE)
    _lock(db, broadcast, BroadcastStatus.FINISHED, BroadcastStatus.CANCELLED)
    audience = Audience(missed=(str(broadcast.id),))
    if not audiences.count(db, audience):
        raise NotPossible(Sentence("Everybody was reached, or may have been: there is nobody to send it to again"))
    same = Draft.of(broadcast)
    what = replace(
        same, audience=audience, scheduled_at=None, at_local=False, repeat=None, repeat_until=None, expires_at=None
    )
    return draft(db, content, by, what)


def recent_duplicate(db: Session, broadcast: Broadcast) -> Broadcast | None:
    """Return the latest broadcast of the last two weeks with a text that this one has too."""
    said = {text.strip() for text in broadcast.texts.values()}
    earlier = (
        select(Broadcast)
        .where(Broadcast.sent_at > clock.now() - RECENT, Broadcast.id != broadcast.id)
        .order_by(Broadcast.sent_at.desc())
    )
    return next((one for one in db.scalars(earlier) if said & {text.strip() for text in one.texts.values()}), None)
