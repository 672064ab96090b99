"""Twilio's errors: those of an answer, and the codes that come by callback."""

from typing import Any


class TwilioError(Exception):
    """An answer that refuses a call."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def as_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": self.code, "message": self.message, "more_info": more, "status": self.status}


def invalid(code: int, message: str) -> TwilioError:
    """Build a 400."""
    return TwilioError(400, code, message)


def not_found(what: str) -> TwilioError:
    """Build a 404."""
    return TwilioError(404, 20404, f"The requested resource {what} was not found")


OUTSIDE_WINDOW = 63016
TEMPLATE_NOT_APPROVED = 63040
CONTENT_INVALID = 63021
NOT_ON_WHATSAPP = 63024
BLOCKED = 63014
FILE_REFUSED = 63019

ERROR_MESSAGES = {
    FILE_REFUSED: "Media failed to download",
    OUTSIDE_WINDOW: "Failed to send freeform message because you are outside the allowed window",
    TEMPLATE_NOT_APPROVED: "Template is not approved",
    CONTENT_INVALID: "Channel invalid content error",
    NOT_ON_WHATSAPP: "Invalid message recipient",
    BLOCKED: "User has blocked the sender",
}
