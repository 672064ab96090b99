"""The work of staff in a real browser: a broadcast with the keyboard alone, a survey from its form to its answers."""

import io

import pytest
from openpyxl import Workbook
from playwright.async_api import Page, expect

from bot.staff.models import Role
from tests.browser.conftest import Office
from tests.journeys.conftest import somebody

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def reach(page: Page, selector: str) -> None:
    """Go to something with the Tab key, as somebody without a mouse does."""
    for _ in range(150):
        await page.keyboard.press("Tab")
        if await page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"the Tab key does not lead to {selector} on {page.url}")


async def press(page: Page, selector: str) -> None:
    """Press a button or link that the Tab key leads to, and wait for the page it leads to."""
    await reach(page, selector)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def test_a_broadcast_goes_from_compose_to_results_with_the_keyboard_alone(office: Office) -> None:
    editor, approver = await office.desk(Role.EDITOR), await office.desk(Role.APPROVER, width=360)
    office.troubles.clear()
    await press(editor, "a[href='/console/broadcasts/new']")
    await reach(editor, "#title")
    await editor.keyboard.type("Market day")
    await reach(editor, "#text_en")
    await editor.keyboard.type("The market opens on Saturday.")
    await expect(editor.locator("#text_en-count")).not_to_be_empty()
    await expect(editor.locator("[data-of=en]").first).to_have_text("The market opens on Saturday.")
    await press(editor, "form[enctype] button.primary")
    await expect(editor.locator("h1")).to_have_text("Market day")
    address = editor.url.partition("?")[0]
    await expect(editor.locator("tfoot")).to_contain_text("2")

    await approver.goto(address)
    await press(approver, "form[action$='/approve'] button")
    await expect(approver.locator("[role=status]")).to_contain_text("Approved")

    await editor.goto(address)
    await reach(editor, "#people")
    await editor.keyboard.type("2")
    await press(editor, "form[action$='/send'] button")
    live = editor.locator("[data-live]")
    await expect(live).to_contain_text("none open", timeout=15_000)
    await office.stage.app.run_job("followed_broadcasts")
    await editor.reload()
    await expect(editor.locator("#results")).to_be_visible()
    await press(editor, "a[href$='/recipients']")
    await expect(editor.locator("tbody tr")).to_have_count(2)
    assert office.troubles == []
    await editor.context.close()
    await approver.context.close()


async def test_a_survey_goes_from_its_workbook_to_its_answers(office: Office) -> None:
    page = await office.desk(Role.EDITOR)
    office.troubles.clear()
    await page.goto(f"{office.stage.url}/console/surveys")
    workbook = {"name": "needs.xlsx", "mimeType": "application/octet-stream", "buffer": form()}
    await page.set_input_files("input[type=file]", files=[workbook])
    async with page.expect_navigation():
        await page.locator("form[enctype] button").first.click()
    await expect(page.locator("[role=status]")).to_contain_text("The form can run")
    address = page.url.partition("?")[0]
    async with page.expect_navigation():
        await page.locator("form[action$='/publish'] button").first.click()
    person = somebody(office.stage)
    await person.join()
    await person.play("""
        me: SURVEY
        bot: survey.choose
        me: [Needs]
        bot: What do you need?
        me: Water
        bot: survey.review | Water
        me: yes
        bot: survey.submitted
    """)
    await page.goto(address)
    await expect(page.locator("main")).to_contain_text("Completed 1")
    assert office.troubles == []
    await page.context.close()


def form() -> bytes:
    """Write a workbook as an author would."""
    book = Workbook()
    sheets = {
        "survey": [["type", "name", "label"], ["text", "need", "What do you need?"]],
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


async def test_a_broadcast_is_a_page_without_script_too(office: Office) -> None:
    page = await office.desk(Role.EDITOR, script=False)
    await page.goto(f"{office.stage.url}/console/broadcasts/1")
    await expect(page.locator("h1")).to_have_text("Bond")
    await page.context.close()
