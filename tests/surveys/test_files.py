"""Files that go with a form: in one .zip, laid out for the channels, and sent with the question."""

import io
import zipfile
from pathlib import Path

import pytest

from bot.content import Content
from bot.db import Database
from bot.surveys import files, publishing
from bot.surveys.bundle import unpack
from bot.surveys.form import FormError
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


@pytest.mark.parametrize(("data", "said"), [(b"no zip", "cannot be opened"), (packed(map_png=b"png"), "holds no form")])
def test_a_zip_without_a_form_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(FormError, match=said):
        unpack(data, "all.zip")


def test_a_picture_is_sent_with_its_question_once(database: Database, content: Content, tmp_path: Path) -> None:
    chat = Chat(database, content)
    with database.begin() as db:
        survey = publishing.publish(db, FORM, "f.md", {"map.png": b"png", "hello.mp3": b"mp3"})
        assert files.lay_out(db, tmp_path) == 2
        assert files.lay_out(db, tmp_path) == 0
        survey_id = survey.id
    chat.begin(survey_id)

    media = chat.heard[-1].media
    assert media
    assert (media.kind, media.content_type, media.filename) == ("image", "image/png", "map.png")
    assert (tmp_path / media.reference).read_bytes() == b"png"

    chat.tap("Yes")
    assert (chat.heard[-1].media, chat.heard[-1].edits) == (None, "message-7")
    chat.tap("Done")
    assert chat.heard[-1].media is None
