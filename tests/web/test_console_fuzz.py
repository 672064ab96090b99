"""Every form of every page, as each role, filled in by somebody who means harm or is careless: nothing fails, and
nothing that was typed comes back as markup, as a template that was worked out, or as a formula in a CSV."""

import csv
import io
import json
import os
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from lxml.html import FormElement

from bot import clock
from bot.contacts.models import Contact
from bot.conversations.models import Ticket
from bot.db import Database
from bot.staff.models import Role
from bot.webhooks.models import Webhook
from tests.exports import towns
from tests.web.api_program import granted
from tests.web.console_browser import Browser, build
from tests.web.test_console_broadcasts import add_member, write
from tests.web.test_console_hostile import MARK, PAGES, app_paths

#: How many inputs; `make fuzz` tries 10,000.
INPUTS = int(os.environ.get("OUTREACH_FUZZ", "200"))
ROLES = list(Role) if INPUTS >= 1000 else [Role.ADMINISTRATOR, Role.PROTECTION]
SUM, WORKED_OUT = "{{ 731 * 911 }}", "665941"
FORMULA = "=cmd|' /C calc'!A0"
HOSTILE = (
    "",
    " ",
    MARK,
    f'"><script>alert(1)</script>{MARK}',
    f"' onmouseover='x' {MARK}",
    f"]]>&lt;{MARK}<!--",
    SUM,
    "{% raw %}" + SUM,
    "${731*911}#{731*911}",
    "%(name)s %s {0} {}",
    FORMULA,
    "+1+1",
    "@SUM(A1)",
    "'; DROP TABLE contact; --",
    "1 OR 1=1",
    "\x00",
    "a\x00b\x1b[31m\x7f",
    "\ud800",
    "\u202egnp.exe\u2066",
    "ﷺ" * 2000,
    "é" * 20_000,
    "🏳️‍🌈" * 50,
    "١٢٣",
    "-1",
    "0",
    "1e309",
    "NaN",
    "0x10",
    "1.5",
    "99999999999999999999999999",
    "999999999999999",
    "2147483648",
    "0001-01-01T00:00",
    "9999-12-31T23:59",
    "2026-02-30T25:61",
    "2026-03-29T02:30",
    "0000-00-00",
    "../../etc/passwd",
    "https://user@10.0.0.1:99999/",
    "javascript:alert(1)",
    "Africa/Nowhere",
    "\r\nSet-Cookie: a=b",
    "on",
    "yes",
    "[]",
    "null",
)
#: Would close the accounts that the test itself uses: tried with numbers that nobody has.
OWN = re.compile(r"/staff/[0-9]+/(role|active|second-factor)$")
LEAVES = ("/sign-out", "/account/sign-out-elsewhere")


@dataclass(frozen=True)
class Found:
    """A form, and who found it."""

    role: Role
    method: str
    action: str
    values: tuple[tuple[str, str], ...]  #: as the page offers them
    files: frozenset[str]


@pytest.fixture
async def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    """An office with one of everything."""
    with database.begin() as db:
        contact: Contact = add_member(db, 1)
        contact.source = MARK
        asked = {"kind": "human", "text": MARK, "opened_at": clock.now(), "waiting_since": clock.now()}
        db.add(Ticket(contact_id=contact.id, **asked))
        towns.add_run(db, towns.add_survey(db), {"origin": "LS"}, began=clock.now())
        hook = {"url": "https://example.org/", "kinds": [], "secret": "whsec_", "created_by": "1"}
        db.add(Webhook(**hook, created_at=clock.now()))
    made = build(database, messages_dir, tmp_path)
    granted(database, Role.PROTECTION)
    editor = await Browser(made).sign_in(Role.EDITOR)
    await write(editor, title=MARK, text_en=MARK)
    await editor.submit(await editor.open("/sessions/new"), "/sessions/new", title_en=MARK, starts="2090-01-01T10:00")
    await editor.submit(await editor.open("/members/groups"), "/members/groups", name=MARK)
    await editor.submit(await editor.open("/opportunities/new"), "/opportunities/new", title_en=MARK)
    return made


async def crawl(browser: Browser, role: Role) -> Iterator[Found]:
    """Return every form of every page that the role may open."""
    found = {}
    for page, path in zip(PAGES, app_paths(), strict=True):
        if page.method == "GET" and "stream" not in path:
            seen = await browser.open(path)
            check(seen.response, path)
            if seen.response.headers.get("content-type", "").startswith("text/html"):
                for form in seen.tree.forms:
                    one = read(role, str(seen.response.url), form)
                    found.setdefault((one.method, one.action, tuple(name for name, _ in one.values)), one)
    return iter(found.values())


def read(role: Role, page: str, form: FormElement) -> Found:
    names = dict.fromkeys(name for name in form.fields if name)
    given = form.form_values()
    values = [*given, *((name, "") for name in names if name not in dict(given))]
    buttons = [(one.get("name"), one.get("value") or "") for one in form.xpath(".//button[@name]")]
    action = str(httpx.URL(page).join(form.get("action") or ""))
    files = frozenset(form.xpath(".//input[@type='file']/@name"))
    return Found(role, (form.get("method") or "get").upper(), action, (*values, *buttons[:1]), files)


def check(answer: httpx.Response, told: object) -> None:
    """Fail for an answer that failed, or gives back what was typed as more than text."""
    assert answer.status_code < 500, told
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html"):
        for wrong in (MARK, "<script>alert", "' onmouseover='", WORKED_OUT):
            assert wrong not in answer.text, (told, wrong)
    if kind.startswith("text/csv"):
        cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
        assert [cell for cell in cells if cell.startswith(("=", "@", "+1"))] == [], told
    assert "a" not in answer.cookies


def fill(found: Found, chance: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """Return where a form is sent, and its fields: some as they were, some hostile, missing, repeated or unknown."""
    action = found.action
    if OWN.search(action) or chance.random() < 0.1:
        action = re.sub(r"/[0-9]+(?=/|$)", f"/{chance.choice((0, 999, 999999999999999))}", action)
    fields = []
    for name, value in found.values:
        roll = chance.random()
        if (name == "token" and roll < 0.97) or roll < 0.35:
            fields.append((name, value))
        elif roll < 0.9:
            fields += [(name, chance.choice(HOSTILE)) for _ in range(3 if roll < 0.42 else 1)]
    if chance.random() < 0.1:
        fields.append((chance.choice(("unknown", "id", "value.x.en.x", "value..xx.", MARK)), chance.choice(HOSTILE)))
    return action, fields


async def send(browser: Browser, found: Found, chance: random.Random) -> httpx.Response:
    action, fields = fill(found, chance)
    plain: dict[str, list[str]] = {}
    for name, value in fields:
        plain.setdefault(name, []).append(value.encode("utf-8", "replace").decode())
    if found.method == "GET":
        short = {name: [value[:200] for value in values] for name, values in plain.items()}
        return await browser.client.get(action, params=short)
    if found.files and chance.random() < 0.7:
        name = chance.choice(HOSTILE)[:50].encode("utf-8", "replace").decode()
        upload = (name, chance.choice((b"", b"PK\x03\x04", b"%PDF-1.7", b"\xff" * 5000)))
        data = {name: values for name, values in plain.items() if name not in found.files}
        return await browser.client.post(action, data=data, files=dict.fromkeys(found.files, upload))
    return await browser.client.post(action, data=plain)


async def signed_in(app: FastAPI, role: Role, browser: Browser | None = None) -> Browser:
    """Return the browser while it is signed in, else a new one."""
    if browser and (await browser.client.get("/console/account")).url.path == "/console/account":
        return browser
    return await Browser(app).sign_in(role)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the stricter one
async def test_no_form_fails_or_gives_back_markup_whatever_is_typed(app: FastAPI) -> None:
    chance, began = random.Random(20261124), time.monotonic()
    browsers = {role: await signed_in(app, role) for role in ROLES}
    forms = [one for role in ROLES for one in await crawl(browsers[role], role) if not one.action.endswith(LEAVES)]
    assert len({one.action for one in forms}) > 40
    statuses: dict[int, int] = {}
    for number in range(INPUTS):
        found = forms[number % len(forms)] if number < len(forms) else chance.choice(forms)
        answer = await send(browsers[found.role], found, chance)
        check(answer, found)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if number % 500 == 499:
            browsers = {role: await signed_in(app, role, browsers[role]) for role in ROLES}
            forms = forms if number % 2000 < 1999 else await again(browsers)
    for role in ROLES[:1] if INPUTS < 1000 else ROLES:
        await crawl(await signed_in(app, role, browsers[role]), role)  # what was kept is shown as text too
    figures: dict[str, Any] = {"fuzz": "console", "forms": len(forms), "inputs": INPUTS, "failures": 0}
    print(json.dumps(figures | {"statuses": statuses, "seconds": round(time.monotonic() - began)}))


async def again(browsers: dict[Role, Browser]) -> list[Found]:
    """Return the forms as they are now, with what has been added meanwhile."""
    every = [one for role, browser in browsers.items() for one in await crawl(browser, role)]
    return [one for one in every if not one.action.endswith(LEAVES)]
