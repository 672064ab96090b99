"""Sign-in through an OpenID Connect provider, played by a small one over loopback HTTP."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import clock
from bot.db import Database
from bot.emulators.server import hosting
from bot.staff import service
from bot.staff.models import Role
from bot.web.console import mount
from tests.web.console_browser import Browser, Seen, build, context


@dataclass
class Provider:
    """What the provider says; tests change it to lie."""

    url: str = ""
    email: Any = "editor@example.org"
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signing: RSAKey | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    issued: dict[str, dict[str, str]] = field(default_factory=dict)  #: code -> what was asked at the front door
    algorithm: str = "RS256"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.configuration),
                Route("/keys", self.keys),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def configuration(self, _: Request) -> Response:
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return JSONResponse({"issuer": self.url} | {name: f"{self.url}/{path}" for name, path in ends.items()})

    async def keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def consent(self, address: str) -> tuple[str, str]:
        """Do what the person does at the provider: agree; return the code and the state to come back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        self.issued["a code"] = asked
        return "a code", asked["state"]

    async def token(self, request: Request) -> Response:
        form = await request.form()
        asked = self.issued.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        proven = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        authorised = request.headers.get("authorization") == "Basic " + base64.b64encode(b"outreach:secret").decode()
        if not asked or proven != asked["code_challenge"] or not authorised:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(clock.now().timestamp())
        claims = {"iss": self.url, "aud": "outreach", "sub": "1", "exp": now + 300, "nonce": asked["nonce"]}
        claims |= {"email": self.email, "email_verified": True} | self.claims
        token = jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, self.signing or self.key)
        return JSONResponse({"id_token": token, "access_token": "x", "token_type": "Bearer"})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    played = Provider()
    async with hosting(played.app()) as url:
        played.url = url
        yield played


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, provider: Provider) -> FastAPI:
    build(database, messages_dir, tmp_path)
    given = context(database, messages_dir, tmp_path)
    changed = {
        "oidc_issuer": provider.url,
        "oidc_client_id": "outreach",
        "public_url": "http://staff.test",
        "oidc_client_secret": type(given.settings.secret_key)("secret"),
    }
    settings = given.settings.model_copy(update=changed)
    made = FastAPI()
    mount(made, type(given)(**{name: getattr(given, name) for name in given.__slots__} | {"settings": settings}))
    return made


async def leave(browser: Browser) -> str:
    """Press the link of the sign-in page; return the provider's address."""
    [link] = (await browser.open("/members")).tree.xpath("//a[contains(@href, 'sign-in/provider')]/@href")
    answer = await browser.client.get(link, follow_redirects=False)
    assert answer.status_code == 303
    return answer.headers["location"]


async def through(browser: Browser, provider: Provider) -> Seen:
    code, state = provider.consent(await leave(browser))
    return await browser.open(f"/sign-in/provider/back?code={code}&state={state}")


async def test_a_known_person_comes_in_to_the_page_that_was_asked_for(app: FastAPI, provider: Provider) -> None:
    browser = Browser(app)
    page = await through(browser, provider)
    assert (page.path, page.status) == ("/console/members", 200)
    assert (await browser.open(f"/sign-in/provider/back?code=a+code&state={'x' * 43}")).status == 409


async def test_nobody_else_comes_in(app: FastAPI, provider: Provider, database: Database) -> None:
    for email in ("stranger@example.org", "", None, ["editor@example.org"]):
        provider.email = email
        assert "You have no account here" in (await through(Browser(app), provider)).text
    provider.email = "editor@example.org"
    with database.begin() as db:
        service.set_active(db, service.find(db, "editor@example.org"), False, None)  # type: ignore[arg-type]
    assert "You have no account here" in (await through(Browser(app), provider)).text


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"aud": "another client"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_000_000_000},
        {"email_verified": False},
        {"email_verified": "true"},
    ],
    ids=lambda lie: next(iter(lie)),
)
async def test_a_token_that_is_not_for_this_try_counts_for_nothing(
    app: FastAPI, provider: Provider, lie: dict[str, Any]
) -> None:
    provider.claims = lie
    browser = Browser(app)
    assert (await through(browser, provider)).status == 409
    assert (await browser.open("/members")).path == "/console/sign-in"


async def test_a_token_of_another_key_counts_for_nothing(app: FastAPI, provider: Provider) -> None:
    provider.signing = RSAKey.generate_key(2048, {"kid": "one"})
    assert (await through(Browser(app), provider)).status == 409


async def test_only_the_browser_that_left_may_come_back(app: FastAPI, provider: Provider) -> None:
    code, state = provider.consent(await leave(Browser(app)))
    thief = Browser(app)
    assert "began in another browser" in (await thief.open(f"/sign-in/provider/back?code={code}&state={state}")).text
    thief.client.cookies.set("outreach_provider", "bm9uc2Vuc2U=")
    assert (await thief.open(f"/sign-in/provider/back?code={code}&state={state}")).status == 409


async def test_a_refusal_and_an_outage_are_told(app: FastAPI, provider: Provider, database: Database) -> None:
    browser = Browser(app)
    _, state = provider.consent(await leave(browser))
    page = await browser.open(f"/sign-in/provider/back?error=access_denied&state={state}")
    assert "did not let you through" in page.text
    assert "no usable answer" in (await browser.open(f"/sign-in/provider/back?code=wrong&state={state}")).text


async def test_without_a_provider_nothing_is_offered(database: Database, messages_dir: Path, tmp_path: Path) -> None:
    browser = Browser(build(database, messages_dir, tmp_path))
    assert "organisation" not in (await browser.open("/sign-in")).text
    assert (await browser.open("/sign-in/provider")).status == 404
    assert (await browser.sign_in(Role.EDITOR)) is browser
