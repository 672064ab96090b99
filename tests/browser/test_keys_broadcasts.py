"""A broadcast from its first word to each recipient with the keyboard alone, and without script."""

import pytest
from playwright.async_api import expect

from bot.staff.models import Role
from tests.browser.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_broadcast_goes_from_compose_to_results(office: Office) -> None:
    async with office.hands(Role.EDITOR) as editor:
        await editor.follow("Write a broadcast")
        await editor.skip()
        await editor.write("Title", "Market day")
        await editor.write("English", "The market opens on Saturday.")
        await expect(editor.page.locator("#text_en-count")).not_to_be_empty()
        await expect(editor.page.locator("[data-of=en]").first).to_have_text("The market opens on Saturday.")
        await editor.open("Country of residence")
        await editor.tick("South Africa")
        await editor.press("Save and check")
        await editor.reads("Market day", "h1")
        address = editor.page.url.partition("?")[0]
        path = address.partition("/console")[2]
        async with office.hands(Role.APPROVER, path) as approver:
            await approver.page.set_viewport_size({"width": 360, "height": 800})
            await approver.open("Refuse it")
            await approver.write("Why, for who wrote it", "Which market?")
            await approver.press("Refuse it")
        await editor.follow("Edit")
        await editor.write("English", "The market in Maseru opens on Saturday.")
        await editor.press("Save and check")
        async with office.hands(Role.APPROVER, path) as approver:
            await approver.press("Approve")
            await approver.reads("Approved. It can be sent now.")
        await editor.page.goto(address)
        audience = await editor.page.locator("tfoot td").last.inner_text()
        hint = await editor.page.locator("#people-hint").inner_text()
        await editor.write("How many people get it?", hint.split()[1])
        await editor.press("Send to", starts=True)
        await expect(editor.page.locator("[data-live]")).to_contain_text("none open", timeout=15_000)
        await office.stage.app.run_job("followed_broadcasts")
        await editor.page.reload()
        await editor.reads("Results")
        await editor.follow("Each recipient")
        await expect(editor.page.locator("tbody tr")).to_have_count(int(audience))


async def test_a_broadcast_is_a_page_without_script_too(office: Office) -> None:
    page = await office.desk(Role.EDITOR, script=False)
    await page.goto(f"{office.stage.url}/console/broadcasts/1")
    await expect(page.locator("h1")).to_have_text("Bond")
    await page.context.close()
