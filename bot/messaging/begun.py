"""Notes of the calls that a process begins, in a file that outlives it when it is killed.

A message is claimed before its call, and waits for its turn. The notes tell which calls began: what a dead process had
claimed and never called is not in doubt. The file is locked while its process lives. What was written to it is lost
when the machine goes down, so that only notes since the machine's start count.
"""

import fcntl
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

#: Differs after every start of the machine; where there is none, no notes are kept.
BOOT = Path("/proc/sys/kernel/random/boot_id")
SUFFIX = ".calls"
_HEAD = 64  #: bytes: the machine's start
_PLACE = struct.Struct("<q")  #: an outbox id; 0: free


class Notes:
    """The notes of this process; without a file, everything claimed is in doubt when it dies."""

    def __init__(self, folder: Path, worker: str, places: int) -> None:
        self._path, self._file = folder / f"{worker}{SUFFIX}", -1
        self._free, self._places = list(range(places)), dict[int, int]()
        boot = _boot()
        if not boot:
            return
        folder.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")  # nobody must meet the file before it is locked
        self._file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        os.write(self._file, boot.ljust(_HEAD, b"\0") + bytes(_PLACE.size * places))
        part.rename(self._path)

    def begin(self, id: int) -> None:
        """Note that a provider may hear of a message from now on."""
        if self._file >= 0:
            self._places[id] = place = self._free.pop()
            self._write(place, id)

    def end(self, ids: Iterable[int]) -> None:
        """Forget messages whose outcome is committed."""
        for id in ids:
            place = self._places.pop(id, None)
            if place is not None:
                self._write(place, 0)
                self._free.append(place)

    @property
    def calls(self) -> frozenset[int]:
        """Return the messages whose calls began and are not settled."""
        return frozenset(self._places)

    def close(self) -> None:
        """Remove the file: nothing is left to tell."""
        if self._file >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    def _write(self, place: int, id: int) -> None:
        if self._file < 0:
            return
        try:
            os.pwrite(self._file, _PLACE.pack(id), _HEAD + place * _PLACE.size)
        except OSError as error:
            log.error("calls cannot be noted", error=error.strerror)
            self.close()  # notes that lack one would tell that it never began


def _boot() -> bytes:
    with suppress(OSError):
        return BOOT.read_bytes().strip()
    return b""


@contextmanager
def of_the_dead(folder: Path, *, keep: bool = False) -> Iterator[Mapping[str, frozenset[int]]]:
    """Give which calls the dead processes of this machine began, by worker; after the block the notes go, or `keep`."""
    found: dict[str, frozenset[int]] = {}
    files: list[tuple[Path, int]] = []
    try:
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            file = _take(path)
            if file is None:
                continue
            files.append((path, file))
            content = path.read_bytes()
            if content[:_HEAD].rstrip(b"\0") == _boot():
                found[path.stem] = frozenset(id for (id,) in _PLACE.iter_unpack(content[_HEAD:]) if id)
        yield found
        for path, _ in files if not keep else ():
            path.unlink(missing_ok=True)
    finally:
        for _, file in files:
            os.close(file)


def _take(path: Path) -> int | None:
    """Lock the notes of a dead process, or return None: it lives, or another has its notes in hand."""
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
