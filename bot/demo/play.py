"""The play: what `outreach demo` does, from the first message to the exports."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot import clock, logs, loop
from bot.demo import figures, script
from bot.demo.cast import Person, cast
from bot.demo.desk import PASSWORD, Desk
from bot.demo.people import Life, Phrases
from bot.demo.stage import Stage, alone, free_port, fresh, stage
from bot.emulators.faults import Fault, Kind
from bot.staff import service as staff
from bot.staff.models import Role

PEOPLE = 300
ANSWERING = 60
#: How fast the demo's clock runs; the providers' limits run with it.
SPEED = 20.0
#: Real seconds after which an act that does not end is given up.
STUCK = 240.0
OFFICE = ZoneInfo("Africa/Maseru")
#: Homes in the office's own part of the day.
NEAR = frozenset({"South Africa", "Joburg", "Cape Town", "Durban", "Botswana", "Harare", "Lusaka"})
_HABITS_THAT_ANSWER = ("plain", "mumbles", "repeats")


def play(*, once: bool, port: int, folder: Path = Path("var/demo"), people: int = PEOPLE) -> int:
    """Play everything in `folder`, then serve until Ctrl-C unless `once`; return the exit code."""
    screen = Console(stderr=not once)
    logs.configure("ERROR")
    chosen = free_port(port)
    if chosen != port:
        screen.print(f"Port {port} is taken: using {chosen}.")
    with alone(folder):
        loop.run(_play(screen, fresh(folder), chosen, once=once, people=people))
    return 0


async def _play(screen: Console, folder: Path, port: int, *, once: bool, people: int) -> None:
    began = time.monotonic()
    clock.move_to(_one_afternoon())
    clock.hurry(SPEED)
    async with stage(folder, port=port, send_timeout=1.5) as built, AsyncExitStack() as stack:
        demo = Demo(built, folder, screen, stack, _lives(built, people))
        await demo.run()
        result = await built.app.database.run(figures.summary, demo.broadcast_id)
        result |= {"exports": demo.exports, "seconds": round(time.monotonic() - began, 1)}
        _show(screen, result, demo.reports)
        if once:
            print(json.dumps(result, ensure_ascii=False))
            return
        clock.hurry(1)
        _invite_to_look(screen, built.url)
        await asyncio.Event().wait()


def _one_afternoon() -> datetime:
    """Return a time at which most of the world is awake, next Wednesday, so that every play is alike."""
    today = clock.now().astimezone(OFFICE)
    wednesday = today + timedelta(days=(2 - today.weekday()) % 7 or 7)
    return wednesday.replace(hour=15, minute=0, second=0, microsecond=0).astimezone(UTC)


def _lives(built: Stage, people: int) -> list[Life]:
    phrases = Phrases(built.app.content)
    return [Life(person, _phone(built, person), phrases, random.Random(person.number)) for person in cast(people)]


def _phone(built: Stage, person: Person) -> Any:
    if person.channel == "telegram":
        return built.world.telegram_phone(person.name, person.language)
    phone = built.world.whatsapp_phone(f"+2665{person.number:07d}", person.name, person.language)
    phone.read_receipts = person.number % 4 == 0  # many people switch them off
    return phone


class Stuck(Exception):
    """The play does not go on."""


@dataclass
class Demo:
    """The acts, in order."""

    stage: Stage
    folder: Path
    screen: Console
    stack: AsyncExitStack
    lives: list[Life]
    desks: dict[str, Desk] = field(default_factory=dict)
    answering: list[asyncio.Task[None]] = field(default_factory=list)
    broadcast_id: int = 0
    session_path: str = ""
    exports: dict[str, int] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Play all acts."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.screen) as self.bars:
            await self.staff_come_in()
            await self.people_register()
            await self.some_leave()
            await self.staff_announce()
            await self.members_answer_the_survey()
            await self.staff_hold_a_session()
            await self.time_passes()
            await self.analyst_exports()

    async def staff_come_in(self) -> None:
        """Add staff, who set their passwords by one-time links; the editor uploads the survey."""
        for email, name, role in script.STAFF:
            _, token = await self.stage.app.database.run(staff.add, email, name, Role(role))
            desk = self.desks[role] = await self.stack.enter_async_context(Desk(self.stage.url))
            await desk.welcome(str(token))
            await desk.sign_in(email)
        form = self.stage.app.settings.messages / "surveys" / "diaspora_mapping.xlsx"
        page = await self.desks["editor"].submit(
            "/console/surveys", "upload", files={"file": (form.name, form.read_bytes())}
        )
        await self.desks["editor"].submit(page.path, "publish")

    async def people_register(self) -> None:
        """Let everybody open a join link and answer; some messages come twice or out of order."""
        for life in self.lives[::10]:
            telegram = life.person.channel == "telegram"
            self._fault(life, Kind.DUPLICATE_UPDATE if telegram else Kind.DUPLICATE_INBOUND, times=5)
        await self._all("Registering", self.lives, Life.register)

    async def some_leave(self) -> None:
        """Let some write STOP and some block the bot."""
        await self._all("Leaving", self._with_habit("stops"), _stop)
        await self._all("Blocking", self._with_habit("blocks"), _block)
        await self._idle()

    async def staff_announce(self) -> None:
        """Write, look at the dry run, have it approved by a second person, send; things go wrong on the way."""
        editor, approver = self.desks["editor"], self.desks["approver"]
        page = await editor.submit("/console/broadcasts/new", "text_en", **script.ANNOUNCEMENT)
        self.broadcast_id = await self.stage.app.database.run(figures.last_broadcast)
        await approver.submit(page.path, "approve")
        people = await editor.number(page.path, r"Type (\d+) to show")
        self._trouble()
        await editor.submit(page.path, "send", people=str(people))
        await self._follow("Announcing", people, "broadcast")
        self.stage.world.faults.clear()

    def _trouble(self) -> None:
        """Script what providers do on a bad day, each to another member."""
        for channel, faults in script.TROUBLE.items():
            for life, (kind, details) in zip(self._awake(channel), faults, strict=False):
                self._fault(life, kind, **details)

    async def members_answer_the_survey(self) -> None:
        """Let sixty answer the mapping survey; every fifth changes the language half-way."""
        willing = [life for life in self.lives if life.person.habit in _HABITS_THAT_ANSWER][:ANSWERING]

        async def answer(life: Life) -> None:
            await life.answer_survey(changes_language=life.person.number % 5 == 0)

        await self._all("Answering the survey", willing, answer)
        await self._idle()

    async def staff_hold_a_session(self) -> None:
        """Schedule a session in three days, invite everybody, and let people answer."""
        editor = self.desks["editor"]
        starts = (clock.now().astimezone(OFFICE) + timedelta(days=3)).replace(hour=18, minute=0)
        page = await editor.submit(
            "/console/sessions/new", "title_en", starts=f"{starts:%Y-%m-%dT%H:%M}", **script.SESSION
        )
        self.session_path, self.starts = page.path, starts.replace(second=0, microsecond=0)
        await editor.submit(page.path, "publish")
        await editor.submit(page.path, "invite")
        invited = [life for life in self.lives if life.person.habit in _HABITS_THAT_ANSWER]
        bar = self.bars.add_task("Answering the invitation", total=len(invited))
        # In the background: who has night now gets the invitation in the morning, and answers then.
        self.answering = [asyncio.create_task(self._answer_invitation(life, bar)) for life in invited]
        await self._idle()

    async def _answer_invitation(self, life: Life, bar: TaskID) -> None:
        await life.answer_invitation()
        self.bars.advance(bar)

    async def time_passes(self) -> None:
        """Move the clock hour by hour past the session: nights end, reminders become due."""
        hours = int((self.starts + timedelta(hours=3) - clock.now()).total_seconds() // 3600)
        bar = self.bars.add_task("Three days pass", total=hours)
        for _ in range(hours):
            clock.move_to((clock.now() + timedelta(hours=1)).replace(minute=1, second=0))
            await self.stage.app.run_job("reminders")
            await self._idle()
            self.bars.advance(bar)
        for name in ("followed_broadcasts", "finished_sessions"):
            await self.stage.app.run_job(name)
        for task in self.answering:
            task.cancel()
        await asyncio.gather(*self.answering, return_exceptions=True)

    async def analyst_exports(self) -> None:
        """Order the export and the mapping report at the console, and take their files home."""
        analyst = self.desks["analyst"]
        await analyst.sign_in("analyst@example.org")  # the sign-in of three days ago has ended
        page = await analyst.open("/console/exports")
        await analyst.submit(page.path, "survey")
        page = await analyst.wait_for("/console/exports", r"/console/exports/\d+/[^\"]+\.xlsx")
        self.exports = await self.stage.app.database.run(_export_files, self.folder)
        await analyst.submit("/console/reports", "country")
        await analyst.wait_for("/console/reports", r"/console/reports/\d+/pdf")
        self.reports = [str(path) for path in sorted(self.folder.glob("reports/*/*")) if path.is_file()]

    # helpers

    async def _all(self, title: str, lives: Iterable[Life], act: Callable[[Life], Awaitable[None]]) -> None:
        chosen = list(lives)
        bar = self.bars.add_task(title, total=len(chosen))

        async def one(life: Life) -> None:
            await act(life)
            self.bars.advance(bar)

        await asyncio.gather(*(one(life) for life in chosen))

    async def _follow(self, title: str, people: int, kind: str) -> None:
        bar = self.bars.add_task(title, total=people)
        async with _patience(title):
            while waiting := await self.stage.app.database.query(figures.under_way, kind):
                self.bars.update(bar, completed=people - waiting)
                await asyncio.sleep(0.1)
        self.bars.update(bar, completed=people)

    async def _idle(self) -> None:
        """Wait until nothing is due or with a provider."""
        async with _patience("Delivery"):
            while await self.stage.app.database.query(figures.under_way):  # noqa: ASYNC110 - a database has no event
                await asyncio.sleep(0.05)

    def _awake(self, channel: str) -> list[Life]:
        """Return members whose afternoon it is, so that what is scripted for the announcement strikes that."""
        return [
            life
            for life in self.lives
            if life.person.channel == channel and life.person.habit == "plain" and life.person.home in NEAR
        ]

    def _with_habit(self, habit: str) -> list[Life]:
        return [life for life in self.lives if life.person.habit == habit]

    def _fault(self, life: Life, kind: Kind, **details: Any) -> None:
        self.stage.world.faults.add(Fault(kind, phone=life.phone.key, **details))


@asynccontextmanager
async def _patience(what: str) -> AsyncIterator[None]:
    """End a play in which nothing moves any more, instead of waiting for ever."""
    try:
        async with asyncio.timeout(STUCK):
            yield
    except TimeoutError:
        raise Stuck(f"{what} has not ended within {STUCK:.0f} seconds: run it again, with less beside it") from None


async def _stop(life: Life) -> None:
    await life.phone.send("STOP")
    await life.wait_for("stop.confirmed")


async def _block(life: Life) -> None:
    await life.phone.block()


def _export_files(db: Any, folder: Path) -> dict[str, int]:
    from sqlalchemy import select

    from bot.exports.models import Export

    export = db.scalars(select(Export).order_by(Export.id.desc()).limit(1)).one()
    return {str(folder / "exports" / str(export.id) / name): int(facts["rows"]) for name, facts in export.files.items()}


def _show(screen: Console, result: dict[str, Any], reports: list[str]) -> None:
    table = Table(title="What happened", title_justify="left", show_header=False)
    for name in ("members", "declined", "stopped", "reminders"):
        table.add_row(name, str(result[name]))
    for name in ("broadcast", "survey"):
        table.add_row(name, ", ".join(f"{count} {status}" for status, count in result[name].items()))
    screen.print(table)
    for path, rows in result["exports"].items():
        screen.print(f"{path}  ({rows} rows)", soft_wrap=True)
    for path in reports:
        screen.print(path, soft_wrap=True)


def _invite_to_look(screen: Console, url: str) -> None:
    emails = ", ".join(email for email, _, _ in script.STAFF)
    screen.print(f"\nConsole: {url}/console/   sign in as {emails}\n         password: {PASSWORD}")
    screen.print(f"Phones:  {url}/phones/   write as any member\nCtrl-C ends.")
