"""What messengers make a link of, told or untold."""

import re
from urllib.parse import urlsplit

_URL = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
#: What becomes a link without being written as one.
_BARE = re.compile(
    r"(?<![\w@.-])(?:[\w-]+\.)+(?:[a-z]{2}|com|org|net|info|int|gov|edu|biz|app|dev|link|shop|site|online|xyz|bank|"
    r"finance|africa|club|live|top|click|money|loan|investments?)\b(?![\w@-])",
    re.IGNORECASE,
)


def hosts(text: str) -> set[str]:
    """Return the hosts of everything in the text that a messenger would make a link of."""
    urls = _URL.findall(text)
    named = {(_host(url) or "?").lower() for url in urls}
    return named | {found.lower() for found in _BARE.findall(_URL.sub(" ", text))}


def foreign(text: str, domains: tuple[str, ...]) -> list[str]:
    """Return the hosts that belong to none of our domains."""
    return sorted(host for host in hosts(text) if not any(host == one or host.endswith(f".{one}") for one in domains))


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
