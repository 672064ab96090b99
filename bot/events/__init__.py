"""Capacity-building sessions: RSVP, waiting list, reminders, told right in every zone.

Imports messaging, contacts, content, db, clock; never another room beside it."""
