"""Runs kept alive between two messages, so that the next costs what its answer touches and not the whole form."""

from datetime import datetime, tzinfo
from threading import Lock
from typing import Any

from bot.surveys.engine import Session, State
from bot.surveys.form import Form

KEPT = 1024  #: runs, the last ones spoken to, of some 40 KB each; others are brought to life from what is stored

_lock = Lock()
_awake: dict[int, tuple[Any, Session]] = {}  # by run: the state as stored, and what stood there then


def wake(run_id: int, form: Form, stored: Any, now: datetime, tz: tzinfo) -> Session:
    """Return the run as it is stored: alive still when nothing happened to it elsewhere, else brought to life.

    It is the caller's alone until `rest` gives it back: what a failed transaction did to it is lost with it.
    """
    with _lock:
        state, session = _awake.pop(run_id, (None, None))
    if session is None or session.form is not form or state != stored:
        return Session(form, State.from_json(stored), now=now, tz=tz)
    session.wake(now, tz)
    return session


def rest(run_id: int, stored: Any, session: Session) -> None:
    """Keep a run that was just stored."""
    with _lock:
        _awake[run_id] = (stored, session)
        if len(_awake) > KEPT:
            del _awake[next(iter(_awake))]
