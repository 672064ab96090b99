"""Find what is missing or wrong in messages/, before a member does."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bot.content.catalogue import Catalogue, Entry, fields, po_path
from bot.content.console import CONSOLE_LANGUAGES, console_texts, read_console
from bot.content.files import ContentError, read_yaml
from bot.content.formats import Formats
from bot.content.keywords import Keywords, collisions, read_words
from bot.content.languages import LANGUAGES, SOURCE
from bot.content.places import Places
from bot.content.promises import Promises
from bot.content.templates import BODY_LIMIT, load_templates

TEXT_LIMIT = 600
#: WhatsApp's limits: a button's title, a row of a list.
LABEL_LIMITS = {"button": 20, "origin": 24, "link": 24, "interest": 24, "zone": 24}
CONSENT_QUESTION, CONSENT_WORDING = "registration.ask_consent", "consent.wording.v1"

_CAPITALS = re.compile(r"\b[A-ZÀ-Ý]+(?: [A-ZÀ-Ý]+)*\b")


class Severity(StrEnum):
    """An error stops the check; a draft is only listed for translators."""

    ERROR = "error"
    DRAFT = "draft"


@dataclass(frozen=True)
class Problem:
    """Something to put right, and where."""

    severity: Severity
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.what}"


def check(messages_dir: Path) -> list[Problem]:
    """Return every problem of messages/ but the surveys, errors first."""
    problems = [*_files(messages_dir)]
    if not problems:
        catalogue = Catalogue.load(messages_dir)
        keywords = Keywords.load(messages_dir)
        not_keywords = frozenset(read_yaml(messages_dir / "keywords.yaml").get("not_keywords", []))
        for language in LANGUAGES:
            problems += _repeated(messages_dir, language)
            problems += _unknown(catalogue, language)
            for key in catalogue.keys(SOURCE):
                problems += _entry(catalogue, key, language)
                problems += _promises(catalogue.entry(key, language), f"{language} {key}", keywords, not_keywords)
        problems += _consent(catalogue)
        problems += _zones(catalogue, Places.load(messages_dir))
        problems += _templates(messages_dir)
        problems += _console(messages_dir)
        problems += _reports(messages_dir)
    return sorted(problems, key=is_error, reverse=True)


def is_error(problem: Problem) -> bool:
    """Tell an error, which must be put right, from a draft to review."""
    return problem.severity is Severity.ERROR


def _error(where: str, what: str) -> Problem:
    return Problem(Severity.ERROR, where, what)


def _files(messages_dir: Path) -> Iterator[Problem]:
    """Try each reader: a file that cannot be read is all there is to say."""
    readers: dict[str, Callable[[], object]] = {
        "locale": lambda: Catalogue.load(messages_dir),
        "places.yaml": lambda: Places.load(messages_dir),
        "formats.yaml": lambda: Formats.load(messages_dir, Catalogue.load(messages_dir)),
        "templates": lambda: load_templates(messages_dir),
        "console": lambda: console_texts(messages_dir),
        "promises.yaml": lambda: Promises.load(messages_dir),
        "report.po": lambda: Catalogue.load(messages_dir, "report", CONSOLE_LANGUAGES),
    }
    for where, read in readers.items():
        try:
            read()
        except ContentError as error:
            yield _error(where, str(error))
    try:
        words = read_words(messages_dir)
    except ContentError as error:
        yield _error("keywords.yaml", str(error))
    else:
        for one, other in collisions(words):
            yield _error("keywords.yaml", f"{other.written!r} means both {one.meaning} and {other.meaning}; keep one")


def _repeated(messages_dir: Path, language: str, domain: str = "bot") -> Iterator[Problem]:
    keys = re.findall(r'^msgid "(.+)"', po_path(messages_dir, language, domain).read_text("utf-8"), re.MULTILINE)
    for key, times in Counter(keys).items():
        if times > 1:
            yield _error(f"{language} {key}", f"stands {times} times in the catalogue; keep one")


def _unknown(catalogue: Catalogue, language: str) -> Iterator[Problem]:
    for key in set(catalogue.keys(language)) - set(catalogue.keys(SOURCE)):
        yield _error(f"{language} {key}", f"has no {SOURCE} text; add it there or remove it here")


def _entry(catalogue: Catalogue, key: str, language: str) -> Iterator[Problem]:
    where = f"{language} {key}"
    entry, source = catalogue.entry(key, language), catalogue.entry(key, SOURCE)
    if entry is None or source is None:
        yield _error(where, "is missing; translate it, or draft it with the flag fuzzy")
        return
    if entry.draft:
        what = "the source cannot be a draft; remove the flag fuzzy" if language == SOURCE else "is a draft to review"
        yield Problem(Severity.ERROR if language == SOURCE else Severity.DRAFT, where, what)
    mine, wanted = fields(" ".join(entry.forms)), fields(" ".join(source.forms))
    if mine != wanted:
        yield _error(where, f"has the placeholders {_braced(mine)}, {SOURCE} has {_braced(wanted)}")
    if len(entry.forms) != len(source.forms):
        yield _error(where, f"has {len(entry.forms)} plural forms, {SOURCE} has {len(source.forms)}")
    for form in entry.forms:
        yield from _form(where, key, form)


def _form(where: str, key: str, form: str) -> Iterator[Problem]:
    if re.search(r"[{}]", re.sub(r"\{[a-z_]+\}", "", form)):
        yield _error(where, "has a brace that is no {placeholder}")
    limit = LABEL_LIMITS.get(key.partition(".")[0], TEXT_LIMIT)
    if len(form) > limit:
        yield _error(where, f"has {len(form)} characters; at most {limit}")


def _promises(entry: Entry | None, where: str, keywords: Keywords, others: frozenset[str]) -> Iterator[Problem]:
    """A word in capitals tells the member to write it, so it must be understood."""
    for form in entry.forms if entry else ():
        for word in _CAPITALS.findall(form):
            if len(word) > 2 and word not in others and keywords.match(word) is None:
                yield _error(where, f"tells people to write {word}, which keywords.yaml does not know")


def _consent(catalogue: Catalogue) -> Iterator[Problem]:
    """A draft and its reviewed text go out as one message with buttons."""
    for language in LANGUAGES:
        wording = catalogue.consent_text(CONSENT_WORDING, language)
        length = len(catalogue.text(CONSENT_QUESTION, language, wording=wording))
        if length > BODY_LIMIT:
            yield _error(
                f"{language} {CONSENT_WORDING}", f"with its question has {length} characters, over {BODY_LIMIT}"
            )


def _zones(catalogue: Catalogue, places: Places) -> Iterator[Problem]:
    for code in sorted(places.codes):
        zones = places.zones(code)
        for zone in zones if len(zones) > 1 else ():
            if catalogue.entry(zone.key, SOURCE) is None:
                yield _error(f"{SOURCE} {zone.key}", f"is missing: places.yaml offers this zone in {code}")


def _templates(messages_dir: Path) -> Iterator[Problem]:
    for name, template in load_templates(messages_dir).items():
        for violation in template.violations():
            yield _error(f"templates/{name}.yaml", violation)


def _console(messages_dir: Path) -> Iterator[Problem]:
    """The pages of staff: every text, with the placeholders and the markup of its English."""
    for language in CONSOLE_LANGUAGES[1:]:
        for message in read_console(messages_dir, language):
            source, translated = _forms_of(message.id), _forms_of(message.string)
            where = f"{language} console {source[0]!r}"
            if not source[0]:
                continue
            if message.fuzzy or not all(translated):
                yield _error(where, "is not translated; write it after msgstr, without the flag fuzzy")
            elif any(_holes(form) != _holes(source[-1]) for form in translated):
                yield _error(where, "has other placeholders or tags than the English")


def _reports(messages_dir: Path) -> Iterator[Problem]:
    """The texts of reports, which are in the languages of staff."""
    catalogue = Catalogue.load(messages_dir, "report", CONSOLE_LANGUAGES)
    for language in CONSOLE_LANGUAGES:
        yield from _repeated(messages_dir, language, "report")
        yield from _unknown(catalogue, language)
        for key in catalogue.keys(SOURCE):
            yield from _entry(catalogue, key, language)


def _forms_of(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, list | tuple) else (str(text or ""),)


def _holes(text: str) -> Counter[str]:
    """Return what must be the same in every language: placeholders, tags, percent signs."""
    return Counter(re.findall(r"%\([a-z_]+\)s|%%|</?[a-z][^>]*>", text))


def _braced(names: frozenset[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names)) or "none"
