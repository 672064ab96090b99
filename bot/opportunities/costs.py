"""What it costs to send 200 US dollars: dated figures with their source, the cheapest first, and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Button
from bot.content import Content
from bot.messaging.outbox import Message
from bot.opportunities.models import TransferCost
from bot.opportunities.service import today
from bot.staff import audit, roles
from bot.staff.models import StaffUser
from bot.staff.roles import Permission

AMOUNT = Decimal(200)  #: US dollars: what the World Bank's figures are about, too
#: After this long a figure is marked as old, and after the other it is not shown.
OLD, TOO_OLD = timedelta(days=120), timedelta(days=365)
PREFIX = "costs"
#: Providers of one answer: all of it is one message.
_SHOWN = 5
_PAGE = 8


@dataclass(frozen=True, slots=True)
class Figure:
    """What staff give for one provider on one corridor."""

    origin: str
    destination: str
    provider: str
    fee: Decimal  #: US dollars
    margin: Decimal  #: percent
    source: str
    as_of: date


def margin_of(row: TransferCost) -> Decimal:
    """Return what the exchange rate takes, in US dollars."""
    return (AMOUNT * row.margin / 100).quantize(Decimal("0.01"))


def total(row: TransferCost) -> Decimal:
    """Return the fee and the exchange-rate margin together, in US dollars."""
    return row.fee + margin_of(row)


def is_old(row: TransferCost) -> bool:
    """Say whether a figure must be marked as old."""
    return row.as_of < today() - OLD


def rows(db: Session) -> list[TransferCost]:
    """Return every figure, for staff."""
    order = TransferCost.destination, TransferCost.origin, TransferCost.provider
    return list(db.scalars(select(TransferCost).order_by(*order)))


def shown(db: Session) -> list[TransferCost]:
    """Return what members may see, the cheapest first; of two that cost the same, by name."""
    fresh = select(TransferCost).where(TransferCost.as_of >= today() - TOO_OLD)
    return sorted(db.scalars(fresh), key=lambda row: (total(row), row.provider.casefold()))


def record(db: Session, by: StaffUser, figures: Iterable[Figure]) -> int:
    """Keep figures, each in place of the one there was; return how many."""
    roles.require(by, Permission.OPPORTUNITIES_MANAGE)
    count = 0
    for figure in figures:
        key = (figure.origin, figure.destination, figure.provider)
        row = db.scalars(
            select(TransferCost).where(
                TransferCost.origin == key[0], TransferCost.destination == key[1], TransferCost.provider == key[2]
            )
        ).one_or_none()
        if row is None:
            row = TransferCost(origin=key[0], destination=key[1], provider=key[2])
            db.add(row)
        row.fee, row.margin, row.source, row.as_of = figure.fee, figure.margin, figure.source, figure.as_of
        row.recorded_by, row.recorded_at = by.id, clock.now()
        db.flush()
        count += 1
    audit.record(db, by, "costs.recorded", "costs", today(), {"figures": count})
    return count


def remove(db: Session, by: StaffUser, row: TransferCost) -> None:
    """Take a figure out."""
    roles.require(by, Permission.OPPORTUNITIES_MANAGE)
    detail = {"corridor": f"{row.origin}-{row.destination}", "provider": row.provider}
    db.delete(row)
    db.flush()
    audit.record(db, by, "costs.removed", "costs", row.id, detail)


def answer(db: Session, content: Content, language: str, rest: str = "") -> Message:
    """Answer COSTS, or a pressed "<destination>", "<destination>:<origin>" or "<destination>:page:<number>"."""
    found = shown(db)
    destination, _, origin = rest.partition(":")
    chosen = [row for row in found if row.destination == destination]
    exact = [row for row in chosen if row.origin == origin]
    if not found:
        return Message(_with_free(content, language, content.catalogue.text("costs.none", language)))
    if exact:
        return _figures(content, language, exact)
    if chosen:
        return _origins(content, language, destination, {row.origin for row in chosen}, origin)
    return _destinations(content, language, {row.destination for row in found})


def _with_free(content: Content, language: str, text: str) -> str:
    return f"{content.catalogue.text('costs.text', language)}\n\n{text}"


def _destinations(content: Content, language: str, codes: set[str]) -> Message:
    buttons = [Button(f"{PREFIX}:{code}", name) for name, code in _named(content, language, codes)]
    return Message(
        _with_free(content, language, content.catalogue.text("costs.ask_destination", language)), tuple(buttons)
    )


def _origins(content: Content, language: str, destination: str, codes: set[str], rest: str) -> Message:
    named = _named(content, language, codes)
    page = rest.removeprefix("page:")
    first = int(page) * _PAGE if page.isdecimal() and len(page) <= 2 else 0
    buttons = [Button(f"{PREFIX}:{destination}:{code}", name) for name, code in named[first : first + _PAGE]]
    if len(named) > first + _PAGE:
        more = content.catalogue.text("button.opp_more", language)
        buttons.append(Button(f"{PREFIX}:{destination}:page:{first // _PAGE + 1}", more))
    country = content.places.country_name(destination, language)
    return Message(content.catalogue.text("costs.ask_origin", language, country=country), tuple(buttons))


def _named(content: Content, language: str, codes: set[str]) -> list[tuple[str, str]]:
    return sorted((content.places.country_name(code, language), code) for code in codes)


def _figures(content: Content, language: str, found: list[TransferCost]) -> Message:
    texts, places = content.catalogue, content.places
    intro = texts.text(
        "costs.intro",
        language,
        origin=places.country_name(found[0].origin, language),
        destination=places.country_name(found[0].destination, language),
        amount=_money(content, AMOUNT, language),
    )
    lines = [f"{number}. {_line(content, language, row)}" for number, row in enumerate(found[:_SHOWN], start=1)]
    return Message("\n".join([intro, *lines, texts.text("costs.outro", language)]))


def _line(content: Content, language: str, row: TransferCost) -> str:
    texts, formats = content.catalogue, content.formats
    share = (100 * total(row) / AMOUNT).quantize(Decimal("0.1"))
    line = texts.text(
        "costs.line",
        language,
        provider=row.provider,
        total=_money(content, total(row), language),
        percent=formats.format_number(share, language),
        fee=_money(content, row.fee, language),
        margin=_money(content, margin_of(row), language),
        source=row.source,
        date=formats.format_date(row.as_of, language),
    )
    if is_old(row):
        line = f"{line} {texts.text('costs.old', language, days=OLD.days)}"
    return line


def _money(content: Content, amount: Decimal, language: str) -> str:
    return content.formats.format_money(amount, "USD", language)
