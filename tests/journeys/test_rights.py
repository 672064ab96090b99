"""MY DATA, CORRECT, PROFILE and DELETE; after an erasure nothing that names the person is left anywhere."""

import logging
import re
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
import structlog
from sqlalchemy import LargeBinary, select, text, type_coerce
from sqlalchemy.orm import Session

from bot import logs
from bot.contacts.models import Contact, State
from bot.crypto import EncryptedJSON, EncryptedText
from bot.db import Base
from bot.demo.stage import Stage
from bot.exports import service as exports
from bot.exports.options import Options
from bot.messaging.models import FilePiece
from bot.staff import audit
from bot.staff.models import AuditEntry
from bot.surveys.models import Survey
from tests.journeys.chat import PATIENCE
from tests.journeys.conftest import People, somebody
from tests.journeys.test_files import PHOTO, fetched

pytestmark = pytest.mark.asyncio(loop_scope="session")
both = pytest.mark.parametrize("channel", ["telegram", "whatsapp"])

SECRET = "Mosotho grandmother of Thaba-Tseka"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Return what was logged so far, with everything switched on that an operator can switch on."""
    stream = StringIO()
    logs.configure("DEBUG", json=True)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(stream))  # type: ignore[arg-type]
    caplog.set_level(logging.DEBUG)
    yield lambda: stream.getvalue() + caplog.text
    structlog.reset_defaults()


@both
async def test_a_member_sees_and_changes_every_detail(person: People, channel: str) -> None:
    palesa = person(channel)
    await palesa.join()
    await palesa.play(
        """
        me: my data
        bot: mydata.summary | Johannesburg, South Africa | Lesotho | News
        bot: mydata.sent
        bot: mydata.sent_rows
        me: CORRECT
        bot: correct.how
        me: Profile
        bot: profile.summary
        me: 2
        bot: registration.ask_origin
        me: [origin.multi]
        bot: registration.ask_link
        me: [link.parent]
        bot: profile.changed
        me: PROFILE
        bot: profile.summary | origin.multi | link.parent
        me: 8
        bot: registration.ask_link
        me: [link.citizen]
        bot: profile.changed
        me: PROFILE
        bot: profile.summary | link.citizen
        me: 3
        bot: registration.ask_residence
        me: Canada
        bot: registration.ask_city
        me: [button.skip]
        bot: registration.ask_timezone
        me: [Calgary, Edmonton]
        bot: profile.changed
        me: PROFILE
        bot: profile.summary | Canada | Edmonton
        me: 4
        bot: registration.ask_timezone
        me: 1
        bot: profile.changed
        me: PROFILE
        bot: profile.summary
        me: 5
        bot: registration.ask_interests
        me: 1 10
        bot: registration.interests_saved
        me: [button.done]
        bot: profile.changed
        me: PROFILE
        bot: profile.summary | interest.training
        me: 6
        bot: registration.ask_consent
        me: 2 3
        bot: consent.saved | Investment information, Surveys
        me: PROFILE
        bot: profile.summary
        me: 1
        bot: language.choose
        me: [Français]
        language: fr
        bot: language.changed
        me: MES DONNÉES
        bot: mydata.summary | Canada
        bot: mydata.sent
        bot: mydata.sent_rows
        """
    )


@both
async def test_delete_is_asked_once_and_a_no_keeps_everything(person: People, channel: str) -> None:
    palesa = person(channel, "fr")
    await palesa.join()
    await palesa.play(
        """
        me: EFFACER
        bot: delete.confirm
        me: [button.keep]
        bot: delete.kept
        me: supprimer
        bot: delete.confirm
        me: euh
        bot: delete.kept
        me: MENU
        bot: menu.text
        """
    )
    assert (await palesa.details()).state == State.MEMBER


async def test_a_stranger_can_delete_too(person: People) -> None:
    palesa = person("whatsapp")
    await palesa.play(
        """
        me: hi
        bot: registration.choose_language
        me: DELETE
        bot: delete.confirm
        me: no
        bot: delete.kept
        bot: registration.choose_language
        me: DELETE
        bot: delete.confirm
        me: [button.erase]
        bot: delete.done
        """
    )


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
@both
@pytest.mark.asyncio(loop_scope="function")
async def test_nothing_names_a_person_who_was_erased(
    village: Stage, channel: str, tmp_path: Path, logged: Callable[[], str]
) -> None:
    palesa, thabo = somebody(village, channel), somebody(village, channel)
    await thabo.join()
    await palesa.play("me: START embassy-of-secrets\nbot: registration.choose_language")
    await palesa.play(
        """
        me: [English]
        bot: registration.welcome
        bot: registration.ask_consent
        me: [button.agree]
        bot: registration.ask_adult
        me: [button.yes]
        bot: registration.ask_origin
        me: [Lesotho]
        bot: registration.ask_link
        me: [button.skip]
        bot: registration.ask_residence
        me: Uruguay
        bot: registration.ask_city
        me: {secret}
        bot: registration.ask_interests
        me: SKIP
        bot: registration.done
        me: SURVEY
        bot: Small survey
        me: [Yes]
        bot: survey.progress
        me: I am a {secret}
        bot: survey.review
        me: yes
        bot: survey.submitted
        me: HUMAN
        bot: human.ask
        me: My number is {number}, I am the {secret}
        bot: human.received
        me: SESSIONS
        bot: Saving well
        me: [button.yes]
        bot: session.rsvp_yes
        """,
        secret=SECRET,
        number=palesa.phone.address,
    )
    palesa.done += 1
    await palesa.phone.send_photo(PHOTO, f"A picture of the {SECRET}")
    await palesa.play("bot: human.added\nme: INVITE\nbot: invite.how\nbot: invite.text")
    await fetched(palesa)
    await _export(village)
    kept = await village.app.database.query(readable)
    assert SECRET in kept
    assert palesa.phone.address in kept
    assert PHOTO in await village.app.database.query(pictures)
    who = (await palesa.details()).id
    await palesa.act("MY DATA")
    for key in ("mydata.summary", "mydata.sent", "mydata.sent_rows"):
        await palesa.hear(key)
    assert (await palesa.phone.next_message(PATIENCE)).media
    assert SECRET.encode() in _all_files(tmp_path)
    hidden = await village.app.database.query(ciphertexts, who)
    lying = _all_files(tmp_path) + await village.app.database.query(dump)
    assert all(piece in lying for piece in hidden)
    await palesa.play("me: DELETE\nbot: delete.confirm\nme: [button.erase]\nbot: delete.done")
    assert await village.app.run_job("erasures") == 1
    assert await village.app.forget_copies() > 0
    assert await village.app.run_job("withdrawals") == 1
    await village.app.database.scrub()
    assert PHOTO not in await village.app.database.query(pictures)
    number = palesa.phone.address.removeprefix("whatsapp:+")
    assert _withdrawn(tmp_path), "the list for those who hold the export is among what is looked through"
    kept = await village.app.database.query(readable)
    lying = _all_files(tmp_path) + await village.app.database.query(dump)
    for trace in (SECRET, number, palesa.phone.name):
        assert trace not in kept
        assert trace.encode() not in lying
        assert trace not in logged()
    for trace in ("embassy-of-secrets", "'UY'"):
        assert trace not in kept
    assert not [piece for piece in hidden if piece in lying], "what was encrypted lies on in the database or its log"
    assert thabo.phone.address in kept
    assert "job done" in logged()
    await village.app.database.query(_left_of, who)


async def _export(village: Stage) -> None:
    """Take an export with people's own words to where the console keeps it."""
    database = village.app.database
    survey = await database.query(lambda db: db.scalars(select(Survey).where(Survey.form_id == "small")).one())
    begun = await database.run(exports.begin, survey, Options(free_text=True), "1")
    written = await database.query(exports.write, begun, village.app.settings.data_dir / "exports" / str(begun.id))
    await database.run(exports.finish, begun, written)


def pictures(db: Session) -> bytes:
    """Return what people's files hold."""
    return b"".join(db.scalars(select(FilePiece.data)))


def _all_files(folder: Path) -> bytes:
    """Return what lies on the disk: the database with its log, keys, files."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def _withdrawn(folder: Path) -> list[Path]:
    return list(folder.rglob("withdrawn.csv"))


def dump(db: Session) -> bytes:
    """Return every row of every table of PostgreSQL, ours or not, as a dump has it; SQLite lies on the disk."""
    if db.get_bind().dialect.name == "sqlite":
        return b""
    tables = db.scalars(
        text(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
    ).all()
    rows = "\n".join(row for table in tables for row in db.scalars(text(f"SELECT t::text FROM {table} t")))
    binary = re.findall(r"\\\\x([0-9a-f]+)", rows)
    return "\n".join([rows, *(bytes.fromhex(piece).decode("latin-1") for piece in binary)]).encode("latin-1", "replace")


def readable(db: Session) -> str:
    """Return everything the database holds, decrypted."""
    rows = (tuple(row) for table in Base.metadata.sorted_tables for row in db.execute(select(table)))
    return "\n".join(map(str, rows))


def ciphertexts(db: Session, contact_id: int) -> list[bytes]:
    """Return what is encrypted of a person, as it lies on the disk."""
    found: list[bytes] = []
    for table in Base.metadata.sorted_tables:
        person = table.c.id == contact_id if table.name == "contact" else None
        if person is None and "contact_id" in table.c:
            person = table.c.contact_id == contact_id
        for column in table.c if person is not None else ():
            if isinstance(column.type, EncryptedText | EncryptedJSON):
                stored = db.scalars(select(type_coerce(column, LargeBinary)).where(person, column.is_not(None)))
                found += [bytes(piece[:60]) for piece in stored]
    assert len(found) > 20
    return found


def _left_of(db: Session, contact_id: int) -> None:
    contact = db.get_one(Contact, contact_id)
    assert contact.state == State.ERASED
    assert (contact.language, contact.origin, contact.residence, contact.zone, contact.source) == (None,) * 5
    line = db.scalars(select(AuditEntry).where(AuditEntry.action == "contact.erased")).one()
    assert (line.actor, line.subject_id, line.detail) == ("system", str(contact_id), {})
    assert audit.verify(db) is None


async def test_who_was_erased_is_a_stranger_again(person: People) -> None:
    palesa = person("telegram")
    await palesa.join()
    await palesa.play("me: DELETE\nbot: delete.confirm\nme: [button.erase]\nbot: delete.done")
    await palesa.stage.app.run_job("erasures")
    palesa.done = 0
    await palesa.play("me: hello\nbot: registration.choose_language")
