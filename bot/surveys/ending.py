"""How a run ends, and what is done with its answers then."""

from datetime import timedelta

from sqlalchemy.orm import Session as DatabaseSession

from bot import clock
from bot.contacts import service as contacts
from bot.contacts.service import zone_of
from bot.content.languages import LANGUAGES
from bot.messaging.outbox import Message
from bot.surveys import answers, quotas
from bot.surveys.asking import with_files
from bot.surveys.engine import Session, start
from bot.surveys.models import Disposition, Run
from bot.surveys.turn import Turn
from bot.webhooks import service as webhooks
from bot.webhooks.models import Kind

#: For how long answers can be corrected after they were sent.
CORRECTABLE = timedelta(days=7)

_OVER = {"refused": Disposition.REFUSED, "ineligible": Disposition.INELIGIBLE}
_PROFILE_LIMITS = {"origin": 8, "residence": 2, "city": 80}


def ending(session: Session) -> Disposition:
    """Tell how a run ends that has no question left.

    A form may say so itself: a calculation named `disposition` that gives "refused" or "ineligible". In a form that
    does not, "no" to a question named `consent` is a refusal, and to `adult` or `eligible` ineligible.
    """
    values = {path.rpartition("/")[2]: value for path, value in session.values().items()}
    if "disposition" in values:
        return _OVER.get(values["disposition"], Disposition.COMPLETED)
    if values.get("consent") == "no":
        return Disposition.REFUSED
    return Disposition.INELIGIBLE if "no" in (values.get("adult"), values.get("eligible")) else Disposition.COMPLETED


def finish(turn: Turn, disposition: Disposition = Disposition.COMPLETED) -> list[Message]:
    """End the run and say so. Of somebody who refused, or is not whom we ask, no answer is kept."""
    closing = turn.session.closing_notes()
    notes, files = [note.text for note in closing if note.text], turn.files(closing)
    if disposition is Disposition.COMPLETED and not quotas.take(turn):
        disposition = Disposition.QUOTA_FULL
    if disposition is Disposition.COMPLETED:
        turn.session.finish()
        answers.settle(turn.db, turn.run, turn.form, turn.session)
        _save_profile(turn)
        parting = [*notes, turn.say("survey.submitted"), turn.say("survey.correctable", days=CORRECTABLE.days)]
    else:
        answers.forget(turn.db, turn.run)
        turn.session = fresh(turn)
        full = disposition is Disposition.QUOTA_FULL
        parting, files = ([turn.say("survey.quota_full")], ()) if full else (notes, files)
    turn.run.disposition, turn.run.completed_at = disposition, clock.now()
    tell(turn.db, turn.run)
    turn.move(None)
    return [with_files(Message("\n\n".join(parting or [turn.say("survey.ended")])), files)]


def tell(db: DatabaseSession, run: Run) -> None:
    """Let programs of the office know that a run is over: never whose it is."""
    facts = {"survey": run.survey_id, "run": run.id, "disposition": run.disposition}
    webhooks.emit(db, Kind.SURVEY_ENDED, facts)


def fresh(turn: Turn) -> Session:
    """Return the survey as nobody has begun it."""
    now, zone = clock.now(), zone_of(turn.contact)
    return Session(turn.form, start(turn.form, now=now, tz=zone, language=turn.session.language), now=now, tz=zone)


def _save_profile(turn: Turn) -> None:
    """Write the answers that the form saves to the person's profile (its column `save_to`)."""
    for path, value in turn.session.values().items():
        name = turn.form.nodes[answers.bare(path)].bind.save_to
        if name == "interests":
            contacts.set_interests(turn.db, turn.contact, value.split())
        elif name == "language" and value in LANGUAGES:
            turn.contact.language = value
        elif name in _PROFILE_LIMITS and len(value) <= _PROFILE_LIMITS[name]:
            setattr(turn.contact, name, value)
