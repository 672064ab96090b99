"""The certificate that whoever calls us sees."""

import socket
import ssl
from datetime import timedelta
from urllib.parse import urlsplit

PATIENCE = 5  #: seconds
#: A certificate that is good for less is in danger: most are renewed a month before they end.
ENOUGH = timedelta(days=14)


class Untrusted(Exception):
    """The certificate is not one that providers accept; the message is OpenSSL's reason."""


def seconds_left(url: str, now: float) -> float | None:
    """Return for how long the certificate of an https address is good; None: it cannot be reached from here.

    Many networks do not let a machine call its own public address, so that this says nothing about others.
    """
    found = urlsplit(url)
    trust = ssl.create_default_context()
    try:
        with (
            socket.create_connection((found.hostname or "", found.port or 443), PATIENCE) as plain,
            trust.wrap_socket(plain, server_hostname=found.hostname) as secure,
        ):
            ends = (secure.getpeercert() or {}).get("notAfter")
    except ssl.SSLCertVerificationError as error:
        raise Untrusted(error.verify_message) from None
    except OSError:
        return None
    return ssl.cert_time_to_seconds(str(ends)) - now
