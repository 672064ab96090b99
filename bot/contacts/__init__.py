"""Who people are: contact, address, profile, consent ledger. Imports db, crypto, settings, clock."""
