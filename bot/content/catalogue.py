"""The wording that members read, from the gettext catalogues of messages/locale/, read as they are."""

import gettext
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from pathlib import Path

from babel.messages.pofile import PoFileError, read_po

from bot.content.files import ContentError
from bot.content.languages import LANGUAGES, SOURCE, chain

_FIELD = re.compile(r"\{([a-z_]+)\}")
_LINE = re.compile(r'\s*(#.*|((msgid|msgid_plural|msgstr(\[\d\])?) )?"([^"\\]|\\.)*")?\s*')


@dataclass(frozen=True)
class Entry:
    """One key in one language: singular and plural forms; a draft is not shown to members."""

    forms: tuple[str, ...]
    draft: bool


@dataclass(frozen=True)
class _Tongue:
    entries: Mapping[str, Entry]
    plural_form: Callable[[int], int]


def fields(text: str) -> frozenset[str]:
    """Return the names of the `{placeholders}` in `text`."""
    return frozenset(_FIELD.findall(text))


def fill(text: str, values: Mapping[str, object]) -> str:
    """Put `values` in the place of `{placeholders}`, once: what a value says is never read as a template."""
    return _FIELD.sub(lambda match: str(values[match[1]]), text)


class Catalogue:
    """Every key in every language. A key without English raises KeyError: no raw key may reach a member."""

    def __init__(self, tongues: Mapping[str, _Tongue]) -> None:
        self._tongues = tongues

    @classmethod
    def load(cls, messages_dir: Path, domain: str = "bot", languages: Iterable[str] = tuple(LANGUAGES)) -> "Catalogue":
        """Read locale/<language>/LC_MESSAGES/<domain>.po of these languages."""
        return cls({language: _read(po_path(messages_dir, language, domain)) for language in languages})

    def keys(self, language: str = SOURCE) -> Iterable[str]:
        """Return the keys that `language` itself has, reviewed or draft, in the order of its file."""
        return self._tongues[language].entries.keys()

    def entry(self, key: str, language: str) -> Entry | None:
        """Return what `language` itself has for `key`, reviewed or draft."""
        return self._tongues[language].entries.get(key)

    def text(self, key: str, language: str, /, **values: object) -> str:
        """Return the reviewed wording of `key`, from the nearest language that has one."""
        return fill(self._nearest(key, chain(language))[1].forms[0], values)

    def plural(self, key: str, count: int, language: str, /, **values: object) -> str:
        """Return the wording of `key` for `count` things; `{count}` stands for the number."""
        found, entry = self._nearest(key, chain(language))
        form = self._tongues[found].plural_form(count)
        return fill(entry.forms[form], {"count": count, **values})

    def draft(self, key: str, language: str) -> str | None:
        """Return the unreviewed wording that `language` itself has for `key`, if it has one."""
        entry = self.entry(key, language)
        return entry.forms[0] if entry and entry.draft else None

    def consent_text(self, key: str, language: str, /, **values: object) -> str:
        """Return the wording of `key`; a draft comes together with the reviewed text it stands for."""
        draft = self.draft(key, language)
        reviewed = self.text(key, language, **values)
        return reviewed if draft is None else f"{fill(draft, values)}\n\n{reviewed}"

    def version_hash(self, key: str, language: str, /, **values: object) -> str:
        """Return the SHA-256 of the exact wording `consent_text` shows: what a consent points to."""
        return sha256(self.consent_text(key, language, **values).encode()).hexdigest()

    def _nearest(self, key: str, languages: tuple[str, ...]) -> tuple[str, Entry]:
        for language in languages:
            entry = self.entry(key, language)
            if entry and not entry.draft:
                return language, entry
        raise KeyError(key)


def po_path(messages_dir: Path, language: str, domain: str = "bot") -> Path:
    """Return where the catalogue of `language` lies."""
    return messages_dir / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def _read(path: Path) -> _Tongue:
    try:
        content = path.read_text("utf-8")
        _refuse_bad_lines(path, content)
        catalog = read_po(StringIO(content), abort_invalid=True)
    except FileNotFoundError as error:
        raise ContentError(f"{path} is missing; restore it from the repository") from error
    except (PoFileError, UnicodeDecodeError) as error:
        raise ContentError(f"{path} is not a gettext catalogue in UTF-8: {error}") from error
    entries = {_key(message.id): Entry(_forms(message.string), message.fuzzy) for message in catalog if message.id}
    filled = {key: entry for key, entry in entries.items() if all(entry.forms)}
    return _Tongue(filled, gettext.c2py(catalog.plural_expr))


def _key(msgid: str | list[str] | tuple[str, ...]) -> str:
    return msgid if isinstance(msgid, str) else msgid[0]


def _forms(msgstr: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (msgstr or "",) if msgstr is None or isinstance(msgstr, str) else tuple(msgstr)


def _refuse_bad_lines(path: Path, content: str) -> None:
    """Refuse what Babel reads over: a forgotten quote silently cuts a text."""
    for number, line in enumerate(content.splitlines(), start=1):
        if not _LINE.fullmatch(line):
            raise ContentError(f"{path}, line {number}: expected msgid or msgstr and a text in straight quotes")
