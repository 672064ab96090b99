"""What happens by itself: stateless jobs that ask "what is due?"; due times are columns, APScheduler holds no truth."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot import clock, meters
from bot.broadcasts import archiving, attachments, progress, repeating, targets
from bot.channels.base import SenderKey
from bot.content import Content
from bot.conversations import alarms, alike, announcing, erasures, retention, rights
from bot.conversations.router import Router
from bot.db import Database
from bot.events import following
from bot.events import upkeep as events
from bot.exports import making, saved, withdrawals
from bot.messaging import inbox, made, outbox
from bot.staff import sessions, tokens
from bot.surveys import service as surveys
from bot.surveys.nudging import NUDGES
from bot.surveys.runs import EXPIRY
from bot.webhooks import service as webhooks

log = structlog.get_logger(__name__)

#: A job that works in parts does no more than so many at a turn.
MOST_PARTS = 200


@dataclass(frozen=True, slots=True)
class Job:
    """A function that is called again and again and returns how much it did."""

    name: str
    every: float  #: seconds
    work: Callable[[Session], int]
    erases: bool = False  #: nothing of what it removed may lie on in the database's log
    again: bool = False  #: does a part at a time, so that nobody waits long for it: goes on while there is more


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we wait for people who fell silent in a survey, and keep things where they are."""

    nudges: Sequence[timedelta] = NUDGES
    expiry: timedelta = EXPIRY
    exports: timedelta = timedelta(days=90)
    messages: int = 0  #: months until they are archived; 0: never


def table(
    content: Content,
    router: Router,
    data_dir: Path | None = None,
    patience: Patience = Patience(),
    senders: Collection[SenderKey] = (),
    erased: Path | None = None,
    *,
    by_mail: bool = False,
) -> tuple[Job, ...]:
    """Return all jobs; without a folder of data, or senders that are on, those that look there do nothing."""
    return (
        Job("reminders", 20, lambda db: events.queue_due_reminders(db, content, clock.now())),
        Job("session_starts", 20, lambda db: following.queue_starts(db, content, clock.now())),
        Job("session_follow_ups", 60, lambda db: following.queue_follow_ups(db, content, clock.now())),
        Job("finished_sessions", 300, events.finish),
        Job("survey_nudges", 60, lambda db: surveys.queue_due_nudges(db, content, clock.now(), patience.nudges)),
        Job("survey_expiry", 300, lambda db: surveys.expire(db, clock.now(), patience.expiry)),
        Job("free_places", 60, lambda db: events.fill_places(db, content)),
        Job("ended_cards", 20, lambda db: announcing.end_lapsed(db, content)),
        Job("dead_links", 20, lambda db: targets.end_dead(db, content)),
        Job("followed_broadcasts", 5, _follow_broadcasts),
        Job("repeated_broadcasts", 30, lambda db: repeating.take_turns(db, content, router.policy)),
        Job("unused_attachments", 3600, attachments.clear),
        Job("old_sign_ins", 3600, sessions.close_old),
        Job("old_api_calls", 3600, tokens.forget_calls),
        Job("old_webhook_calls", 3600, webhooks.forget),
        Job("deadlines", 60, outbox.expire),
        Job("channels_off", 60, lambda db: outbox.follow_senders(db, senders) if senders else 0),
        Job("parked_messages", 30, lambda db: inbox.retry_parked(db, router.handle)),
        Job("erasures", 20, rights.erase_leaving, erases=True),
        Job("erasures_noted", 20, lambda db: erasures.note(db, erased) if erased else 0),
        Job("retention", 3600, retention.apply, erases=True, again=True),
        Job("archive", 3600, lambda db: archiving.archive(db, patience.messages), again=True),
        Job("withdrawals", 600, lambda db: withdrawals.write(db, data_dir / "exports") if data_dir else 0),
        Job("saved_exports", 60, saved.run_due),
        Job("older_saved_exports", 600, lambda db: saved.thin(db, data_dir / "exports") if data_dir else 0),
        Job("old_exports", 600, lambda db: making.clear_away(db, data_dir, patience.exports) if data_dir else 0),
        Job("alarms", 60, lambda db: alarms.sound(db, content, data_dir, by_mail=by_mail)),
        Job("alike", 600, alike.find),
        Job("made_files", 600, lambda _: made.clear(router.media_dir) if router.media_dir else 0),
    )


def _follow_broadcasts(db: Session) -> int:
    progress.follow_delivery(db)
    return progress.close_finished(db)


async def run(database: Database, job: Job) -> int:
    """Run one job, in one process at a time; a failure is logged and tried again next time."""
    try:
        with meters.JOBS.labels(job.name).time():
            done = part = await database.run(_alone, job)
            for _ in range(MOST_PARTS if job.again else 0):
                if not part:
                    break
                part = await database.run(_alone, job)
                done += part
    except Exception as error:
        meters.JOB_FAILURES.labels(job.name).inc()
        log.error("job failed", job=job.name, error=type(error).__name__)
        log.debug("why it failed", job=job.name, exc_info=True)
        return 0
    meters.JOB_ENDED.labels(job.name).set(clock.now().timestamp())
    if job.erases and (done or database.owes_scrub):
        await database.scrub()
    if done:
        log.info("job done", job=job.name, done=done)
    return done


def _alone(db: Session, job: Job) -> int:
    if db.get_bind().dialect.name == "postgresql":
        taken = db.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": crc32(job.name.encode())})
        if not taken:
            return 0
    return job.work(db)
