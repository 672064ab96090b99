"""Everything that is made from the settings: the channels' senders, and what makes files."""

from bot.app.keys import secret_key
from bot.broadcasts import attachments, examples
from bot.channels.base import Channel, Media, SenderKey
from bot.channels.telegram import TelegramChannel
from bot.channels.whatsapp import WhatsAppChannel
from bot.content import Content
from bot.conversations import mydata
from bot.db import Database
from bot.events import calendars, certificates, materials
from bot.mail.posting import Server
from bot.messaging.made import Maker
from bot.messaging.templates import Serving, StoredContents
from bot.settings import Settings
from bot.settings.senders import TelegramSender, WhatsAppSender
from bot.surveys import files
from bot.web import calendars as calendar_pages
from bot.web import media


def _address(settings: Settings, file: Media) -> str:
    """Return where a provider, or a person for what the provider does not take, finds a file."""
    address = calendar_pages.address if file.content_type == calendars.CONTENT_TYPE else media.address
    return address(secret_key(settings), settings.public_url, file.reference)


def mail_server(settings: Settings) -> Server:
    """Return the server that takes e-mails to staff."""
    return Server(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_user,
        settings.smtp_password.get_secret_value(),
        settings.smtp_from,
    )


def serving(settings: Settings) -> Serving:
    """Return where Twilio fetches files, and those that reviewers of templates see."""
    base, secret = media.base(settings.public_url), secret_key(settings)

    def example(kind: str) -> str:
        address = media.address(secret, settings.public_url, examples.reference(kind), media.REVIEW)
        return address.removeprefix(base)

    return Serving(base, example)


def makers(content: Content, settings: Settings) -> dict[str, Maker]:
    """Return what makes each kind of file."""
    template = settings.messages / "certificate.typ"
    address = f"{settings.public_url}/console/certificate" if settings.public_url else ""
    return {
        "calendar": lambda db, name: calendars.make(db, content, name),
        "certificate": lambda db, name: certificates.make(db, content, template, address, name),
        "material": materials.make,
        mydata.KIND: lambda db, name: mydata.make(db, content, settings.messages / "mydata.typ", name),
        attachments.KIND: attachments.make,
        examples.KIND: examples.make,
        files.KIND: files.make,
    }


def senders(settings: Settings, database: Database) -> dict[SenderKey, Channel]:
    """Build every sender of the channels that are switched on, each channel's main one first."""
    built: list[Channel] = [_bot(settings, sender, database) for sender in settings.telegram_senders]
    built += [_number(settings, sender, database) for sender in settings.whatsapp_senders]
    return {(channel.name, channel.sender): channel for channel in built}


def _bot(settings: Settings, sender: TelegramSender, database: Database) -> TelegramChannel:
    return TelegramChannel(
        sender.token.get_secret_value(),
        api_base=settings.telegram_api_base,
        rate=sender.rate,
        timeout=settings.send_timeout,
        webhook_secret=sender.webhook_secret.get_secret_value(),
        max_in_flight=settings.max_in_flight,
        media_dir=settings.media_dir,
        store=StoredContents(database, sender.name),
    )


def _number(settings: Settings, sender: WhatsAppSender, database: Database) -> WhatsAppChannel:
    return WhatsAppChannel(
        settings.twilio_account_sid,
        settings.twilio_auth_token.get_secret_value(),
        secondary_token=settings.twilio_secondary_token.get_secret_value(),
        number=sender.number,
        service_sid=sender.service_sid,
        public_url=settings.public_url,
        api_base=settings.twilio_api_base,
        rate=sender.rate,
        timeout=settings.send_timeout,
        max_in_flight=settings.max_in_flight,
        store=StoredContents(database, settings.twilio_account_sid),
        media_url=lambda file: _address(settings, file),
    )
