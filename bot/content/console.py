"""What staff read: English stands in the code, the other languages in console.po."""

import gettext
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from bot.content.files import ContentError
from bot.content.languages import SOURCE

#: The languages of the console.
CONSOLE_LANGUAGES = (SOURCE, "fr")


def console_path(messages_dir: Path, language: str) -> Path:
    """Return where the console's texts of `language` lie."""
    return messages_dir / "locale" / language / "LC_MESSAGES" / "console.po"


def read_console(messages_dir: Path, language: str) -> Catalog:
    """Return the console's texts of `language` as they stand in the file."""
    path = console_path(messages_dir, language)
    try:
        return read_po(StringIO(path.read_text("utf-8")), locale=language, abort_invalid=True)
    except FileNotFoundError as error:
        raise ContentError(f"{path} is missing; restore it from the repository") from error
    except (PoFileError, UnicodeDecodeError) as error:
        raise ContentError(f"{path} is not a gettext catalogue in UTF-8: {error}") from error


@cache
def console_texts(messages_dir: Path) -> dict[str, gettext.NullTranslations]:
    """Return how the console speaks each of its languages; a text without a translation stays English."""
    texts: dict[str, gettext.NullTranslations] = {SOURCE: gettext.NullTranslations()}
    for language in CONSOLE_LANGUAGES:
        if language != SOURCE:
            compiled = BytesIO()
            write_mo(compiled, read_console(messages_dir, language))
            compiled.seek(0)
            texts[language] = gettext.GNUTranslations(compiled)
    return texts
