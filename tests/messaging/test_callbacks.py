"""What Twilio tells later of a message, in its own words: what becomes of the message, the person and the sender."""

from pathlib import Path
from urllib.parse import parse_qsl

from sqlalchemy import select
from twilio.request_validator import RequestValidator

from bot import clock
from bot.channels.base import Hook
from bot.channels.memory import MemoryChannel
from bot.contacts.models import Address, Contact, Reach, State
from bot.messaging import claims, outbox, receipts, settling
from bot.messaging.models import OutboxMessage, Sender, Status
from bot.messaging.settling import Outcome
from tests.channels.conftest import ACCOUNT, NUMBER, PUBLIC_URL, whatsapp

from .conftest import Office

CALLBACKS = Path(__file__).parent.parent / "payloads" / "whatsapp" / "callbacks"

AGAIN, FAILED, HELD, SUPPRESSED = Status.QUEUED, Status.FAILED, Status.HELD, Status.SUPPRESSED
#: Code -> status and reason of the message, reach of the address, state of the person, why the sender pauses.
ENDS: dict[int, tuple[Status, str, Reach, State, str | None]] = {
    20429: (AGAIN, "20429", Reach.OPEN, State.MEMBER, "20429"),
    63018: (AGAIN, "63018", Reach.OPEN, State.MEMBER, "63018"),
    63010: (AGAIN, "63010", Reach.OPEN, State.MEMBER, None),
    30008: (AGAIN, "30008", Reach.OPEN, State.MEMBER, None),
    63016: (HELD, "window_closed", Reach.OPEN, State.MEMBER, None),
    21610: (SUPPRESSED, "21610", Reach.OPEN, State.STOPPED, None),
    63033: (SUPPRESSED, "63033", Reach.OPEN, State.STOPPED, None),
    63014: (FAILED, "63014", Reach.BLOCKED, State.MEMBER, None),
    21211: (FAILED, "21211", Reach.GONE, State.MEMBER, None),
    63024: (FAILED, "63024", Reach.GONE, State.MEMBER, None),
    30005: (FAILED, "30005", Reach.GONE, State.MEMBER, None),
    21408: (FAILED, "21408", Reach.OPEN, State.MEMBER, None),
    63049: (FAILED, "63049", Reach.OPEN, State.MEMBER, None),
    63032: (FAILED, "63032", Reach.OPEN, State.MEMBER, None),
    131050: (FAILED, "131050", Reach.OPEN, State.MEMBER, None),
    63015: (FAILED, "63015", Reach.OPEN, State.MEMBER, None),
    63035: (FAILED, "63035", Reach.OPEN, State.MEMBER, None),
    63007: (HELD, "63007", Reach.OPEN, State.MEMBER, "63007"),
    63013: (FAILED, "content 63013", Reach.OPEN, State.MEMBER, None),
    63021: (FAILED, "content 63021", Reach.OPEN, State.MEMBER, None),
    63028: (FAILED, "content 63028", Reach.OPEN, State.MEMBER, None),
    63041: (FAILED, "content 63041", Reach.OPEN, State.MEMBER, None),
    63019: (FAILED, "content 63019", Reach.OPEN, State.MEMBER, None),
    30007: (FAILED, "suspect 30007", Reach.OPEN, State.MEMBER, None),
    63051: (FAILED, "suspect 63051", Reach.OPEN, State.MEMBER, None),
}


def test_there_is_a_callback_of_each_row_of_the_table() -> None:
    assert {int(path.stem) for path in CALLBACKS.iterdir()} == set(ENDS)


def hook(code: int, outbox_id: int) -> Hook:
    """Return a callback as Twilio made and signed it."""
    path = f"/hooks/whatsapp/status/{outbox_id}"
    body = (CALLBACKS / f"{code}.form").read_bytes().replace(b"ACCOUNT", ACCOUNT.encode())
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    signature = RequestValidator("secret-token").compute_signature(PUBLIC_URL + path, form)
    return Hook(path, "", {"x-twilio-signature": signature}, body)


def sent(office: Office, sid: str) -> tuple[int, int]:
    """Send one message as an answer does, which no broadcast of others pauses; return its id and the person's."""
    office.reset_pace()
    contact_id = office.member()
    id = office.queue(contact_id, f"news {sid}", kind="notice", ref=None)
    with office.database.begin() as db:
        (claimed,) = claims.claim(db, office.desk(), 1)
        settling.settle(db, office.desk().key, [Outcome(id, claimed.address_id, sid)])
    return id, contact_id


def test_each_callback_has_its_end_also_when_it_comes_twice(office: Office) -> None:
    channel = whatsapp("http://127.0.0.1:9")
    office.channel = MemoryChannel("whatsapp", NUMBER, has_window=True)
    found = {}
    for code in ENDS:
        id, contact_id = sent(office, f"SM{code:032d}")
        for _ in range(2):
            with office.database.begin() as db:
                receipts.apply(db, channel.parse_receipts(hook(code, id)))
        with office.database.begin() as db:
            row, contact = db.get_one(OutboxMessage, id), db.get_one(Contact, contact_id)
            address = db.scalars(select(Address).where(Address.contact_id == contact_id)).one()
            pause = db.scalars(select(Sender.pause_reason).where(Sender.paused_until > clock.now())).one_or_none()
            found[code] = row.status, row.reason, address.reach, contact.state, pause
            outbox.cancel_unasked(db, contact_id, "over")
    assert found == ENDS
