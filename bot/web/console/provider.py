"""Sign-in through the organisation's OpenID Connect provider: authorisation code with PKCE, for existing staff only."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from bot import clock, crypto
from bot.settings import Settings
from bot.staff import service, sessions
from bot.staff.sessions import SignedIn
from bot.web.console.routes import Open, Pages
from bot.web.console.serving import set_cookie
from bot.web.console.signing_in import enter
from bot.web.console.visit import NotFound, Refused, Visit

log = structlog.get_logger(__name__)
pages = Pages()

COOKIE = "outreach_provider"
#: How long somebody may take at the provider, in seconds.
PATIENCE = 600
_TIMEOUT = 10
#: Signatures we take; never none, never one with a shared secret.
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


class Untrusted(Exception):
    """The provider's answer does not prove who somebody is; the message is for the log."""


@pages.get("/sign-in/provider", needs=Open.ANYONE)
async def leave(visit: Visit) -> Response:
    settings = _settings(visit)
    try:
        endpoint = (await _discover(settings))["authorization_endpoint"]
    except (httpx.HTTPError, Untrusted, KeyError) as error:
        return _failed(error)
    attempt = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt["verifier"].encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": settings.oidc_client_id,
        "redirect_uri": _redirect_uri(settings),
        "scope": "openid email",
        "state": attempt["state"],
        "nonce": attempt["nonce"],
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    response = RedirectResponse(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", 303)
    kept = attempt | {"next": visit.query.text("next"), "at": clock.now().timestamp()}
    sealed = base64.urlsafe_b64encode(crypto.keyring().encrypt(json.dumps(kept).encode())).decode()
    set_cookie(response, visit.context, COOKIE, sealed)
    return response


@pages.get("/sign-in/provider/back", needs=Open.ANYONE)
async def come_back(visit: Visit) -> Response:
    settings = _settings(visit)
    attempt = _attempt(visit)
    given = visit.query.text("state")
    if attempt is None or not hmac.compare_digest(attempt["state"].encode(), given.encode()):
        raise Refused("provider_stale")
    if not visit.query.text("code"):
        raise Refused("provider_refused")
    try:
        claims = await _claims(settings, visit.query.text("code"), attempt)
    except (httpx.HTTPError, Untrusted, KeyError, ValueError) as error:
        return _failed(error)
    if claims.get("email_verified") is not True:
        raise Refused("provider_unverified")
    opened = await visit.database.run(_open, str(claims.get("email") or ""))
    if opened is None:
        raise Refused("provider_stranger")
    response = enter(visit, opened, attempt["next"])
    response.delete_cookie(COOKIE, path="/console")
    return response


def _open(db: Session, email: str) -> SignedIn | None:
    """Open a session for the member of staff with this address; the provider has asked for its own second factor."""
    user = service.find(db, email)
    return sessions.complete(db, user, "provider") if user and user.active else None


def _settings(visit: Visit) -> Settings:
    if not visit.context.settings.oidc_issuer:
        raise NotFound
    return visit.context.settings


def _redirect_uri(settings: Settings) -> str:
    return f"{settings.public_url}/console/sign-in/provider/back"


def _failed(error: Exception) -> Response:
    log.warning("the sign-in provider gave no usable answer", error=type(error).__name__)
    raise Refused("provider_failed") from error


def _attempt(visit: Visit) -> dict[str, Any] | None:
    """Return what this browser set out with, while it is fresh."""
    try:
        sealed = base64.urlsafe_b64decode(visit.request.cookies.get(COOKIE, ""))
        kept: dict[str, Any] = json.loads(crypto.keyring().decrypt(sealed))
    except (ValueError, crypto.WrongKey):
        return None
    return kept if clock.now().timestamp() - kept["at"] < PATIENCE else None


async def _discover(settings: Settings) -> dict[str, Any]:
    found = await _get(f"{settings.oidc_issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != settings.oidc_issuer:
        raise Untrusted("the provider calls itself otherwise")
    return found


async def _get(address: str) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
        return _json(await client.get(address))


def _json(answer: httpx.Response) -> dict[str, Any]:
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise Untrusted("the provider's answer is no object")
    return found


async def _claims(settings: Settings, code: str, attempt: dict[str, Any]) -> dict[str, Any]:
    """Change the code for an identity token; return what it says when it is the provider's, for us, for this try."""
    config = await _discover(settings)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": _redirect_uri(settings),
        "code_verifier": attempt["verifier"],
        "client_id": settings.oidc_client_id,
    }
    secret = settings.oidc_client_secret.get_secret_value()
    async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
        basic = httpx.BasicAuth(settings.oidc_client_id, secret) if secret else httpx.USE_CLIENT_DEFAULT
        answer = _json(await client.post(config["token_endpoint"], data=form, auth=basic))
    keys = KeySet.import_key_set(await _get(config["jwks_uri"]))  # type: ignore[arg-type]
    try:
        token = jwt.decode(str(answer["id_token"]), keys, algorithms=_ALGORITHMS)
        expected = jwt.JWTClaimsRegistry(
            now=int(clock.now().timestamp()),
            leeway=60,
            iss={"essential": True, "value": config["issuer"]},
            aud={"essential": True, "value": settings.oidc_client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": attempt["nonce"]},
        )
        expected.validate(token.claims)
    except JoseError as error:
        raise Untrusted(type(error).__name__) from None
    return dict(token.claims)
