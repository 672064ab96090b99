from pathlib import Path

import pytest

from bot.content.files import ContentError
from bot.content.keywords import Keyword, Keywords, parse_start


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop! ",
        "stop.",
        "🛑 STOP 🛑",
        "STOPALL",
        "unsubscribe",
        "cancel",
        "END",
        "quit",
        "Revoke",
        "OPT-OUT",
        "optout",
        "arrêt",
        "ARRET",
        "Arrêter",
        "/stop",
        "/stop@outreach_bot",
        "\u200estop",
        "stop\n",
        "Ema",
        "aret",
    ],
)
def test_stop_is_understood_however_it_is_written(keywords: Keywords, text: str) -> None:
    assert keywords.match(text) is Keyword.STOP


@pytest.mark.parametrize("text", ["the bus stop", "do not stop", "", "🙏", "stopover", "start somewhere", "/nothing"])
def test_a_keyword_inside_other_words_is_not_a_keyword(keywords: Keywords, text: str) -> None:
    assert keywords.match(text) is None


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("/my_data", Keyword.MY_DATA),
        ("Mes données", Keyword.MY_DATA),
        ("LIPOTSO", Keyword.SURVEY),
        ("kafukufuku", Keyword.SURVEY),
        ("Thuso", Keyword.HELP),
        ("led", Keyword.HELP),
        ("Khetha puo", Keyword.LANGUAGE),
        ("C’est vrai ?", Keyword.VERIFY),
        ("c'est tout", Keyword.DONE),
        ("Vérifier", Keyword.VERIFY),
        ("peut être", Keyword.MAYBE),
        ("PASSER", Keyword.SKIP),
        ("retour", Keyword.BACK),
    ],
)
def test_keywords_of_every_language_work_for_everybody(keywords: Keywords, text: str, meaning: Keyword) -> None:
    assert keywords.match(text) is meaning


@pytest.mark.parametrize("text", ["Yes", "E", "Ee", "inde", "Wi", "wai", "Oui"])
def test_yes_is_understood_in_five_languages(keywords: Keywords, text: str) -> None:
    assert keywords.match(text) is Keyword.YES


@pytest.mark.parametrize("text", ["No", "Che", "Tjhe", "Iyayi", "Ayi", "Non"])
def test_no_is_understood_in_five_languages(keywords: Keywords, text: str) -> None:
    assert keywords.match(text) is Keyword.NO


@pytest.mark.parametrize("keyword", list(Keyword))
def test_the_name_of_a_keyword_is_a_word_for_it(keywords: Keywords, keyword: Keyword) -> None:
    assert keywords.match(keyword.value) is keyword
    assert keywords.match(f"/{keyword.value.lower()}") is keyword


def test_change_carries_the_number_of_an_answer(keywords: Keywords) -> None:
    assert keywords.match("change 3") is Keyword.CHANGE
    assert keywords.parse_change("Modifier #12") == 12
    assert keywords.parse_change("CHANGE") is None
    assert keywords.parse_change("change it") is None
    assert keywords.parse_change("stop 3") is None


def test_the_payload_of_a_join_link_keeps_its_capitals() -> None:
    assert parse_start("/start Emb-Paris_1") == "Emb-Paris_1"
    assert parse_start("/start@outreach_bot x1") == "x1"
    assert parse_start("START x1") == "x1"
    assert parse_start("/start") is None
    assert parse_start("start a survey") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [("english", "en"), ("Français", "fr"), ("SOTHO", "st"), ("chinyanja", "ny"), ("créole", "mfe"), ("Klingon", None)],
)
def test_a_language_is_found_by_any_of_its_names(keywords: Keywords, text: str, code: str | None) -> None:
    assert keywords.language(text) == code


def test_a_word_with_two_meanings_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "keywords.yaml").write_text("words:\n  STOP: {en: [Fin]}\n  DONE: {fr: [FIN]}\n", "utf-8")
    with pytest.raises(ContentError, match="'FIN' means both STOP and DONE"):
        Keywords.load(tmp_path)


def test_no_is_a_word_not_a_truth_value(tmp_path: Path) -> None:
    (tmp_path / "keywords.yaml").write_text("words:\n  NO: {en: [NO]}\n", "utf-8")
    assert Keywords.load(tmp_path).match("no") is Keyword.NO


def test_a_word_without_letters_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keywords.yaml").write_text("words:\n  STOP: {en: [STOP, '!']}\n", "utf-8")
    with pytest.raises(ContentError, match="STOP has no letter"):
        Keywords.load(tmp_path)


def test_an_unknown_meaning_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keywords.yaml").write_text("words:\n  FLY: {en: [FLY]}\n", "utf-8")
    with pytest.raises(ContentError, match="'FLY' is not a keyword"):
        Keywords.load(tmp_path)
