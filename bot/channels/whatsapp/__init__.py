"""WhatsApp through Twilio."""

from bot.channels.whatsapp.channel import WhatsAppChannel
from bot.channels.whatsapp.contents import TwilioContents

__all__ = ["TwilioContents", "WhatsAppChannel"]
