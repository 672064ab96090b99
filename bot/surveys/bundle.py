"""A form and its attached files in one .zip, as the console takes them."""

import io
import zipfile
from pathlib import PurePosixPath

from bot.sentences import Sentence
from bot.surveys.form import FormError, Problem

MAX_UNPACKED = 40_000_000
MAX_FILES = 300
_FORMS = (".xlsx", ".xlsm", ".xls", ".csv", ".md", ".xml")


def unpack(data: bytes, filename: str) -> tuple[bytes, str, dict[str, bytes]]:
    """Return the form, its name and its attached files; what is no .zip is the form itself."""
    if not filename.lower().endswith(".zip"):
        return data, filename, {}
    files = _files(data)
    # A list may be .csv or .xml too: the form is the workbook, where there is one.
    forms = sorted(files, key=lambda name: (_rank(name), name))
    if not forms or _rank(forms[0]) == len(_FORMS):
        raise FormError(
            [Problem(Sentence("the .zip holds no form; put the .xlsx and the files that it names into it"))]
        )
    return files.pop(forms[0]), forms[0], files


def _rank(name: str) -> int:
    return next((i for i, suffix in enumerate(_FORMS) if name.lower().endswith(suffix)), len(_FORMS))


def _files(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir() and "__MACOSX" not in one.filename]
            if len(members) > MAX_FILES or sum(one.file_size for one in members) > MAX_UNPACKED:
                raise FormError(
                    [
                        Problem(
                            Sentence(
                                "the .zip holds more than %(most)s files or too much; leave some out", most=MAX_FILES
                            )
                        )
                    ]
                )
            return {PurePosixPath(one.filename).name: archive.read(one) for one in members}
    except (zipfile.BadZipFile, RuntimeError):  # broken, locked, or packed in a way that nobody here knows
        raise FormError([Problem(Sentence("the .zip cannot be opened; pack it again, without a password"))]) from None
