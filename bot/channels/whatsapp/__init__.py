"""WhatsApp through Twilio."""

from bot.channels.whatsapp.channel import WhatsAppChannel
from bot.channels.whatsapp.contents import TwilioContents
from bot.channels.whatsapp.layout import layout

__all__ = ["TwilioContents", "WhatsAppChannel", "layout"]
