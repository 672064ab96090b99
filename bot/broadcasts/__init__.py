"""Announcements: draft, audience, dry run, approval by a second person, sending, progress.

Imports messaging, contacts, staff, channels.base, content."""
