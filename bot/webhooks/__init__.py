"""What happens here, told to other programs of the office: ids and figures, never a name, number or text.

Rooms above `emit`; the rows wait here until they are told. Imports staff, db, clock."""
