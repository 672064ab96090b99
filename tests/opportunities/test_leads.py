"""A lead is in a list if and only if the latest word on it is a yes of a member, and what is not any more is told."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import clock
from bot.broadcasts import rendering
from bot.contacts.consent import Proof
from bot.contacts.models import Contact, State
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.content.templates import BODY_LIMIT, WHATSAPP_LANGUAGES
from bot.conversations import announcing, retention, rights
from bot.db import Database
from bot.opportunities import gate, handover, leads
from bot.staff.models import Role
from tests.opportunities import cards

pytestmark = pytest.mark.usefixtures("frozen")
WORD = Proof("w", "h", "en", "telegram", "yes", None)


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


STEPS = st.tuples(st.sampled_from(["share", "withdraw", "stop", "start", "leave", "erase", "list"]), st.integers(0, 1))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14))
def test_a_list_holds_exactly_who_said_yes_last(
    database: Database, content: Content, steps: list[tuple[str, int]]
) -> None:
    with database.begin() as db:
        card, by = cards.published(db, content), cards.colleague(db, Role.PROTECTION)
        people = [Contact(channel="telegram", state=State.MEMBER, created_at=clock.now()) for _ in range(2)]
        db.add_all(people)
        db.flush()
        yes: set[int] = set()  #: whose latest word is a yes
        held: dict[int, str] = {}  #: what the authority holds: person -> reference
        for step, who in [*steps, ("list", 0)]:
            person = people[who]
            lead = leads.find(db, person.id, card.id)
            if step == "share" and person.state == State.MEMBER:
                leads.share(db, person, card, f"Person {who}, 5812 3456", WORD)
                yes.add(who)
            elif step == "withdraw" and lead:
                leads.withdraw(db, lead, WORD)
                yes.discard(who)
            elif step == "stop" and person.state == State.MEMBER:
                leads.withdraw_all(db, person, WORD)
                person.state = State.STOPPED
                yes.discard(who)
            elif step == "start" and person.state == State.STOPPED:
                person.state = State.MEMBER
            elif step == "leave" and person.state == State.MEMBER:
                person.state = State.LEAVING
                yes.discard(who)
            elif step == "erase":
                rights.erase(db, person)
                yes.discard(who)
            elif step == "list":
                db.flush()
                gone = sorted(reference for number, reference in held.items() if number not in yes)
                if not yes and not gone:
                    continue
                rows = handover.make(db, card.authority, by, "agreement").rows
                named = {row[1]: row[4] for row in rows if row[0] != handover.DELETE}
                assert sorted(named.values()) == [f"Person {number}, 5812 3456" for number in sorted(yes)]
                assert [row[1] for row in rows if row[0] == handover.DELETE] == gone
                held = {int(text[7]): reference for reference, text in named.items()}
        db.rollback()


def test_an_announcement_carries_the_risks_in_every_language_and_as_a_template(
    database: Database, content: Content
) -> None:
    english = {name: "y" * gate.LIMITS.get(name, gate.TEXT_LIMIT) for name in ("title", "summary", "risks")}
    what = cards.draft(texts={code: {**cards.ENGLISH, **english} for code in LANGUAGES})
    with database.begin() as db:
        card = cards.published(db, content, what)
        broadcast = announcing.announce(db, content, card, cards.colleague(db, Role.EDITOR), matched=False)
        for language in LANGUAGES:
            message = rendering.message(content, broadcast, language)
            assert english["risks"] in message.text
            assert content.catalogue.text("opportunity.risk_line", language) in message.text
            assert len(message.text) <= BODY_LIMIT
        for language in WHATSAPP_LANGUAGES:
            message = rendering.message(content, broadcast, language)
            text = content.templates[announcing.TEMPLATE].render(language, message.variables)
            assert english["risks"] in text
            assert content.catalogue.text("opportunity.risk_line", language) in text
            assert len(text) <= BODY_LIMIT


def test_names_go_long_after_the_card_ended_and_the_authority_is_not_told_of_it(
    database: Database, content: Content
) -> None:
    with database.begin() as db:
        card, by = cards.published(db, content), cards.colleague(db, Role.PROTECTION)
        people = [Contact(channel="telegram", state=State.MEMBER, created_at=clock.now()) for _ in range(2)]
        db.add_all(people)
        db.flush()
        given = [leads.share(db, person, card, "Palesa, 5812 3456", WORD) for person in people]
        handover.make(db, card.authority, by, "agreement")
        ended = card.valid_until
        assert ended is not None
        clock.move_to(clock.now() + timedelta(days=61))
        announcing.end_lapsed(db, content)
        clock.advance(retention.Periods().leads - timedelta(days=1))
        assert retention.apply(db) == 0
        clock.advance(timedelta(days=1))
        assert retention.apply(db) == 2
        assert retention.apply(db) == 0
        db.expire_all()
        assert [lead.details for lead in given] == ["", ""]
        assert handover.pending(db) == []
        leads.withdraw(db, given[0], WORD)  # who takes it back later is still told to the authority
        assert [one.withdrawn for one in handover.pending(db)] == [1]
        rows = handover.make(db, card.authority, by, "agreement").rows
        assert [row[:2] for row in rows] == [(handover.DELETE, given[0].reference)]
