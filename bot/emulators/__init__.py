"""Loopback copies of the Telegram Bot API and of Twilio, and phones to chat from: for the demo, previews and tests."""
