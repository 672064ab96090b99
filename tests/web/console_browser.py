"""A browser without script: it knows cookies, follows redirects, and fills in only what a page offers."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import lxml.html
from fastapi import FastAPI
from lxml.html import FormElement, HtmlElement

from bot import orders
from bot.app import LAYOUTS
from bot.broadcasts.policy import Policy
from bot.content import Content
from bot.db import Database
from bot.messaging.eligibility import Rules
from bot.settings import Settings
from bot.staff import passwords, service
from bot.staff.models import Role
from bot.web import api, odata
from bot.web.console import ConsoleContext, mount

PASSWORD = "four words of mine"


#: Both channels, with one sender each.
SWITCHED_ON: dict[str, Any] = {
    "second_factor_roles": "",
    "telegram_token": "700:token",
    "twilio_account_sid": "AC1",
    "twilio_auth_token": "token",
    "whatsapp_messaging_service_sid": "MG1",
    "public_url": "https://bot.example.org",
}


@dataclass(frozen=True)
class FakeChannel:
    """What a broadcast needs to know of a channel."""

    rate: float
    has_window: bool


@dataclass
class Seen:
    """A page as it came."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def path(self) -> str:
        return self.response.url.path

    @property
    def tree(self) -> HtmlElement:
        return lxml.html.fromstring(self.response.text)

    @property
    def text(self) -> str:
        """Everything a person reads, in one line."""
        return " ".join(" ".join(self.tree.itertext()).split())

    def form(self, action: str) -> FormElement:
        """Return the form that leads to `action` (its end is enough)."""
        forms = [form for form in self.tree.forms if (form.get("action") or self.path).split("?")[0].endswith(action)]
        assert forms, f"no form for {action} on {self.path}"
        return forms[0]


class Browser:
    """One person's browser."""

    def __init__(self, app: FastAPI) -> None:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://staff.test", follow_redirects=True)

    async def open(self, path: str) -> Seen:
        return Seen(await self.client.get(f"/console{path}"))

    async def submit(self, page: Seen, action: str, **fields: Any) -> Seen:
        """Fill in a form of the page and send it; a field that is not there fails the test."""
        form = page.form(action)
        data: dict[str, list[str]] = {}
        for name, value in form.form_values():
            data.setdefault(name, []).append(value)
        for name, value in fields.items():
            assert name in form.fields or form.xpath(f".//button[@name='{name}']"), f"no field {name}"
            data[name] = value if isinstance(value, list) else [str(value)]
        target = httpx.URL(str(page.response.url)).join(form.get("action") or "")
        if (form.get("method") or "get").lower() == "get":
            return Seen(await self.client.get(target, params=data))
        if form.get("enctype") == "multipart/form-data":
            files = {name: data.pop(name)[0] for name in list(data) if name in self._file_names(form)}
            return Seen(await self.client.post(target, data=data, files=files))
        return Seen(await self.client.post(target, data=data))

    @staticmethod
    def _file_names(form: FormElement) -> set[str]:
        return set(form.xpath(".//input[@type='file']/@name"))

    async def upload(self, page: Seen, action: str, name: str, filename: str, content: bytes, **fields: str) -> Seen:
        """Send a form with a file."""
        form = page.form(action)
        data = {key: value for key, value in form.form_values() if key != name} | fields
        target = httpx.URL(str(page.response.url)).join(form.get("action") or "")
        return Seen(await self.client.post(target, data=data, files={name: (filename, content)}))

    async def sign_in(self, role: Role) -> "Browser":
        page = await self.submit(
            await self.open("/sign-in"), "/sign-in", email=f"{role}@example.org", password=PASSWORD
        )
        assert page.path == "/console/", page.text
        return self


@cache
def _hash() -> str:
    """Make the hash once: it is slow on purpose."""
    return passwords.hashed(PASSWORD)


def build(database: Database, messages_dir: Path, data_dir: Path, **settings: Any) -> FastAPI:
    """Return an application with console and API, and one staff user of each role."""
    with database.begin() as db:
        for role in Role:
            user, _ = service.add(db, f"{role}@example.org", f"{role.title()} Person", role)
            user.password_hash, user.link_hash = _hash(), None
    app, made = FastAPI(), context(database, messages_dir, data_dir, **settings)
    mount(app, made)
    api.mount(app, made)
    app.state.context = made
    odata.mount(app, made)
    return app


async def make_orders(app: FastAPI) -> int:
    """Do what a process does in the background: make the exports and reports that wait."""
    made: ConsoleContext = app.state.context
    return await orders.make(made.database, made.settings, "a process")


async def _nothing_to_sync() -> dict[str, str]:
    return {}


def context(database: Database, messages_dir: Path, data_dir: Path, **settings: Any) -> ConsoleContext:
    """Return what the console needs, with both channels switched on."""
    return ConsoleContext(
        database=database,
        content=Content.load(messages_dir),
        settings=Settings(data_dir=data_dir, _env_file=None, **{**SWITCHED_ON, **settings}),
        policy=Policy(
            {"telegram": FakeChannel(30, False), "whatsapp": FakeChannel(80, True)},
            Rules(),
            session_domains=("meet.example.org",),
        ),
        nudge=lambda: None,
        secret=b"a secret for tests",
        exports_dir=data_dir / "exports",
        sync_templates=_nothing_to_sync,
        secure_cookies=False,
        layouts=LAYOUTS,
    )
