"""The people and the staff: who joins, answers, comes to sessions, leaves; who announces, invites and exports."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bot.content import Content
from bot.demo.cast import cast
from bot.demo.desk import Desk, PageRefused
from bot.demo.people import WHOLE_PLAY, AnyPhone, Life, Phrases, _rsvp
from bot.demo.script import SESSION
from bot.emulators.phone import PhoneCannotWrite
from bot.emulators.world import World
from bot.settings import shipped

MOST_PEOPLE = 2000
JOIN, ANNOUNCE, INVITE, EXPORT = 12.0, 60.0, 120.0, 150.0  #: seconds from one to the next
PATIENCE = 20.0
TRIES = 3
#: How a registration ends: as a member, or not.
REGISTERED = ("registration.done", "registration.declined", "registration.underage")
#: Members stay for so long a part of the time, so that their number settles down.
STAY = 0.15


@dataclass
class Load:
    """What people and staff do until the time is over."""

    world: World
    content: Content
    desks: dict[str, Desk]
    seconds: float
    seed: int
    began: float = field(default_factory=time.monotonic)
    done: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  #: why something was given up
    erased: set[str] = field(default_factory=set)  #: addresses of those who were told that they are erased

    def __post_init__(self) -> None:
        self._cast = cast(MOST_PEOPLE, self.seed)
        self._phrases = Phrases(self.content)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def left(self) -> float:
        """Return the seconds that are left."""
        return self.seconds - (time.monotonic() - self.began)

    async def run(self) -> None:
        """Put on the load; people who are in the middle of something when the time is over leave it."""
        acts = ((JOIN, self.live), (ANNOUNCE, self.announce), (INVITE, self.invite), (EXPORT, self.export))
        async with asyncio.TaskGroup() as group:
            for every, act in acts:
                group.create_task(self._repeat(every, act))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, every: float, act: Callable[[], Awaitable[None]]) -> None:
        while self.left > 0:
            task = asyncio.create_task(self._count(act))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(every)

    async def _count(self, act: Callable[[], Awaitable[None]]) -> None:
        """Count what went well and what did not: a fault may keep somebody from getting further."""
        try:
            await act()
            self.done[act.__name__] += 1
        except (TimeoutError, LookupError, PageRefused, httpx.HTTPError, PhoneCannotWrite) as failure:
            self.done[f"{act.__name__} given up"] += 1
            self.reasons[f"{act.__name__}: {type(failure).__name__} {str(failure)[:60]}"] += 1

    async def live(self) -> None:
        """Join, answer the survey and an invitation, stay a while, and leave."""
        number = self.done["begun"]
        self.done["begun"] += 1
        until = time.monotonic() + STAY * self.seconds
        life = self._somebody(number)
        await self._again(life.register, lambda: _has_been_told(life, *REGISTERED))
        if not _has_been_told(life, REGISTERED[0]):
            return
        self.done["joined"] += 1
        if await self._again(lambda: life.answer_survey(changes_language=number % 7 == 0)):
            self.done["interviews"] += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(max(1.0, until - time.monotonic())):
                await _answer_invitation(life)
                self.done["invitations answered"] += 1
        await asyncio.sleep(max(0.0, until - time.monotonic()))
        await (self._erase(life) if number % 2 else _stop(life))

    def _somebody(self, number: int) -> Life:
        person = self._cast[number]
        phone: AnyPhone
        if person.channel == "telegram":
            phone = self.world.telegram_phone(person.name, person.language)
        else:
            phone = self.world.whatsapp_phone(f"+2665{number:07d}", person.name, person.language)
        return Life(person, phone, self._phrases, random.Random(number))

    async def _again(self, act: Callable[[], Awaitable[Any]], is_done: Callable[[], bool] | None = None) -> bool:
        """Let a person begin again who got no answer; tell whether it came to its end."""
        for _ in range(TRIES):
            result = await act()
            if is_done() if is_done else result:
                return True
        return False

    async def _erase(self, life: Life) -> None:
        await life.phone.send("DELETE")
        asked = await life.phone.wait_for(lambda message: any(b.id == "delete:yes" for b in message.buttons), PATIENCE)
        await life.phone.tap("delete:yes", asked)
        await life.wait_for("delete.done")
        self.erased.add(life.phone.address)
        self.done["erased"] += 1

    async def announce(self) -> None:
        """Write to all members, approved by a second person."""
        editor, number = self.desks["editor"], self.done["announce"]
        text = f"Word {number + self.done['announce given up']} of the desk in Maseru. The market opens on Friday."
        values = {"title": "Soak", "purpose": "news", "text_en": text, "text_fr": f"{text} (fr)"}
        page = await editor.submit("/console/broadcasts/new", "text_en", **values)
        await self.desks["approver"].submit(page.path, "approve")
        people = await editor.number(page.path, r"Type (\d+) to show")
        await editor.submit(page.path, "send", people=str(people))

    async def invite(self) -> None:
        """Plan a session whose first reminder is due soon, and invite all members."""
        editor = self.desks["editor"]
        starts = datetime.now(UTC) + timedelta(hours=2, minutes=62)  # on the wall in Maseru
        fields = SESSION | {"starts": f"{starts:%Y-%m-%dT%H:%M}"}
        page = await editor.submit("/console/sessions/new", "title_en", **fields)
        await editor.submit(page.path, "publish")
        await editor.submit(page.path, "invite")

    async def export(self) -> None:
        """Export the interviews and wait for the files."""
        number = self.done["export"] + self.done["export given up"] + 1
        await self.desks["analyst"].submit("/console/exports", "survey")
        await self.desks["analyst"].wait_for("/console/exports", rf"/console/exports/{number}/[^\"]+\.xlsx")

    async def resume(self, paths: list[str]) -> None:
        """Let broadcasts go on that paused themselves."""
        for path in paths:
            await self.desks["editor"].submit(path, "resume")


def _has_been_told(life: Life, *keys: str) -> bool:
    return any(life._says(message, *keys) for message in life.phone.received)


async def _answer_invitation(life: Life) -> None:
    """Wait for an invitation and answer it; a reminder or a place that became free has fewer buttons."""
    found = await life.phone.wait_for(lambda message: len(_rsvp(message)) == 3, WHOLE_PLAY)
    await life.phone.tap(life.chance.choice(_rsvp(found)), found)


async def _stop(life: Life) -> None:
    await life.phone.send("STOP")
    await life.wait_for("stop.confirmed")


async def furnish(desks: dict[str, Desk]) -> None:
    """Publish the survey that ships."""
    form = shipped("messages") / "surveys" / "diaspora_mapping.xlsx"
    files = {"file": (form.name, form.read_bytes())}
    page = await desks["editor"].submit("/console/surveys", "upload", files=files)
    await desks["editor"].submit(page.path, "publish")
