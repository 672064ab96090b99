"""The doctor names each problem and its cure, and changes nothing."""

from pathlib import Path

import pytest

from tests.cli.conftest import Outreach, Ran

STAFF = ("staff", "add", "a@example.org", "--name", "Palesa", "--role", "editor")


def problems(ran: Ran) -> dict[str, str]:
    """Return what is wrong, by check."""
    assert ran.code == 1
    return {one["check"]: one["says"] for one in ran.json if not one["ok"]}


def test_an_empty_folder_has_one_problem_and_stays_empty(outreach: Outreach, tmp_path: Path) -> None:
    found = problems(outreach("doctor", "--json"))
    assert list(found) == ["channels"]
    assert "OUTREACH_TELEGRAM_TOKEN=" in found["channels"]
    assert not list(tmp_path.iterdir())


def test_a_wrong_setting_is_the_only_thing_to_say(outreach: Outreach) -> None:
    ran = outreach("doctor", OUTREACH_WEEKLY_CAP="none")
    assert ran.code == 1
    assert ran.out.startswith("problem  settings: OUTREACH_WEEKLY_CAP is wrong")
    assert len(ran.out.splitlines()) == 1


def test_a_lost_key_and_a_key_that_others_can_read_are_problems(outreach: Outreach, tmp_path: Path) -> None:
    assert outreach(*STAFF).code == 0
    key = tmp_path / "var" / "keys" / "encryption.key"
    key.chmod(0o644)
    assert "run chmod 600" in problems(outreach("doctor", "--json"))["keys"]
    key.unlink()
    found = problems(outreach("doctor", "--json"))
    assert "encrypted with another key" in found["database"]
    assert not key.exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: b"\0" * len(data), "restore it from a backup"),
        (lambda data: data[:8192] + b"\xff" * (len(data) - 8192), "restore it from a backup"),
        (lambda _: b"", "run `outreach db upgrade`"),
    ],
)
def test_a_spoilt_database_is_a_problem(outreach: Outreach, tmp_path: Path, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    assert outreach("db", "upgrade").code == 0
    file = tmp_path / "var" / "outreach.db"
    file.write_bytes(spoil(file.read_bytes()))
    assert words in problems(outreach("doctor", "--json"))["database"]


def test_a_provider_out_of_reach_a_plain_address_and_spoilt_content_are_all_named(
    outreach: Outreach, tmp_path: Path
) -> None:
    (tmp_path / "messages").mkdir()
    found = problems(
        outreach(
            "doctor",
            "--json",
            OUTREACH_TELEGRAM_TOKEN="700:secret-token",
            OUTREACH_TELEGRAM_API_BASE="http://127.0.0.1:1/bot",
            OUTREACH_PUBLIC_URL="http://bot.example.org",
            OUTREACH_MESSAGES_DIR="messages",
        )
    )
    assert set(found) == {"content", "public address", "official accounts", "Telegram"}
    assert "OUTREACH_OFFICIAL_HANDLES" in found["official accounts"]
    assert "run `outreach check`" in found["content"]
    assert "https" in found["public address"]
    assert "secret-token" not in str(found)
