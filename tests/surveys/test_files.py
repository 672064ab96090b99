"""Files that go with a form: in one .zip, laid out for the channels, and sent with the question."""

import io
import zipfile
from pathlib import Path

import pytest

from bot.content import Content
from bot.db import Database
from bot.messaging.made import Makers
from bot.messaging.outbox import Message
from bot.surveys import files, publishing
from bot.surveys.bundle import unpack
from bot.surveys.form import FormError
from bot.surveys.xform import load
from tests.surveys.chat import Chat

FORM = b"""| survey |
| | type | name | label | media::image | media::audio |
| | note | hello | Listen. | | hello.mp3 |
| | select_multiple yn | a | Which one? | map.png | |
| | text | b | Why? | lost.png | |
| choices |
| | list_name | name | label |
| | yn | yes | Yes |
| settings |
| | form_title | form_id | version |
| | Shown | shown | 1 |
"""


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


def packed(**members: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return data.getvalue()


def test_a_zip_holds_the_form_and_what_it_names() -> None:
    data = packed(list_csv=b"a,b", form_xlsx=b"xlsx", media__map_png=b"png")
    assert unpack(data, "all.ZIP") == (b"xlsx", "form.xlsx", {"list.csv": b"a,b", "map.png": b"png"})
    assert unpack(data, "form.xlsx") == (data, "form.xlsx", {})


def packed_strangely() -> bytes:
    """Return a .zip whose packing no program here knows, as its directory says."""
    data = bytearray(packed(form_xlsx=b"xlsx"))
    data[data.index(b"PK\x01\x02") + 10] = 99
    data[8] = 99
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no zip", "cannot be opened"),
        (packed_strangely(), "cannot be opened"),
        (packed(map_png=b"png"), "holds no form"),
    ],
)
def test_a_zip_without_a_form_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(FormError, match=said):
        unpack(data, "all.zip")


def test_a_picture_is_sent_with_its_question_once(database: Database, content: Content, tmp_path: Path) -> None:
    chat = Chat(database, content)
    with database.begin() as db:
        survey = publishing.publish(db, FORM, "f.md", {"map.png": b"png", "hello.mp3": b"mp3"})
        survey_id = survey.id
    chat.begin(survey_id)

    media = chat.heard[-1].media
    assert media
    assert [(file.kind, file.filename) for file in chat.heard[-1].album] == [("audio", "hello.mp3")]
    assert (media.kind, media.content_type, media.filename) == ("image", "image/png", "map.png")
    makers = Makers({files.KIND: files.make}, tmp_path)
    with database.read() as db:
        assert makers.lay_out(db, media.reference)
        assert not makers.lay_out(db, media.reference.replace("map", "lost"))
    assert (tmp_path / media.reference).read_bytes() == b"png"

    chat.tap("Yes")
    assert (chat.heard[-1].media, chat.heard[-1].edits) == (None, "message-7")
    chat.tap("Done")
    assert chat.heard[-1].media is None


CHOICES = b"""| survey |
| | type | name | label |
| | select_one crop | a | Which crop? |
| choices |
| | list_name | name | label | media::image | media::audio |
| | crop | maize | Maize | maize map.png | maize.mp3 |
| | crop | beans | Beans | | |
| | crop | wheat | Wheat | wheat.jpg | |
| settings |
| | form_title | form_id | version |
| | Crops | crops | 1 |
"""


def test_pictures_of_choices_come_before_the_question_under_their_numbers(database: Database, content: Content) -> None:
    chat, attached = Chat(database, content), {"maize map.png": b"png", "wheat.jpg": b"jpg"}
    warnings = [str(warning.message) for warning in load(CHOICES, "c.md", attached).warnings]
    assert "a: sounds and films of its choices are not sent" in warnings
    assert "maize.mp3 is not attached: what it goes with is asked without it" in warnings
    with database.begin() as db:
        survey_id = publishing.publish(db, CHOICES, "c.md", attached).id
    chat.begin(survey_id)
    shown = [(media.caption, media.filename) for media in chat.heard[-1].album]
    assert shown == [("1. Maize", "maize map.png"), ("3. Wheat", "wheat.jpg")]
    assert Message.from_json(chat.heard[-1].to_json()) == chat.heard[-1]
    assert "Wheat" in chat.say("3")


ALL_KINDS = b"""| survey |
| | type | name | label | media::image | media::audio | media::video |
| | text | a | What do you see? | map.png | map.mp3 | map.mp4 |
| | note | bye | Thank you. | thanks.png | thanks.mp3 | |
| settings |
| | form_title | form_id | version |
| | All | all | 1 |
"""


def test_every_file_of_a_question_and_of_the_last_note_is_sent(database: Database, content: Content) -> None:
    names = ("map.png", "map.mp3", "map.mp4", "thanks.png", "thanks.mp3")
    chat = Chat(database, content)
    with database.begin() as db:
        survey_id = publishing.publish(db, ALL_KINDS, "a.md", dict.fromkeys(names, b"file")).id
    chat.begin(survey_id)
    assert files_of(chat.heard[-1]) == ["map.mp3", "map.mp4", "map.png"]
    chat.say("A river")
    chat.say("yes")
    assert "Thank you." in chat.heard[-1].text
    assert files_of(chat.heard[-1]) == ["thanks.mp3", "thanks.png"]


def files_of(message: Message) -> list[str]:
    return [file.filename for file in (*message.album, message.media) if file]
