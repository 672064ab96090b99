"""What people read: messages/ as typed values."""
