"""What reached which phone how often, so that tests can count doubles."""

from collections import Counter
from typing import Any


class Ledger:
    """Count deliveries by (phone, text) and by (phone, tag): on Twilio the end of the status callback's path."""

    def __init__(self) -> None:
        self.texts: Counter[tuple[str, str]] = Counter()
        self.tags: Counter[tuple[str, str]] = Counter()

    def record(self, phone: str, text: str, tag: str = "") -> None:
        """Count one delivery."""
        self.texts[phone, text] += 1
        if tag:
            self.tags[phone, tag] += 1

    def count(self, phone: str, text: str) -> int:
        """Return how often this text reached this phone."""
        return self.texts[phone, text]

    def doubles(self, text: str | None = None) -> dict[tuple[str, str], int]:
        """Return the (phone, text) pairs delivered more than once; only those with `text` when given."""
        return {key: n for key, n in self.texts.items() if n > 1 and text in (None, key[1])}

    def as_json(self) -> dict[str, Any]:
        """Return all counters: phone -> {"texts": {text: n}, "tags": {tag: n}}."""
        phones: dict[str, dict[str, dict[str, int]]] = {}
        for name, counter in (("texts", self.texts), ("tags", self.tags)):
            for (phone, value), n in counter.items():
                phones.setdefault(phone, {"texts": {}, "tags": {}})[name][value] = n
        return {"deliveries": self.texts.total(), "doubles": len(self.doubles()), "phones": phones}
