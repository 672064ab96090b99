"""webhooks: tell the providers where to call us."""

import asyncio
from typing import TYPE_CHECKING

import typer

from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json
from bot.cli.probing import require_channel, require_providers

if TYPE_CHECKING:
    from bot.app import App

app = typer.Typer(help="Addresses at which the providers call us.", no_args_is_help=True)

#: Three attempts, again after a 5xx, a connection that fails or an answer that is late: Twilio's default is one.
PATIENT = "#rc=3&rp=5xx,ct,rt"
_PROVIDERS = {"telegram": "Telegram", "whatsapp": "Twilio"}


@app.callback()
def _group() -> None:
    """Keep `webhooks set` a command of a group."""


@app.command("set")
def set_(as_json: AsJson = False) -> None:
    """Tell Telegram our address, and print the one to paste at Twilio."""
    with installation() as opened:
        require_channel(opened.settings)
        require_providers(opened.settings)
        asyncio.run(_set(opened))
        addresses = _addresses(opened)
    if as_json:
        show_json(addresses)
        return
    for provider, says in addresses.items():
        typer.echo(f"{provider}: {says}")


async def _set(opened: "App") -> None:
    async with opened.connected():
        await register(opened)


async def register(opened: "App") -> None:
    """Register at every provider that takes an address by program; raise Trouble when one refuses it."""
    from telegram.error import TelegramError

    try:
        await opened.register_webhooks()
    except TelegramError as error:
        raise Trouble(
            f"Telegram refuses the webhook ({error}): correct OUTREACH_PUBLIC_URL or OUTREACH_TELEGRAM_WEBHOOK_SECRET"
        ) from None


def _addresses(opened: "App") -> dict[str, str]:
    base, found = f"{opened.settings.public_url}/hooks", {}
    by_webhook = opened.settings.telegram_mode == "webhook"
    for path, channel in opened.hooks.items():
        provider = _PROVIDERS[channel.name] if "/" not in path else f"{_PROVIDERS[channel.name]} {channel.sender}"
        if channel.has_window:
            found[provider] = f"{base}/{path}{PATIENT}"
        else:
            found[provider] = f"{base}/{path} is set" if by_webhook else "polls, so it needs no address"
    return found
