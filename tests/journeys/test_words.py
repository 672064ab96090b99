"""LANGUAGE, HUMAN, REPORT, VERIFY, SURVEY, SESSIONS: what members can do at any time."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.content.languages import LANGUAGES
from bot.conversations import threads
from bot.conversations.models import Ticket
from bot.events.models import Answer, Rsvp
from bot.messaging.models import InboxMessage
from bot.staff.models import Role, StaffUser
from bot.surveys.models import Disposition, Run
from tests.journeys.chat import Person
from tests.journeys.conftest import People

pytestmark = pytest.mark.asyncio(loop_scope="session")
both = pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
everywhere = pytest.mark.parametrize(
    ("channel", "language"), [(channel, language) for channel in ("telegram", "whatsapp") for language in LANGUAGES]
)

SECRETS = {
    "My card is 4111 1111 1111 1111, exp 12/29": "4111",
    "5500005555555559": "5500005555555559",
    "the OTP they sent: 482 913": "482 913",
    "mot de passe : Maseru2020": "Maseru2020",
    "Phasewete ea ka ke Thaba1": "Thaba1",
    "nambala yachinsinsi ndi 771122": "771122",
    "mo modpas se Soley5": "Soley5",
}


@everywhere
async def test_the_words_work_in_every_language(person: People, channel: str, language: str) -> None:
    palesa = person(channel, language)
    await palesa.join()
    await palesa.play(
        """
        me: HELP
        bot: help.text
        me: menu
        bot: menu.text
        me: [button.menu_verify]
        bot: verify.text | diaspora.example.org
        me: OPPORTUNITIES
        bot: opportunity.none
        me: COSTS
        bot: costs.text
        me: about
        bot: about.text
        me: MY DATA
        bot: mydata.summary
        bot: mydata.sent
        bot: mydata.sent_rows
        me: what do I do now
        bot: unknown.text
        """
    )


@both
async def test_a_change_of_language_in_the_middle_of_the_registration(person: People, channel: str) -> None:
    palesa = person(channel)
    await palesa.play(
        """
        me: START
        bot: registration.choose_language
        me: [English]
        bot: registration.welcome
        bot: registration.ask_consent
        me: LANGUE
        bot: language.choose
        me: [Français]
        language: fr
        bot: language.changed | Français
        bot: registration.ask_consent
        me: oui
        bot: registration.ask_adult
        me: LANGUAGE
        bot: language.choose
        me: Sesotho
        language: st
        bot: language.changed | Sesotho
        bot: registration.ask_adult
        me: ee
        bot: registration.ask_origin
        """
    )


@both
async def test_a_change_of_language_in_the_middle_of_a_survey(person: People, channel: str) -> None:
    palesa = person(channel)
    await palesa.join()
    await palesa.play(
        """
        me: survey
        bot: Do you send money home?
        me: LANGUAGE
        bot: language.choose
        me: [Français]
        language: fr
        bot: survey.language_changed | Envoyez-vous
        me: [Oui]
        bot: Que souhaitez-vous ?
        me: La paix 🕊
        bot: La paix 🕊
        me: oui
        bot: survey.submitted
        me: enquête
        bot: survey.already_done
        """
    )
    contact = await palesa.details()
    run = await palesa.query(lambda db: db.scalars(select(Run).where(Run.contact_id == contact.id)).one())
    assert run.disposition == Disposition.COMPLETED


@both
async def test_a_question_to_a_person_is_answered_in_the_chat(person: People, channel: str) -> None:
    palesa = person(channel)
    await palesa.join()
    await palesa.play("me: HUMAN\nbot: human.ask\nme: Where can I vote?\nbot: human.received")
    await palesa.run(_answer, await palesa.details(), "At the embassy, from 8 to 16.")
    palesa.stage.app.nudge()
    await palesa.play("bot: At the embassy, from 8 to 16.\nme: thanks\nbot: human.added")


def _answer(db: Session, contact: object, text: str) -> None:
    user = StaffUser(
        email="a", email_hash=str(contact.id), name="a", role=Role.AGENT, active=True, created_at=clock.now()  # type: ignore[attr-defined]
    )  # fmt: skip
    db.add(user)
    db.flush()
    ticket = db.scalars(select(Ticket).where(Ticket.contact_id == contact.id)).one()  # type: ignore[attr-defined]
    threads.reply(db, ticket, text, user)


@both
async def test_a_report_of_a_fraud_gets_a_number(person: People, channel: str) -> None:
    palesa = person(channel, "en")
    await palesa.join()
    await palesa.play("me: SCAM\nbot: report.ask\nme: +266 5012 3456 asked me for money\nbot: report.received")
    contact = await palesa.details()
    ticket = await palesa.query(lambda db: db.scalars(select(Ticket).where(Ticket.contact_id == contact.id)).one())
    assert (ticket.kind, ticket.text) == ("report", "+266 5012 3456 asked me for money")
    assert f"number {ticket.id}" in palesa.heard[-1].text


@both
async def test_a_session_is_looked_at_and_answered(person: People, channel: str) -> None:
    palesa = person(channel, "fr")
    await palesa.join("MU", "Lyon")
    await palesa.play(
        """
        me: SÉANCES
        bot: Bien épargner | UTC+
        me: [button.maybe]
        bot: session.rsvp_maybe
        me: sessions
        bot: Bien épargner
        me: [button.yes]
        bot: session.rsvp_yes | https://meet.example.org/1
        """
    )
    contact = await palesa.details()
    rsvp = await palesa.query(lambda db: db.scalars(select(Rsvp).where(Rsvp.contact_id == contact.id)).one())
    assert rsvp.answer == Answer.YES


@both
async def test_secrets_are_refused_and_kept_nowhere_in_any_language(person: People, channel: str) -> None:
    palesa = person(channel)
    await palesa.join()
    for said, secret in SECRETS.items():
        await palesa.play("me: HUMAN\nbot: human.ask")
        await palesa.play(f"me: {said}\nbot: security.do_not_send\nme: Please help me\nbot: human.received")
        stored = await palesa.query(_inbox, await palesa.details())
        assert secret not in stored
        assert "█████" in stored


def _inbox(db: Session, contact: object) -> str:
    rows = db.scalars(
        select(InboxMessage).where(InboxMessage.contact_id == contact.id).order_by(InboxMessage.id.desc()).limit(2)
    )  # type: ignore[attr-defined]
    return " ".join(f"{row.text} {row.payload['raw']} {row.payload['text']}" for row in rows)


async def test_media_places_and_contacts_are_taken_politely(person: People) -> None:
    for channel in ("telegram", "whatsapp"):
        palesa: Person = person(channel)
        await palesa.join()
        # Only Telegram says that a card is the person's own; its number then helps to find their other chat.
        card = "link_chat.number_noted" if channel == "telegram" else "unknown.media"
        for send, reply in (
            (palesa.phone.send_photo(b"png"), "unknown.media"),
            (palesa.phone.send_voice(b"ogg"), "unknown.media"),
            (palesa.phone.send_location(-29.3, 27.5), "unknown.media"),
            (palesa.phone.send_contact("+26650123456"), card),
        ):
            palesa.done += 1
            await send
            await palesa.play(f"bot: {reply}")
