"""Surveys and sessions with the keyboard alone."""

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from playwright.async_api import expect
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.events import replies
from bot.events.models import Answer, Event
from bot.staff.models import Role
from bot.surveys.models import Disposition, Run, Survey
from tests.browser.conftest import Office
from tests.browser.hands import Hands
from tests.browser.office import PAPER, plan
from tests.journeys.conftest import somebody

pytestmark = pytest.mark.asyncio(loop_scope="package")


def form(kind: str = "text") -> bytes:
    """Write a workbook as an author would."""
    book = Workbook()
    sheets = {
        "survey": [["type", "name", "label"], [kind, "need", "What do you need?"]],
        "settings": [["form_title", "form_id", "version"], ["Needs", "needs", "1"]],
    }
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


async def _upload(hands: Hands, file: dict[str, Any]) -> None:
    async with hands.file("XLSForm workbook") as chosen:
        await chosen.set_files([file])
    await hands.press("Upload and check")


async def test_a_survey_goes_from_its_workbook_to_its_answers(office: Office) -> None:
    workbook: dict[str, Any] = {"name": "needs.xlsx", "mimeType": "application/octet-stream"}
    async with office.hands(Role.EDITOR) as hands:
        await hands.follow("Surveys")
        await hands.skip()
        await _upload(hands, workbook | {"buffer": form("nothing_like_it")})
        await hands.says("needs.xlsx cannot run yet.")
        await _upload(hands, workbook | {"buffer": form()})
        await hands.reads("The form can run")
        address = hands.page.url.partition("?")[0]
        await hands.follow("Try it")
        await _try(hands)
        await hands.page.goto(address)
        await hands.press("Publish")
        await hands.press("Invite these people")
        await hands.reads("The invitations are on their way.")
        await _answer(office)
        await hands.page.goto(address)
        await hands.reads("Completed 1")
        await hands.open("Where people stop")
        await hands.press("Remind them of their open question")
        await hands.reads("The reminders are on their way")
        await hands.press("Close the survey")
        await hands.reads("Closed")


async def _try(hands: Hands) -> None:
    """Answer on both phones."""
    await hands.press("WhatsApp")
    await hands.reads("WhatsApp, English", "figcaption")
    await hands.write("Write as a member would", "MENU")
    await hands.press("Send")
    await expect(hands.page.locator("#text")).to_be_focused()
    await expect(hands.page.locator("#text")).to_have_accessible_description(re.compile("is answered by the bot"))
    await hands.write("Write as a member would", "Water")
    await hands.press("Send")
    await hands.reads("Water", "dl")
    await hands.press("Take the last step back")
    await hands.reads("No answer.")


async def _answer(office: Office) -> None:
    """Let one answer to the end, and another fall silent."""
    begun = "me: SURVEY\nbot: survey.choose\nme: [Needs]\nbot: What do you need?"
    one, other = somebody(office.stage), somebody(office.stage)
    await one.join()
    await one.play(f"{begun}\nme: Water\nbot: survey.review | Water\nme: yes\nbot: survey.submitted")
    await other.join()
    await other.play(begun)
    long_ago = clock.now() - timedelta(days=2)
    needs = select(Survey.id).where(Survey.form_id == "needs").scalar_subquery()
    silent = update(Run).where(Run.survey_id == needs, Run.disposition != Disposition.COMPLETED)
    await office.do(lambda db: db.execute(silent.values(updated_at=long_ago)))


async def test_a_session_is_planned_published_moved_and_cancelled(office: Office) -> None:
    async with office.hands(Role.EDITOR) as hands:
        await hands.follow("Sessions")
        await hands.follow("Plan a session")
        await hands.write("Title in English", "Sending money")
        await hands.write("Time zone", "Nowhere/Land")
        await hands.date("Begins", "2090-12-20T18:30")
        await hands.press("Save the draft")
        await hands.says("Not saved yet.")
        await hands.jump("Choose a time zone from the list, such as Africa/Maseru.", "zone")
        await hands.write("Time zone", "Africa/Maseru")
        await hands.press("Save the draft")
        await hands.reads("20 Dec 2090, 18:30")
        await hands.press("Publish")
        await hands.press("Invite these people")
        await hands.reads("Waiting its turn")
        await hands.write("Places", "20")
        await hands.press("See who gets a place")
        await hands.tick("I am sure")
        await hands.press("Change the places")
        await hands.reads("of 20 places")
        await hands.follow("Move the session")
        await hands.date("Begins", "2090-12-21T17:00")
        await hands.press("See who is told")
        await hands.tick("I am sure")
        await hands.press("Move the session")
        await hands.reads("21 Dec 2090, 17:00")
        await hands.follow("Sessions", of=hands.main)
        await hands.follow("Calendar")
        await hands.follow(_month(clock.now() + timedelta(days=31)), starts=True)
        await hands.follow("Saving well", starts=True)
        await hands.follow("Sessions", of=hands.main)
        await hands.follow("Sending money")
        await hands.press("Cancel the session")
        await hands.says("Tick")
        await hands.follow("Back")
        await hands.tick("I am sure")
        await hands.press("Cancel the session")
        await hands.reads("Cancelled")


def _month(day: Any) -> str:
    return f"{day:%B %Y}"


async def test_documents_and_who_was_there_are_noted(office: Office, tmp_path: Path) -> None:
    paper = tmp_path / "budget.pdf"
    paper.write_bytes(PAPER)
    number = await office.do(_today, office.stage.app.content)
    async with office.hands(Role.EDITOR, f"/sessions/{number}") as hands:
        async with hands.file("Add a PDF") as chosen:
            await chosen.set_files(paper)
        await hands.press("Add it")
        await hands.press("Remove budget.pdf")
        await hands.reads("Removed.")
        await hands.follow("List and figures")
        await hands.write("Find", "1")
        await hands.press("Find")
        box = hands.main.get_by_role("checkbox")
        await expect(box).to_have_count(1)
        await hands.tick("#1", starts=True)
        await hands.press("Note who was there")
        await expect(hands.main.get_by_role("checkbox").first).to_be_checked()
        await hands.reads("by staff")


def _today(db: Session, content: Any) -> int:
    """Plan a session to which somebody comes, and which begins in a moment."""
    event: Event = plan(db, "Budgeting", timedelta(days=2))
    replies.rsvp(db, content, db.get_one(Contact, 1), event.id, Answer.YES)
    event.starts_local = (clock.now() + timedelta(minutes=5)).replace(tzinfo=None)
    event.zone = "UTC"
    return event.id
