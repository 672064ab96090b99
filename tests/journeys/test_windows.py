"""WhatsApp: its window, in which a template asks for a reply and the reply gets all of it; its lists of choices."""

from datetime import timedelta

from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import service as broadcasts
from bot.broadcasts.models import Broadcast
from bot.contacts.models import Contact
from bot.demo.stage import Stage
from bot.messaging import outbox
from bot.messaging.models import Priority
from bot.messaging.outbox import Message
from bot.staff import service as staff
from bot.staff.models import Role

from .chat import Person
from .conftest import somebody


async def test_who_answers_an_announcement_by_template_gets_its_full_text(village: Stage) -> None:
    person = await _joined(village)
    clock.advance(timedelta(hours=25))
    await village.app.database.run(_announce, village)
    village.app.nudge()
    template = await person.phone.next_message(8)
    assert "Reply to this message" in template.text
    assert "The embassy opens" not in template.text
    await person.phone.send("ok")
    full = await person.phone.next_message(8)
    assert full.text.startswith("The embassy opens on Saturday.")
    await person.phone.send("ok")
    assert "did not understand" in (await person.phone.next_message(8)).text


async def test_who_answers_a_reminder_by_template_gets_the_place(village: Stage) -> None:
    person = await _joined(village)
    clock.advance(timedelta(hours=25))
    await village.app.database.run(_remind)
    village.app.nudge()
    assert "Reply to this message" in (await person.phone.next_message(8)).text
    await person.phone.send("where is it?")
    assert (await person.phone.next_message(8)).text == "Tomorrow at ten, in the town hall."


async def _joined(village: Stage) -> Person:
    """Let somebody become a member, in the morning."""
    clock.move_to(clock.now().replace(hour=8, minute=0) + timedelta(days=1))
    person = somebody(village, "whatsapp")
    await person.join()
    await person.settle()
    return person


def _announce(db: Session, village: Stage) -> None:
    content, policy = village.app.content, village.app.policy
    editor, _ = staff.add(db, "editor@example.org", "Editor", Role.EDITOR, password="four words of mine")
    approver, _ = staff.add(db, "approver@example.org", "Approver", Role.APPROVER, password="four words of mine")
    what = broadcasts.Draft(
        title="Opening",
        purpose="news",
        texts={"en": "The embassy opens on Saturday."},
        template="announcement",
        variables={"en": {"title": "the embassy", "summary": "it opens"}},
    )
    broadcast = broadcasts.draft(db, content, editor, what)
    broadcasts.approve(db, content, broadcast, approver, policy, seen=broadcast.content_hash)
    assert broadcasts.send(db, content, db.get_one(Broadcast, broadcast.id), approver, policy) == 1


def _remind(db: Session) -> None:
    outbox.queue(
        db,
        db.query(Contact).one(),
        Message("Tomorrow at ten, in the town hall.", template="session_reminder", variables={"title": "Saving"}),
        kind="reminder",
        priority=Priority.REMINDER,
        purpose="sessions",
        once="test",
        ref=1,
    )


async def test_the_button_that_opens_a_list_speaks_the_persons_language(village: Stage) -> None:
    person = somebody(village, "whatsapp", "fr")
    await person.join()
    await person.phone.send("MENU")
    menu = await person.phone.next_message(8)
    assert (menu.menu, len(menu.buttons)) == (person.words("button.choose"), 8)
    assert menu.menu == "Choisir"
