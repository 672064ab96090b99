"""Ready answers: what staff answer again and again, in each language of members."""

from collections.abc import Sequence

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.content.languages import LANGUAGES
from bot.conversations import ready_answers
from bot.conversations.models import ReadyAnswer
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.thread import REPLY_LIMIT
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

TITLE_LIMIT = 80


@pages.get("/inbox/answers", needs=Permission.INBOX_REPLY)
async def listing(visit: Visit) -> Response:
    answers = await visit.database.query(ready_answers.every)
    return _page(visit, answers, next((one for one in answers if one.id == visit.query.number("edit")), None))


def _page(visit: Visit, answers: Sequence[ReadyAnswer], editing: ReadyAnswer | None) -> Response:
    return visit.page("inbox/answers.html", answers=answers, editing=editing, limit=REPLY_LIMIT)


@pages.post("/inbox/answers", needs=Permission.INBOX_REPLY)
async def save(visit: Visit) -> Response:
    title = visit.form.text("title")
    texts = {code: text for code in LANGUAGES if (text := visit.form.text(f"text_{code}"))}
    if not 0 < len(title) <= TITLE_LIMIT or not texts or any(len(text) > REPLY_LIMIT for text in texts.values()):
        raise Refused("ready_answer")
    try:
        await visit.database.run(_save, visit.form.number("id"), title, texts, visit.user)
    except ready_answers.TitleTaken:
        raise Refused("title_taken") from None
    return visit.go("/inbox/answers", "changed")


def _save(db: Session, answer_id: int | None, title: str, texts: dict[str, str], user: StaffUser) -> None:
    answer = found(db.get(ReadyAnswer, answer_id)) if answer_id is not None else None
    ready_answers.save(db, answer, title, texts, user)


@pages.post("/inbox/answers/{id:row}/remove", needs=Permission.INBOX_REPLY)
async def remove(visit: Visit) -> Response:
    await visit.database.run(_remove, visit.id, visit.user)
    return visit.go("/inbox/answers", "changed")


def _remove(db: Session, answer_id: int, user: StaffUser) -> None:
    ready_answers.remove(db, found(db.get(ReadyAnswer, answer_id)), user)
