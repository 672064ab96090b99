"""Files that members send: fetched, kept encrypted, asked for again when they do not come, given out, erased."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.demo.stage import Stage
from bot.messaging import received
from bot.messaging.models import FilePiece, FileStatus, ReceivedFile
from bot.surveys import service as surveys
from bot.surveys.models import Answer
from tests.web.test_console_attachments import png

from .chat import PATIENCE, Person
from .conftest import somebody

both = pytest.mark.parametrize("channel", ["telegram", "whatsapp"])

PHOTO = b"\x89PNG\r\n\x1a\n" + b"a shop in Thaba-Tseka" * 40_000  # more than one piece
PROGRAM = b"MZ\x90\x00" + b"\x00" * 200
SURVEY = """
| survey |
| | type | name | label |
| | image | shop | A photo of your shop? |
| | text | wish | What do you wish for? |
| settings |
| | form_title | form_id | version |
| | Shops | shops | 1 |
"""


async def _in_the_survey(village: Stage, channel: str) -> Person:
    await village.app.database.run(lambda db: surveys.publish(db, SURVEY.encode(), "shops.md"))
    person = somebody(village, channel)
    await person.join()
    await person.play("me: SURVEY\nbot: survey.choose\nme: [Shops]\nbot: A photo of your shop?")
    return person


async def _send(person: Person, content: bytes) -> None:
    person.done += 1
    await person.phone.send_photo(content)


async def fetched(person: Person) -> Sequence[ReceivedFile]:
    """Fetch what is due, and return what is known of the person's files."""
    contact = (await person.details()).id
    mine = select(ReceivedFile).where(ReceivedFile.contact_id == contact).order_by(ReceivedFile.id)
    async with asyncio.timeout(PATIENCE):
        while True:
            await person.stage.app.fetch_files()
            found: Sequence[ReceivedFile] = await person.query(lambda db: db.scalars(mine).all())
            if all(file.due_at is None for file in found):
                return found
            await asyncio.sleep(0.02)


def _content(db: Session, file: ReceivedFile) -> bytes:
    return b"".join(received.content(db, file))


def _raw(db: Session) -> bytes:
    return b"".join(db.connection().exec_driver_sql("SELECT data FROM received_piece").scalars())


@both
async def test_a_photo_that_answers_a_question_is_fetched_and_kept_encrypted(village: Stage, channel: str) -> None:
    person = await _in_the_survey(village, channel)
    await _send(person, PHOTO)
    await person.play("bot: What do you wish for?")
    [file] = await fetched(person)
    assert (file.status, file.content_type, file.size) == (FileStatus.KEPT, "image/png", len(PHOTO))
    assert await person.query(_content, file) == PHOTO
    assert b"Thaba-Tseka" not in await person.query(_raw)
    answer = await person.query(lambda db: db.scalars(select(Answer).where(Answer.name == "shop")).one())
    assert (answer.private, file.run_id) == (received.name_of(file), answer.run_id)
    if channel == "whatsapp":  # the provider's copy is gone
        assert [message.media for message in village.world.twilio.account.messages.values() if message.media] == []


@both
async def test_a_file_that_we_do_not_take_is_asked_for_again(village: Stage, channel: str) -> None:
    person = await _in_the_survey(village, channel)
    await _send(person, PROGRAM)
    await person.play("bot: What do you wish for?\nme: peace\nbot: survey.review | peace")
    [file] = await fetched(person)
    assert (file.status, file.reason) == (FileStatus.FAILED, "type_not_taken")
    await person.play("bot: We cannot take the file you sent. | A photo of your shop?")
    await _send(person, PHOTO)
    await person.play("bot: survey.review | received | peace\nme: yes\nbot: survey.submitted")
    assert [file.status for file in await fetched(person)] == [FileStatus.FAILED, FileStatus.KEPT]
    assert await person.query(lambda db: len(set(db.scalars(select(FilePiece.file_id))))) == 1


async def test_a_file_that_fails_after_the_answers_were_sent_is_told_with_the_cure(village: Stage) -> None:
    person = await _in_the_survey(village, "whatsapp")
    person.stage.world.twilio.account.messages.clear()
    await _send(person, PROGRAM)
    await person.play("bot: What do you wish for?\nme: peace\nbot: survey.review\nme: yes\nbot: survey.submitted")
    await fetched(person)
    await person.play(
        """
        bot: A photo of your shop? | write CHANGE 1
        me: change 1
        bot: A photo of your shop?
        """
    )


async def test_a_file_known_to_be_too_large_is_no_answer(village: Stage) -> None:
    person = await _in_the_survey(village, "telegram")
    await _send(person, b"\x89PNG\r\n\x1a\n" + bytes(received.LIMIT))
    await person.play(
        "bot: That is not what this question needs. Send a photo. It may have at most 16 MB. | A photo of your shop?"
    )
    [file] = await fetched(person)
    assert (file.status, file.reason, file.reference) == (FileStatus.FAILED, "too_large", None)


@both
async def test_of_strangers_no_file_is_kept(village: Stage, channel: str) -> None:
    person = somebody(village, channel)
    await _send(person, PHOTO)
    await person.settle()
    assert list(await fetched(person)) == []


@both
async def test_my_data_gives_the_files_back_and_an_erasure_leaves_none(village: Stage, channel: str) -> None:
    person = await _in_the_survey(village, channel)
    await _send(person, PHOTO)
    await person.play("bot: What do you wish for?")
    await fetched(person)
    await person.act("MY DATA")
    await person.hear("mydata.summary")
    await person.hear("mydata.sent")
    await person.hear("mydata.sent_rows")
    last = (await person.phone.next_message(PATIENCE)).media
    assert last
    folder = village.app.settings.media_dir
    laid = [path.read_bytes() for path in folder.rglob("*.png")]
    assert laid == [PHOTO]
    if channel == "telegram":
        assert last.content == PHOTO
    await person.play("me: DELETE\nbot: delete.confirm\nme: [button.erase]\nbot: delete.done")
    await village.app.run_job("erasures")
    assert await person.query(lambda db: db.scalars(select(ReceivedFile.id)).all()) == []
    assert await person.query(lambda db: db.scalars(select(FilePiece.number)).all()) == []
    assert [path for path in folder.rglob("*") if path.is_file()] == []


CROPS = """
| survey |
| | type | name | label | media::audio |
| | select_one crop | a | Which crop? | crop.mp3 |
| choices |
| | list_name | name | label | media::image |
| | crop | maize | Maize | maize.png |
| | crop | wheat | Wheat | wheat.png |
| settings |
| | form_title | form_id | version |
| | Crops | crops | 1 |
"""


@both
async def test_pictures_of_choices_and_the_sound_of_a_question_come_before_it(village: Stage, channel: str) -> None:
    attached = {"maize.png": png(4), "wheat.png": png(5), "crop.mp3": b"ID3 crop"}
    await village.app.database.run(lambda db: surveys.publish(db, CROPS.encode(), "crops.md", attached))
    person = somebody(village, channel)
    await person.join()
    await person.play("me: SURVEY\nbot: survey.choose")
    await person.act("[Crops]")
    heard = [await person.phone.next_message(PATIENCE) for _ in range(3)]
    while "Which crop?" not in heard[-1].text:
        heard.append(await person.phone.next_message(PATIENCE))
    said = [(message.text, message.media.content) for message in heard if message.media and message.media.content]
    assert said[:2] == [("1. Maize", png(4)), ("2. Wheat", png(5))]
    assert [content for _, content in said[2:]] == [b"ID3 crop"]
    await person.play("me: 2\nbot: survey.review | Wheat")
