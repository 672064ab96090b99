"""Telegram through python-telegram-bot, used as a client: the conversation and the queue are ours."""

import os

# Read at every flood error: the library's coming default, without a warning each time.
os.environ.setdefault("PTB_TIMEDELTA", "1")

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.layout import layout
from bot.channels.telegram.poller import Poller

__all__ = ["Poller", "TelegramChannel", "layout"]
