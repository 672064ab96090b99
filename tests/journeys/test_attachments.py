"""A broadcast with a file, from the draft to the phones: one upload on Telegram, one address on WhatsApp."""

import asyncio
from datetime import timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import attachments, rendering, service
from bot.broadcasts.models import Broadcast
from bot.broadcasts.service import Draft
from bot.contacts.models import Purpose
from bot.demo.stage import Stage
from bot.messaging.models import OPEN, OutboxMessage
from bot.staff.models import Role, StaffUser
from tests.web.test_console_attachments import PDF, png

from .chat import PATIENCE, Person
from .conftest import somebody

LONG = "A paragraph about the new bond and who may buy it. " * 25


def _send(db: Session, stage: Stage, content: bytes, name: str, text: str) -> int:
    """Write, approve and send a broadcast with a file."""
    people = []
    for role in (Role.EDITOR, Role.APPROVER):
        user = db.scalars(select(StaffUser).where(StaffUser.email_hash == role)).one_or_none()
        if user is None:
            user = StaffUser(email=role, email_hash=role, name=role, role=role, active=True, created_at=clock.now())
            db.add(user)
        people.append(user)
    db.flush()
    app, editor, approver = stage.app, *people
    file = attachments.store(db, content, name)
    draft = Draft("Bond", Purpose.NEWS, {"en": text}, template="announcement", attachments={"en": file})
    broadcast = service.draft(db, app.content, editor, draft)
    seen = rendering.content_hash(app.content, broadcast)
    service.approve(db, app.content, broadcast, approver, app.policy, seen=seen)
    service.send(db, app.content, broadcast, editor, app.policy)
    return broadcast.id


def _forget(laid: list[Path]) -> None:
    for path in laid:
        path.unlink()


async def _delivered(stage: Stage, broadcast_id: int) -> None:
    stage.app.nudge()
    of = OutboxMessage.ref == broadcast_id, OutboxMessage.kind == "broadcast", OutboxMessage.status.in_(OPEN)
    async with asyncio.timeout(PATIENCE):
        while await stage.app.database.query(_any, of):  # noqa: ASYNC110 - a database calls nobody
            await asyncio.sleep(0.02)


def _any(db: Session, of: tuple[ColumnElement[bool], ...]) -> bool:
    return db.scalars(select(OutboxMessage.id).where(*of).limit(1)).first() is not None


async def _members(village: Stage, channel: str, number: int) -> list[Person]:
    clock.move_to(clock.now().replace(hour=8, minute=0) + timedelta(days=1))
    people = [somebody(village, channel) for _ in range(number)]
    for person in people:
        await person.join()
    return people


async def test_on_telegram_a_picture_is_uploaded_once_for_everybody(village: Stage) -> None:
    people = await _members(village, "telegram", 3)
    before = len(village.world.telegram.files)
    sent = await village.app.database.run(_send, village, png(), "poster.png", "A new bond.")
    await _delivered(village, sent)
    for person in people:
        message = await person.phone.next_message(PATIENCE)
        assert message.media
        assert message.media.content == png()
        assert message.text.startswith("A new bond.")  # as the caption
    assert len(village.world.telegram.files) == before + 1
    sent = await village.app.database.run(_send, village, png(), "the same again.png", LONG)
    await _delivered(village, sent)
    for person in people:
        first, second = [await person.phone.next_message(PATIENCE) for _ in range(2)]
        assert (bool(first.media), first.text, bool(second.media)) == (True, "", False)
        assert second.text.startswith(LONG.strip())
    assert len(village.world.telegram.files) == before + 1


async def test_on_whatsapp_the_carrier_fetches_the_file_from_us(village: Stage) -> None:
    people = await _members(village, "whatsapp", 2)
    sent = await village.app.database.run(_send, village, PDF, "The plan.pdf", "A new bond.")
    await _delivered(village, sent)
    for person in people:
        file, text = [await person.phone.next_message(PATIENCE) for _ in range(2)]
        assert file.media
        assert (file.media.content, file.media.content_type) == (PDF, "application/pdf")
        assert file.media.file_name == "The-plan.pdf"
        assert text.text.startswith("A new bond.")
    assert len(set(village.world.twilio.fetched)) >= 1
    laid = [path for path in village.app.settings.media_dir.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in laid] == [PDF]
    _forget(laid)  # another machine serves the address: it makes the file from the database
    sent = await village.app.database.run(_send, village, png(), "poster.png", LONG)
    await _delivered(village, sent)
    for person in people:
        first, second = [await person.phone.next_message(PATIENCE) for _ in range(2)]
        assert first.media
        assert first.media.content == png()
        assert second.text.startswith(LONG.strip()[:1000])


async def test_outside_the_window_the_file_comes_with_the_whole_text_after_the_answer(village: Stage) -> None:
    [person] = await _members(village, "whatsapp", 1)
    clock.advance(timedelta(hours=26))
    sent = await village.app.database.run(_send, village, png(), "poster.png", "A new bond.")
    await _delivered(village, sent)
    message = await person.phone.next_message(PATIENCE)
    assert message.media is None
    assert "Reply to this message to read all of it" in message.text
    await person.act("yes please")
    message = await person.phone.next_message(PATIENCE)
    assert message.media
    assert message.media.content == png()
    assert message.text.startswith("A new bond.")
    row = await person.query(lambda db: db.scalars(select(Broadcast)).one())
    assert row.attachments["en"]["name"] == "poster.png"
