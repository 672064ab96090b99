"""The installation under load: its processes, its database, and what is done to them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import httpx

from benchmarks.life import Site

ROOT = Path(__file__).parent.parent.parent
SECRET = "s" * 32


@dataclass(frozen=True)
class Whole(Site):
    """An installation with web and webhooks, in which no night or cap holds anything back."""

    def settings(self) -> dict[str, str]:
        """Return the installation's settings."""
        return super().settings() | {
            "OUTREACH_PORT": self.public_url.rpartition(":")[2],
            "OUTREACH_TELEGRAM_MODE": "webhook",
            "OUTREACH_TELEGRAM_WEBHOOK_SECRET": SECRET,
            "OUTREACH_QUIET_FROM": "23",
            "OUTREACH_QUIET_UNTIL": "0",
            "OUTREACH_WEEKLY_CAP": "1000000",
            "OUTREACH_WHATSAPP_DAILY_PEOPLE": "0",
            "OUTREACH_OFFICIAL_DOMAINS": "diaspora.example.org",
            "OUTREACH_SECOND_FACTOR_ROLES": "",
            "OUTREACH_LOG_LEVEL": "WARNING",
        }


@dataclass
class Processes:
    """The processes by role; each writes its log into a file of its own."""

    site: Whole
    server: Any = None  #: PostgreSQL, where there is one
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    away: list[tuple[float, float]] = field(default_factory=list)  #: when the database was not there, in unix time
    _logs: list[TextIO] = field(default_factory=list)

    @property
    def roles(self) -> dict[str, str]:
        """Return the command of each process."""
        return {"web": "web", "work-1": "work", "work-2": "work"} if self.server else {"run": "run"}

    def command(self, *arguments: str) -> None:
        """Run a command of the installation to its end."""
        subprocess.run([sys.executable, "-m", "bot", *arguments], env=self._environment(), cwd=ROOT, check=True)

    def start(self, role: str) -> None:
        """Start the process of a role."""
        log = (self.site.folder / f"{role}.log").open("a")
        self._logs.append(log)
        command = [sys.executable, "-m", "bot", self.roles[role]]
        self.running[role] = subprocess.Popen(command, env=self._environment(), cwd=ROOT, stderr=log, stdout=log)

    def _environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("OUTREACH_")}
        return ours | self.site.settings()

    async def until_up(self) -> None:
        """Wait until the web answers, and fail when a process ends instead."""
        async with asyncio.timeout(600), httpx.AsyncClient() as client:
            while True:
                self.require_alive()
                with suppress(httpx.HTTPError):
                    if (await client.get(f"{self.site.public_url}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.2)

    def require_alive(self) -> None:
        """Raise when a process has ended by itself."""
        for role, process in self.running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{role} ended: see {self.site.folder / role}.log")

    async def kill_worker(self) -> None:
        """Kill one of the workers; another one comes after a while, as a service manager would see to."""
        victim = self.running.pop("work-2")
        victim.kill()
        await asyncio.to_thread(victim.wait)
        await asyncio.sleep(20)
        self.start("work-2")

    async def restart_database(self) -> None:
        """Take the database away for a few seconds."""
        began = time.time()
        await asyncio.to_thread(self.server.stop)
        await asyncio.sleep(3)
        await asyncio.to_thread(self.server.start)
        self.away.append((began, time.time()))

    async def end(self) -> None:
        """Stop all processes as a service manager does."""
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            try:
                await asyncio.to_thread(process.wait, 30)
            except subprocess.TimeoutExpired:
                process.kill()
        for log in self._logs:
            log.close()


@asynccontextmanager
async def running(site: Whole, server: Any) -> AsyncIterator[Processes]:
    """Run the installation's processes while the block lasts."""
    processes = Processes(site, server)
    try:
        for role in processes.roles:
            processes.start(role)
        await processes.until_up()
        yield processes
    finally:
        await processes.end()
