"""Opportunities, figures and everything of the office itself with the keyboard alone, up to signing in."""

from datetime import timedelta

import pyotp
import pytest
from playwright.async_api import expect

from bot import clock
from bot.opportunities import service as opportunities
from bot.staff import service as staff
from bot.staff.models import Role
from tests.browser.conftest import Office
from tests.browser.hands import Hands
from tests.opportunities import cards
from tests.web.console_browser import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_card_is_written_approved_by_a_second_person_announced_and_closed(office: Office) -> None:
    async with office.hands(Role.EDITOR) as hands:
        await hands.follow("Opportunities")
        await hands.follow("Write a card")
        await _write_a_card(hands)
        await hands.press("Save the draft")
        await hands.says("These cannot be read:")
        await hands.jump("Smallest amount", "minimum")
        await hands.write("Smallest amount", "50")
        await hands.press("Save the draft")
        address = hands.page.url.partition("?")[0]
        async with office.hands(Role.APPROVER, address.partition("/console")[2]) as second:
            await second.press("Approve and publish")
            await second.reads("Published")
        await hands.page.goto(address)
        await hands.choose("Whom it is for", "All members")
        await hands.press("Write the broadcast")
        await hands.reads("Mine shares", "h1")
        await hands.page.goto(address)
        await hands.tick("I am sure")
        await hands.press("Close the card")
        await hands.reads("Closed")


async def _write_a_card(hands: Hands) -> None:
    for name in ("Country", "Field", "Kind", "Smallest amount in US dollars, about"):
        await hands.next(name)
    await hands.write("Smallest amount", "a lot")
    await hands.write("Currency", "USD")
    for name in ("Issuer", "Regulator and licence reference", "Authority that gets the leads"):
        await hands.write(name, "The bank, licence 12")
    await hands.write("Contact of the authority", "unit@example.org")
    today = opportunities.today()
    await hands.date("Look again by", str(today + timedelta(days=30)))
    await hands.date("Last day", str(today + timedelta(days=60)))
    await hands.tick("English")
    for language, risk in {"English": "The bank can fail.", **_risks()}.items():
        await hands.write("Risks", risk, of=hands.page.get_by_role("region", name=language, exact=True))
    english = hands.page.get_by_role("region", name="English", exact=True)
    for name, text in {"Title": "Mine shares", "Summary": "Shares in a mine.", "Term": "12 months"}.items():
        await hands.write(name, text, of=english)
    for name in ("Fees", "How to get out", "Who can take part"):
        await hands.write(name, "As the paper says", of=english)


def _risks() -> dict[str, str]:
    names = {"fr": "Français", "st": "Sesotho", "ny": "Chichewa", "mfe": "Kreol Morisien"}
    return {names[code]: text for code, text in cards.RISKS.items()}


async def test_a_lead_is_noted_and_handed_over_and_costs_are_kept(office: Office) -> None:
    async with office.hands(Role.EDITOR, "/opportunities/2") as hands:
        await hands.choose("What became of it", "In touch", starts=True)
        await hands.press("Note it", starts=True)
        await hands.reads("In touch")
        await hands.follow("Costs of sending")
        await hands.write("From", "ZA")
        await hands.choose("To", "Lesotho")
        await hands.write("Provider", "A shop")
        await hands.write("Fee for 200 US dollars, in US dollars", "4.50")
        await hands.write("Exchange-rate margin, in percent", "2")
        await hands.write("Source", "Its window")
        await hands.date("Day of the figure", str(opportunities.today()))
        await hands.press("Keep it")
        await hands.reads("A shop")
        await hands.press("Take out A shop")
        await expect(hands.main.locator("tbody tr")).to_have_count(1)
    async with office.hands(Role.PROTECTION) as hands:
        await hands.follow("Hand-over")
        await hands.write("Why, and under which agreement", "Agreement 7")
        await hands.reach("Make the list as CSV", role="button")
        async with hands.page.expect_download() as saved:
            await hands.page.keyboard.press("Enter")
        assert (await saved.value).suggested_filename.endswith(".csv")


async def test_an_export_is_taken_and_saved_and_a_report_ordered(office: Office) -> None:
    async with office.hands(Role.ANALYST) as hands:
        await hands.follow("Exports")
        await hands.skip()
        await hands.choose("Survey", "Small survey")
        await hands.write("Numbers to make coarser", "nothing:10")
        await hands.press("Export")
        await hands.says("The export was not made.")
        await hands.choose("Survey", "Small survey")
        await hands.press("Export")
        await hands.reads("Export 2")
        await hands.follow("Exports")
        link = await hands.reach(".csv", role="link", of=hands.main, starts=True)
        async with hands.page.expect_download() as saved:
            await hands.page.keyboard.press("Enter")
        assert (await saved.value).suggested_filename == await link.inner_text()
        await hands.follow("Reports")
        await hands.follow("Look at it")
        await hands.page.go_back()
        await hands.choose("About people from", "Lesotho")
        await hands.reach("Draw it", role="button")


async def test_texts_templates_senders_and_the_audit_are_looked_at(office: Office) -> None:
    async with office.hands(Role.ADMINISTRATOR) as hands:
        await hands.follow("Templates and languages")
        await hands.skip()
        await hands.choose("Language", "Français")
        await hands.write("With these words", "human.added")
        await hands.press("Search")
        await hands.reads("human.added")
        await hands.press("Make what is missing, and ask how far approval is")
        await hands.reads("WhatsApp is being asked")
        await hands.follow("announcement")
        await hands.reads("What people read, with examples in the gaps")
        await hands.follow("Senders and settings")
        await hands.reads("OUTREACH_QUIET_FROM")
        await hands.follow("Audit")
        await hands.skip()
        await hands.follow("Check the chain")
        await hands.reads("The chain holds.")


async def test_a_colleague_is_added_changed_and_closed(office: Office) -> None:
    async with office.hands(Role.ADMINISTRATOR) as hands:
        await hands.follow("Staff")
        await hands.write("Name", "Neo Person")
        await hands.write("E-mail address", "neo@example.org")
        await hands.choose("Role", "Analyst")
        await hands.press("Add and show the link")
        link = (await hands.page.locator("[role=status] code").inner_text()).partition("/console")[2]
        await hands.choose("Role of Neo Person", "Editor")
        await hands.press("Change Neo Person")
        await hands.reads("Changed.")
        await hands.press("Close Neo Person")
        await hands.press("Open Neo Person")
        async with office.stranger(link) as newcomer:
            await newcomer.write("Password", PASSWORD)
            await newcomer.press("Set password")
            await newcomer.reads("Your password is set.")


async def test_a_token_is_granted_shown_once_and_revoked(office: Office) -> None:
    async with office.hands(Role.ADMINISTRATOR) as hands:
        await hands.follow("API tokens")
        await hands.write("Program", "Map")
        await hands.tick("contacts:read")
        await hands.press("Grant")
        await hands.press("Show the token Statistics")
        await expect(hands.page.locator("[role=status] code")).to_be_visible()
        await hands.press("Revoke Map")
        await hands.reads("Revoked")


async def test_a_webhook_is_added_tried_switched_off_and_removed(office: Office) -> None:
    async with office.hands(Role.ADMINISTRATOR) as hands:
        await hands.follow("Webhooks")
        await hands.write("Address", f"{office.stage.url}/healthz")
        await hands.tick("an export is ready")
        await hands.press("Add and show the secret")
        await hands.reads("Copy the secret now")
        await hands.follow("Webhooks")
        await hands.follow("127.0.0.1", of=hands.main.locator("tbody tr").last, starts=True)
        await hands.press("Send a test")
        await hands.reads("a test")
        await hands.press("New secret")
        await hands.reads("Copy the secret now")
        await hands.press("Switch off")
        await hands.reads("Off")
        await hands.press("Remove")


async def test_a_second_factor_is_set_up_and_asked_for_at_the_next_sign_in(office: Office) -> None:
    second = "second@example.org"  # somebody of this test's own: nobody else could sign in without the code
    await office.do(lambda db: staff.add(db, second, "Second Person", Role.AGENT, password=PASSWORD))
    async with office.stranger("/sign-in") as hands:
        await hands.write("E-mail address", second)
        await hands.write("Password", PASSWORD)
        await hands.press("Sign in")
        await hands.follow("Second Person")
        await hands.press("Link a chat")
        await hands.follow("Back")
        await hands.follow("Set it up")
        secret = await hands.page.locator("code").inner_text()
        await hands.write("Code", "000000")
        await hands.press("Switch it on")
        assert await hands.page.locator("#code").evaluate("(one) => one === document.activeElement")
        await hands.write("Code", _code(secret))
        await hands.press("Switch it on")
        await hands.follow("I have kept them")
        await hands.press("Sign out")
    async with office.stranger("/sign-in") as hands:
        await hands.write("E-mail address", second)
        await hands.write("Password", "not mine")
        await hands.press("Sign in")
        await hands.says("is wrong")
        await hands.write("E-mail address", second)
        await hands.write("Password", PASSWORD)
        await hands.press("Sign in")
        clock.advance(timedelta(minutes=1))  # no code counts twice
        await hands.write("Code", _code(secret))
        await hands.press("Sign in")
        await hands.reads("Good day, Second", "h1")
        await hands.follow("Second Person")
        await hands.press("Français")
        await expect(hands.page.locator("html")).to_have_attribute("lang", "fr")
        await hands.press("English")


def _code(secret: str) -> str:
    return pyotp.TOTP(secret).at(clock.now())
