"""One frozen Settings, read once from the environment and .env."""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.types import NonNegativeFloat
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as SourceError

from bot.settings.senders import Sender, TelegramSender, WhatsAppSender

PREFIX = "OUTREACH_"
_PACKAGE = Path(__file__).parent.parent
_CHECKOUT = _PACKAGE.parent


class SettingsError(Exception):
    """A setting is wrong; the message names it and the line to write."""


class Settings(BaseSettings):
    """Everything an installation decides. Secrets print as stars."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(Path("var"), description="Folder for the embedded database, keys, media and exports.")
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite in DATA_DIR.")
    public_url: str = Field("", description="Public https address of this installation, without a final slash.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs cookies and links; empty means a key made in DATA_DIR."
    )
    encryption_key: SecretStr = Field(
        SecretStr(""), description="Encrypts addresses, names and texts; empty means a key made in DATA_DIR."
    )
    messages_dir: Path | None = Field(None, description="Folder of the content; empty means the one that ships.")
    erasures_file: Path | None = Field(
        None,
        description="List of who was erased, which a restore goes through; empty: in DATA_DIR. Better on another disk.",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Token that GET /metrics asks for; empty: anybody who reaches it may read it."
    )
    webhook_private: bool = Field(
        False, description="Whether webhooks may call addresses within our own network, also without encryption."
    )
    api_rate: int = Field(120, ge=1, le=100_000, description="Calls of the JSON API a minute, for each token.")
    export_days: int = Field(
        90, ge=1, le=3650, description="Days that the files of an export stay; who took what stays known."
    )
    smtp_host: str = Field("", description="Mail server by which alarms reach staff; empty: they come to chats only.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="How it is encrypted.")
    smtp_user: str = Field("", description="Who signs in at the mail server; empty: nobody need.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    smtp_from: str = Field("", description="Address that our e-mails come from.")
    publish_least: int = Field(
        10, ge=5, description="Least number of people that published figures tell, never below 5; others are hidden."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")

    telegram_token: SecretStr = Field(SecretStr(""), description="Bot token from @BotFather; empty turns Telegram off.")
    telegram_api_base: str = Field("https://api.telegram.org/bot", description="Bot API address, up to the token.")
    telegram_mode: Literal["polling", "webhook"] = Field("polling", description="How updates come in.")
    telegram_webhook_secret: SecretStr = Field(
        SecretStr(""), description="Secret that Telegram repeats in each webhook."
    )
    telegram_rate: float = Field(
        30, gt=0, le=1000, description="Messages a second for the bot; Telegram's free cap is 30."
    )
    telegram_paid_rate: float = Field(
        0,
        ge=0,
        le=1000,
        description="Messages a second for broadcasts that staff send at the paid rate, for Stars of the bot's "
        "balance; 0 means that none may.",
    )

    telegram_username: str = Field(
        "", description="Name of the bot as its link has it, without @; empty: there are no join links to it."
    )

    telegram_more: tuple[TelegramSender, ...] = Field(
        (),
        description='More bots, one a country for example, as JSON: `[{"token": "...", "username": "...", "rate": 30, '
        '"paid_rate": 0, "webhook_secret": "..."}]`.',
    )

    twilio_account_sid: str = Field("", description="Twilio account (AC...); empty turns WhatsApp off.")
    twilio_auth_token: SecretStr = Field(SecretStr(""), description="Twilio auth token; signs webhooks too.")
    twilio_secondary_token: SecretStr = Field(
        SecretStr(""),
        description="Twilio's secondary token, while tokens change: webhooks that it signs are taken too.",
    )
    twilio_api_base: str = Field("", description="Another address for Twilio's APIs, such as an emulator's.")
    whatsapp_from: str = Field("", description="Our WhatsApp number, as +E.164.")
    whatsapp_messaging_service_sid: str = Field("", description="Messaging service (MG...) used instead of the number.")
    whatsapp_rate: float = Field(80, gt=0, le=1000, description="Messages a second for the WhatsApp number.")
    whatsapp_daily_people: int = Field(
        250,
        ge=0,
        description="People whom Meta lets us write to outside their window in 24 hours (250, 2000, 10000, 100000); "
        "0 means no limit.",
    )
    whatsapp_prices: Mapping[str, NonNegativeFloat] = Field(
        {"each": 0.005},
        description="US dollars that Twilio takes for each WhatsApp message and Meta for a template of each category, "
        'for the estimate before sending, as JSON: `{"each": 0.005, "marketing": 0.05, "utility": 0.01}`.',
    )
    whatsapp_more: tuple[WhatsAppSender, ...] = Field(
        (),
        description="More numbers of the same Twilio account, as JSON: "
        '`[{"number": "+265...", "rate": 80, "daily_people": 250}]`; or `service_sid` instead of a number.',
    )

    second_factor_roles: str = Field(
        "administrator,protection",
        description="Roles that must have a second factor to sign in with a password, separated by commas.",
    )
    oidc_issuer: str = Field(
        "", description="Address of the organisation's OpenID Connect provider; empty turns sign-in through it off."
    )
    oidc_client_id: str = Field("", description="Our client id at that provider.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Our client secret at that provider.")

    send_timeout: float = Field(10, gt=0, description="Seconds to wait for a provider's answer.")
    max_in_flight: int = Field(64, ge=1, le=1000, description="Messages with a provider at the same time, per sender.")
    quiet_from: int = Field(20, ge=0, le=23, description="Hour from which nothing unasked is sent, member's zone.")
    quiet_until: int = Field(8, ge=0, le=23, description="Hour until which nothing unasked is sent, member's zone.")
    weekly_cap: int = Field(7, ge=1, description="Most broadcasts one member gets in seven days.")
    reply_life: int = Field(24, ge=1, le=720, description="Hours that an answer to a member may wait to leave.")
    reminder_life: int = Field(72, ge=1, le=720, description="Hours that a reminder without an end may wait to leave.")
    broadcast_life: int = Field(168, ge=1, le=720, description="The same of broadcasts and invitations.")
    survey_nudges: str = Field(
        "24,72",
        description="Hours of silence after which we remind of a survey left half-way; empty: never.",
    )
    archive_after: int = Field(
        0,
        ge=0,
        le=240,
        description="Months after which old messages leave the tables of every day, from 13 on; 0: never.",
    )
    survey_expiry: int = Field(14, ge=1, description="Days of silence after which a survey left half-way ends.")
    official_handles: str = Field("", description="What VERIFY answers: our handles, separated by commas.")
    official_domains: str = Field("", description="What VERIFY answers: our web domains, separated by commas.")
    meeting_domains: str = Field(
        "zoom.us, teams.microsoft.com, meet.google.com, webex.com, meet.jit.si",
        description="Where sessions may be joined beside our own web domains, separated by commas.",
    )

    @field_validator("public_url", "twilio_api_base", "oidc_issuer")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with https://")
        return value.rstrip("/")

    @field_validator("telegram_username")
    @classmethod
    def _bot_name(cls, value: str) -> str:
        name = value.strip().removeprefix("@")
        if name and not re.fullmatch(r"[A-Za-z]\w{3,31}", name, re.ASCII):
            raise ValueError("must be the name of the bot, such as diaspora_bot")
        return name

    @field_validator("archive_after")
    @classmethod
    def _archive(cls, value: int) -> int:
        if 0 < value < 13:
            raise ValueError("must be 0, or 13 at least: texts are kept for a year, and the archive has none")
        return value

    @field_validator("survey_nudges")
    @classmethod
    def _hours(cls, value: str) -> str:
        hours = [part.strip() for part in value.split(",") if part.strip()]
        if not all(hour.isdecimal() and 0 < int(hour) <= 8760 for hour in hours):
            raise ValueError("must be hours separated by commas, such as 24,72")
        if sorted(hours, key=int) != hours:
            raise ValueError("must begin with the shortest silence, such as 24,72")
        return ",".join(hours)

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        if self.twilio_account_sid and not self.twilio_auth_token.get_secret_value():
            raise ValueError(f"{PREFIX}TWILIO_AUTH_TOKEN is missing: write it beside {PREFIX}TWILIO_ACCOUNT_SID")
        if self.twilio_account_sid and not (self.whatsapp_from or self.whatsapp_messaging_service_sid):
            raise ValueError(f"{PREFIX}WHATSAPP_FROM is missing: write {PREFIX}WHATSAPP_FROM=+<your number>")
        if self.twilio_account_sid and not self.public_url:
            raise ValueError(f"{PREFIX}PUBLIC_URL is missing: Twilio calls us at a public https address")
        if self.smtp_host and "@" not in self.smtp_from:
            raise ValueError(f"{PREFIX}SMTP_FROM is missing: write the address that our e-mails come from")
        self._check_more()
        if self.oidc_issuer and not (self.oidc_client_id and self.public_url):
            raise ValueError(f"{PREFIX}OIDC_CLIENT_ID and {PREFIX}PUBLIC_URL are needed: write both beside OIDC_ISSUER")
        if 0 < self.telegram_paid_rate <= self.telegram_rate:
            raise ValueError(
                f"{PREFIX}TELEGRAM_PAID_RATE is not above {PREFIX}TELEGRAM_RATE: write a higher one, at most 1000, or 0"
            )
        if self.telegram_token.get_secret_value() and self.telegram_mode == "webhook":
            if not self.public_url:
                raise ValueError(f"{PREFIX}PUBLIC_URL is missing: write it, or {PREFIX}TELEGRAM_MODE=polling")
            if not self.telegram_webhook_secret.get_secret_value():
                raise ValueError(f"{PREFIX}TELEGRAM_WEBHOOK_SECRET is missing: write any 32 letters and digits")
        return self

    def _check_more(self) -> None:
        if self.telegram_more and not self.telegram_token.get_secret_value():
            raise ValueError(f"{PREFIX}TELEGRAM_TOKEN is missing: write the first bot there, only others in _MORE")
        if self.whatsapp_more and not self.twilio_account_sid:
            raise ValueError(f"{PREFIX}TWILIO_ACCOUNT_SID is missing: write the account of {PREFIX}WHATSAPP_MORE")
        for kind, senders in (("TELEGRAM", self.telegram_senders), ("WHATSAPP", self.whatsapp_senders)):
            names = [sender.name for sender in senders]
            if not all(names) or len(set(names)) < len(names):
                raise ValueError(f"{PREFIX}{kind}_MORE is wrong: each needs a token or number that no other has")
        for bot in self.telegram_more:
            if 0 < bot.paid_rate <= bot.rate:
                raise ValueError(f"{PREFIX}TELEGRAM_MORE is wrong: a paid_rate is not above its rate")
            if self.telegram_mode == "webhook" and not bot.webhook_secret.get_secret_value():
                raise ValueError(f"{PREFIX}TELEGRAM_MORE is wrong: each bot needs a webhook_secret of 32 letters")

    @property
    def telegram_senders(self) -> tuple[TelegramSender, ...]:
        """Return every bot, the main one first; none when Telegram is off."""
        if not self.telegram_token.get_secret_value():
            return ()
        first = TelegramSender.model_construct(
            token=self.telegram_token,
            webhook_secret=self.telegram_webhook_secret,
            username=self.telegram_username,
            rate=self.telegram_rate,
            paid_rate=self.telegram_paid_rate,
        )
        return (first, *self.telegram_more)

    @property
    def whatsapp_senders(self) -> tuple[WhatsAppSender, ...]:
        """Return every number, the main one first; none when WhatsApp is off."""
        if not self.twilio_account_sid:
            return ()
        first = WhatsAppSender.model_construct(
            number=self.whatsapp_from,
            service_sid=self.whatsapp_messaging_service_sid,
            rate=self.whatsapp_rate,
            daily_people=self.whatsapp_daily_people,
        )
        return (first, *self.whatsapp_more)

    @property
    def paid_rates(self) -> dict[str, float]:
        """Return what each channel of which the provider sells a faster rate sends together at it."""
        paid = sum(bot.paid_rate or bot.rate for bot in self.telegram_senders)
        return {"telegram": paid} if any(bot.paid_rate for bot in self.telegram_senders) else {}

    @property
    def senders(self) -> tuple[Sender, ...]:
        """Return every bot and number."""
        return (*self.telegram_senders, *self.whatsapp_senders)

    @property
    def database(self) -> str:
        """Return the SQLAlchemy URL, with the driver we ship named for PostgreSQL."""
        url = self.database_url or f"sqlite:///{self.data_dir.absolute() / 'outreach.db'}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    @cached_property
    def messages(self) -> Path:
        """Return the folder of the content."""
        return self.messages_dir or shipped("messages")

    @property
    def erasures(self) -> Path:
        """Return the file with the list of who was erased."""
        return self.erasures_file or self.data_dir / "erasures.log"

    @property
    def silences(self) -> tuple[timedelta, ...]:
        """Return after how long a silence we remind of a survey."""
        return tuple(timedelta(hours=int(hours)) for hours in self.survey_nudges.split(",") if hours)

    @property
    def media_dir(self) -> Path:
        """Return the folder of the files that messages carry."""
        return self.data_dir / "media"

    @property
    def handles(self) -> str:
        """Return our official accounts; where nobody named them, those that we write from."""
        bots = (self.telegram_username, *(bot.username for bot in self.telegram_more))
        numbers = (self.whatsapp_from, *(sender.number for sender in self.whatsapp_more))
        own = (*(f"@{name}" for name in bots if name), *numbers)
        return self.official_handles or ", ".join(filter(None, own))

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the domains to which our links lead; where nobody named them, that of our own address."""
        return _parts(self.official_domains or urlsplit(self.public_url).hostname or "")

    @property
    def session_domains(self) -> tuple[str, ...]:
        """Return the domains to which links of sessions lead: ours, and those of the services where people meet."""
        return self.domains + _parts(self.meeting_domains)

    def join_addresses(self, code: str) -> dict[str, str]:
        """Return by channel the address that opens a chat with us and says from where, as far as we have one."""
        found = {}
        if self.telegram_username:
            found["telegram"] = f"https://t.me/{self.telegram_username}?start={code}"
        if self.twilio_account_sid and self.whatsapp_from:
            found["whatsapp"] = f"https://wa.me/{self.whatsapp_from.removeprefix('+')}?text=START%20{code}"
        return found

    @property
    def calls_dir(self) -> Path:
        """Return the folder in which processes note the calls that they begin."""
        return self.data_dir / "calls"

    @property
    def local_url(self) -> str:
        """Return the address at which this machine reaches the web server."""
        return f"http://{self.host}:{self.port}"


def shipped(folder: str) -> Path:
    """Return the path of `messages` or `alembic`: in the wheel, else in the checkout."""
    packaged = _PACKAGE / "_data" / folder
    return packaged if packaged.is_dir() else _CHECKOUT / folder


def load(**overrides: object) -> Settings:
    """Read the settings; raise SettingsError with one line for each wrong one."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except SourceError as error:
        raise SettingsError(f"{_named(str(error))} is no JSON: write one line, as docs/settings.md shows") from None
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(dict(item)) for item in error.errors())) from None


def _parts(told: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in told.split(",") if part.strip())


def _named(told: str) -> str:
    """Return the name of the setting that a source could not read, as `error parsing value for field "x"` has it."""
    found = re.search(r'field "(\w+)"', told)
    return f"{PREFIX}{found[1].upper()}" if found else "A setting"


def _explain(error: dict[str, object]) -> str:
    where = error["loc"]
    message = str(error["msg"]).removeprefix("Value error, ")
    if not isinstance(where, tuple) or not where:
        return message
    name = f"{PREFIX}{str(where[0]).upper()}"
    return f"{name} is wrong: {message}. Correct the line {name}=... in the environment or .env"
