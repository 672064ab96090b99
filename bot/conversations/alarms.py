"""What staff must hear of without looking: told in their chats when it begins, daily while it lasts, and at its end."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.content import Content
from bot.content.console import CONSOLE_LANGUAGES
from bot.content.languages import SOURCE
from bot.conversations import staff_chats
from bot.conversations.examining import ALARMS, says
from bot.conversations.models import Alarm, Finding
from bot.mail import service as mail
from bot.messaging import health
from bot.messaging.models import IS_IN_DOUBT, OutboxMessage, Priority, Status
from bot.messaging.models import Content as Template
from bot.sentences import Sentence, said
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, allows
from bot.webhooks import service as webhooks
from bot.webhooks.models import Kind, Webhook

#: How long something must last before it is told: most of what goes wrong mends itself.
PATIENCE = timedelta(minutes=3)
AGAIN = timedelta(days=1)
LATE = timedelta(minutes=5)
UNDECIDED = timedelta(minutes=30)
#: A provider whose callbacks reach us tells of some of so many messages within so long.
TOLD_BY_NOW, SENT_AT_LEAST = timedelta(hours=1), 20
_LATEST = 2000  #: messages that are looked at for it
BACKUP_AGE = timedelta(days=2)
ENOUGH_SPACE = 500_000_000  #: bytes
#: Words of Meta for a template that may not be used any more.
LOST = ("rejected", "paused", "disabled")
LAST_BACKUP = "last_backup"  #: file in DATA_DIR with the time of the latest


def sound(db: Session, content: Content, data_dir: Path | None, *, by_mail: bool = False) -> int:
    """Tell staff what has begun and what is over, by e-mail too; return how many alarms were told."""
    now, current = clock.now(), dict(conditions(db, data_dir))
    rows = {row.name: row for row in db.scalars(select(Alarm).with_for_update())}
    told = 0
    for name, sentence in current.items():
        row = rows.pop(name, None) or Alarm(name=name, since=now)
        db.add(row)
        if now < (row.told_at + AGAIN if row.told_at else row.since + PATIENCE):
            continue
        if row.told_at is None:
            webhooks.emit(db, Kind.ALARM_RAISED, {"alarm": name.partition(":")[0]})
        row.told_at = now
        _tell(db, content, sentence, Sentence("Alarm: %(alarm)s", alarm=_called(name)), by_mail=by_mail)
        told += 1
    for row in rows.values():
        if row.told_at:
            over = Sentence("Over: %(alarm)s", alarm=_called(row.name))
            _tell(db, content, over, over, by_mail=by_mail)
            told += 1
        db.delete(row)
    return told


def conditions(db: Session, data_dir: Path | None) -> Iterator[tuple[str, Sentence]]:
    """Yield what is wrong now, by name."""
    yield from _of_delivery(db, clock.now())
    yield from _of_templates(db)
    yield from _of_callbacks(db, clock.now())
    yield from _of_webhooks(db)
    for found in db.scalars(select(Finding).order_by(Finding.about)):
        yield f"{ALARMS[found.code]}:{found.about}"[:128], says(found.code, found.about)
    if data_dir:
        yield from _of_machine(data_dir, clock.now())


#: What an alarm is called when it is over.
_NAMES = {
    "sender": Sentence("a sender was stopped"),
    "late": Sentence("answers left late"),
    "uncertain": Sentence("messages of unknown outcome"),
    "parked": Sentence("messages of members that could not be handled"),
    "template": Sentence("a template that may not be used"),
    "callbacks": Sentence("no word of the provider about our messages"),
    "token": Sentence("a provider did not know us"),
    "address": Sentence("a provider did not reach us"),
    "certificate": Sentence("the certificate of our address"),
    "webhook": Sentence("a webhook was switched off"),
    "disk": Sentence("the disk was nearly full"),
    "backup": Sentence("no recent backup"),
}


def _of_delivery(db: Session, now: datetime) -> Iterator[tuple[str, Sentence]]:
    found = health.read(db)
    for sender in found.senders:
        if sender.paused_until and sender.paused_until > now + timedelta(minutes=1):
            says = Sentence(
                "Nothing leaves from %(sender)s: the provider says %(code)s. See “How things stand” in the console.",
                sender=sender.key.replace(":", " "),
                code=sender.pause_reason or "?",
            )
            yield f"sender:{sender.key}", says
    late = [now - queue.oldest_due for queue in found.queues if queue.priority == Priority.REPLY]
    if late and max(late) > LATE:
        minutes = int(max(late).total_seconds() // 60)
        yield "late", Sentence("An answer to a member has waited for %(minutes)s minutes to leave.", minutes=minutes)
    if found.parked:
        says = Sentence("%(count)s messages of members could not be handled: see the inbox.", count=found.parked)
        yield "parked", says
    old = OutboxMessage.status_at < now - UNDECIDED
    undecided = select(func.count()).where(IS_IN_DOUBT, OutboxMessage.status == Status.UNCERTAIN, old)
    if count := db.scalar(undecided):
        yield "uncertain", Sentence("%(count)s messages may or may not have gone out: somebody decides.", count=count)


def _of_templates(db: Session) -> Iterator[tuple[str, Sentence]]:
    lost = select(Template.name, Template.language, Template.approval).where(Template.approval.in_(LOST))
    for name, language, approval in db.execute(lost.order_by(Template.name, Template.language)):
        values = {"name": f"{name}/{language}", "state": approval}
        yield f"template:{name}/{language}", Sentence("WhatsApp's template %(name)s is %(state)s.", **values)


def _of_callbacks(db: Session, now: datetime) -> Iterator[tuple[str, Sentence]]:
    """A provider that gives receipts, and has given none for long, calls an address that is not ours."""
    latest = select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(_LATEST).subquery()
    sent = latest.c.sent_at.between(now - 2 * TOLD_BY_NOW, now - TOLD_BY_NOW)
    rows = select(latest.c.status, func.count()).where(latest.c.channel == "whatsapp", sent)
    counts: dict[str, int] = dict(db.execute(rows.group_by(latest.c.status)).all())
    if counts.get(Status.SENT, 0) >= SENT_AT_LEAST and not counts.keys() & {Status.DELIVERED, Status.READ}:
        yield (
            "callbacks",
            Sentence("WhatsApp tells nothing about our messages: check OUTREACH_PUBLIC_URL and the proxy."),
        )


def _of_webhooks(db: Session) -> Iterator[tuple[str, Sentence]]:
    off = select(Webhook.id).where(Webhook.disabled_at.is_not(None), Webhook.disabled_by.is_(None))
    for number in db.scalars(off.order_by(Webhook.id)):
        says = Sentence(
            "Webhook %(number)s failed for days and was switched off: see “Webhooks” in the console.", number=number
        )
        yield f"webhook:{number}", says


def _of_machine(data_dir: Path, now: datetime) -> Iterator[tuple[str, Sentence]]:
    free = shutil.disk_usage(data_dir).free
    if free < ENOUGH_SPACE:
        yield "disk", Sentence("Only %(free)s MB are free on the disk: make room.", free=free // 1_000_000)
    note = data_dir / LAST_BACKUP
    if note.exists() and now - datetime.fromisoformat(note.read_text().strip()) > BACKUP_AGE:
        yield "backup", Sentence("The latest backup is more than %(days)s days old.", days=BACKUP_AGE.days)


def _called(name: str) -> Sentence:
    return _NAMES[name.partition(":")[0]]


def _tell(db: Session, content: Content, sentence: Sentence, subject: Sentence, *, by_mail: bool) -> None:
    staff = db.scalars(select(StaffUser).where(StaffUser.active).order_by(StaffUser.id))
    for user in staff:
        if not allows(user, Permission.SETTINGS_MANAGE):
            continue
        for address in staff_chats.chats(db, user):
            staff_chats.tell(db, content, user, address, sentence)
        if by_mail:
            speak = content.console[user.language if user.language in CONSOLE_LANGUAGES else SOURCE].gettext
            mail.queue(db, user, said(subject, speak), said(sentence, speak))
