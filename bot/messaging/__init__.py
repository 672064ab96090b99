"""Inbox, outbox, delivery, receipts, limits. Imports contacts, channels.base, content."""
