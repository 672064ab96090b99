from hashlib import sha256
from pathlib import Path

import pytest

from bot.content.catalogue import Catalogue, po_path
from bot.content.files import ContentError
from bot.content.languages import LANGUAGES

HEADERS = {
    "en": "Plural-Forms: nplurals=2; plural=(n != 1);",
    "fr": "Plural-Forms: nplurals=2; plural=(n > 1);",
}


def write(messages: Path, **entries: str) -> Catalogue:
    """Load a catalogue of small .po bodies; a language not named is empty."""
    for language in LANGUAGES:
        path = po_path(messages, language)
        path.parent.mkdir(parents=True)
        plural = HEADERS.get(language, HEADERS["en"])
        header = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"{plural}\\n"\n\n'
        path.write_text(header + entries.get(language, ""), "utf-8")
    return Catalogue.load(messages)


def po(text: str, key: str = "greet", flag: str = "") -> str:
    return f'{flag}msgid "{key}"\nmsgstr "{text}"\n\n'


FUZZY = "#, fuzzy\n"


def test_kreol_falls_back_to_french_then_english(tmp_path: Path) -> None:
    found = write(tmp_path, en=po("Hello") + po("Bye", "bye"), fr=po("Bonjour"))
    assert found.text("greet", "mfe") == "Bonjour"
    assert found.text("bye", "mfe") == "Bye"


@pytest.mark.parametrize("language", ["st", "ny"])
def test_sesotho_and_chichewa_fall_back_to_english(tmp_path: Path, language: str) -> None:
    assert write(tmp_path, en=po("Hello"), fr=po("Bonjour")).text("greet", language) == "Hello"


def test_a_draft_is_not_shown_but_can_be_read(tmp_path: Path) -> None:
    found = write(tmp_path, en=po("Hello"), st=po("Lumela", flag=FUZZY))
    assert found.text("greet", "st") == "Hello"
    assert found.draft("greet", "st") == "Lumela"
    assert found.draft("greet", "en") is None


def test_consent_in_a_draft_language_comes_with_the_reviewed_text(tmp_path: Path) -> None:
    found = write(tmp_path, en=po("Agree, {name}?"), fr=po("D’accord, {name} ?"), mfe=po("Dakor, {name}?", flag=FUZZY))
    assert found.consent_text("greet", "mfe", name="Ana") == "Dakor, Ana?\n\nD’accord, Ana ?"
    assert found.consent_text("greet", "fr", name="Ana") == "D’accord, Ana ?"


def test_the_hash_of_a_wording_changes_with_a_letter_and_a_draft(tmp_path: Path) -> None:
    first = write(tmp_path / "a", en=po("Agree?"), st=po("Lumela?", flag=FUZZY))
    second = write(tmp_path / "b", en=po("Agree!"), st=po("Lumela.", flag=FUZZY))
    hashes = {found.version_hash("greet", language) for found in (first, second) for language in ("en", "st")}
    assert len(hashes) == 4
    assert first.version_hash("greet", "en") == sha256(b"Agree?").hexdigest()
    assert first.version_hash("greet", "st") == sha256(b"Lumela?\n\nAgree?").hexdigest()


def test_a_value_is_never_read_as_a_template(tmp_path: Path) -> None:
    found = write(tmp_path, en=po("Dear {name}, {title}"))
    text = found.text("greet", "en", name="{title} {0.__class__} %s", title="news")
    assert text == "Dear {title} {0.__class__} %s, news"


def test_placeholders_may_be_called_key_or_language(tmp_path: Path) -> None:
    assert write(tmp_path, en=po("{key} {language}")).text("greet", "en", key="a", language="b") == "a b"


def test_a_missing_value_is_an_error_not_a_hole(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="name"):
        write(tmp_path, en=po("Dear {name}")).text("greet", "en")


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_an_unknown_key_is_an_error_not_a_text(catalogue: Catalogue, language: str) -> None:
    with pytest.raises(KeyError, match=r"no\.such\.key"):
        catalogue.text("no.such.key", language)


@pytest.mark.parametrize(
    ("language", "count", "text"),
    [
        ("en", 0, "0 days"),
        ("en", 1, "1 day"),
        ("en", 2, "2 days"),
        ("fr", 0, "0 jour"),
        ("fr", 1, "1 jour"),
        ("fr", 2, "2 jours"),
        ("fr", 1000000, "1000000 jours"),
        ("mfe", 0, "0 jour"),
        ("st", 0, "0 days"),
    ],
)
def test_plurals_follow_the_language_whose_words_are_used(tmp_path: Path, language: str, count: int, text: str) -> None:
    english = 'msgid "left"\nmsgid_plural "left"\nmsgstr[0] "{count} day"\nmsgstr[1] "{count} days"\n'
    french = english.replace("day", "jour")
    assert write(tmp_path, en=english, fr=french).plural("left", count, language) == text


def test_an_empty_translation_counts_as_missing(tmp_path: Path) -> None:
    assert write(tmp_path, en=po("Hello"), fr=po("")).text("greet", "fr") == "Hello"


@pytest.mark.parametrize(
    "broken", ['msgid "a\nmsgstr "b"', 'msgid "a"\nmsgstr "x" y"', 'msgid "a"\nmsgstr oops', "<<<<<<< HEAD"]
)
def test_a_forgotten_quote_is_named_with_its_line(tmp_path: Path, broken: str) -> None:
    with pytest.raises(ContentError, match=r"fr.LC_MESSAGES.bot\.po, line \d+"):
        write(tmp_path, en=po("Hello"), fr=broken)


def test_a_key_without_a_text_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="not a gettext catalogue"):
        write(tmp_path, en='msgid "a"\nmsgid "b"\nmsgstr "x"\n')


def test_a_missing_language_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="is missing"):
        Catalogue.load(tmp_path)
