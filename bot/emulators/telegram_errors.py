"""The errors of the Bot API, in the words the real server uses."""

from typing import Any


class TelegramError(Exception):
    """An answer with `ok: false`."""

    def __init__(self, code: int, description: str, retry_after: int = 0) -> None:
        super().__init__(description)
        self.code, self.description, self.retry_after = code, description, retry_after

    def as_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.retry_after:
            body["parameters"] = {"retry_after": self.retry_after}
        return body


def bad_request(reason: str) -> TelegramError:
    """Build a 400."""
    return TelegramError(400, f"Bad Request: {reason}")


def too_many_requests(retry_after: int) -> TelegramError:
    """Build a 429 that says how long to wait."""
    return TelegramError(429, f"Too Many Requests: retry after {retry_after}", retry_after)


BLOCKED = "Forbidden: bot was blocked by the user"
DEACTIVATED = "Forbidden: user is deactivated"
NEVER_STARTED = "Forbidden: bot can't initiate conversation with a user"
