"""What comes in one transaction is handled as if each message had come by itself."""

from sqlalchemy import select

from bot.channels.base import Inbound
from bot.contacts.models import Contact, State
from bot.conversations import linking
from bot.conversations.router import Router
from bot.db import Database
from bot.messaging import inbox
from bot.messaging.models import Handling, InboxMessage, OutboxMessage
from bot.messaging.outbox import Message
from tests.conversations.conftest import Line

#: No words twice in a row: those count once as long as the answer has not left.
JOINING = ("START", "English", "yes", "oui", "1", "skip", "Joburg", "skip")


def receive(database: Database, router: Router, *inbounds: Inbound) -> list[str]:
    """Hand all on at once; return what was answered, in order."""
    with database.begin() as db:
        before = set(db.scalars(select(OutboxMessage.id)))
        assert inbox.receive(db, inbounds, router.handle, router.prepare) == len(inbounds)
    with database.begin() as db:
        assert set(db.scalars(select(InboxMessage.handling))) == {Handling.DONE}
        rows = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        return [Message.from_json(row.body).text for row in rows if row.id not in before]


def said(person: str, text: str, number: int, channel: str = "telegram") -> Inbound:
    return Inbound(channel, "us", f"together-{person}-{number}", person, "text", text=text)


def test_several_people_join_in_one_transaction_as_they_would_one_by_one(database: Database, router: Router) -> None:
    people = ("1", "2", "3")
    words = [*JOINING, "PROFILE", "MENU"]
    group = [said(person, text, number) for number, text in enumerate(words) for person in people]
    answers = receive(database, router, *group)
    alone = Line(database, router, "4")
    expected = [message.text for text in words for message in (alone.write(text), alone.answers)[1]]
    assert sorted(answers) == sorted(expected * len(people))
    with database.begin() as db:
        contacts = db.scalars(select(Contact)).all()
        assert {(one.state, one.origin, one.city, one.zone) for one in contacts} == {
            (State.MEMBER, "LS", "Johannesburg", "Africa/Johannesburg")
        }


def test_somebody_whose_chats_become_one_goes_on_in_the_same_transaction(database: Database, router: Router) -> None:
    other = Line(database, router, "whatsapp:+26650123456", "whatsapp")
    other.join()
    done, menu = other.says("link_chat.done"), other.says("menu.text")
    with database.begin() as db:
        code = linking.code(db.scalars(select(Contact)).one())
    answers = receive(database, router, said("1", code, 1), said("1", "MENU", 2))
    assert answers[0].startswith(done)
    with database.begin() as db:
        assert db.scalars(select(Contact.state)).all() == [State.MEMBER]
        rows = db.scalars(select(InboxMessage.contact_id).where(InboxMessage.channel == "telegram"))
        assert set(rows) == set(db.scalars(select(Contact.id)))
    assert answers[-1].startswith(menu)
