"""What gets slower by itself as an installation grows is found here, by how the database would look things up."""

from pathlib import Path

from benchmarks import console, filling
from bot import jobs
from bot.conversations.router import Router
from bot.db import Database
from bot.staff.models import Role
from bot.staff.roles import ROLES
from bot.web.console import PAGES
from bot.web.console.routes import Open
from tests import plans
from tests.web.console_browser import Browser, build, context

#: Who may read a whole table, and why.
REASONS = {
    ("/", "contact"): "how many people there are is of everybody: a short index, and kept for a minute when it is dear",
    ("/audit/check", "audit_entry"): "the chain is followed from one end to the other, when somebody asks for it",
    ("/surveys/1", "answer"): "how many answered each question is of all answers to a survey",
    ("/surveys/1/answers", "answer"): "how often each answer was given is of all answers to a survey",
    ("/sessions/1/attendance", "answer"): "PostgreSQL may look up each person's or, with few there, read all once",
    ("/sessions/1/attendance", "attendance"): "PostgreSQL may read it whole where most rows are of the one session",
    ("/opportunities/1", "opportunity_handed_over"): "PostgreSQL may look up each lead or, of many, read all once",
}


async def test_no_page_and_no_job_reads_a_whole_table_that_grows(
    database: Database, messages_dir: Path, tmp_path: Path
) -> None:
    filling.fill(database, 200, 1000)
    app, parts = build(database, messages_dir, tmp_path), context(database, messages_dir, tmp_path)
    browsers = {role: await Browser(app).sign_in(role) for role in (Role.ADMINISTRATOR, Role.PROTECTION)}
    found: dict[tuple[str, str], str] = {}

    def look(where: str, asked: plans.Asked) -> None:
        for statement, tables in plans.whole_reads(database.engine, asked).items():
            found.update({(where, table): statement for table in tables})

    for page in PAGES:
        may = isinstance(page.needs, Open) or page.needs in ROLES[Role.ADMINISTRATOR]
        # Pages for who has not signed in yet only lead on whoever has.
        is_shown = page.needs not in (Open.ANYONE, Open.HALF) and not any(
            part in page.path for part in console.NO_PAGES
        )
        if page.method == "GET" and is_shown:
            path = console.address(page.path)
            with plans.recorded(database.engine) as asked:
                await browsers[Role.ADMINISTRATOR if may else Role.PROTECTION].open(path)
            look(path, asked)
    for path in console.ASKED:
        with plans.recorded(database.engine) as asked:
            await browsers[Role.ADMINISTRATOR].open(path)
        look(path, asked)
    router = Router(parts.content, "", "", media_dir=tmp_path, policy=parts.policy)
    senders = [(sender.channel, sender.name) for sender in parts.settings.senders]
    patience = jobs.Patience(messages=13)
    for job in jobs.table(parts.content, router, tmp_path, patience, senders, tmp_path / "erased"):
        with plans.recorded(database.engine) as asked:
            await jobs.run(database, job)
        look(job.name, asked)
    assert [f"{where}: {statement}" for where, statement in found.items() if where not in REASONS] == []
