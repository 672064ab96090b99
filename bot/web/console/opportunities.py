"""Investment cards: list, write, review and approve, and one with its figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.conversations import announcing
from bot.conversations.announcing import Announced
from bot.messaging.outbox import Message
from bot.opportunities import gate, leads, service, touches, wording
from bot.opportunities.models import COUNTRIES, INSTRUMENTS, SECTORS, SIZES, TEXTS, Lead, Opportunity, Outcome
from bot.opportunities.service import Draft
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.context import ConsoleContext
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found
from bot.web.forms import Form

pages = Pages()

_NAMES = ("country", "sector", "issuer", "licence", "instrument", "currency", "size", "authority", "authority_contact")
#: Characters that the column of each code holds.
_CODES = {"country": 2, "sector": 32, "instrument": 32, "currency": 3, "size": 16}


@pages.get("/opportunities", needs=Permission.REPORTS_VIEW)
async def listing(visit: Visit) -> Response:
    rows = await visit.database.query(_list, visit.context.content)
    return visit.page("opportunities/list.html", rows=rows, today=service.today(), content=visit.context.content)


def _list(db: Session, content: Content) -> list[tuple[Opportunity, bool, dict[str, int]]]:
    cards = db.scalars(select(Opportunity).order_by(Opportunity.id.desc()))
    return [(card, service.is_visible(content, card), touches.figures(db, card)) for card in cards]


@pages.get("/opportunities/new", needs=Permission.OPPORTUNITIES_MANAGE)
async def new(visit: Visit) -> Response:
    return _form(visit, Draft(), None, ())


@pages.post("/opportunities/new", needs=Permission.OPPORTUNITIES_MANAGE)
async def create(visit: Visit) -> Response:
    draft, errors = read(visit.form)
    if errors:
        return _form(visit, draft, None, errors)
    card = await visit.database.run(service.draft, visit.user, draft)
    return visit.go(f"/opportunities/{card.id}", "saved")


@pages.get("/opportunities/{id:row}/edit", needs=Permission.OPPORTUNITIES_MANAGE)
async def edit(visit: Visit) -> Response:
    card = found(await visit.database.query(_find, visit.id))
    return _form(visit, Draft.of(card), card, ())


@pages.post("/opportunities/{id:row}/edit", needs=Permission.OPPORTUNITIES_MANAGE)
async def save(visit: Visit) -> Response:
    card = found(await visit.database.query(_find, visit.id))
    draft, errors = read(visit.form)
    if errors:
        return _form(visit, draft, card, errors)
    await visit.database.run(_edit, visit.context.content, visit.id, visit.user, draft)
    return visit.go(f"/opportunities/{visit.id}", "saved")


def _edit(db: Session, content: Content, card_id: int, user: StaffUser, draft: Draft) -> None:
    card = found(db.get(Opportunity, card_id))
    service.edit(db, card, user, draft)
    announcing.stop(db, content, card)


def read(form: Form) -> tuple[Draft, tuple[str, ...]]:
    """Return what was filled in, and the codes of what cannot be read; what is missing the gate says later."""
    names = {name: form.text(name)[:200] for name in _NAMES}
    texts = {code: {name: form.text(f"{name}_{code}")[:1000] for name in TEXTS} for code in LANGUAGES}
    days = {name: _day(form.text(name)) for name in ("review_on", "valid_until")}
    amount = _amount(form.text("minimum"))
    unread = [name for name, day in days.items() if form.text(name) and day is None]
    unread += ["minimum"] if form.text("minimum") and amount is None else []
    if any(len(names[name]) > most for name, most in _CODES.items()):
        unread.append("codes")
    kept = {code: {name: text for name, text in one.items() if text} for code, one in texts.items()}
    languages = tuple(code for code in form.texts("languages") if code in LANGUAGES)
    fields: dict[str, Any] = {**names, **days, "texts": kept, "minimum": amount, "languages": languages}
    return Draft(**fields), tuple(unread)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _amount(text: str) -> Decimal | None:
    try:
        number = Decimal(text.replace(",", ".").replace(" ", ""))
    except InvalidOperation:
        return None
    return number.quantize(Decimal("0.01")) if number.is_finite() and 0 < number < Decimal(10) ** 15 else None


def _form(visit: Visit, draft: Draft, card: Opportunity | None, errors: tuple[str, ...]) -> Response:
    return visit.page(
        "opportunities/edit.html",
        422 if errors else 200,
        draft=draft,
        card=card,
        errors=errors,
        codes=_codes(visit.context.content, visit.reader),
        limits={name: gate.LIMITS.get(name, gate.TEXT_LIMIT) for name in TEXTS},
    )


def _codes(content: Content, reader: Reader) -> dict[str, dict[str, str]]:
    """Return what can be chosen from: field -> code -> label."""

    def labelled(codes: Iterable[str], prefix: str) -> dict[str, str]:
        return {code: reader.label(content, prefix, code) for code in codes}

    return {
        "country": {code: reader.country(code) for code in COUNTRIES},
        "sector": labelled(SECTORS, "interest."),
        "instrument": labelled(INSTRUMENTS, "instrument."),
        "size": labelled(SIZES, "size."),
    }


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page of one card."""

    card: Opportunity
    visible: bool
    names: dict[int, str]
    problems: list[gate.Problem]
    seen: str  #: content hash, which an approval repeats
    messages: dict[str, list[Message]]  #: language -> as members read it; empty while it cannot be shown
    figures: dict[str, int]
    announced: list[Announced]
    leads: list[tuple[Lead, bool, bool]]


@pages.get("/opportunities/{id:row}", needs=Permission.REPORTS_VIEW)
async def one(visit: Visit) -> Response:
    view = await visit.database.query(_view, visit.context, visit.id)
    codes = _codes(visit.context.content, visit.reader)
    return visit.page("opportunities/one.html", view=view, codes=codes, outcomes=list(Outcome))


def _view(db: Session, context: ConsoleContext, card_id: int) -> View:
    card, content = found(db.get(Opportunity, card_id)), context.content
    problems = gate.problems(content, card, service.today(), context.policy.domains)
    whole = gate.is_complete(content, card)
    people = {card.author_id, card.approved_by, *card.writers}
    return View(
        card=card,
        visible=service.is_visible(content, card),
        names=dict(db.execute(select(StaffUser.id, StaffUser.name).where(StaffUser.id.in_(people))).all()),
        problems=problems,
        seen=gate.content_hash(card),
        messages={code: _preview(content, card, code) for code in LANGUAGES} if whole else {},
        figures=touches.figures(db, card),
        announced=announcing.announced(db, card),
        leads=leads.rows(db, card),
    )


def _preview(content: Content, card: Opportunity, language: str) -> list[Message]:
    buttons = wording.choices(content, card, language, saved=False, interested=False)
    return wording.card_messages(content, card, language, card.approved_at or clock.now(), buttons)


@pages.post("/opportunities/{id:row}/approve", needs=Permission.OPPORTUNITIES_APPROVE)
async def approve(visit: Visit) -> Response:
    await visit.database.run(_approve, visit.context, visit.id, visit.user, visit.form.text("seen"))
    return visit.go(f"/opportunities/{visit.id}", "published")


def _approve(db: Session, context: ConsoleContext, card_id: int, user: StaffUser, seen: str) -> None:
    card = found(db.get(Opportunity, card_id))
    service.approve(db, context.content, card, user, seen=seen, domains=context.policy.domains)


@pages.post("/opportunities/{id:row}/announce", needs=Permission.BROADCAST_WRITE)
async def announce(visit: Visit) -> Response:
    matched = visit.form.text("to") != "all"
    broadcast = await visit.database.run(_announce, visit.context.content, visit.id, visit.user, matched)
    return visit.go(f"/broadcasts/{broadcast}", "saved")


def _announce(db: Session, content: Content, card_id: int, user: StaffUser, matched: bool) -> int:
    return announcing.announce(db, content, found(db.get(Opportunity, card_id)), user, matched=matched).id


@pages.post("/opportunities/{id:row}/close", needs=Permission.OPPORTUNITIES_MANAGE)
async def close(visit: Visit) -> Response:
    if visit.form.text("sure") != "yes":
        raise Refused("not_sure_card")
    await visit.database.run(_close, visit.context.content, visit.id, visit.user)
    visit.context.nudge()
    return visit.go(f"/opportunities/{visit.id}", "closed")


def _close(db: Session, content: Content, card_id: int, user: StaffUser) -> None:
    service.close(db, found(db.get(Opportunity, card_id)), user)
    announcing.end_lapsed(db, content)


@pages.post("/opportunities/{id:row}/follow-up", needs=Permission.OPPORTUNITIES_MANAGE)
async def follow_up(visit: Visit) -> Response:
    await visit.database.run(_follow_up, visit.context.content, visit.id, visit.user)
    visit.context.nudge()
    return visit.go(f"/opportunities/{visit.id}", "followed_up")


def _follow_up(db: Session, content: Content, card_id: int, user: StaffUser) -> None:
    leads.ask_how_it_went(db, content, found(db.get(Opportunity, card_id)), user)


@pages.post("/opportunities/{id:row}/outcome", needs=Permission.OPPORTUNITIES_MANAGE)
async def outcome(visit: Visit) -> Response:
    if visit.form.text("outcome") not in set(Outcome):
        raise Refused("no_outcome")
    await visit.database.run(_outcome, visit.id, visit.form, visit.user)
    return visit.go(f"/opportunities/{visit.id}", "changed")


def _outcome(db: Session, card_id: int, form: Form, user: StaffUser) -> None:
    lead = found(db.get(Lead, form.number("lead") or 0))
    if lead.opportunity_id != card_id:
        raise Refused("no_outcome")
    leads.set_outcome(db, lead, Outcome(form.text("outcome")), user)


def _find(db: Session, card_id: int) -> Opportunity | None:
    return db.get(Opportunity, card_id)
