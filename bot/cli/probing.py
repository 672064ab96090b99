"""Ask the providers whether they know us, before messages depend on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.cli.output import Trouble
from bot.settings import Settings

PATIENCE = 5  #: seconds
TWILIO = "https://api.twilio.com"
NO_CHANNEL = (
    "No channel is switched on: write OUTREACH_TELEGRAM_TOKEN=... (from @BotFather) or OUTREACH_TWILIO_ACCOUNT_SID=... "
    "and what belongs to it into .env; `outreach demo` needs none"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what was found; a problem is told with its cure."""

    check: str
    ok: bool
    says: str


@dataclass(frozen=True, slots=True)
class _Account:
    """How to ask one provider, and which settings to mend when it says no."""

    provider: str
    base: str
    path: str
    base_setting: str
    key_setting: str
    login: tuple[str, str] | None = None


def probe(loaded: Settings) -> list[Finding]:
    """Ask every provider that is switched on."""
    return [_ask(account) for account in _accounts(loaded)]


def require_channel(loaded: Settings) -> None:
    """Raise Trouble when every channel is off."""
    if not any(_accounts(loaded)):
        raise Trouble(NO_CHANNEL)


def require_providers(loaded: Settings) -> None:
    """Raise Trouble unless every provider that is switched on is reachable and knows us."""
    for finding in probe(loaded):
        if not finding.ok:
            raise Trouble(finding.says)


def _accounts(loaded: Settings) -> Iterator[_Account]:
    for number, bot in enumerate(loaded.telegram_senders):
        path, base = f"{bot.token.get_secret_value()}/getMe", loaded.telegram_api_base
        name, setting = ("Telegram", "TOKEN") if not number else (f"Telegram {bot.name}", "MORE")
        yield _Account(name, base, path, "OUTREACH_TELEGRAM_API_BASE", f"OUTREACH_TELEGRAM_{setting}")
    if sid := loaded.twilio_account_sid:
        yield _Account(
            "Twilio",
            loaded.twilio_api_base or TWILIO,
            f"/2010-04-01/Accounts/{sid}/Messages.json?PageSize=1",
            "OUTREACH_TWILIO_API_BASE",
            "OUTREACH_TWILIO_ACCOUNT_SID and OUTREACH_TWILIO_AUTH_TOKEN",
            (sid, loaded.twilio_auth_token.get_secret_value()),
        )


def _ask(account: _Account) -> Finding:
    """Make one call; neither the token in its address nor the answer is ever shown."""
    import httpx

    def problem(says: str) -> Finding:
        return Finding(account.provider, False, says)

    try:
        status = httpx.get(account.base + account.path, auth=account.login, timeout=PATIENCE).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return problem(
            f"{account.provider} cannot be reached at {urlsplit(account.base).netloc} ({type(error).__name__}): "
            f"check the network and {account.base_setting}, then start again"
        )
    if status in {401, 403, 404}:
        return problem(f"{account.provider} does not know us ({status}): copy {account.key_setting} again")
    if status >= 500:
        return problem(f"{account.provider} is out of order ({status}): wait, then start again")
    return Finding(account.provider, True, "reachable, and it knows us")
