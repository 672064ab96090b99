"""An imported person hears from us once; what they answer is theirs."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot import clock
from bot.contacts import importing
from bot.contacts.importing import Known
from bot.contacts.models import Address, Consent, Contact, Decision, ImportBatch, Purpose, State
from bot.contacts.sheets import Row
from bot.conversations import inviting, retention, wordings
from bot.conversations.router import Router
from bot.db import Database
from bot.messaging import eligibility
from bot.messaging.eligibility import ASKING
from bot.messaging.models import OutboxMessage, Status
from tests.conversations.conftest import Line

ADDRESS = "whatsapp:+26650123456"
ROWS = [Row(2, "+26650123456", None), Row(3, "+26650123457", None)]


def run_import(database: Database) -> ImportBatch | None:
    with database.begin() as db:
        batch = importing.take(db, importing.judge(db, ROWS, "us", None), "us", "the embassy", "7")
        assert batch is None or inviting.invite(db, batch) == len(ROWS)
        return batch


@pytest.fixture
def batch(database: Database, frozen: object) -> ImportBatch:
    made = run_import(database)
    assert made is not None
    return made


@pytest.fixture
def invited(database: Database, router: Router, batch: ImportBatch) -> Line:
    """The phone of the first imported person."""
    return Line(database, router, ADDRESS, "whatsapp")


def person(database: Database) -> Contact:
    with database.begin() as db:
        return db.scalars(select(Contact).join(Address).order_by(Contact.id).limit(1)).one()


def statuses(database: Database) -> list[str]:
    with database.read() as db:
        kind = OutboxMessage.kind.in_(inviting.KINDS)
        return list(db.scalars(select(OutboxMessage.status).where(kind).order_by(OutboxMessage.id)))


def test_the_invitation_names_who_gave_us_the_number_and_offers_yes_and_no(router: Router) -> None:
    message = inviting.message(router.content, "the embassy in London", "en")
    assert "the embassy in London" in message.text
    assert [button.id for button in message.buttons] == ["yes", "no"]


def test_the_invitation_speaks_the_language_of_the_list_or_else_english_and_french(
    database: Database, router: Router, frozen: object
) -> None:
    written = {"+26650123456": "Français", "+26650123457": "sesotho", "+26650123458": "Deutsch", "+26650123459": ""}
    rows = [Row(line, phone, None, language) for line, (phone, language) in enumerate(written.items(), 2)]
    with database.begin() as db:
        verdicts = importing.judge(db, rows, "us", None, language_of=router.content.keywords.language)
        made = importing.take(db, verdicts, "us", "the embassy", "7")
        assert made
        assert inviting.invite(db, made) == 4
        found = db.execute(
            select(Address.value, Contact.language, OutboxMessage.kind, OutboxMessage.ref)
            .join(Contact, Contact.id == Address.contact_id)
            .join(OutboxMessage, OutboxMessage.contact_id == Contact.id)
            .order_by(Contact.id)
        ).all()
        texts = [
            inviting.renderers(router.content)[kind](db, ref, language or "en").text for _, language, kind, ref in found
        ]
    assert [(value[-1], language) for value, language, _, _ in found] == [
        ("6", "fr"), ("7", "st"), ("8", None), ("9", None),
    ]  # fmt: skip
    assert [("Bonjour" in text, "Hello" in text) for text in texts] == [
        (True, False), (False, True), (True, True), (True, True),
    ]  # fmt: skip


def test_an_import_that_ends_in_the_middle_leaves_nobody_and_can_be_run_again(
    database: Database, frozen: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_CHUNK", 1)

    def killed(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), database.begin() as db:
        importing.take(db, importing.judge(db, ROWS, "us", None), "us", "the embassy", "7", killed)
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Contact)) == 0
    assert run_import(database) is not None


@pytest.mark.parametrize("purpose", list(Purpose))
def test_nothing_but_the_invitation_may_go_to_an_imported_person(purpose: str) -> None:
    assert eligibility.exclusion(State.INVITED, ASKING, granted=False) is None
    assert eligibility.exclusion(State.INVITED, purpose, granted=True) == "not_a_member"


@pytest.mark.parametrize("state", [state for state in State if state != State.INVITED])
def test_the_invitation_goes_to_nobody_else(state: State) -> None:
    assert eligibility.exclusion(state, ASKING, granted=True) in ("answered", "stopped")


def test_delivery_renders_the_invitation_from_the_list_it_belongs_to(
    database: Database, router: Router, batch: ImportBatch
) -> None:
    with database.read() as db:
        assert "the embassy" in inviting.renderers(router.content)[inviting.KIND](db, batch.id, "fr").text
        assert not inviting.is_approved(db, router.content)


@pytest.mark.parametrize("said", ["hello", "yes", "START", "Oui"])
def test_any_answer_but_no_begins_a_registration(invited: Line, database: Database, said: str) -> None:
    asked = invited.router.content.catalogue.text("registration.choose_language", "en")
    assert invited.write(said) == asked
    assert person(database).state == State.NEW
    assert statuses(database) == [Status.CANCELLED, Status.QUEUED]


def test_who_asks_what_we_keep_is_told_who_gave_us_the_number(invited: Line) -> None:
    answer = invited.write("MY DATA")
    assert answer.startswith("You are not registered.")
    assert "the embassy" in answer


def test_the_yes_of_the_invitation_is_not_yet_consent_and_the_source_stays(invited: Line, database: Database) -> None:
    invited.press("yes")
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Consent)) == 0
    invited.play("English", "yes", "yes", "1", "skip", "Joburg", "skip")
    assert (person(database).state, person(database).source) == (State.MEMBER, "the embassy")


@pytest.mark.parametrize("said", ["no", "Non"])
def test_a_no_is_recorded_with_what_was_shown_and_is_final(invited: Line, database: Database, said: str) -> None:
    invited.write(said)
    assert person(database).state == State.DECLINED
    with database.read() as db:
        words = db.scalars(select(Consent)).all()
        assert {word.decision for word in words} == {Decision.REFUSED}
        assert "the embassy" in str(wordings.find(db, words[0].wording_hash))
    assert "?" not in invited.write("hello")
    assert run_import(database) is None


def test_a_stop_leaves_nothing_waiting(invited: Line, database: Database) -> None:
    invited.write("STOP")
    assert person(database).state == State.DECLINED
    assert statuses(database)[0] == Status.CANCELLED


def test_undo_spares_who_has_answered_and_lets_the_others_be_imported_again(
    invited: Line, database: Database, batch: ImportBatch
) -> None:
    invited.press("yes")
    with database.begin() as db:
        assert inviting.undo(db, db.get_one(ImportBatch, batch.id)) == 1
        assert db.scalar(select(func.count()).select_from(Contact)) == 1
        assert db.scalar(select(func.count()).select_from(Address)) == 1
        found = [verdict.reason for verdict in importing.judge(db, ROWS, "us", None)]
    assert found == [Known.IN_REGISTER, Known.NEW]


def test_nobody_is_asked_twice_even_after_an_undo(database: Database, batch: ImportBatch) -> None:
    with database.begin() as db:
        db.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()[0].status = Status.SENT
    with database.begin() as db:
        assert inviting.undo(db, db.get_one(ImportBatch, batch.id)) == 2
    with database.read() as db:
        found = [verdict.reason for verdict in importing.judge(db, ROWS, "us", None)]
    assert found == [Known.ASKED_BEFORE, Known.NEW]


def test_undo_waits_for_what_a_provider_has_at_the_moment(database: Database, batch: ImportBatch) -> None:
    with database.begin() as db:
        row = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()[0]
        row.status = Status.SENDING
    with database.begin() as db:
        assert inviting.undo(db, db.get_one(ImportBatch, batch.id)) == 1
        row = db.get_one(OutboxMessage, row.id)
        row.status = Status.SENT
    with database.begin() as db:
        assert inviting.undo(db, db.get_one(ImportBatch, batch.id)) == 1


def test_who_stays_silent_is_forgotten_and_still_not_asked_again(database: Database, batch: ImportBatch) -> None:
    clock.advance(timedelta(days=91))
    with database.begin() as db:
        retention.apply(db)
        assert db.scalar(select(func.count()).select_from(Address)) == 0
        assert importing.judge(db, ROWS, "us", None)[0].reason == Known.ASKED_BEFORE


def test_the_shipped_template_says_what_it_is_for(router: Router) -> None:
    assert router.content.templates[inviting.TEMPLATE].purpose == ASKING
