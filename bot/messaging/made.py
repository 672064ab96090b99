"""Files that are made from rows at the moment they are sent or fetched: what is in them is never out of date.

The name of one may begin with a hash of its content: it stays as it is, and is not made again while it lies there.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from bot import clock

#: References of such files: made/<kind>/<name>.
FOLDER = "made"
#: How long one that was laid out for a channel lies there; the next attempt lays it out anew.
LIFETIME = timedelta(hours=6)
_REFERENCE = re.compile(rf"{FOLDER}/([a-z]+)/([0-9-]+\.[a-z0-9]+|[0-9a-f]{{64}}/(?!\.)[^/\x00]{{1,200}})")
_LASTING = re.compile(rf"{FOLDER}/[a-z]+/[0-9a-f]{{64}}/")

#: Makes the file of a kind with this name; None where the rows are gone.
Maker = Callable[[Session, str], bytes | None]


@dataclass(frozen=True, slots=True)
class Makers:
    """Every kind of file that can be made, and the folder from which channels upload."""

    makers: Mapping[str, Maker]
    media_dir: Path

    def make(self, db: Session, reference: str) -> bytes | None:
        """Return the content of a file, or None where there is none of this name."""
        found = _REFERENCE.fullmatch(reference)
        maker = self.makers.get(found[1]) if found else None
        return maker(db, found[2]) if found and maker else None

    def lay_out(self, db: Session, reference: str) -> bool:
        """Put a file where a channel finds it; False where it cannot be made."""
        path = self.media_dir / reference
        if is_lasting(reference) and path.exists():
            os.utime(path)  # it is still in use
            return True
        content = self.make(db, reference)
        if content is None:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)  # never half a file under its name
        return True


def is_made(reference: str) -> bool:
    """Tell whether a reference is of such a file."""
    return reference.startswith(f"{FOLDER}/")


def is_lasting(reference: str) -> bool:
    """Tell whether such a file is named by its content."""
    return _LASTING.match(reference) is not None


def reference(kind: str, name: str) -> str:
    """Return the reference of such a file."""
    return f"{FOLDER}/{kind}/{name}"


def clear(media_dir: Path) -> int:
    """Remove files that have lain long enough; return how many."""
    before = (clock.now() - LIFETIME).timestamp()
    old = [path for path in (media_dir / FOLDER).rglob("*") if path.is_file() and path.stat().st_mtime <= before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
