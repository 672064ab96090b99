"""JSON that providers send, as values that can be kept: no half characters, no depth that breaks what reads it."""

import json
from typing import Any

#: Far more than any message has.
_DEPTH = 40


def read(body: bytes) -> Any:
    """Return what the JSON says; raise ValueError for what is none, or is nested beyond reason."""
    try:
        value = json.loads(body)
    except RecursionError:
        raise ValueError("nested beyond reason") from None
    return _clean(value) if b"\\u" in body or body.count(b"[") + body.count(b"{") > _DEPTH else value


def _clean(value: Any, depth: int = 0) -> Any:
    """Put a question mark for half of a surrogate pair, which no encoding can write."""
    if depth > _DEPTH:
        raise ValueError("nested beyond reason")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if isinstance(value, dict):
        return {_clean(name): _clean(item, depth + 1) for name, item in value.items()}
    return [_clean(item, depth + 1) for item in value] if isinstance(value, list) else value
