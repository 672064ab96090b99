import shutil
from pathlib import Path

import pytest

from bot.content.catalogue import Catalogue, po_path
from bot.content.check import Severity, check, is_error
from bot.content.languages import LANGUAGES, SOURCE


@pytest.fixture
def copy(tmp_path: Path, messages: Path) -> Path:
    """Return a copy of the shipped messages/ (without surveys) to spoil."""
    return Path(shutil.copytree(messages, tmp_path / "messages", ignore=shutil.ignore_patterns("surveys")))


def errors(messages: Path) -> list[str]:
    return [str(found).removeprefix("error: ") for found in check(messages) if is_error(found)]


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_the_shipped_messages_have_no_error(messages: Path) -> None:
    assert errors(messages) == []


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_key_has_an_entry_in_every_language(catalogue: Catalogue, language: str) -> None:
    assert set(catalogue.keys(language)) == set(catalogue.keys(SOURCE))


def test_english_and_french_are_never_drafts(catalogue: Catalogue) -> None:
    drafts = [key for key in catalogue.keys(SOURCE) for language in ("en", "fr") if catalogue.draft(key, language)]
    assert drafts == []


def test_drafts_are_listed_for_translators_after_the_errors(messages: Path, catalogue: Catalogue) -> None:
    found = check(messages)
    drafts = [problem.where for problem in found if problem.severity is Severity.DRAFT]
    assert len(drafts) == sum(
        catalogue.draft(key, language) is not None for key in catalogue.keys(SOURCE) for language in LANGUAGES
    )
    assert "st consent.wording.v1" in drafts
    assert "st button.yes" not in drafts


@pytest.mark.parametrize(
    ("language", "old", "new", "problem"),
    [
        ("fr", 'msgid "purpose.news"', 'msgid "purpose.new"', "fr purpose.news: is missing"),
        ("fr", 'msgid "purpose.news"', 'msgid "purpose.new"', "fr purpose.new: has no en text"),
        ("mfe", 'msgid "purpose.news"', 'msgid "purpose.surveys"', "mfe purpose.surveys: stands 2 times"),
        ("st", "Khopotso: {title}", "Khopotso: {tile}", "st session.reminder: has the placeholders {place}, {tile}"),
        ("en", "Reminder: {title}", "Reminder: {title", "en session.reminder: has a brace"),
        ("fr", 'msgstr "Passer"', 'msgstr "Passer cette question"', "fr button.skip: has 21 characters; at most 20"),
        ("fr", "STOP pour quitter.", "STOP. " + "Merci " * 100, "at most 600"),
        ("ny", "lembani HELP", "lembani HELPER", "tells people to write HELPER"),
        ("en", 'msgid "purpose.news"', '#, fuzzy\nmsgid "purpose.news"', "en purpose.news: the source cannot be"),
        ("en", 'msgid "zone.Australia/Perth"', 'msgid "zone.x"', "en zone.Australia/Perth: is missing: places.yaml"),
        ("fr", "{wording}\\n", "{wording}" + " bien" * 110 + "\\n", "with its question has"),
    ],
)
def test_a_spoilt_text_is_named(copy: Path, language: str, old: str, new: str, problem: str) -> None:
    spoil(po_path(copy, language), old, new)
    assert any(problem in error for error in errors(copy)), errors(copy)


def test_plural_forms_must_be_as_many_as_in_the_source(copy: Path) -> None:
    spoil(po_path(copy, "fr"), 'msgid_plural "survey.nudge"\nmsgstr[0]', 'msgid_plural "survey.nudge"\n#')
    assert errors(copy) != []


def test_two_meanings_of_one_word_are_named(copy: Path) -> None:
    spoil(copy / "keywords.yaml", "  HELP:\n    en: [HELP,", "  HELP:\n    en: [Stop!, HELP,")
    assert "keywords.yaml: 'Stop!' means both STOP and HELP; keep one" in errors(copy)


def test_a_template_whatsapp_would_refuse_is_named(copy: Path) -> None:
    spoil(copy / "templates" / "announcement.yaml", "STOP to leave.", "{title}")
    assert any(error.startswith("templates/announcement.yaml: en: ") for error in errors(copy))


@pytest.mark.parametrize("name", ["keywords.yaml", "places.yaml", "formats.yaml", "templates/announcement.yaml"])
def test_a_file_that_cannot_be_read_is_a_problem_not_a_traceback(copy: Path, name: str) -> None:
    (copy / name).write_text("]", "utf-8")
    assert any("is not valid YAML" in error for error in errors(copy))


def test_a_missing_catalogue_is_a_problem_not_a_traceback(copy: Path) -> None:
    po_path(copy, "ny").unlink()
    assert any("is missing; restore it" in error for error in errors(copy))
