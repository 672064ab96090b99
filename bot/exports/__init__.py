"""Survey data for analysts: wide and long tables, the codebook, CSV and XLSX files, and who is in which export.

May import surveys, contacts, crypto, db and clock; never another room of its own level."""
