"""Diaspora Outreach: one channel to people, on Telegram and WhatsApp."""
