"""Investment cards: publication gate, browsing, leads and their hand-over; what it costs to send money.

Imports contacts, staff, messaging, content, db, clock; never another room beside it."""
