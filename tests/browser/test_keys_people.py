"""Home, members and the inbox with the keyboard alone."""

from pathlib import Path

import pytest
from playwright.async_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Address, Contact, State, Trait, TraitKind
from bot.conversations import alike
from bot.conversations.models import Ticket
from bot.staff.models import Role
from tests.browser.conftest import Office
from tests.browser.hands import Hands

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_home_leads_to_what_waits_and_the_menu_of_a_phone_opens_and_closes(office: Office) -> None:
    async with office.hands(Role.EDITOR) as hands:
        first = await hands.page.evaluate("document.activeElement === document.body")
        assert first
        await hands.skip()
        await hands.follow("1 of unknown outcome", starts=True)
        await hands.reads("Uncertain messages", "h1")
        await hands.tick("Broadcast")
        await hands.press("Leave")
        await hands.reads("Every message has an outcome.")
        await hands.page.set_viewport_size({"width": 360, "height": 800})
        menu = hands.page.locator("#menu")
        await expect(menu).to_be_hidden()
        await hands.reach("Menu", role="button")
        await hands.page.keyboard.press("Enter")
        await expect(menu).to_be_visible()
        await hands.reach("Surveys", role="link")
        await hands.page.keyboard.press("Escape")
        await expect(menu).to_be_hidden()
        await hands.reach("Menu", role="button")
        await hands.page.keyboard.press("Enter")
        await hands.follow("Members")
        await hands.reads("Members", "h1")


async def test_a_member_is_found_and_a_number_shown_for_a_reason(office: Office) -> None:
    async with office.hands(Role.PROTECTION) as hands:
        await hands.follow("Members")
        await hands.skip()
        await hands.write("Number", "1")
        await hands.press("Search")
        await hands.follow("Member 1")
        await hands.press("Show them")
        await hands.says("Choose why you need to see")
        await hands.follow("Back")
        await hands.choose("Why do you need to see them?", "To answer this")
        await hands.press("Show them")
        await hands.reads("for 15 minutes")


async def test_notes_groups_and_join_links_are_made(office: Office) -> None:
    async with office.hands(Role.EDITOR, "/members/1") as hands:
        await hands.write("A note. It is part of what the person gets with MY DATA.", "Called us in May.")
        await hands.press("Keep the note")
        await hands.reads("Called us in May.")
        await hands.follow("Members", of=hands.main)
        await hands.follow("Groups")
        await hands.write("Name", "Teachers")
        await hands.press("Add it")
        await hands.write("Their numbers, with anything between them", "1, 2")
        await hands.press("Put them in")
        await hands.press("Take member 2 out")
        await expect(hands.main.locator("tbody tr")).to_have_count(1)
        await hands.follow("Members", of=hands.main)
        await hands.follow("Join links")
        await hands.write("Where it will be", "Poster at the mine")
        await hands.choose("Kind", "Poster or leaflet")
        await hands.write("Code", "NOT A CODE!")
        await hands.press("Make the link")
        await hands.says("The link was not made.")
        await hands.write("Code", "mine")
        await hands.press("Make the link")
        await hands.reads("Poster at the mine")


async def test_a_list_is_looked_at_imported_and_taken_back(office: Office, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("phone\n+266 5899 0022\n")
    async with office.hands(Role.EDITOR, "/members") as hands:
        await hands.follow("Import a list")
        await _choose(hands, listed)
        await hands.write("Who gave us the list", "the embassy in Pretoria")
        await hands.press("Look")
        await hands.reads("1 person would be invited")
        await _choose(hands, listed)
        await hands.press("Invite 1 person")
        await hands.reads("Imported: each person gets one invitation.")
        await hands.press("Remove who has not answered Import 2")
        await hands.reads("Who had not answered is removed.")


async def _choose(hands: Hands, file: Path) -> None:
    async with hands.file("CSV or Excel file") as chosen:
        await chosen.set_files(file)


async def test_two_members_become_one_and_two_stay_two(office: Office) -> None:
    one, other = await office.do(_pair)
    async with office.hands(Role.PROTECTION) as hands:
        await hands.follow("may be one person", starts=True)
        pair = hands.page.get_by_role("region", name=f"Members {one} and {other}")
        await hands.tick(f"Member {one}", of=pair)
        await hands.tick("I am sure", of=pair)
        await hands.press("One person", of=pair)
        await hands.reads("They are one member now.")
        await hands.press("Two people")
        await hands.reads("They stay two, and are not suggested again.")


def _pair(db: Session) -> tuple[int, int]:
    ids = []
    for number in (1, 2):
        contact = Contact(channel="telegram", state=State.MEMBER, created_at=clock.now())
        db.add(contact)
        db.flush()
        value = f"47110{number}"
        db.add(Address(contact_id=contact.id, channel="telegram", value=value, value_hash=value, sender="s"))
        db.add(Trait(contact_id=contact.id, kind=TraitKind.NUMBER, value_hash="twice"))
        ids.append(contact.id)
    db.flush()
    assert alike.find(db)
    return ids[0], ids[1]


async def test_a_question_is_taken_answered_with_a_ready_answer_and_handed_back(office: Office) -> None:
    number = await office.do(lambda db: db.scalar(select(Ticket.id).order_by(Ticket.id)))
    async with office.hands(Role.AGENT) as hands:
        await hands.follow("Inbox")
        await hands.skip()
        await hands.follow(f"Question {number}")
        await hands.press("I see to it")
        await hands.reads("Agent Person")
        await hands.write("Members never see it", "Asked the embassy.")
        await hands.press("Keep the note")
        await hands.reads("Asked the embassy.")
        await hands.choose("Ready answer", "Voting")
        await hands.press("Put it in")
        await hands.reach("Answer by Telegram")
        await expect(hands.page.locator("#text")).to_have_value("At the embassy.")
        await hands.press("Send and stay in the chat")
        await hands.reads("You have this chat")
        await hands.press("Hand the chat back to the bot")
        await expect(hands.page.locator("[role=status]")).to_be_visible()
        await hands.follow("Ready answers")
        await hands.write("Title", "Opening hours")
        await hands.write("English", "Nine to five.")
        await hands.press("Save")
        await hands.press("Remove “Opening hours”")
        await expect(hands.main.locator("tbody tr")).to_have_count(1)
