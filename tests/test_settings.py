"""Settings are read once, typed, and a wrong one says what to write."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.settings import Settings, SettingsError, load, shipped

TWILIO = {"twilio_account_sid": "AC1", "twilio_auth_token": "t", "whatsapp_from": "+26650000000"}


def loaded(**given: Any) -> Settings:
    """Read settings of which only these are set."""
    return load(_env_file=None, **given)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"OUTREACH_{name.upper()}", raising=False)


def test_a_role_that_there_is_not_is_refused_at_the_start(tmp_path: Path) -> None:
    given = loaded(data_dir=tmp_path, second_factor_roles="administrator, protecton")
    with pytest.raises(SettingsError, match=r"protecton is no role.*administrator, editor") as refused:
        App(given)
    assert "OUTREACH_SECOND_FACTOR_ROLES=" in str(refused.value)
    App(loaded(data_dir=tmp_path, second_factor_roles=" editor ,approver")).close()


def test_nothing_needs_to_be_set() -> None:
    plain = loaded()
    assert plain.database == f"sqlite:///{Path('var').absolute() / 'outreach.db'}"
    assert plain.messages == shipped("messages")
    assert plain.local_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": "eighty"}, "OUTREACH_PORT is wrong"),
        ({"port": 0}, "OUTREACH_PORT is wrong"),
        ({"public_url": "bot.example.org"}, "OUTREACH_PUBLIC_URL is wrong: must begin with https://"),
        ({"telegram_mode": "both"}, "OUTREACH_TELEGRAM_MODE is wrong"),
        ({**TWILIO, "twilio_auth_token": ""}, "OUTREACH_TWILIO_AUTH_TOKEN is missing"),
        ({**TWILIO, "whatsapp_from": ""}, "OUTREACH_WHATSAPP_FROM is missing"),
        (TWILIO, "OUTREACH_PUBLIC_URL is missing"),
        ({"telegram_token": "1:a", "telegram_mode": "webhook"}, "OUTREACH_PUBLIC_URL is missing"),
        (
            {"telegram_token": "1:a", "telegram_mode": "webhook", "public_url": "https://bot.example.org"},
            "OUTREACH_TELEGRAM_WEBHOOK_SECRET is missing",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_the_cure(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        loaded(**given)


def test_two_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(SettingsError, match=r"OUTREACH_PORT is wrong.*OUTREACH_WEEKLY_CAP is wrong"):
        loaded(port="x", weekly_cap="y")


def test_what_was_given_is_never_repeated_in_an_error() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(telegram_token=["secret-token"])
    assert "secret-token" not in str(caught.value)


def test_secrets_print_as_stars() -> None:
    names = ("telegram_token", "secret_key", "encryption_key", "twilio_auth_token", "oidc_client_secret")
    secretive = loaded(**dict.fromkeys(names, "secret"))
    assert not re.search(r"secret(?!_key|=)", repr(secretive))


def test_the_environment_and_the_env_file_are_read_and_an_empty_value_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("OUTREACH_PORT=9000\nOUTREACH_HOST=0.0.0.0\n")
    monkeypatch.setenv("OUTREACH_PORT", "9001")
    monkeypatch.setenv("OUTREACH_WEEKLY_CAP", "")
    read = load()
    assert (read.port, read.host, read.weekly_cap) == (9001, "0.0.0.0", loaded().weekly_cap)


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("url", ["postgresql://u:p@h/n", "postgresql+psycopg://u:p@h/n"])
def test_postgresql_is_reached_by_the_driver_that_we_ship(url: str) -> None:
    assert loaded(database_url=url).database == "postgresql+psycopg://u:p@h/n"


def test_a_final_slash_of_an_address_makes_no_double_slash() -> None:
    assert loaded(public_url="https://bot.example.org/").public_url == "https://bot.example.org"


def test_what_verify_names_is_what_was_said_or_else_the_accounts_that_we_write_from() -> None:
    own = {"telegram_username": "our_bot", "whatsapp_from": "+26622000000", "public_url": "https://bot.example.org"}
    unsaid = load(_env_file=None, **own)
    assert (unsaid.handles, unsaid.domains) == ("@our_bot, +26622000000", ("bot.example.org",))
    said = load(_env_file=None, official_handles="@ours", official_domains="a.org, b.org", **own)
    assert (said.handles, said.domains) == ("@ours", ("a.org", "b.org"))
    assert load(_env_file=None).domains == ()
