"""A broadcast with a file, from the draft to the phones: one upload on Telegram, one address on WhatsApp."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import attachments, forecast, rendering, service
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


def send(db: Session, stage: Stage, content: bytes, name: str, text: str) -> int:
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


async def delivered(stage: Stage, broadcast_id: int) -> None:
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
    sent = await village.app.database.run(send, village, png(), "poster.png", "A new bond.")
    await delivered(village, sent)
    for person in people:
        message = await person.phone.next_message(PATIENCE)
        assert message.media
        assert message.media.content == png()
        assert message.text.startswith("A new bond.")  # as the caption
    assert len(village.world.telegram.files) == before + 1
    sent = await village.app.database.run(send, village, png(), "the same again.png", LONG)
    await delivered(village, sent)
    for person in people:
        first, second = [await person.phone.next_message(PATIENCE) for _ in range(2)]
        assert (bool(first.media), first.text, bool(second.media)) == (True, "", False)
        assert second.text.startswith(LONG.strip())
    assert len(village.world.telegram.files) == before + 1


async def test_on_whatsapp_the_carrier_fetches_the_file_from_us(village: Stage) -> None:
    people = await _members(village, "whatsapp", 2)
    sent = await village.app.database.run(send, village, PDF, "The plan.pdf", "A new bond.")
    await delivered(village, sent)
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
    sent = await village.app.database.run(send, village, png(), "poster.png", LONG)
    await delivered(village, sent)
    for person in people:
        first, second = [await person.phone.next_message(PATIENCE) for _ in range(2)]
        assert first.media
        assert first.media.content == png()
        assert second.text.startswith(LONG.strip()[:1000])


@pytest.mark.parametrize(("name", "approved"), [("poster.png", True), ("poster.png", False), ("plan.pdf", True)])
async def test_outside_the_window_the_file_comes_above_the_template_or_with_the_whole_text_after_the_answer(
    village: Stage, name: str, approved: bool
) -> None:
    content = png() if name == "poster.png" else PDF
    [person] = await _members(village, "whatsapp", 1)
    clock.advance(timedelta(hours=26))
    async with _approvals(village, approved):
        sent = await village.app.database.run(send, village, content, name, "A new bond.")
        assert await person.query(_files, village, sent) == {"with" if approved else "later"}
        await delivered(village, sent)
    template = await person.phone.next_message(PATIENCE)
    assert "Reply to this message to read all of it" in template.text
    assert [template.media.content if template.media else None] == [content if approved else None]
    await person.act("yes please")
    answer = await person.phone.next_message(PATIENCE)
    assert [answer.media.content if answer.media else None] == [None if approved else content]
    assert answer.text.startswith("A new bond.")


@asynccontextmanager
async def _approvals(village: Stage, approved: bool) -> AsyncIterator[None]:
    """Let WhatsApp have paused the templates with a file, for a while."""
    above = [one for one in village.world.twilio.account.contents.values() if one.type == "twilio/media"]
    assert {one.status for one in above} == {"approved"}
    try:
        for one in above:
            one.status = "approved" if approved else "paused"
        await village.app.sync_templates()
        yield
    finally:
        for one in above:
            one.status = "approved"
        await village.app.sync_templates()


def _files(db: Session, village: Stage, broadcast_id: int) -> set[str | None]:
    """Return how the dry run says that the file comes to those who get it now outside the window."""
    broadcast = db.get_one(Broadcast, broadcast_id)
    found = forecast.dry_run(db, village.app.content, broadcast, village.app.policy, clock.now())
    return {line.file for line in found.lines if line.form == "template"}
