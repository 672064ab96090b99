"""What each keyword does, from anywhere."""

from collections.abc import Callable, Mapping, Sequence

from bot.channels.base import Button
from bot.contacts.models import State
from bot.content import Keyword
from bot.content.languages import LANGUAGES
from bot.conversations import chats, choices, details, linking, opportunities, registration, rights, summary, tickets
from bot.conversations.talk import Talk
from bot.events import replies as events
from bot.messaging.outbox import Message
from bot.opportunities import costs
from bot.surveys import service as surveys

Command = Callable[[Talk], None]

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
LANGUAGE_BUTTON = "menu:language:"
#: Numbers of the profile summary -> the question that asks it again.
_PROFILE = {2: "origin", 3: "residence", 4: "timezone", 5: "interests", 6: "consent", 8: "link"}
_PROFILE_LANGUAGE, _PROFILE_CHATS, _PROFILE_CHANNEL = 1, 7, 9


def _menu(talk: Talk) -> None:
    offer(talk, Message(talk.text("menu.text"), tuple(talk.button(f"menu:{word}", key) for key, word in MENU.items())))


def offer(talk: Talk, message: Message) -> None:
    """Send choices, and take a typed number for a press."""
    talk.send(message)
    if message.buttons:
        talk.ask_aside("choice", buttons=[button.id for button in message.buttons])


def picked(talk: Talk) -> str | None:
    """Return the button that a typed number means in the list that was sent last."""
    position = choices.number(talk.inbound.text)
    buttons: list[str] = talk.dialogue.data["buttons"]
    return buttons[position - 1] if position and position <= len(buttons) else None


def language(talk: Talk) -> None:
    """Ask for another language; an open question waits behind it."""
    if talk.dialogue.step == "language":  # just being asked
        registration.ask(talk)
        return
    if talk.contact.state == State.NEW and talk.dialogue.step is None:
        registration.begin(talk, "language")
        return
    buttons = [Button(f"{LANGUAGE_BUTTON}{item.code}", item.name) for item in LANGUAGES.values()]
    talk.say("language.choose", *buttons)
    talk.ask_aside("change_language")


def take_language(talk: Talk, said: str) -> bool:
    """Change the language at once, in an open survey too; False when `said` names none."""
    code = choices.language(talk, said)
    if code is None:
        return False
    if talk.dialogue.step == "language":
        registration.press(talk, f"reg:language:{code}")
        return True
    talk.contact.language = code
    if talk.dialogue.step == "change_language":
        talk.close()
    run = surveys.open_run(talk.db, talk.contact)
    if run and not registration.is_open(talk):
        for message in surveys.speak(talk.db, talk.content, talk.contact, run, code):
            talk.send(message)
        return True
    talk.send(Message(talk.with_notice("language.changed", language=LANGUAGES[code].name)))
    if registration.is_open(talk):
        registration.ask(talk)
    return True


def _survey(talk: Talk) -> None:
    for message in surveys.offer(talk.db, talk.content, talk.contact, talk.address.channel):
        if surveys.is_choice_of_surveys(message):
            offer(talk, message)
        else:
            talk.send(message)


def _sessions(talk: Talk) -> None:
    offer(talk, events.upcoming(talk.db, talk.content, talk.contact))


def _opportunities(talk: Talk) -> None:
    offer(talk, opportunities.ways_in(talk))


def about_cards(talk: Talk, messages: Sequence[Message]) -> None:
    """Send what is said about cards; the last holds the choices, unless it asks a question."""
    *others, last = messages
    for message in others:
        talk.send(message)
    if talk.dialogue.step in opportunities.STEPS:
        talk.send(last)
    else:
        offer(talk, last)


def transfer_costs(talk: Talk, rest: str = "") -> None:
    """Say what it costs to send money; also to who is no member."""
    offer(talk, costs.answer(talk.db, talk.content, talk.language, rest))


def _profile(talk: Talk) -> None:
    talk.say("profile.summary", **summary.details(talk.db, talk.content, talk.contact))
    talk.ask_aside("profile")


def take_profile(talk: Talk) -> bool:
    """Ask again the question whose number was sent; False when no number was."""
    position = choices.number(talk.inbound.text)
    if position is None:
        return False
    step = _PROFILE.get(position)
    if position == _PROFILE_LANGUAGE:
        language(talk)
    elif position in (_PROFILE_CHATS, _PROFILE_CHANNEL) and talk.contact.state == State.MEMBER:
        talk.close()
        if position == _PROFILE_CHATS or not chats.ask_preferred(talk):
            linking.offer(talk)
    elif step is None:
        talk.say("registration.not_understood")
        _profile(talk)
    elif step == "consent" and talk.contact.state == State.STOPPED:
        talk.say("stop.already")
    elif step == "timezone" and not details.has_several_zones(talk):
        registration.begin(talk, "residence", changing=True)
    elif step == "link" and talk.contact.origin is None:
        registration.begin(talk, "origin", changing=True)
    else:
        registration.begin(talk, step, changing=True)
    return True


def my_data(talk: Talk) -> bool:
    """Say what we keep; False when it is nothing."""
    if talk.contact.state not in (State.MEMBER, State.STOPPED):
        talk.say("mydata.nothing")
        if talk.contact.source:  # of who has not joined only a list says so
            talk.say("mydata.from_list", source=talk.contact.source)
        if tickets.has_any(talk):
            talk.say("mydata.question")
        return False
    talk.send(Message(summary.text(talk.db, talk.content, talk.contact)))
    return True


def _human(talk: Talk) -> None:
    talk.say("human.ask_stranger" if tickets.is_stranger(talk.contact) else "human.ask")
    talk.ask_aside("human")


def _report(talk: Talk) -> None:
    talk.say("report.ask_stranger" if tickets.is_stranger(talk.contact) else "report.ask")
    talk.ask_aside("report")


def _say(key: str) -> Command:
    return lambda talk: talk.say(key)


#: For everybody and at any time; an open question stays open.
ANYONE: Mapping[Keyword, Command] = {
    Keyword.HELP: _say("help.text"),
    Keyword.LANGUAGE: language,
    Keyword.ABOUT: _say("about.text"),
    Keyword.COSTS: transfer_costs,
    Keyword.DELETE: rights.ask_delete,
    Keyword.HUMAN: _human,
    Keyword.REPORT: _report,
}
#: For members, and for those who left: their data are still theirs.
RIGHTS: Mapping[Keyword, Command] = {Keyword.PROFILE: _profile, Keyword.CORRECT: _say("correct.how")}
#: For members.
MEMBERS: Mapping[Keyword, Command] = {
    **RIGHTS,
    Keyword.MENU: _menu,
    Keyword.SURVEY: _survey,
    Keyword.SESSIONS: _sessions,
    Keyword.OPPORTUNITIES: _opportunities,
}
