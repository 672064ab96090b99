"""A survey answered in the terminal, or by a script."""

from pathlib import Path

import pytest

from tests.cli.conftest import MAPPING, Outreach
from tests.cli.test_troubles import complaint

FORM = """
| survey |
| | type | name | label::English (en) | label::Français (fr) | relevant |
| | select_one yes_no | consent | May we ask you? | Pouvons-nous vous interroger ? | |
| | integer | children | How many children live with you? | Combien vivent avec vous ? | ${consent} = 'yes' |
| | image | photo | Send a photo | Envoyez une photo | ${consent} = 'yes' |
| choices |
| | list_name | name | label::English (en) | label::Français (fr) |
| | yes_no | yes | Yes | Oui |
| | yes_no | no | No | Non |
| settings |
| | form_id | form_title | version |
| | children | Children | 1 |
"""


@pytest.fixture
def form(tmp_path: Path) -> str:
    """A small form."""
    (tmp_path / "children.md").write_text(FORM)
    return "children.md"


def test_a_script_answers_by_buttons_words_and_photos_and_changes_the_language(outreach: Outreach, form: str) -> None:
    ran = outreach("survey", "try", form, stdin="[Yes]\nmany\n@language fr\n2\n@photo\n\n[Envoyer]\n")
    assert ran.code == 0, ran.out + ran.err
    assert "May we ask you?" in ran.out
    assert "[Yes] [No]" in ran.out
    assert "> many" in ran.out, "a transcript shows both sides"
    assert "Combien vivent avec vous ?" in ran.out
    assert "/data/children = 2" in ran.out
    assert ran.out.endswith("The survey is completed.\n")


def test_programs_get_the_answers_and_nothing_else(outreach: Outreach, form: str) -> None:
    ran = outreach("survey", "try", form, "--json", "--channel", "whatsapp", stdin="yes\n3\nskip\nyes\n")
    assert len(ran.out.splitlines()) == 1
    assert ran.json["disposition"] == "completed"
    assert ran.json["over"] is True
    assert ran.json["answers"]["/data/children"] == "3"


def test_a_refusal_ends_the_survey_and_keeps_no_answer(outreach: Outreach, form: str) -> None:
    ran = outreach("survey", "try", form, "--json", stdin="no\n")
    assert ran.code == 0
    assert ran.json == {"disposition": "refused", "over": True, "answers": {}}


def test_a_pause_is_ended_by_the_next_word(outreach: Outreach, form: str) -> None:
    ran = outreach("survey", "try", form, stdin="yes\nPAUSE\nhere again\n2\n[Skip]\n[Send answers]\n")
    assert ran.code == 0, ran.out + ran.err
    assert ran.out.endswith("The survey is completed.\n")


def test_a_script_that_ends_too_soon_or_presses_what_is_not_there_fails(outreach: Outreach, form: str) -> None:
    assert "ended before the survey did" in complaint(outreach("survey", "try", form, stdin="yes\n"))
    assert "There is no button [Perhaps]: [Yes] [No]" in complaint(outreach("survey", "try", form, stdin="[Perhaps]\n"))
    assert "There is no language xx" in complaint(outreach("survey", "try", form, stdin="@language xx\n"))
    assert "--language en|fr" in complaint(outreach("survey", "try", form, "--language", "xx"))


def test_the_survey_that_ships_is_asked_in_french_to_who_wants_french(outreach: Outreach, tmp_path: Path) -> None:
    ran = outreach("survey", "try", str(MAPPING), "--language", "fr", stdin="non\n")
    assert "Acceptez-vous de participer" in ran.out
    assert ran.out.endswith("The survey is refused.\n")
    assert not list(tmp_path.iterdir()), "nothing is kept"


def test_a_list_beside_the_form_comes_along(outreach: Outreach, tmp_path: Path) -> None:
    (tmp_path / "towns.csv").write_text("name,label\nmsu,Maseru\nlly,Lilongwe\n")
    (tmp_path / "other.csv").write_text("name,label\n")
    (tmp_path / "towns.md").write_text(
        "| survey |                               |      |            |\n"
        "|        | type                          | name | label      |\n"
        "|        | select_one_from_file towns.csv | town | Which town? |\n"
        "| settings |         |            |         |\n"
        "|          | form_id | form_title | version |\n"
        "|          | towns   | Towns      | 1       |\n"
    )
    ran = outreach("survey", "try", "towns.md", "--json", stdin="Lilongwe\nyes\n")
    assert ran.json["answers"]["/data/town"] == "lly"
    assert outreach("survey", "publish", "towns.md").out == "towns 1 is open.\n"


def test_a_form_is_checked_with_what_a_chat_cannot_do(outreach: Outreach, tmp_path: Path) -> None:
    (tmp_path / "scan.md").write_text(FORM.replace("| image |", "| barcode |"))
    ran = outreach("survey", "check", "scan.md")
    assert ran.code == 0
    assert "is never asked in chat" in ran.out
    assert outreach("survey", "check", str(MAPPING), "--json").json["fit"] is True


def test_a_trace_says_the_state_after_each_step(outreach: Outreach, form: str, tmp_path: Path) -> None:
    (tmp_path / "ops.json").write_text('[{"op": "set", "path": "/data/consent", "value": "yes"}]')
    words = ("survey", "trace", form, "--script", "ops.json", "--now", "2026-03-04T10:00:00+00:00")
    first, second = outreach(*words).json
    assert (first["/data/consent"]["value"], second["/data/consent"]["value"]) == ("", "yes")
    assert (first["/data/children"]["relevant"], second["/data/children"]["relevant"]) == (False, True)
    assert "--now like" in complaint(outreach(*words[:-1], "noon"))
    for script, said in (('{"op": "add"}', "the script is no list"), ('[{"op": "add"}]', 'op 1 needs "path"')):
        (tmp_path / "ops.json").write_text(script)
        assert said in complaint(outreach(*words))
