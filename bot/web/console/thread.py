"""One thread with a member: read it, answer, leave a note, give it to a colleague, hand the chat back to the bot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.contacts.models import Contact
from bot.content.languages import SOURCE
from bot.conversations import ready_answers, threads
from bot.conversations.models import ReadyAnswer, Ticket, TicketMessage
from bot.conversations.threads import Place
from bot.messaging import received
from bot.messaging.models import OutboxMessage, ReceivedFile
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, allows
from bot.web.console.context import ConsoleContext
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

REPLY_LIMIT = 1600  #: characters: the shorter of the channels' limits
NOTE_LIMIT = 2000
REFUSALS: dict[type[Exception], str] = {
    threads.ClosedAlready: "closed_already",
    threads.NoAddress: "no_address",
    threads.NotAllowed: "no_colleague_chosen",
    threads.LinkNotAllowed: "reply_link",
}


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page of one thread."""

    ticket: Ticket
    contact: Contact
    messages: Sequence[tuple[TicketMessage, str | None, OutboxMessage | None]]
    files: dict[int, list[ReceivedFile]]  #: by the message they came with
    place: Place | None
    asks: str  #: what the template says that asks whether to read an answer
    colleagues: dict[int, str]
    ready: Sequence[ReadyAnswer]


@pages.get("/inbox/{id:row}", needs=Permission.INBOX_REPLY)
async def one(visit: Visit) -> Response:
    view = await visit.database.query(_view, visit.context, visit.id)
    chosen = next((answer for answer in view.ready if answer.id == visit.query.number("answer")), None)
    prepared = ready_answers.text_for(chosen, view.contact.language) if chosen else (view.contact.language, "")
    return visit.page("inbox/thread.html", view=view, prepared=prepared, now=clock.now(), limit=REPLY_LIMIT)


def _view(db: Session, context: ConsoleContext, ticket_id: int) -> View:
    ticket = found(db.get(Ticket, ticket_id))
    contact = db.get_one(Contact, ticket.contact_id)
    windows = frozenset(name for name, paced in context.policy.channels.items() if paced.has_window)
    template = context.content.templates[threads.TEMPLATE]
    staff = db.scalars(select(StaffUser).where(StaffUser.active))
    return View(
        ticket=ticket,
        contact=contact,
        messages=threads.messages(db, ticket),
        files=received.by_message(db, contact.id),
        place=threads.place(db, context.content, ticket, windows=windows),
        asks=template.render(contact.language or SOURCE, {"number": ticket.id}),
        colleagues={user.id: user.name for user in staff if allows(user, Permission.INBOX_REPLY)},
        ready=ready_answers.every(db),
    )


async def _change(visit: Visit, change: Callable[[Session, Ticket], object]) -> None:
    """Change the thread of the address."""

    def run(db: Session) -> None:
        change(db, found(db.get(Ticket, visit.id)))

    try:
        await visit.database.run(run)
    except tuple(REFUSALS) as reason:
        raise Refused(REFUSALS[type(reason)]) from None


@pages.post("/inbox/{id:row}/reply", needs=Permission.INBOX_REPLY)
async def reply(visit: Visit) -> Response:
    text, stay = visit.form.text("text"), visit.form.text("do") == "stay"
    if not 0 < len(text) <= REPLY_LIMIT:
        raise Refused("reply_length")
    ask_first, domains = visit.form.text("wait") != "yes", visit.context.policy.domains
    await _change(
        visit,
        lambda db, ticket: threads.reply(db, ticket, text, visit.user, domains=domains, stay=stay, ask_first=ask_first),
    )
    visit.context.nudge()
    return visit.go(f"/inbox/{visit.id}", "answered") if stay else visit.go("/inbox", "replied")


@pages.post("/inbox/{id:row}/note", needs=Permission.INBOX_REPLY)
async def note(visit: Visit) -> Response:
    text = visit.form.text("text")
    if not 0 < len(text) <= NOTE_LIMIT:
        raise Refused("note_length")
    await _change(visit, lambda db, ticket: threads.note(db, ticket, text, visit.user))
    return visit.go(f"/inbox/{visit.id}", "noted")


@pages.post("/inbox/{id:row}/assign", needs=Permission.INBOX_REPLY)
async def assign(visit: Visit) -> Response:
    to = visit.form.number("to")
    await _change(visit, lambda db, ticket: threads.assign(db, ticket, _colleague(db, to), visit.user))
    return visit.go(f"/inbox/{visit.id}", "changed")


def _colleague(db: Session, user_id: int | None) -> StaffUser | None:
    if user_id is None:
        return None
    user = db.get(StaffUser, user_id)
    if user is None:
        raise threads.NotAllowed
    return user


@pages.post("/inbox/{id:row}/close", needs=Permission.INBOX_REPLY)
async def close(visit: Visit) -> Response:
    tell = visit.form.text("tell") == "yes"
    await _change(visit, lambda db, ticket: threads.close(db, visit.context.content, ticket, visit.user, tell=tell))
    visit.context.nudge()
    return visit.go("/inbox", "closed")
