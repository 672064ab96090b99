"""Consent: nothing before a yes, each word kept with what was shown, and what may be sent is the latest word."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from bot import clock
from bot.channels.whatsapp.layout import numbered
from bot.contacts import consent
from bot.contacts.consent import ASKED_TOGETHER
from bot.contacts.models import Consent, Contact, Decision, Purpose, State
from bot.conversations import wordings
from bot.db import Base, Database
from bot.messaging import eligibility
from bot.messaging.models import OutboxMessage, Priority, Status
from tests.conversations.conftest import Line

NAME = "Thabo Mokoena"


def dump(database: Database) -> dict[str, list[dict[str, object]]]:
    """Return every row of every table, as the program can read it."""
    with database.begin() as db:
        rows = {table.name: db.execute(select(table)).mappings().all() for table in Base.metadata.sorted_tables}
    return {name: [dict(row) for row in found] for name, found in rows.items() if found}


def test_after_a_refusal_nothing_is_stored_but_address_language_and_refusal(line: Line) -> None:
    line.write("/start embassy-london", name=NAME, raw={"message": {"from": {"first_name": NAME}}})
    line.write(f"I am {NAME} from Leeds", name=NAME, raw={"message": {"text": NAME}})
    line.write("Français", name=NAME)
    line.press("reg:consent:no", "Je n’accepte pas")
    stored = dump(line.database)
    assert set(stored) == {"contact", "address", "consent", "dialogue", "inbox", "outbox", "audit_entry"}
    (contact,) = stored["contact"]
    assert contact.pop("state") == State.DECLINED
    assert contact.pop("language") == "fr"
    known = {name for name, value in contact.items() if value is not None}
    assert known == {"id", "channel", "sender", "created_at"}  # the sender is ours
    assert [row["value"] for row in stored["address"]] == ["4711"]
    assert {row["decision"] for row in stored["consent"]} == {Decision.REFUSED}
    assert {row["said"] for row in stored["consent"]} == {"no"}
    assert {(row["text"], row["payload"]) for row in stored["inbox"]} == {(None, None)}
    assert (stored["dialogue"][0]["step"], stored["dialogue"][0]["data"]) == (None, {})
    assert [row["action"] for row in stored["audit_entry"]] == ["wording.shown"]
    everything = repr(stored)
    for secret in ("Thabo", "Leeds", "embassy-london"):
        assert secret not in everything


def test_of_a_child_nothing_is_stored_either(line: Line) -> None:
    line.play("START school", "1", "yes", "no")
    stored = dump(line.database)
    assert "consent" not in stored
    assert stored["contact"][0]["state"] == State.UNDERAGE
    assert stored["contact"][0]["source"] is None
    assert (stored["dialogue"][0]["step"], stored["dialogue"][0]["data"]) == (None, {})
    assert line.write("hello") == line.says("registration.underage")
    line.write("START")
    assert [button.id for button in line.answers[-1].buttons] == ["reg:consent:yes", "reg:consent:no"]


def test_a_yes_is_kept_with_the_text_that_was_shown(line: Line) -> None:
    line.play("START", "Sesotho", "1 3")
    line.write("ee")
    with line.database.begin() as db:
        rows = db.scalars(select(Consent).order_by(Consent.id)).all()
        assert [(row.purpose, row.decision) for row in rows] == [
            (Purpose.NEWS, Decision.GRANTED),
            (Purpose.SURVEYS, Decision.GRANTED),
        ]
        assert {(row.said, row.language, row.channel, row.recorded_by) for row in rows} == {
            ("1 3", "st", "telegram", "contact")
        }
        shown = wordings.find(db, rows[0].wording_hash)
    draft = line.router.content.catalogue.draft("consent.wording.v1", "st")
    assert shown is not None
    assert shown in line.router.content.catalogue.consent_text("consent.wording.v1", "st")
    assert draft is None or draft in shown


def test_each_purpose_can_be_taken_back_and_given_again(member: Line) -> None:
    assert "News" in member.play("PROFILE", "6", "1 4")
    assert granted(member) == {Purpose.NEWS, Purpose.SESSIONS}
    assert member.play("PROFILE", "6", "NO").startswith(member.says("consent.saved"))
    assert granted(member) == set()
    assert member.contact().state == State.MEMBER
    member.play("PROFILE", "6", "yes")
    assert granted(member) == set(ASKED_TOGETHER)


def test_what_was_queued_goes_with_the_consent(member: Line) -> None:
    with member.database.begin() as db:
        for purpose in (Purpose.NEWS, Purpose.INVESTMENT):
            db.add(queued(member.contact(), purpose))
    member.play("PROFILE", "6", "1")
    with member.database.begin() as db:
        found = db.execute(select(OutboxMessage.purpose, OutboxMessage.status).where(OutboxMessage.kind == "broadcast"))
        assert dict(found.all()) == {Purpose.NEWS: Status.QUEUED, Purpose.INVESTMENT: Status.CANCELLED}  # type: ignore[arg-type]


def test_where_buttons_have_no_room_a_number_still_means_a_purpose(line: Line) -> None:
    line.play("START", "1")
    question = line.answers[-1]
    assert numbered(question.text, question.buttons) == question.text
    line.play("yes", "yes", "1", "skip", "Joburg")
    interests = line.answers[-1]
    assert numbered(interests.text, interests.buttons) == interests.text
    assert numbered("Will you come?", interests.buttons).endswith("1. Done\n2. Skip")


def test_nonsense_is_no_consent(line: Line) -> None:
    line.play("START", "1")
    for said in ("maybe", "5", "1 7", "0", "1 and more", "👍", "sure thing"):
        assert line.write(said).startswith(line.says("registration.not_understood"))
    assert line.contact().state == State.NEW
    assert "consent" not in dump(line.database)


def test_a_typed_label_is_a_consent_and_its_opposite_is_none(line: Line) -> None:
    line.play("START", "Français")
    assert line.write("Je n’accepte pas") == line.says("registration.declined")
    line.write("START")
    assert line.write("J’accepte") == line.says("registration.ask_adult")


def test_who_comes_back_agrees_anew_and_only_to_what_they_say_now(member: Line) -> None:
    member.write("STOP")
    assert granted(member) == set()
    assert member.write("hello") == member.says("stop.already")
    assert member.write("yes") == member.says("stop.already")
    assert member.contact().state == State.STOPPED
    assert member.write("START embassy").startswith(member.says("start.ask_consent_again"))
    assert member.write("2") == member.says("start.welcome_back")
    assert granted(member) == {Purpose.INVESTMENT}
    assert (member.contact().state, member.contact().origin) == (State.MEMBER, "LS")


def test_who_comes_back_and_says_no_stays_away(member: Line) -> None:
    assert member.play("STOP", "START", "no") == member.says("stop.already")
    assert member.contact().state == State.STOPPED


def test_who_left_in_the_middle_goes_on_there(line: Line) -> None:
    line.play("START", "1", "yes", "yes", "STOP")
    answer = line.play("START", "yes")
    assert answer.startswith(line.says("start.welcome_back"))
    assert answer.endswith(line.says("registration.ask_origin"))


def test_start_of_a_member_and_a_second_join_link_change_nothing(member: Line) -> None:
    for said in ("START", "/start embassy", "Start poster-7", "JOIN"):
        assert member.write(said) == member.says("registration.already_member")
    assert member.contact().source is None


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["STOP", "START", "yes", "no", "hello", "PROFILE", "6", "MENU", "2"]),
        st.sets(st.integers(1, 4), min_size=1).map(lambda numbers: " ".join(map(str, sorted(numbers)))),
    ),
    max_size=12,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_what_may_be_sent_is_the_latest_word_on_each_purpose(line: Line, frozen: object, steps: list[str]) -> None:
    with line.database.begin() as db:
        db.execute(delete(Contact))
    line.play("START", "1", *steps)
    contact = line.contact()
    with line.database.begin() as db:
        latest: dict[str, str] = {}
        for row in db.scalars(select(Consent).order_by(Consent.id)):
            latest[row.purpose] = row.decision
        for purpose in Purpose:
            message = queued(contact, purpose)
            facts = eligibility.read_facts(db, [message], clock.now())
            decision = eligibility.decide(message, facts, eligibility.Rules(), clock.now(), has_window=False)
            assert isinstance(decision, eligibility.Go) == (latest.get(purpose) == Decision.GRANTED)


def granted(line: Line) -> set[str]:
    with line.database.begin() as db:
        return consent.granted_purposes(db, line.contact())


def queued(contact: Contact, purpose: Purpose) -> OutboxMessage:
    now = clock.now()
    return OutboxMessage(
        contact_id=contact.id,
        channel=contact.channel,
        kind="broadcast",
        priority=Priority.BROADCAST,
        purpose=purpose,
        status=Status.QUEUED,
        due_at=now,
        created_at=now,
        status_at=now,
        expires_at=now + timedelta(days=1),
    )
