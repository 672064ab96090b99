"""Staff users, roles, sign-in and the audit trail.

Imports db, crypto, clock."""
