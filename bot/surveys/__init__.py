"""Surveys: forms from XLSForms, the pure engine, and runs of people through them in chat.

Imports messaging, contacts, content, channels.base, crypto, db, clock; the engine none of these."""
