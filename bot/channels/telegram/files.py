"""Files are uploaded once: afterwards Telegram's own id of them is sent."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from telegram import Message
from telegram.error import BadRequest

from bot.channels.base import ContentStore

#: Sends a file, given as Telegram's id or as a path.
Sending = Callable[[str | Path], Awaitable[Message]]
SendingAll = Callable[[Sequence[str | Path]], Awaitable[Sequence[Message]]]


class Files:
    """Knows under which id each file stands at Telegram."""

    def __init__(self, folder: Path, store: ContentStore) -> None:
        self._folder, self._store = folder, store
        self._digests: dict[tuple[str, int, int], str] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def send(self, reference: str, sending: Sending) -> Message:
        """Send a file of our folder, by its id when it was sent before."""
        path = self._folder / reference
        digest = await asyncio.to_thread(self._digest, path)
        known = await self._store.get(digest)
        if known is None:
            async with self._locks.setdefault(digest, asyncio.Lock()):  # of many that want it, one uploads it
                known = await self._store.get(digest)
                if known is None:
                    return await self._upload(path, digest, sending)
        try:
            return await sending(known)
        except BadRequest as error:
            if "file" not in error.message.lower():
                raise
            return await self._upload(path, digest, sending)  # Telegram has forgotten it

    async def send_all(self, references: Sequence[str], sending: SendingAll) -> Sequence[Message]:
        """Send several files in one message, each by its id when it was sent before."""
        paths = [self._folder / reference for reference in references]
        digests = [await asyncio.to_thread(self._digest, path) for path in paths]
        known = [await self._store.get(digest) for digest in digests]
        try:
            sent = await sending([id or path for id, path in zip(known, paths, strict=True)])
        except BadRequest as error:
            if "file" not in error.message.lower() or not any(known):
                raise
            known, sent = [None] * len(paths), await sending(paths)  # Telegram has forgotten one
        for digest, id, one in zip(digests, known, sent, strict=True):
            if id is None and (file_id := _file_id(one)):
                await self._store.put(digest, file_id)
        return sent

    async def _upload(self, path: Path, digest: str, sending: Sending) -> Message:
        sent = await sending(path)
        file_id = _file_id(sent)
        if file_id:
            await self._store.put(digest, file_id)
        return sent

    def _digest(self, path: Path) -> str:
        state = path.stat()
        key = (str(path), state.st_mtime_ns, state.st_size)
        if key not in self._digests:
            self._digests[key] = hashlib.sha256(path.read_bytes()).hexdigest()
        return self._digests[key]


def _file_id(sent: Message) -> str | None:
    if sent.photo:
        return sent.photo[-1].file_id
    file = sent.document or sent.animation or sent.video or sent.audio or sent.voice
    return file.file_id if file else None
