"""WhatsApp through Twilio."""

from bot.channels.whatsapp.channel import WhatsAppChannel
from bot.channels.whatsapp.contents import ContentStore, TwilioContents

__all__ = ["ContentStore", "TwilioContents", "WhatsAppChannel"]
