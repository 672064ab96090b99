"""Keyboards of the Bot API: checked as the server checks them, then shown as buttons."""

from typing import Any

from bot.emulators.phone import Button, ButtonKind
from bot.emulators.telegram_errors import bad_request

MOST_BUTTONS = 100
MOST_DATA_BYTES = 64


def buttons_of(markup: dict[str, Any] | None) -> tuple[Button, ...]:
    """Return the buttons a keyboard shows; a removed keyboard or a forced reply shows none."""
    if not markup:
        return ()
    rows = markup.get("inline_keyboard")
    make = _inline_button
    if rows is None:
        rows, make = markup.get("keyboard", []), _reply_button
    buttons = tuple(make(button, number) for number, row in enumerate(rows) for button in row)
    if len(buttons) > MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    return buttons


def _inline_button(button: dict[str, Any], row: int) -> Button:
    label = _label(button)
    if "url" in button:
        if not str(button["url"]).startswith(("http://", "https://", "tg://")):
            raise bad_request("inline keyboard button URL is invalid")
        return Button(button["url"], label, "url", row=row)
    data = str(button.get("callback_data", ""))
    if not 1 <= len(data.encode()) <= MOST_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    return Button(data, label, "callback", row=row)


def _reply_button(button: dict[str, Any] | str, row: int) -> Button:
    if isinstance(button, str):
        button = {"text": button}
    label = _label(button)
    kind: ButtonKind = "reply"
    if button.get("request_contact"):
        kind = "contact"
    elif button.get("request_location"):
        kind = "location"
    return Button(label, label, kind, row=row)


def _label(button: dict[str, Any]) -> str:
    label = str(button.get("text", ""))
    if not label.strip():
        raise bad_request("text buttons are not allowed to be empty")
    return label
