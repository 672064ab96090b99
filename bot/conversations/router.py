"""Who answers an inbound message: the first that claims it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.channels.base import Inbound
from bot.contacts.models import Address, Contact, State
from bot.content import Content, Keyword
from bot.content.keywords import parse_start
from bot.conversations import commands, registration, rights
from bot.conversations.models import Dialogue, TicketKind
from bot.conversations.talk import Talk
from bot.events import replies as events
from bot.messaging import outbox
from bot.surveys import service as surveys

#: What is noted and not answered.
_SILENT = ("blocked", "unblocked", "edited")


@dataclass(frozen=True, slots=True)
class Router:
    """Answers messages; holds only what messages/ and the settings say."""

    content: Content
    handles: str  #: our official accounts, for VERIFY
    domains: str

    def handle(self, db: Session, contact: Contact, address: Address, inbound: Inbound, inbox_id: int) -> None:
        """Answer one message by writing rows."""
        if inbound.kind in _SILENT:
            return
        talk = Talk(db, self.content, contact, address, inbound, inbox_id, _dialogue(db, contact))
        keyword = self.content.keywords.match(inbound.text) if inbound.kind == "text" else None
        if keyword == Keyword.STOP:
            commands.stop(talk)
        elif not _impatient(talk):
            self._answer(talk, keyword)
        talk.dialogue.updated_at = clock.now()

    def _answer(self, talk: Talk, keyword: Keyword | None) -> None:
        source = parse_start(talk.inbound.text) if talk.inbound.kind == "text" else None
        if talk.contact.state == State.LEAVING:
            return
        if keyword in commands.ANYONE or keyword in (Keyword.VERIFY, Keyword.DELETE):
            self._command(talk, keyword)
        elif talk.dialogue.step == "change_language" or (talk.inbound.button or "").startswith("menu:language:"):
            commands.take_language(talk)
        elif rights.takes_delete(talk):
            rights.take_delete(talk)
        elif talk.dialogue.step in registration.STEPS:
            self._register(talk, keyword, source)
        elif talk.contact.state == State.MEMBER:
            self._answer_member(talk, keyword, source)
        else:
            _answer_stranger(talk, keyword, source)

    def _command(self, talk: Talk, keyword: Keyword) -> None:
        if keyword == Keyword.VERIFY:
            talk.say("verify.text", handles=self.handles, domains=self.domains)
        elif keyword == Keyword.DELETE:
            rights.ask_delete(talk)
        elif keyword in commands.ANYONE:
            commands.ANYONE[keyword](talk)
        else:
            talk.open(None)
            commands.MEMBERS[keyword](talk)

    def _register(self, talk: Talk, keyword: Keyword | None, source: str | None) -> None:
        """Answers and double presses belong to the open question; other keywords and other rooms' buttons do not."""
        button = talk.inbound.button
        if source is not None or keyword == Keyword.START:
            registration.ask(talk)
        elif keyword in commands.MEMBERS or (button is not None and not button.startswith("reg:")):
            talk.say("registration.finish_first")
            registration.ask(talk)
        else:
            registration.take(talk)

    def _answer_member(self, talk: Talk, keyword: Keyword | None, source: str | None) -> None:
        if source is not None or keyword == Keyword.START:
            talk.say("registration.already_member")
        elif talk.inbound.button is not None:
            self._answer_button(talk, talk.inbound.button)
        elif keyword in commands.MEMBERS:
            self._command(talk, keyword)
        elif not (_answer_step(talk) or _answer_survey(talk) or _answer_invitation(talk, keyword or "")):
            talk.say("unknown.text" if talk.inbound.kind == "text" else "unknown.media")

    def _answer_button(self, talk: Talk, button: str) -> None:
        prefix, _, rest = button.partition(":")
        if prefix == "sv":
            if not _answer_survey(talk):
                talk.say("survey.none_open")
        elif prefix == "rsvp":
            talk.send(events.press(talk.db, talk.content, talk.contact, button))
        elif prefix == "menu" and rest in set(Keyword):
            self._command(talk, Keyword(rest))
        elif not _answer_invitation(talk, button) and prefix != "reg":
            # A late press on a registration question is no question any more.
            talk.say("unknown.text")


def _answer_stranger(talk: Talk, keyword: Keyword | None, source: str | None) -> None:
    if talk.contact.state == State.NEW:
        registration.begin(talk, source)
    elif source is not None or keyword == Keyword.START:
        _come_back(talk, source)
    else:
        talk.say("stop.already" if talk.contact.state == State.STOPPED else "registration.declined")


def _answer_step(talk: Talk) -> bool:
    match talk.dialogue.step:
        case "human":
            commands.take_ticket(talk, TicketKind.HUMAN)
        case "report":
            commands.take_ticket(talk, TicketKind.REPORT)
        case "profile":
            return commands.take_profile(talk)
        case _:
            return False
    return True


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


def _come_back(talk: Talk, source: str | None) -> None:
    """Only an explicit START re-opens a no: consent is asked anew."""
    if talk.contact.state == State.STOPPED:
        talk.say("start.ask_consent_again")
    talk.open("consent" if talk.contact.language else "language", source=source)
    registration.ask(talk)


def _answer_survey(talk: Talk) -> bool:
    run = surveys.open_run(talk.db, talk.contact)
    if run is None:
        return False
    for message in surveys.answer(talk.db, talk.content, talk.contact, run, talk.inbound):
        talk.send(message)
    return True


def _answer_invitation(talk: Talk, answer: str) -> bool:
    """Take "yes" said to an invitation: a template's buttons, and typed words, do not name the session."""
    if answer.lower() not in ("yes", "maybe", "no"):
        return False
    event_id = outbox.invitation_ref(talk.db, talk.contact.id, talk.inbound.replies_to)
    if event_id is None:
        return False
    talk.send(events.press(talk.db, talk.content, talk.contact, f"rsvp:{event_id}:{answer.lower()}"))
    return True
