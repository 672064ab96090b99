"""Whatever is wrong: one sentence with the cure, an exit code, no traceback."""

import socket
import sqlite3
from pathlib import Path

import pytest

from bot.demo.stage import alone
from tests.cli.conftest import MAPPING, Outreach, Ran

TOKEN = "700:a-token-that-nobody-may-see"
NOWHERE = "http://127.0.0.1:1"


def complaint(ran: Ran) -> str:
    """Return the one sentence of a command that failed."""
    assert ran.code == 1
    assert "Traceback" not in ran.err
    lines = ran.err.strip().splitlines()
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("outreach: ")
    return lines[0].removeprefix("outreach: ")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"OUTREACH_PORT": "eighty"}, ["OUTREACH_PORT is wrong", "Correct the line OUTREACH_PORT=..."]),
        ({"OUTREACH_PUBLIC_URL": "bot.example.org"}, ["OUTREACH_PUBLIC_URL is wrong", "https://"]),
        ({"OUTREACH_TWILIO_ACCOUNT_SID": "AC1"}, ["OUTREACH_TWILIO_AUTH_TOKEN is missing"]),
        (
            {"OUTREACH_TELEGRAM_TOKEN": TOKEN, "OUTREACH_TELEGRAM_MODE": "webhook"},
            ["OUTREACH_PUBLIC_URL is missing", "OUTREACH_TELEGRAM_MODE=polling"],
        ),
        ({}, ["No channel is switched on", "OUTREACH_TELEGRAM_TOKEN=", "@BotFather"]),
    ],
)
def test_a_wrong_or_missing_setting_is_named_with_the_line_to_write(
    outreach: Outreach, tmp_path: Path, settings: dict[str, str], words: list[str]
) -> None:
    said = complaint(outreach("run", **settings))
    assert all(word in said for word in words), said
    assert TOKEN not in said
    assert not (tmp_path / "var").exists(), "nothing is made before the settings are right"


def test_settings_saved_in_another_encoding_are_said(outreach: Outreach, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OUTREACH_PORT=8001\n", "utf-16")
    assert "not UTF-8 text" in complaint(outreach("web"))


def test_a_provider_that_cannot_be_reached_stops_the_start(outreach: Outreach) -> None:
    said = complaint(
        outreach("run", OUTREACH_TELEGRAM_TOKEN=TOKEN, OUTREACH_TELEGRAM_API_BASE=f"{NOWHERE}/bot", OUTREACH_PORT="1")
    )
    assert said.startswith("Telegram cannot be reached at 127.0.0.1:1")
    assert "OUTREACH_TELEGRAM_API_BASE" in said
    assert TOKEN not in said


def test_a_taken_port_is_said_before_anything_is_served(outreach: Outreach) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = complaint(outreach("web", OUTREACH_PORT=port))
    assert f"Port {port} on 127.0.0.1" in said
    assert "OUTREACH_PORT=" in said


def test_an_address_that_is_not_of_this_machine_is_said(outreach: Outreach) -> None:
    assert "OUTREACH_HOST=no.such.host.invalid" in complaint(outreach("web", OUTREACH_HOST="no.such.host.invalid"))


def test_a_file_that_is_no_database_is_said_and_left_alone(outreach: Outreach, tmp_path: Path) -> None:
    file = tmp_path / "var" / "outreach.db"
    file.parent.mkdir()
    file.write_bytes(b"this is not a database, but a letter " * 500)
    before = file.read_bytes()
    said = complaint(outreach("web"))
    assert str(file) in said
    assert "restore it from a backup" in said
    assert file.read_bytes() == before


def test_a_database_with_a_damaged_page_is_said(outreach: Outreach, tmp_path: Path) -> None:
    assert outreach("db", "upgrade").code == 0
    file = tmp_path / "var" / "outreach.db"
    whole = bytearray(file.read_bytes())
    whole[4096:] = b"\xff" * (len(whole) - 4096)
    file.write_bytes(whole)
    assert "restore it from a backup" in complaint(outreach("web"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://nobody:secret@127.0.0.1:1/none", ["cannot be reached", "host, name and password"]),
        ("mysql://localhost/outreach", ["cannot be reached"]),
        ("outreach.db", ["OUTREACH_DATABASE_URL is wrong", "sqlite:///path/to/file.db"]),
        ("sqlite://", ["names no file"]),
    ],
)
def test_a_database_that_cannot_be_opened_is_said(outreach: Outreach, url: str, words: list[str]) -> None:
    said = complaint(outreach("web", OUTREACH_DATABASE_URL=url))
    assert all(word in said for word in words), said
    assert "secret" not in said


def test_a_database_of_a_newer_version_is_not_touched(outreach: Outreach, tmp_path: Path) -> None:
    assert outreach("db", "upgrade").code == 0
    with sqlite3.connect(tmp_path / "var" / "outreach.db") as file:
        file.execute("UPDATE alembic_version SET version_num = 'of the future'")
    file.close()
    assert "of a newer version, which took away what this one needs" in complaint(outreach("audit", "verify"))


def test_a_wrong_encryption_key_is_said_before_anything_is_written_with_it(outreach: Outreach, tmp_path: Path) -> None:
    assert outreach("staff", "add", "a@example.org", "--name", "Palesa", "--role", "editor").code == 0
    key = tmp_path / "var" / "keys" / "encryption.key"
    key.write_text("A" * 43 + "=")
    again = outreach("staff", "add", "b@example.org", "--name", "Thandi", "--role", "editor")
    assert "encrypted with another key" in complaint(again)
    key.unlink()
    assert "encrypted with another key" in complaint(outreach("web"))
    key.write_text("not a key")
    assert "each key is 32 bytes in base64" in complaint(outreach("web"))


def test_a_missing_folder_of_messages_is_said(outreach: Outreach) -> None:
    assert "nowhere" in complaint(outreach("web", OUTREACH_MESSAGES_DIR="nowhere"))
    assert "OUTREACH_MESSAGES_DIR" in complaint(outreach("check"))


def test_a_data_folder_that_cannot_be_made_is_said(outreach: Outreach, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file stands in the way")
    for command in ("web", "db upgrade", "audit verify"):
        said = complaint(outreach(*command.split()))
        assert said.startswith("OUTREACH_DATA_DIR=var cannot be written")


@pytest.mark.parametrize("command", ["publish", "check", "try"])
def test_a_file_that_is_no_form_is_refused_in_a_sentence(outreach: Outreach, tmp_path: Path, command: str) -> None:
    letter = tmp_path / "letter.xlsx"
    letter.write_text("Dear all, the questions are in my other mail.")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff" * 99)
    for file, words in ((letter, "the file is not a whole .xlsx"), (photo, "neither an XLSForm nor an XForm")):
        ran = outreach("survey", command, str(file))
        assert ran.code == 1
        assert words in ran.out + ran.err
        assert "Traceback" not in ran.err
    missing = complaint(outreach("survey", command, "missing.xlsx"))
    assert missing.startswith("missing.xlsx: No such file")
    assert complaint(outreach("survey", command, str(tmp_path))).startswith(str(tmp_path))


def test_a_second_demo_in_the_same_folder_is_kept_out(outreach: Outreach) -> None:
    with alone(Path("var/demo")):
        assert "Another demo uses var/demo" in complaint(outreach("demo", "--once"))


def test_what_is_not_there_is_said(outreach: Outreach) -> None:
    assert "There is no survey nothing" in complaint(outreach("export", "nothing"))
    assert "There is no broadcast 7" in complaint(outreach("broadcast", "status", "7"))
    assert "There is no role king" in complaint(outreach("staff", "add", "a@b.c", "--name", "A", "--role", "king"))
    assert "WhatsApp is off" in complaint(outreach("templates", "sync"))
    assert "No channel is switched on" in complaint(outreach("webhooks", "set"))
    assert "No active member of staff" in complaint(outreach("broadcast", "approve", "1", "--by", "a@b.c"))


def test_a_question_to_leave_out_that_the_form_has_not_is_said(outreach: Outreach) -> None:
    assert outreach("survey", "publish", str(MAPPING)).code == 0
    said = complaint(outreach("export", "diaspora_mapping", "--leave-out", "city,age"))
    assert "The form has no question" in said
