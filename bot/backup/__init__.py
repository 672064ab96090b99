"""A whole installation, copied: to another database, to an encrypted file, and back."""


class BackupError(Exception):
    """The backup cannot be made or read; the message carries the cure."""


class CopyError(Exception):
    """The copy cannot be made; nothing of it is left, and the message carries the cure."""
