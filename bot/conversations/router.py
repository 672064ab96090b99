"""Who answers an inbound message: the first that claims it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.broadcasts.policy import Policy
from bot.channels.base import Inbound
from bot.contacts.models import Address, Contact, State
from bot.content import Content, Keyword
from bot.content.keywords import parse_start
from bot.conversations import (
    alike,
    approving,
    chats,
    choices,
    commands,
    editing,
    forwarding,
    inviting,
    leaving,
    linking,
    losing,
    mydata,
    opportunities,
    registration,
    rights,
    safety,
    sessions,
    staff_chats,
    tickets,
)
from bot.conversations.models import Dialogue, TicketKind
from bot.conversations.talk import Talk
from bot.events import certificates
from bot.messaging import outbox, owed
from bot.messaging.models import ReceivedFile
from bot.opportunities import costs, wording
from bot.surveys import service as surveys

#: What is noted and not answered.
_SILENT = ("blocked", "unblocked")
#: Answers to an invitation; its template's buttons, and typed words, do not name the session.
_RSVP = ("yes", "maybe", "no", "here", "feedback")
#: Buttons of the templates that offer a survey.
_SURVEY_TEMPLATE = ("begin", "continue", "later")
#: Button of the template that offers an answer of staff.
_READ = "read"
#: Questions asked out of turn, and for how long they wait for an answer.
_ASIDES = (
    "human", "report", "delete", "change_language", "profile", "choice", chats.PREFER, chats.OTHER,
    *opportunities.STEPS, sessions.NAMING,
)  # fmt: skip
_LAPSE = timedelta(hours=1)
#: Questions about a person's two chats.
_CHATS = {chats.PREFER: chats.take_preferred, chats.OTHER: chats.take_other}
#: Lists that only a number right after them picks from.
_LISTS = ("profile", "choice")


def _none(_code: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Router:
    """Answers messages; holds only what messages/ and the settings say."""

    content: Content
    handles: str  #: our official accounts, for VERIFY
    domains: str
    public_url: str = ""  #: where members' calendars read their sessions
    join_addresses: Callable[[str], Mapping[str, str]] = _none  #: by channel, where to join with a code
    media_dir: Path | None = None  #: where files about members are laid out to be sent; None: nothing can be sent
    #: What a broadcast must respect that staff approve in chat.
    policy: Policy = field(default_factory=lambda: Policy({}))

    def prepare(self, db: Session, people: Sequence[Contact]) -> object:
        """Read what every message asks for, for several people at once; to be held until they are answered."""
        return db.scalars(select(Dialogue).where(Dialogue.contact_id.in_([contact.id for contact in people]))).all()

    def handle(self, db: Session, contact: Contact, address: Address, inbound: Inbound, inbox_id: int) -> None:
        """Answer one message by writing rows."""
        if inbound.kind in _SILENT or rights.is_leaving(contact):
            return
        talk = Talk(db, self.content, contact, address, inbound, inbox_id, _dialogue(db, contact))
        if inviting.take(talk):
            pass
        elif talk.says_stop:
            leaving.stop(talk)
        elif safety.has_secret(inbound):
            talk.say("security.do_not_send")
        elif inbound.kind == "edited":
            editing.take(talk)
        elif staff_chats.take(talk) or linking.take(talk):
            return
        elif not _impatient(talk):
            self._answer(talk)
        if rights.is_leaving(contact) and self.media_dir:
            mydata.forget(self.media_dir, contact.id)
            certificates.forget(db, contact.id, self.media_dir)
        talk.dialogue.updated_at = clock.now()

    def lose(self, db: Session, file: ReceivedFile) -> None:
        """Answer to a file that will not come."""
        losing.lose(db, self.content, file)

    def _answer(self, talk: Talk) -> None:
        source = parse_start(talk.inbound.text) if talk.inbound.kind == "text" else None
        _close_lapsed(talk)
        if talk.inbound.button is not None:
            self._press(talk, talk.inbound.button)
        elif sessions.check_in(talk):
            return
        elif _is_choice(talk):
            self._hear(talk)
        elif source is not None or talk.keyword == Keyword.START:
            leaving.start(talk, source)
        elif talk.keyword is None or not self._command(talk, talk.keyword):
            self._hear(talk)

    def _command(self, talk: Talk, keyword: Keyword) -> bool:
        """Do what a keyword asks for; False for one that only answers open questions."""
        if keyword == Keyword.VERIFY:
            handles, domains = (
                self.handles or talk.text("verify.this_chat"),
                self.domains or talk.text("verify.no_links"),
            )
            talk.say("verify.text", handles=handles, domains=domains)
        elif keyword == Keyword.MY_DATA:
            self._my_data(talk)
        elif keyword == Keyword.INVITE and talk.contact.state == State.MEMBER:
            forwarding.give(talk, self.join_addresses)
        elif keyword == Keyword.CALENDAR:
            sessions.calendar(talk, self.public_url)
        elif keyword in commands.ANYONE:
            commands.ANYONE[keyword](talk)
        elif keyword in commands.MEMBERS:
            _member_command(talk, keyword)
        else:
            return False
        return True

    def _my_data(self, talk: Talk) -> None:
        if commands.my_data(talk) and self.media_dir:
            mydata.send(talk)

    def _press(self, talk: Talk, button: str) -> None:
        prefix, _, rest = button.partition(":")
        if button.startswith(commands.LANGUAGE_BUTTON):
            _choose_language(talk, button.removeprefix(commands.LANGUAGE_BUTTON))
        elif prefix in _CHATS:
            if not _CHATS[prefix](talk, rest):
                leaving.greet(talk)
        elif prefix == "delete":
            rights.press_delete(talk, rest)
            _ask_waiting(talk)
        elif prefix == approving.PREFIX and approving.press(talk, rest, self.policy):
            return
        elif prefix == costs.PREFIX:
            commands.transfer_costs(talk, rest)
        elif prefix == "menu" and rest in set(commands.MENU.values()):
            self._command(talk, Keyword(rest))
        elif registration.is_open(talk) and (prefix == "reg" or not registration.is_changing(talk)):
            _press_registration(talk, button)
        elif talk.contact.state == State.MEMBER and button == sessions.NEW_ADDRESS:
            sessions.new_address(talk, self.public_url)
        elif talk.contact.state == State.MEMBER:
            _press_member(talk, button)
        else:
            leaving.greet(talk)

    def _hear(self, talk: Talk) -> None:
        """Take a message as the answer to what is open, the question asked last first."""
        if registration.is_open(talk):
            registration.hear(talk)
        elif talk.dialogue.step == "choice" and (button := commands.picked(talk)):
            self._press(talk, button)
        elif not _hear_aside(talk):
            _hear_member(talk) if talk.contact.state == State.MEMBER else leaving.greet(talk)


def _dialogue(db: Session, contact: Contact) -> Dialogue:
    dialogue = db.get(Dialogue, contact.id)
    if dialogue is None:
        dialogue = Dialogue(contact_id=contact.id, step=None, data={}, updated_at=clock.now())
        db.add(dialogue)
    return dialogue


def _impatient(talk: Talk) -> bool:
    """Know the same words again before our answer has left: they cannot be meant for the next question."""
    said = crypto.index(f"{talk.contact.id}:{talk.said}") if talk.said else None
    previous, talk.dialogue.last_said = talk.dialogue.last_said, said
    return said is not None and said == previous and outbox.reply_under_way(talk.db, talk.contact.id)


def _close_lapsed(talk: Talk) -> None:
    """Let go of questions asked out of turn: a "yes" of next week, meant for something else, must not erase anybody."""
    step, silence = talk.dialogue.step, clock.now() - talk.dialogue.updated_at
    is_number = talk.inbound.button is None and choices.number(talk.inbound.text) is not None
    if (step in _ASIDES and silence > _LAPSE) or (step in _LISTS and not is_number):
        talk.close()


def _is_choice(talk: Talk) -> bool:
    """Say whether the text is an answer offered by the open question: then it is one, even if it is a keyword."""
    if talk.dialogue.step is not None:
        return registration.is_choice(talk, talk.inbound.text)
    run = surveys.open_run(talk.db, talk.contact) if talk.contact.state == State.MEMBER and talk.keyword else None
    return run is not None and surveys.offers(talk.db, talk.content, talk.contact, run, talk.inbound.text)


def _member_command(talk: Talk, keyword: Keyword) -> None:
    state = talk.contact.state
    if registration.is_open(talk) and not registration.is_changing(talk):
        _finish_first(talk)
    elif state == State.MEMBER or (state == State.STOPPED and keyword in commands.RIGHTS):
        talk.close_all()
        commands.MEMBERS[keyword](talk)
    else:
        leaving.greet(talk)


def _finish_first(talk: Talk) -> None:
    talk.say("registration.finish_first")
    registration.ask(talk)


def _choose_language(talk: Talk, said: str) -> None:
    if not commands.take_language(talk, said):
        commands.language(talk)


def _press_registration(talk: Talk, button: str) -> None:
    if button.startswith("reg:"):
        registration.press(talk, button)
    else:
        _finish_first(talk)


def _press_member(talk: Talk, button: str) -> None:
    prefix = button.partition(":")[0]
    if prefix == "sv":
        pressed = replace(talk.inbound, button=button)  # by its number, perhaps
        for message in surveys.press(talk.db, talk.content, talk.contact, pressed):
            talk.send(message)
    elif prefix == wording.PREFIX:
        commands.about_cards(talk, opportunities.press(talk, button.partition(":")[2]))
    elif prefix == "share":
        commands.about_cards(talk, opportunities.press_answer(talk, button.partition(":")[2]))
    elif prefix == "rsvp":
        sessions.press(talk, button)
    elif button in _SURVEY_TEMPLATE:
        _answer_survey_template(talk, button)
    elif button == _READ and owed.pay(talk.db, talk.address):
        return
    elif prefix != "reg" and not _answer_invitation(talk, button):
        # A late press on a registration question is no question any more.
        talk.say("unknown.text")


def _hear_aside(talk: Talk) -> bool:
    """Take an answer to a question that was asked out of turn; False when none is open."""
    match talk.dialogue.step:
        case "human" | "report" as kind:
            if not tickets.take(talk, TicketKind(kind)):
                return True
            talk.close()
        case "delete":
            rights.take_delete(talk, talk.inbound.text)
        case sessions.NAMING:
            sessions.take_name(talk)
            return True
        case "change_language":
            _choose_language(talk, talk.inbound.text)
            return True
        case step if step in opportunities.STEPS:
            commands.about_cards(talk, opportunities.hear(talk))
        case "profile":
            return commands.take_profile(talk)
        case chats.PREFER | chats.OTHER as step:
            if not _CHATS[step](talk, talk.inbound.text):
                return False
        case _:
            return False
    _ask_waiting(talk)
    return True


def _ask_waiting(talk: Talk) -> None:
    if registration.is_open(talk):
        registration.ask(talk)


def _hear_member(talk: Talk) -> None:
    if talk.inbound.kind == "contact" and alike.note_number(talk, talk.inbound.text):
        talk.say("link_chat.number_noted")
        return
    if tickets.take_held(talk):
        return
    answered = _answer_survey(talk) or _answer_invitation(talk, str(talk.keyword).lower())
    if not answered and not owed.pay(talk.db, talk.address):
        tickets.take_unknown(talk)


def _answer_survey(talk: Talk) -> bool:
    run = surveys.open_run(talk.db, talk.contact)
    if run is None and talk.keyword == Keyword.CHANGE:
        run = surveys.reopen(talk.db, talk.contact)
    if run is None:
        return False
    for message in surveys.answer(talk.db, talk.content, talk.contact, run, talk.inbound):
        talk.send(message)
    return True


def _answer_survey_template(talk: Talk, button: str) -> None:
    """Go on with a survey; "later" needs no answer but silence, where nothing is open."""
    if not _answer_survey(talk) and button != "later":
        commands.MEMBERS[Keyword.SURVEY](talk)


def _answer_invitation(talk: Talk, answer: str) -> bool:
    if answer not in _RSVP:
        return False
    event_id = outbox.invitation_ref(talk.db, talk.contact.id, talk.inbound.replies_to)
    if event_id is None:
        return False
    sessions.press(talk, f"rsvp:{event_id}:{answer}")
    return True
