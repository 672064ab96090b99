"""One encrypted file that holds an installation: its database, keys, media and exports.

The file is a tar within the age format (age-encryption.org), so that it can be opened without us. The database in it
is SQLite, whichever engine it came from.
"""

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sqlalchemy import Engine

from bot import clock
from bot.backup import BackupError
from bot.backup.copying import Told, copy
from bot.conversations.alarms import LAST_BACKUP
from bot.db import open_engine

if TYPE_CHECKING:
    from pyrage.x25519 import Identity, Recipient

FORMAT = 1
DATABASE = "database.db"
_MANIFEST = "manifest.json"
#: What goes along, of DATA_DIR. `media/made` is made again when it is needed.
FOLDERS = ("keys", "media", "exports", "reports")
_LEFT_OUT = ("media/made", "keys/backup.key")
_UNFINISHED = "/.export-"  #: of an export in the making


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    made_at: str  #: ISO 8601, UTC
    engine: str  #: where the data came from
    rows: dict[str, int]  #: table -> rows


def own_key(data_dir: Path) -> "Identity":
    """Return the key of this installation's backups, made on first use in DATA_DIR/keys."""
    from pyrage import x25519

    path = data_dir / "keys" / "backup.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{x25519.Identity.generate()}\n")
    return read_key(path)


def read_key(path: Path) -> "Identity":
    """Read the first secret key of the file; lines that begin with # are remarks."""
    from pyrage import IdentityError, x25519

    lines = [line.strip() for line in path.read_text().splitlines()]
    secret = next((line for line in lines if line and not line.startswith("#")), "")
    try:
        return x25519.Identity.from_str(secret)
    except IdentityError:
        raise BackupError(f"{path} holds no key of a backup: its line begins with AGE-SECRET-KEY-1") from None


def recipient(text: str) -> "Recipient":
    """Read the public key to which backups are encrypted."""
    from pyrage import RecipientError, x25519

    try:
        return x25519.Recipient.from_str(text.strip())
    except RecipientError:
        raise BackupError("That is no public key of a backup: it begins with age1 (age-keygen prints one)") from None


def write(engine: Engine, data_dir: Path, file: Path, to: "Recipient", told: Told = lambda *_: None) -> Manifest:
    """Write the backup; the file appears whole or not at all. Others may go on writing meanwhile."""
    if file.exists():
        raise BackupError(f"{file} exists: name another file, backups are never written over")
    with tempfile.TemporaryDirectory(prefix="backup-", dir=data_dir) as folder:
        inside = Path(folder) / DATABASE
        rows = _copy_database(engine, inside, told)
        manifest = Manifest(FORMAT, clock.now().isoformat(), engine.dialect.name, rows)
        partial = file.with_name(f"{file.name}.part")
        try:
            with partial.open("xb") as out:
                os.chmod(partial, 0o600)
                _encrypt(lambda pipe: _pack(pipe, manifest, inside, data_dir), out, to)
                out.flush()
                os.fsync(out.fileno())
            partial.rename(file)
            (data_dir / LAST_BACKUP).write_text(manifest.made_at)
        finally:
            partial.unlink(missing_ok=True)
    return manifest


def _copy_database(engine: Engine, inside: Path, told: Told) -> dict[str, int]:
    target = open_engine(f"sqlite:///{inside}")
    try:
        return copy(engine, target, told)
    finally:
        target.dispose()  # the last connection folds the log into the file


def _encrypt(pack: Callable[[IO[bytes]], None], out: IO[bytes], to: "Recipient") -> None:
    """Encrypt what `pack` writes while it writes it: nothing lies on the disk unencrypted."""
    from pyrage import encrypt_io

    reading, writing = os.pipe()

    def packing() -> None:
        with os.fdopen(writing, "wb") as pipe:
            pack(pipe)

    with ThreadPoolExecutor(1) as thread, os.fdopen(reading, "rb") as pipe:
        packed = thread.submit(packing)
        encrypt_io(pipe, out, [to])
        packed.result()


def _pack(pipe: IO[bytes], manifest: Manifest, database: Path, data_dir: Path) -> None:
    with tarfile.open(fileobj=pipe, mode="w|") as tar:
        said = json.dumps(asdict(manifest)).encode()
        head = tarfile.TarInfo(_MANIFEST)
        head.size = len(said)
        tar.addfile(head, io.BytesIO(said))
        tar.add(database, DATABASE)
        for path in _files(data_dir):
            with suppress(FileNotFoundError):  # cleared away since
                tar.add(path, str(path.relative_to(data_dir)), recursive=False)


def _files(data_dir: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((data_dir / folder).rglob("*")):
            name = path.relative_to(data_dir).as_posix()
            if path.is_file() and not path.is_symlink() and not name.startswith(_LEFT_OUT) and _UNFINISHED not in name:
                yield path


@contextmanager
def opened(file: Path, key: "Identity", scratch: Path) -> Iterator[tuple[Manifest, Path]]:
    """Decrypt and unpack into a folder below `scratch` that goes again; yield the manifest and the folder."""
    with tempfile.TemporaryDirectory(prefix="restore-", dir=scratch) as name:
        folder = Path(name)
        _unpack(file, key, folder)
        try:
            manifest = Manifest(**json.loads((folder / _MANIFEST).read_text()))
        except (OSError, ValueError, TypeError):
            raise BackupError(f"{file} is no backup of ours, or of a newer version") from None
        if manifest.format != FORMAT:
            raise BackupError(f"{file} was made by another version: install that one to restore it")
        yield manifest, folder


def _unpack(file: Path, key: "Identity", folder: Path) -> None:
    from pyrage import DecryptError, decrypt_io

    reading, writing = os.pipe()

    def decrypting() -> None:
        with os.fdopen(writing, "wb") as pipe, file.open("rb") as source:
            decrypt_io(source, pipe, [key])

    with ThreadPoolExecutor(1) as thread, os.fdopen(reading, "rb") as pipe:
        decrypted = thread.submit(decrypting)
        try:
            with tarfile.open(fileobj=pipe, mode="r|") as tar:
                tar.extractall(folder, filter="data")
            while pipe.read(1 << 16):
                pass
        except tarfile.TarError:
            pipe.close()
            _explain(decrypted.exception(), file, DecryptError)
            raise BackupError(f"{file} is no backup of ours") from None
        _explain(decrypted.exception(), file, DecryptError)


def _explain(error: BaseException | None, file: Path, refused: type[Exception]) -> None:
    cut_short = isinstance(error, OSError) and error.errno is None  # what the library raises in the middle of a file
    if isinstance(error, refused) or cut_short:
        raise BackupError(
            f"{file} cannot be decrypted: it is damaged, or was made for another key than the one given"
        ) from None
    if error is not None and not isinstance(error, BrokenPipeError):
        raise error
