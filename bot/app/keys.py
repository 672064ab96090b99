"""The keys of an installation: given by its settings, or made in DATA_DIR on first use."""

from bot import crypto
from bot.settings import Settings


def prepare_keys(settings: Settings) -> None:
    """Load the encryption key, made in DATA_DIR on first use."""
    given = settings.encryption_key.get_secret_value()
    crypto.use(crypto.Keyring.parse(given or crypto.load_or_create(settings.data_dir / "keys" / "encryption.key")))


def secret_key(settings: Settings) -> bytes:
    """Return what signs cookies and links."""
    given = settings.secret_key.get_secret_value()
    return (given or crypto.load_or_create(settings.data_dir / "keys" / "secret.key")).encode()
