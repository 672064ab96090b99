"""Look at memory, processor time and answering times again and again, and say whether they grew."""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx

from benchmarks.soak.site import Processes
from bot.emulators.phone import Phone
from bot.emulators.world import World

PULSE, LOOK = 2.0, 10.0  #: seconds between two words of the curious, and between two looks at the processes
PATIENCE = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Watch:
    """What was measured, each with its second since the beginning."""

    processes: Processes
    world: World
    seconds: float
    began: float = field(default_factory=time.monotonic)
    memory: dict[str, list[float]] = field(default_factory=dict)  #: MB by role
    cpu: list[tuple[float, int]] = field(default_factory=list)  #: seconds of all processes, messages so far
    waits: list[tuple[float, float]] = field(default_factory=list)  #: at which second, seconds to the answer
    load: dict[int, float] = field(default_factory=dict)  #: of the machine, by minute
    alive: list[float] = field(default_factory=list)  #: seconds in which /healthz answered: the event loop's lag
    silent: int = 0  #: words that got no answer: a fault, or the database's restart
    _ended: float = 0.0  #: processor time of processes that are no more
    _last: dict[int, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Measure until the time is over."""
        curious: list[Phone] = [
            self.world.telegram_phone("Curious"),
            self.world.whatsapp_phone("+26650000000", "Curious"),
        ]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            for phone in curious:
                group.create_task(self._ask(phone))

    def _now(self) -> float:
        return time.monotonic() - self.began

    async def _look(self) -> None:
        async with httpx.AsyncClient(base_url=self.processes.site.public_url, timeout=PATIENCE) as client:
            while self._now() < self.seconds:
                self.processes.require_alive()
                for role, process in self.processes.running.items():
                    self.memory.setdefault(role, []).append(_megabytes(process.pid))
                self.load[int(self._now() // 60)] = round(os.getloadavg()[0], 1)
                self.cpu.append((self._processor_time(), self.world.ledger.texts.total()))
                began = time.monotonic()
                with suppress(httpx.HTTPError):
                    await client.get("/healthz")
                    self.alive.append(time.monotonic() - began)
                await asyncio.sleep(LOOK)

    def _processor_time(self) -> float:
        now = {process.pid: _processor(process.pid) for process in self.processes.running.values()}
        self._ended += sum(seconds for pid, seconds in self._last.items() if pid not in now)
        self._last = now
        return self._ended + sum(now.values())

    async def _ask(self, phone: Phone) -> None:
        """Ask for help as somebody who is nobody's member, and wait for the answer."""
        while self._now() < self.seconds:
            at = self._now()
            while phone._take(lambda _: True):
                pass
            await phone.send("HELP")  # type: ignore[attr-defined]
            try:
                await phone.next_message(PATIENCE)
                self.waits.append((at, self._now() - at))
            except TimeoutError:
                self.silent += 1
            await asyncio.sleep(PULSE)

    def minutes(self) -> list[dict[str, float]]:
        """Return median and 95th percentile of the answers' milliseconds, and the machine's load, of each minute."""
        found: dict[int, list[float]] = {}
        for at, wait in self.waits:
            found.setdefault(int(at // 60), []).append(wait * 1000)
        return [
            {
                "minute": minute,
                "p50": round(statistics.median(waits)),
                "p95": round(percentile(waits, 95)),
                "load": self.load.get(minute, 0.0),
            }
            for minute, waits in sorted(found.items())
        ]

    def cpu_per_message(self) -> list[float]:
        """Return milliseconds of processor time for each message that arrived, of each quarter."""
        size = max(1, len(self.cpu) // 4)
        marks = [self.cpu[min(number * size, len(self.cpu) - 1)] for number in range(4)] + [self.cpu[-1]]
        return [round((b - a) * 1000 / max(1, m - n), 2) for (a, n), (b, m) in pairwise(marks)]


def _megabytes(pid: int) -> float:
    """Return a process's own part of the memory, with its share of what it has in common with others."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(rollup.partition("\nPss:")[2].split()[0]) / 1000


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def percentile(figures: Sequence[float], share: int) -> float:
    """Return the figure below which so many of a hundred lie."""
    return sorted(figures)[min(len(figures) - 1, len(figures) * share // 100)]


def quarters(figures: Sequence[float]) -> list[list[float]]:
    """Return the figures in four parts, oldest first."""
    size = max(1, len(figures) // 4)
    return [list(figures[number * size : (number + 1) * size if number < 3 else None]) for number in range(4)]


def growth(figures: Sequence[float]) -> float:
    """Return the last quarter's median by the second's: the first is the start."""
    parts = quarters(figures)
    return round(statistics.median(parts[3]) / statistics.median(parts[1]), 3)


def slope(figures: Sequence[float], every: float) -> float:
    """Return by how much figures grow in an hour, by the straight line through all but the first quarter."""
    rest = list(figures[len(figures) // 4 :])
    times = [number * every / 3600 for number in range(len(rest))]
    return round(statistics.linear_regression(times, rest).slope, 2)
