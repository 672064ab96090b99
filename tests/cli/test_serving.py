"""Processes that stay: what a start needs, and an end that leaves nothing half done."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bot.demo.stage import free_port
from bot.emulators.server import serve
from bot.emulators.world import World
from tests.cli.conftest import Outreach
from tests.cli.test_troubles import complaint

ROOT = Path(__file__).parent.parent.parent


def settings(world: World, telegram_api_base: str, twilio_api_base: str, port: int) -> dict[str, str]:
    """Return the environment of an installation that talks to emulated providers."""
    return {
        "OUTREACH_PORT": str(port),
        "OUTREACH_PUBLIC_URL": "https://bot.example.org",
        "OUTREACH_TELEGRAM_TOKEN": world.accounts.telegram_token,
        "OUTREACH_TELEGRAM_API_BASE": telegram_api_base,
        "OUTREACH_TWILIO_ACCOUNT_SID": world.accounts.twilio_sid,
        "OUTREACH_TWILIO_AUTH_TOKEN": world.accounts.twilio_token,
        "OUTREACH_TWILIO_API_BASE": twilio_api_base,
        "OUTREACH_WHATSAPP_FROM": world.accounts.whatsapp_from.removeprefix("whatsapp:"),
    }


@asynccontextmanager
async def emulated(world: World) -> AsyncIterator[dict[str, str]]:
    """Serve the emulators, and give the settings that reach them."""
    async with serve(world) as addresses:
        yield settings(world, addresses.telegram_api_base, addresses.twilio_api_base, free_port(0))


@asynccontextmanager
async def running(folder: Path, environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `outreach run` in a process of its own until it serves."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await _served(environment["OUTREACH_PORT"])
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _served(port: str) -> None:
    async with httpx.AsyncClient() as browser:
        for _ in range(200):
            try:
                await browser.get(f"http://127.0.0.1:{port}/readyz")
                return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    raise AssertionError("the process does not serve")


async def test_a_run_answers_a_person_keeps_others_off_and_ends_in_order(outreach: Outreach, tmp_path: Path) -> None:
    world = World()
    async with emulated(world) as environment, running(tmp_path, environment) as process:
        phone = world.telegram_phone("Palesa", "en")
        await phone.send("/start")
        assert (await phone.next_message(20)).text

        second = await asyncio.to_thread(outreach, "work", **environment)
        assert "Another outreach process uses" in complaint(second)

        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, errors.decode()
        assert b"Traceback" not in errors
        assert world.accounts.telegram_token.encode() not in errors
    with sqlite3.connect(tmp_path / "var" / "outreach.db") as file:
        states = {state for (state,) in file.execute("SELECT status FROM outbox")}
    file.close()
    assert states == {"sent"}, "nothing was cut off at the provider"


async def test_a_token_that_the_provider_refuses_stops_the_start(outreach: Outreach) -> None:
    world = World()
    async with emulated(world) as environment:
        wrong = await asyncio.to_thread(outreach, "run", **{**environment, "OUTREACH_TELEGRAM_TOKEN": "700:wrong"})
        assert "Telegram does not know us (401): copy OUTREACH_TELEGRAM_TOKEN again" in complaint(wrong)
        wrong = await asyncio.to_thread(outreach, "run", **{**environment, "OUTREACH_TWILIO_AUTH_TOKEN": "wrong"})
        assert "Twilio does not know us (401)" in complaint(wrong)


async def test_webhooks_are_set_at_telegram_and_told_for_twilio(outreach: Outreach) -> None:
    world = World()
    secret = {"OUTREACH_TELEGRAM_MODE": "webhook", "OUTREACH_TELEGRAM_WEBHOOK_SECRET": "s" * 32}
    async with emulated(world) as environment:
        polling = await asyncio.to_thread(outreach, "webhooks", "set", "--json", **environment)
        assert polling.json["Telegram"] == "polls, so it needs no address"
        done = await asyncio.to_thread(outreach, "webhooks", "set", **environment, **secret)
        assert done.code == 0, done.err
        assert "Telegram: https://bot.example.org/hooks/telegram is set" in done.out
        assert "Twilio: https://bot.example.org/hooks/whatsapp#rc=3&rp=5xx,ct,rt" in done.out
        told = await _webhook_info(environment)
        assert told["url"] == "https://bot.example.org/hooks/telegram"
        refused = {**environment, **secret, "OUTREACH_TELEGRAM_WEBHOOK_SECRET": "not allowed!"}
        again = await asyncio.to_thread(outreach, "webhooks", "set", **refused)
        assert "Telegram refuses the webhook" in complaint(again)


async def _webhook_info(environment: dict[str, str]) -> Any:
    url = f"{environment['OUTREACH_TELEGRAM_API_BASE']}{environment['OUTREACH_TELEGRAM_TOKEN']}/getWebhookInfo"
    async with httpx.AsyncClient() as browser:
        return (await browser.get(url)).json()["result"]


async def test_templates_are_made_at_twilio_once(outreach: Outreach) -> None:
    async with emulated(World()) as environment:
        first = await asyncio.to_thread(outreach, "templates", "sync", "--json", **environment)
        assert first.code == 0, first.err
        assert first.json
        assert all(name.endswith(("/en", "/fr")) for name in first.json)
        second = await asyncio.to_thread(outreach, "templates", "sync", **environment)
        assert second.code == 0
        assert "approval" in second.out


async def test_the_doctor_finds_everything_well(outreach: Outreach) -> None:
    async with emulated(World()) as environment:
        before = await asyncio.to_thread(outreach, "doctor", "--json", **environment)
        assert before.code == 0, before.out
        assert {one["check"] for one in before.json} >= {"database", "keys", "content", "Telegram", "Twilio"}
        assert (await asyncio.to_thread(outreach, "staff", "add", "a@b.c", "--name", "A", "--role", "editor")).code == 0
        after = await asyncio.to_thread(outreach, "doctor")
        assert after.code == 0, after.out
        assert "problem" not in after.out
        assert "readable with our key" in after.out
