"""What members read about a card. Every text names the risks, and says that it is no advice.

A long text is parted here, not by the channel, so that each part carries both: people forward parts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.channels.base import Button
from bot.channels.split import split
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE, chain
from bot.messaging.outbox import Message
from bot.opportunities import gate
from bot.opportunities.models import Lead, Opportunity

#: Characters of one message: room for buttons on every channel.
LIMIT = 1000
PREFIX = "opp"
SHARE_WORDING = "opportunity.share.v1"


def text_of(card: gate.Card, name: str, language: str) -> str:
    """Return one text in the nearest language that has it."""
    return next((found for code in chain(language) if (found := card.texts.get(code, {}).get(name, ""))), "")


def title(card: gate.Card, language: str) -> str:
    """Return the title in the nearest language."""
    return text_of(card, "title", language)


def named_risks(content: Content, card: gate.Card, language: str) -> str:
    """Return the line that names the risks."""
    return content.catalogue.text("opportunity.risks", language, risks=risks_text(card, language))


def risks_text(card: gate.Card, language: str) -> str:
    """Return the named risks as one sentence."""
    return "; ".join(risk.rstrip(".;") for risk in gate.risks(card, language)) + "."


def warning(content: Content, card: gate.Card, language: str) -> str:
    """Return what every text about a card ends with: its risks, and that this is no advice."""
    return f"{named_risks(content, card, language)}\n{content.catalogue.text('opportunity.risk_line', language)}"


def parts(text: str, ending: str) -> list[str]:
    """Return the text in parts that fit one message each, every one with the ending."""
    room = LIMIT - len(ending) - 2
    lines = [piece for line in text.splitlines() for piece in split(line, room)]
    packed = [""]
    for line in lines:
        longer = f"{packed[-1]}\n{line}" if packed[-1] else line
        if len(longer) > room:
            packed.append(line)
        else:
            packed[-1] = longer
    return [f"{part}\n\n{ending}" for part in packed]


def about(
    content: Content,
    card: gate.Card,
    language: str,
    key: str,
    buttons: Sequence[Button] = (),
    *,
    values: Mapping[str, object] | None = None,
) -> list[Message]:
    """Return a wording about a card, with its risks; `{title}` and `{authority}` stand for the card's."""
    known: dict[str, object] = {"title": title(card, language), "authority": card.authority} | dict(values or {})
    return messages(content, card, language, content.catalogue.text(key, language, **known), buttons)


def messages(
    content: Content, card: gate.Card, language: str, text: str, buttons: Sequence[Button] = ()
) -> list[Message]:
    """Return a text about a card as messages, the buttons under the last."""
    *others, last = parts(text, warning(content, card, language))
    return [*map(Message, others), Message(last, tuple(buttons))]


def card_messages(
    content: Content, card: gate.Card, language: str, checked: datetime, buttons: Sequence[Button] = ()
) -> list[Message]:
    """Return the whole card; `checked` is when it was approved."""
    return messages(content, card, language, facts(content, card, language, checked), buttons)


def facts(content: Content, card: gate.Card, language: str, checked: datetime) -> str:
    """Return everything on the card but the risks."""
    texts, formats = content.catalogue, content.formats
    lines = [
        texts.text(
            "opportunity.card",
            language,
            **{name: text_of(card, name, language) for name in ("title", "summary", "term", "fees", "exit")},
            eligibility=text_of(card, "eligibility", language),
            country=content.places.country_name(card.country, language),
            sector=texts.text(f"interest.{card.sector}", language),
            instrument=texts.text(f"instrument.{card.instrument}", language),
            issuer=card.issuer,
            licence=card.licence,
            minimum=minimum(content, card, language),
        )
    ]
    if rate := text_of(card, "return", language):
        lines.append(texts.text("opportunity.return", language, rate=rate, basis=text_of(card, "basis", language)))
    if documents := text_of(card, "documents", language):
        lines.append(texts.text("opportunity.documents", language, documents=documents))
    day = checked.astimezone(ZoneInfo(HOME_ZONE)).date()
    lines.append(
        texts.text(
            "opportunity.checked",
            language,
            authority=card.authority,
            languages=", ".join(LANGUAGES[code].name for code in card.languages),
            checked=formats.format_date(day, language),
            until=formats.format_date(card.valid_until, language) if card.valid_until else "",
        )
    )
    return "\n".join(lines)


def minimum(content: Content, card: gate.Card, language: str) -> str:
    """Return the least amount with its currency."""
    return content.formats.format_money(card.minimum, card.currency, language) if card.minimum else ""


def listing(
    content: Content, cards: Sequence[Opportunity], language: str, more: Iterable[Button], first: int = 1
) -> Message:
    """List cards to choose from, each with its first risk."""
    texts = content.catalogue
    lines = [texts.text("opportunity.list_intro", language)]
    for number, card in enumerate(cards, start=first):
        item = texts.text(
            "opportunity.list_item",
            language,
            title=title(card, language),
            country=content.places.country_name(card.country, language),
            minimum=minimum(content, card, language),
            risk=gate.risks(card, language)[0],
        )
        lines.append(f"{number}. {item}")
    buttons = [Button(f"{PREFIX}:{card.id}:show", title(card, language)) for card in cards]
    lines += ["", texts.text("opportunity.risk_line", language)]
    return Message("\n".join(lines), (*buttons, *more))


def choices(content: Content, card: Opportunity, language: str, *, saved: bool, interested: bool) -> list[Button]:
    """Return what a member can do with a card."""
    codes = ("unsave" if saved else "save", "ask", "withdraw" if interested else "interest")
    return [button(content, language, f"{card.id}:{code}", f"button.opp_{code}") for code in codes]


def button(content: Content, language: str, rest: str, key: str) -> Button:
    """Return a button of this room."""
    return Button(f"{PREFIX}:{rest}", content.catalogue.text(key, language))


def share_text(content: Content, card: Opportunity, language: str, details: str, residence: str) -> str:
    """Return the exact words of the consent to share a lead."""
    return content.catalogue.consent_text(
        SHARE_WORDING,
        language,
        authority=card.authority,
        title=title(card, language),
        details=details,
        residence=residence,
    )


def announcement(content: Content, card: Opportunity) -> dict[str, str]:
    """Return what an announcement of a card says, by language; its risks go along by themselves."""
    codes = [code for code in LANGUAGES if card.texts.get(code, {}).get("summary")]
    return {
        code: content.catalogue.text(
            "opportunity.announcement",
            code,
            title=title(card, code),
            summary=text_of(card, "summary", code),
            issuer=card.issuer,
            licence=card.licence,
        )
        for code in codes
    }


def followup(content: Content, card: Opportunity, lead: Lead, language: str) -> Message:
    """Ask whether the authority has written."""
    buttons = [
        button(content, language, f"{card.id}:{code}", f"button.opp_{code}")
        for code in ("heard", "not_yet", "withdraw")
    ]
    return _opening(
        content, card, language, "opportunity.followup", buttons, "investment_followup", reference=lead.reference
    )


def ended(content: Content, card: Opportunity, language: str) -> Message:
    """Tell who saved it or was interested that a card is over."""
    return _opening(content, card, language, "opportunity.ended", (), "investment_ended")


def _opening(
    content: Content,
    card: Opportunity,
    language: str,
    key: str,
    buttons: Sequence[Button],
    template: str,
    **values: object,
) -> Message:
    """Return one message that may begin a conversation: where the window is closed, the template says it."""
    (only,) = about(content, card, language, key, buttons, values=values)
    nearest = content.templates[template].language_for(language)
    spoken = nearest or SOURCE
    variables = {"title": title(card, spoken), "authority": card.authority, "risks": risks_text(card, spoken)}
    return Message(only.text, only.buttons, template=template, variables=variables)
