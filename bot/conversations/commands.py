"""What each keyword does, from anywhere."""

from collections.abc import Callable, Mapping

from bot import clock
from bot.channels.base import Button
from bot.contacts import consent, service
from bot.contacts.models import State
from bot.content import Keyword
from bot.content.languages import LANGUAGES
from bot.conversations import registration
from bot.conversations.models import Ticket, TicketKind
from bot.conversations.talk import Talk
from bot.events import replies as events
from bot.messaging import outbox
from bot.surveys import service as surveys

#: Buttons of the menu: label key -> keyword.
MENU = {
    "button.menu_survey": Keyword.SURVEY,
    "button.menu_sessions": Keyword.SESSIONS,
    "button.menu_opportunities": Keyword.OPPORTUNITIES,
    "button.menu_profile": Keyword.PROFILE,
    "button.menu_language": Keyword.LANGUAGE,
    "button.menu_data": Keyword.MY_DATA,
    "button.menu_human": Keyword.HUMAN,
    "button.menu_verify": Keyword.VERIFY,
}
#: Numbers of the profile summary -> the registration step that asks it again.
PROFILE = {"1": "language", "2": "origin", "3": "residence", "4": "timezone", "5": "interests", "6": "consent"}


def stop(talk: Talk) -> None:
    """Leave: nothing unasked is sent any more until an explicit START."""
    if talk.contact.state == State.STOPPED:
        talk.say("stop.already")
        return
    # The confirmation is an answer to what was asked, so that the opt-out does not suppress it.
    talk.say("stop.confirmed")
    if talk.contact.state == State.MEMBER:
        talk.contact.state = State.STOPPED
    else:
        talk.contact.state = State.DECLINED
    outbox.cancel_unasked(talk.db, talk.contact.id, "stopped")
    surveys.withdraw(talk.db, talk.contact)
    talk.open(None)


def menu(talk: Talk) -> None:
    """Show what can be done here."""
    talk.say("menu.text", *(talk.button(f"menu:{keyword}", key) for key, keyword in MENU.items()))


def help_(talk: Talk) -> None:
    """List the words that are understood at any time."""
    talk.say("help.text")


def language(talk: Talk) -> None:
    """Ask for another language; an open registration question waits behind it."""
    buttons = [Button(f"menu:language:{item.code}", item.name) for item in LANGUAGES.values()]
    talk.say("language.choose", *buttons)
    waiting = talk.dialogue.step if talk.dialogue.step in registration.STEPS else None
    talk.open("change_language", waiting=waiting)


def take_language(talk: Talk) -> None:
    """Change the language at once, in an open survey too."""
    code = registration.language_of(talk, (talk.inbound.button or "").rpartition(":")[2] or talk.inbound.text)
    if code is None:
        language(talk)
        return
    waiting = (talk.dialogue.data or {}).get("waiting")
    talk.contact.language = code
    talk.open(waiting)
    talk.say("language.changed", language=LANGUAGES[code].name)
    run = surveys.open_run(talk.db, talk.contact)
    if waiting:
        registration.ask(talk)
    elif run:
        for message in surveys.speak(talk.db, talk.content, talk.contact, run, code):
            talk.send(message)


def survey(talk: Talk) -> None:
    """Go on with the open survey, or begin one."""
    run = surveys.open_run(talk.db, talk.contact)
    if run:
        messages = surveys.resume(talk.db, talk.content, talk.contact, run, talk.address.channel)
    else:
        messages = surveys.offer(talk.db, talk.content, talk.contact, talk.address.channel)
    for message in messages:
        talk.send(message)


def sessions(talk: Talk) -> None:
    """List the sessions to come."""
    talk.send(events.upcoming(talk.db, talk.content, talk.contact))


def opportunities(talk: Talk) -> None:
    """Say what there is."""
    talk.say("opportunity.none")


def profile(talk: Talk) -> None:
    """Show the details and ask which one to change."""
    talk.say("profile.summary", **_details(talk))
    talk.open("profile")


def take_profile(talk: Talk) -> bool:
    """Ask again the question whose number was sent; False when it is none of them."""
    step = PROFILE.get(talk.inbound.text.strip())
    if step is None:
        return False
    if step == "language":
        language(talk)
        return True
    talk.open("residence" if step == "timezone" and not talk.contact.residence else step, changing=True)
    registration.ask(talk)
    return True


def my_data(talk: Talk) -> None:
    """Say what we keep."""
    if talk.contact.state not in (State.MEMBER, State.STOPPED):
        talk.say("mydata.nothing")
        return
    talk.say(
        "mydata.summary",
        **_details(talk),
        surveys=surveys.count_runs(talk.db, talk.contact),
        messages=outbox.count_messages(talk.db, talk.contact.id),
    )


def _details(talk: Talk) -> dict[str, str]:
    contact, none = talk.contact, talk.text("profile.not_given")
    purposes = consent.granted_purposes(talk.db, contact)
    codes = service.interests(talk.db, contact)
    country = contact.residence and talk.content.places.country_name(contact.residence, talk.language)
    zone = contact.zone and talk.content.formats.format_zone(clock.now(), contact.zone, talk.language)
    named = [talk.text(f"purpose.{purpose}") for purpose in consent.ASKED_TOGETHER if purpose in purposes]
    return {
        "language": LANGUAGES[talk.language].name,
        "origin": talk.text(f"origin.{contact.origin}") if contact.origin else none,
        "residence": ", ".join(filter(None, (contact.city, country))) or none,
        "zone": zone or none,
        "interests": ", ".join(talk.text(f"interest.{code}") for code in codes) or none,
        "purposes": ", ".join(named) or talk.text("consent.no_purpose"),
    }


def human(talk: Talk) -> None:
    """Ask for the question that a person will read."""
    talk.say("human.ask")
    talk.open("human")


def report(talk: Talk) -> None:
    """Ask for the description of a fraud."""
    talk.say("report.ask")
    talk.open("report")


def take_ticket(talk: Talk, kind: TicketKind) -> None:
    """Keep the message for staff."""
    ticket = Ticket(
        contact_id=talk.contact.id,
        kind=kind,
        text=talk.inbound.text or talk.inbound.kind,
        inbox_id=talk.inbox_id,
        opened_at=clock.now(),
    )
    talk.db.add(ticket)
    talk.db.flush()
    talk.say("human.received" if kind == TicketKind.HUMAN else "report.received", number=ticket.id)
    talk.open(None)


def say(key: str) -> Callable[[Talk], None]:
    """Return a command that answers with one wording."""
    return lambda talk: talk.say(key)


#: For everybody and at any time; none of them closes an open question.
ANYONE: Mapping[Keyword, Callable[[Talk], None]] = {
    Keyword.HELP: help_,
    Keyword.LANGUAGE: language,
    Keyword.ABOUT: say("about.text"),
    Keyword.COSTS: say("costs.text"),
    Keyword.MY_DATA: my_data,
}
#: For members; they close an open question other than a survey's.
MEMBERS: Mapping[Keyword, Callable[[Talk], None]] = {
    Keyword.MENU: menu,
    Keyword.SURVEY: survey,
    Keyword.SESSIONS: sessions,
    Keyword.OPPORTUNITIES: opportunities,
    Keyword.PROFILE: profile,
    Keyword.CORRECT: say("correct.how"),
    Keyword.HUMAN: human,
    Keyword.REPORT: report,
}
