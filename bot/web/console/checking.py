"""Anybody checks a certificate: the code tells the session and its day, never the name; a name can be compared."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.content.languages import LANGUAGES
from bot.events import certificates, wording
from bot.events.wording import Reader
from bot.web.console.routes import Open, Pages
from bot.web.console.visit import Visit
from bot.web.forms import Form

pages = Pages()

CODE_LIMIT, NAME_LIMIT = 40, 200


@dataclass(frozen=True, slots=True)
class Checked:
    """What a code tells to whoever has it."""

    session: str
    held: date
    is_name: bool | None  #: None: no name was given


@pages.get("/certificate", needs=Open.ANYONE)
async def page(visit: Visit) -> Response:
    return await _answer(visit, visit.query)


@pages.post("/certificate", needs=Open.ANYONE)
async def check(visit: Visit) -> Response:
    """Check a code and a name, which so stand in no address and no log."""
    return await _answer(visit, visit.form)


async def _answer(visit: Visit, given: Form) -> Response:
    code, name = given.text("code")[:CODE_LIMIT], given.text("name")[:NAME_LIMIT]
    wanted = given.text("language")
    language = wanted if wanted in LANGUAGES else visit.reader.code
    checked = await visit.database.query(_check, code, name, language) if code else None
    values = {"code": code, "name": name, "checked": checked, "content": visit.context.content, "language": language}
    return visit.page("certificate.html", 404 if code and checked is None else 200, **values)


def _check(db: Session, code: str, name: str, language: str) -> Checked | None:
    found = certificates.find(db, code)
    if found is None:
        return None
    row, event = found
    title = wording.title(event, Reader.read(language, None, None, None))
    return Checked(title, event.starts_local.date(), certificates.is_name_of(row, name) if name else None)
