"""Telegram through python-telegram-bot, used as a client: the conversation and the queue are ours."""

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.poller import Poller

__all__ = ["Poller", "TelegramChannel"]
