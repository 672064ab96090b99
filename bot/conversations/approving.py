"""Approving a broadcast from one's own chat: what people would read, and two buttons bound to exactly that."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.broadcasts import audience as audiences
from bot.broadcasts import rendering, service
from bot.broadcasts.audience import Audience
from bot.broadcasts.models import KIND, Broadcast
from bot.broadcasts.policy import Policy
from bot.channels.base import Button
from bot.contacts.models import Address
from bot.content import Content
from bot.content.console import CONSOLE_LANGUAGES
from bot.content.languages import SOURCE
from bot.conversations import staff_chats
from bot.conversations.talk import Talk
from bot.messaging.outbox import Message
from bot.sentences import Sentence, said
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Forbidden, Permission, allows, require

PREFIX = "approval"
#: Characters of the content's hash in a button: enough that no other content has the same.
_HASH = 24


class NobodyToAsk(service.NotPossible):
    """No approver has a linked chat."""


def ask(db: Session, content: Content, broadcast: Broadcast, policy: Policy, by: StaffUser) -> int:
    """Send a draft to the chats of those who may approve it; return how many people were asked.

    Only where we may write at any time: an approval must not depend on who wrote last.
    """
    require(by, Permission.BROADCAST_WRITE)
    if problems := service.problems(db, content, broadcast, policy):
        raise service.HasProblems(problems)
    places = [
        (user, address)
        for user in _approvers(db, broadcast)
        for address in staff_chats.chats(db, user)
        if address.channel in policy.channels and not policy.channels[address.channel].has_window
    ]
    if not places:
        raise NobodyToAsk(
            Sentence("No approver has linked a chat: they do so on their account page. Here they see it all the same.")
        )
    for user, address in places:
        _ask_one(db, content, broadcast, user, address)
    asked = len({user.id for user, _ in places})
    audit.record(db, by, "broadcast.approval_asked", KIND, broadcast.id, {"content": broadcast.content_hash})
    return asked


def _approvers(db: Session, broadcast: Broadcast) -> Sequence[StaffUser]:
    staff = db.scalars(select(StaffUser).where(StaffUser.active).order_by(StaffUser.id))
    return [one for one in staff if allows(one, Permission.BROADCAST_APPROVE) and one.id not in broadcast.writers]


def _ask_one(db: Session, content: Content, broadcast: Broadcast, user: StaffUser, address: Address) -> None:
    for message in staff_chats.previews(content, broadcast).values():
        labels = "".join(f"\n[{button.label}]" for button in message.buttons)
        staff_chats.send(db, address, replace(message, text=message.text + labels, buttons=()))
    say = content.console[user.language if user.language in CONSOLE_LANGUAGES else SOURCE].gettext
    author = db.get_one(StaffUser, broadcast.author_id)
    people = audiences.count(db, Audience.from_json(broadcast.audience))
    question = Sentence(
        "“%(title)s” by %(author)s, for %(people)s people at most. Above is what they read. Do you approve it?",
        title=broadcast.title,
        author=author.name,
        people=people,
    )
    bound = f"{rendering.content_hash(content, broadcast)[:_HASH]}"
    buttons = (
        Button(f"{PREFIX}:{broadcast.id}:yes:{bound}", say(Sentence("Approve"))),
        Button(f"{PREFIX}:{broadcast.id}:no:{bound}", say(Sentence("Refuse"))),
    )
    staff_chats.send(db, address, Message(said(question, say), buttons))


def press(talk: Talk, rest: str, policy: Policy) -> bool:
    """Approve or refuse for whoever this chat belongs to; False when it belongs to nobody of staff."""
    user = staff_chats.user_of(talk.db, talk.address)
    number, _, choice = rest.partition(":")
    answer, _, bound = choice.partition(":")
    broadcast = talk.db.get(Broadcast, int(number)) if number.isdecimal() and len(number) < 16 else None
    if user is None or broadcast is None or answer not in ("yes", "no"):
        return False
    staff_chats.tell(talk.db, talk.content, user, talk.address, _decide(talk, broadcast, user, answer, bound, policy))
    return True


def _decide(talk: Talk, broadcast: Broadcast, user: StaffUser, answer: str, bound: str, policy: Policy) -> str:
    """Return what to say about the press."""
    current = rendering.content_hash(talk.content, broadcast)
    # What is not what was shown counts as something else, which no approval fits.
    seen = current if bound and current.startswith(bound) else bound
    try:
        with talk.db.begin_nested():
            if answer == "yes":
                service.approve(talk.db, talk.content, broadcast, user, policy, seen=seen)
                return Sentence("Approved: “%(title)s” can be sent now.", title=broadcast.title)
            service.refuse(talk.db, talk.content, broadcast, user, seen=seen)
            return Sentence("Refused: “%(title)s”. Say why on its page in the console.", title=broadcast.title)
    except (service.NotPossible, Forbidden) as reason:
        return reason.args[0] if isinstance(reason.args[0], str) else str(reason)
