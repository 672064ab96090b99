"""An investment card through its whole life, a lead taken back, and what it costs to send money: as chats."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import rendering
from bot.broadcasts import service as broadcasts
from bot.contacts.models import Contact
from bot.contacts.service import set_interests
from bot.conversations import announcing
from bot.conversations.models import Ticket
from bot.demo.stage import Stage
from bot.opportunities import costs, handover, leads, service
from bot.opportunities.models import Lead, Opportunity
from bot.staff.models import Role
from tests.journeys.chat import Person
from tests.journeys.conftest import People
from tests.opportunities import cards

pytestmark = pytest.mark.asyncio(loop_scope="session")
#: The five languages, each on one channel or the other.
life = pytest.mark.parametrize(("channel", "language"), [("telegram", "mfe"), ("whatsapp", "en")])
leaving = pytest.mark.parametrize(("channel", "language"), [("telegram", "st"), ("whatsapp", "fr")])
sending = pytest.mark.parametrize(("channel", "language"), [("telegram", "en"), ("whatsapp", "ny")])
RISKS = cards.RISKS | {"en": "The bank can fail."}


@pytest.fixture(autouse=True)
def _by_day(person: People) -> None:
    """Move on to a morning: nothing unasked leaves at night."""
    del person
    now = clock.now()
    clock.move_to((now + timedelta(days=1)).replace(hour=7, minute=0))


async def _end_all(town: Stage) -> None:
    """Let no card of an earlier test be seen."""

    def end(db: Session) -> None:
        for card in service.visible(db, town.app.content):
            service.close(db, card, cards.colleague(db, Role.EDITOR))
        announcing.end_lapsed(db, town.app.content)
        db.execute(update(Contact).values(wants_matches=None))

    await town.app.database.run(end)


def _announce(db: Session, town: Stage, card_id: int) -> int:
    content, policy = town.app.content, town.app.policy
    card = db.get_one(Opportunity, card_id)
    editor, approver = cards.colleague(db, Role.EDITOR), cards.colleague(db, Role.APPROVER)
    broadcast = announcing.announce(db, content, card, editor, matched=True)
    seen = rendering.content_hash(content, broadcast)
    broadcasts.approve(db, content, broadcast, approver, policy, seen=seen)
    broadcasts.send(db, content, broadcast, editor, policy)
    return broadcast.id


@life
async def test_a_card_through_its_whole_life(town: Stage, person: People, channel: str, language: str) -> None:
    await _end_all(town)
    content, authority = town.app.content, f"Unit for {channel}"
    palesa, risk = person(channel, language), RISKS[language].rstrip(".")
    await palesa.join()
    await palesa.run(lambda db: set_interests(db, db.merge(palesa.contact(db)), ["savings"]))

    def write(db: Session) -> int:
        editor = cards.colleague(db, Role.EDITOR)
        card = service.draft(db, editor, cards.saying(summary="A gua-ran-teed income."))
        with pytest.raises(service.HasProblems, match="guaranteed"):
            service.approve(db, content, card, cards.colleague(db, Role.APPROVER), seen=_hash(card))
        short = {"valid_until": service.today() + timedelta(days=1), "review_on": service.today()}
        service.edit(db, card, editor, cards.draft(authority=authority, **short))
        with pytest.raises(service.OwnWork):
            service.approve(db, content, card, _approver_too(db, card), seen=_hash(card))
        return card.id

    card_id = await palesa.run(write)
    await palesa.play("me: OPPORTUNITIES\nbot: opportunity.none")
    await palesa.run(lambda db: _approve(db, town, card_id))
    await palesa.play(
        """
        me: OPPORTUNITIES
        bot: opportunity.ways_in | opportunity.risk_line
        me: [button.opp_match]
        bot: opportunity.list_intro | {risk} | opportunity.risk_line
        me: [button.opp_match_on]
        bot: {savings}
        me: [button.agree]
        bot: opportunity.match_on
        """,
        risk=risk,
        savings=palesa.words("interest.savings"),
    )
    broadcast_id = await palesa.run(_announce, town, card_id)
    message = await palesa.hear("Diaspora savings account", risk, "opportunity.risk_line")
    assert "guarante" not in message.text
    await palesa.play(
        """
        me: [button.opp_show]
        bot: Diaspora savings account | Bank of Zomba | {risk} | opportunity.risk_line
        me: [button.opp_save]
        bot: opportunity.saved | {risk} | opportunity.risk_line
        me: [button.opp_ask]
        bot: opportunity.ask_question
        me: Is the fee taken at the start?
        bot: opportunity.question_received | opportunity.risk_line
        me: OPPORTUNITIES
        bot: opportunity.ways_in
        me: [button.opp_country]
        bot: opportunity.by_country
        me: [Malawi]
        bot: opportunity.list_intro
        me: 1
        bot: Diaspora savings account
        me: [button.opp_interest]
        bot: opportunity.ask_details
        me: call me
        bot: opportunity.details_unclear
        me: Palesa Mokoena, +266 5812 3456
        bot: Palesa Mokoena, +266 5812 3456 | {authority} | opportunity.risk_line
        me: [button.agree]
        bot: opportunity.interest_saved | {risk} | opportunity.risk_line
        """,
        authority=authority,
        risk=risk,
    )
    (ticket,) = await palesa.query(_tickets, palesa)
    assert (ticket.about, ticket.text) == (f"opportunity:{card_id}", "Is the fee taken at the start?")
    (announced,) = await palesa.query(lambda db: announcing.announced(db, db.get_one(Opportunity, card_id)))
    assert announced.broadcast.id == broadcast_id
    assert announced.sent == 1
    assert announced.figures == {"opened": 1, "saved": 1, "asked": 1, "interested": 1}

    rows = await _hand_over(palesa, authority)
    assert [row[0] for row in rows] == [handover.NEW]
    assert rows[0][4] == "Palesa Mokoena, +266 5812 3456"
    assert await palesa.run(_follow_up, town, card_id) == 1
    await palesa.play("bot: opportunity.followup\nme: [button.opp_heard]\nbot: opportunity.followup_thanks")
    await palesa.play(
        """
        me: OPPORTUNITIES
        bot: opportunity.ways_in
        me: [button.opp_saved]
        bot: opportunity.list_intro
        me: 1
        bot: Diaspora savings account
        me: [button.opp_withdraw]
        bot: opportunity.interest_withdrawn | {authority} | opportunity.risk_line
        """,
        authority=authority,
    )
    assert [row[0] for row in await _hand_over(palesa, authority)] == [handover.DELETE]
    with pytest.raises(service.NotPossible):
        await _hand_over(palesa, authority)

    clock.move_to((clock.now() + timedelta(days=2)).replace(hour=7, minute=0))
    assert await palesa.run(lambda db: announcing.end_lapsed(db, content)) in (0, 1)  # the job may have been faster
    await palesa.hear("Diaspora savings account", risk, "opportunity.risk_line")
    last = next(one for one in reversed(palesa.heard) if "Diaspora savings account" in one.text and one.buttons)
    await palesa.tap("button.opp_ask", last)
    await palesa.hear("opportunity.expired")
    await palesa.play("me: OPPORTUNITIES\nbot: opportunity.none")


def _hash(card: Opportunity) -> str:
    from bot.opportunities import gate

    return gate.content_hash(card)


def _approver_too(db: Session, card: Opportunity):  # type: ignore[no-untyped-def]
    user = cards.colleague(db, Role.APPROVER, "writes-too")
    card.writers = [*card.writers, user.id]
    db.flush()
    return user


def _approve(db: Session, town: Stage, card_id: int) -> None:
    card = db.get_one(Opportunity, card_id)
    service.approve(db, town.app.content, card, cards.colleague(db, Role.APPROVER), seen=_hash(card))


def _tickets(db: Session, one: Person) -> list[Ticket]:
    contact = one.contact(db)
    assert contact
    return list(db.scalars(select(Ticket).where(Ticket.contact_id == contact.id)))


async def _hand_over(one: Person, authority: str) -> list[tuple[str, ...]]:
    def make(db: Session) -> list[tuple[str, ...]]:
        by = cards.colleague(db, Role.PROTECTION)
        return handover.make(db, authority, by, "agreement 7, monthly").rows

    return await one.run(make)  # type: ignore[no-any-return]


def _follow_up(db: Session, town: Stage, card_id: int) -> int:
    card = db.get_one(Opportunity, card_id)
    return leads.ask_how_it_went(db, town.app.content, card, cards.colleague(db, Role.EDITOR))


@leaving
async def test_stop_takes_every_lead_back(town: Stage, person: People, channel: str, language: str) -> None:
    await _end_all(town)
    thabo = person(channel, language)
    await thabo.join()
    authority = f"Office of {channel}"
    await thabo.run(lambda db: cards.published(db, town.app.content, cards.draft(authority=authority)).id)
    await thabo.play(
        """
        me: OPPORTUNITIES
        bot: opportunity.ways_in
        me: 1
        bot: opportunity.list_intro
        me: 1
        bot: Diaspora savings account
        me: [button.opp_interest]
        bot: opportunity.ask_details
        me: Thabo, thabo@example.org
        bot: thabo@example.org
        me: [button.decline]
        bot: opportunity.not_shared
        """
    )
    assert await thabo.query(lambda db: list(db.scalars(select(Lead).where(Lead.authority == authority)))) == []
    await thabo.play(
        """
        me: OPPORTUNITIES
        bot: opportunity.ways_in
        me: [button.opp_all]
        bot: opportunity.list_intro
        me: 1
        bot: Diaspora savings account
        me: [button.opp_interest]
        bot: opportunity.ask_details
        me: Thabo, thabo@example.org
        bot: thabo@example.org
        me: [button.agree]
        bot: opportunity.interest_saved
        """
    )

    def make(db: Session) -> list[tuple[str, ...]]:
        return handover.make(db, authority, cards.colleague(db, Role.PROTECTION), "agreement 7").rows

    assert [row[0] for row in await thabo.run(make)] == [handover.NEW]
    await thabo.play("me: STOP\nbot: stop.confirmed")
    assert [row[0] for row in await thabo.run(make)] == [handover.DELETE]


@sending
async def test_what_it_costs_to_send_money(town: Stage, person: People, channel: str, language: str) -> None:
    await _end_all(town)
    await town.app.database.run(lambda db: [db.delete(row) for row in costs.rows(db)])
    mpho = person(channel, language)
    if language != "en":  # of a stranger nothing is known
        await mpho.join()
    await mpho.play("me: COSTS\nbot: costs.text | costs.none")
    today = service.today()
    figures = [
        costs.Figure("ZA", "LS", "Second", Decimal("8.00"), Decimal("1.50"), "Survey of banks", today),
        costs.Figure("ZA", "LS", "First", Decimal("9.00"), Decimal("0.50"), "Survey of banks", today - timedelta(150)),
        costs.Figure("ZA", "LS", "Long ago", Decimal("1.00"), Decimal("0.50"), "Survey", today - timedelta(400)),
        costs.Figure("ZA", "MW", "Third", Decimal("8.00"), Decimal("1.50"), "Survey of banks", today),
    ]
    await town.app.database.run(lambda db: costs.record(db, cards.colleague(db, Role.EDITOR), figures))
    await mpho.play("me: COSTS\nbot: costs.text | costs.ask_destination\nme: [Lesotho]\nbot: costs.ask_origin")
    await mpho.act("[South Africa]")
    answer = await mpho.hear("costs.intro", "1. First: 10 USD in all (5%)", "2. Second: 11 USD in all (5.5%)")
    assert "Fee 8 USD, exchange-rate margin 3 USD" in answer.text
    assert "More than 120 days old" in answer.text.split("2. Second")[0]
    assert "Long ago" not in answer.text
    await town.app.database.run(lambda db: [db.delete(row) for row in costs.rows(db)])
