"""Form fields as clean values: whatever a browser, or somebody without one, sends."""

import re
from collections.abc import Iterable
from datetime import datetime

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

FORM_LIMIT = 256 * 1024
MAX_FIELDS = 300
MAX_FILES = 5
#: What no database column takes: control characters and halves of characters.
_UNCLEAN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_NUMBER = re.compile(r"[0-9]{1,15}")
YEARS = range(2000, 2101)


class Form:
    """The fields of a form or of an address."""

    def __init__(self, pairs: Iterable[tuple[str, object]] = ()) -> None:
        self._texts: dict[str, list[str]] = {}
        self._files: dict[str, UploadFile] = {}
        for name, value in pairs:
            if isinstance(value, UploadFile):
                self._files[name] = value
            else:
                self._texts.setdefault(name, []).append(clean(str(value)))

    async def close(self) -> None:
        """Remove the uploaded files from the disk."""
        for file in self._files.values():
            await file.close()

    def names(self) -> Iterable[str]:
        """Return which fields came."""
        return self._texts.keys()

    def text(self, name: str) -> str:
        """Return the field, or nothing."""
        return self._texts.get(name, [""])[0]

    def texts(self, name: str) -> list[str]:
        """Return every value of a field that may be ticked several times."""
        return [value for value in self._texts.get(name, []) if value]

    def number(self, name: str) -> int | None:
        """Return the field as a whole number, or None when it is not one."""
        return next(iter(self.numbers(name)), None)

    def numbers(self, name: str) -> list[int]:
        """Return the values of a field that are whole numbers."""
        return [int(value) for value in self.texts(name) if _NUMBER.fullmatch(value)]

    def moment(self, name: str) -> datetime | None:
        """Return a date and time as it was typed, of no zone; None when it is none."""
        try:
            moment = datetime.strptime(self.text(name)[:16], "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - another field's
        except ValueError:
            return None
        return moment if moment.year in YEARS else None

    def file(self, name: str) -> UploadFile | None:
        """Return the uploaded file, or None when none was chosen."""
        file = self._files.get(name)
        return file if file is not None and file.filename else None


def clean(value: str) -> str:
    """Return text without what cannot be stored, its line ends as one kind."""
    return _UNCLEAN.sub("", value.replace("\r\n", "\n")).strip()


async def read(request: Request, limit: int) -> Form:
    """Read a form of at most `limit` bytes; raise 413 when it is larger, or says that it will be."""
    declared = request.headers.get("content-length", "")
    if _NUMBER.fullmatch(declared) and int(declared) > limit:
        raise HTTPException(413)
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413)
        return message

    fields = await Request(request.scope, receive).form(
        max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=FORM_LIMIT
    )
    return Form(fields.multi_items())
