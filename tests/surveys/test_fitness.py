"""What a chat cannot do with a form: every row of the paper's table is tried."""

from pathlib import Path

import pytest

from bot.surveys.form import FormError
from bot.surveys.models import Disposition
from bot.surveys.xform import fitness, load
from tests.surveys.sheets import YES_NO, Rows, form, row, sheet

PAPER = (Path(__file__).parents[2] / "docs" / "surveys.md").read_text("utf-8")
DRAWINGS = {"signature": "a signature", "draw": "a drawing", "annotate": "a drawing on a picture"}
SCANS = {"barcode": "a barcode scan", "geotrace": "a line on a map", "geoshape": "an area on a map"}
GROUP = [row("begin group", "g"), row("text", "t"), row("end group", "ge")]
FILM = [{"list_name": "yn", "name": "yes", "label": "Yes", "media::video": "yes.mp4"}]

#: By how the row of the table begins: surveys with what is said of each; "" when nothing is.
REFUSED: dict[str, list[tuple[Rows, str]]] = {
    "a **required** `barcode`": [
        *(([row(kind, "a", required="yes")], f"row 2: a needs {what}, which") for kind, what in SCANS.items()),
        *(
            ([row("image", "a", required="yes", appearance=word)], f"row 2: a needs {what}, which")
            for word, what in DRAWINGS.items()
        ),
    ],
    "`select_one_external`": [([row("select_one_external l", "a", choice_filter="x = 1")], "use select_one_from_file")],
    "calculations, relevances or choice filters": [
        ([row("text", "a", relevant="${b} = 1"), row("text", "b", relevant="${a} = 1")], "a waits for itself through"),
        (
            [row("calculate", "a", calculation="${b}"), row("calculate", "b", calculation="${a}")],
            "a waits for itself through",
        ),
        (
            [row("select_one yn", "a", choice_filter="name = ${b}"), row("text", "b", relevant="${a} = 'yes'")],
            "a waits for itself through",
        ),
        ([row("text", "a", relevant="${a} = 'x'")], "row 2: a waits for itself"),
    ],
    "expressions with functions": [
        ([row("text", "a", relevant="foo(.)")], "row 2, column relevant: a has an expression we cannot use: there is"),
        ([row("calculate", "a", calculation="count('x')"), row("text", "t")], "a has an expression that cannot be"),
    ],
    "a list that the form names": [
        ([row("select_one_from_file x.csv", "a")], "the file x.csv is missing"),
        ([row("csv-external", "x"), row("text", "a")], "the file x.csv is missing"),
    ],
    "what is no XLSForm": [
        ([row("texxt", "a")], "row 2, column type: Unknown question type 'texxt'"),
        ([row("text", "a"), row("text", "a")], "row 3, column name: On the 'survey' sheet, the 'name' value 'a'"),
        ([row("begin group", "g"), row("text", "a")], "row 2: Unmatched 'begin_group'"),
        ([row("text", "a", relevant="${zz} = 1")], "row 2, column relevant:"),
        ([{"name": "a", "label": "A"}], "required column headers were not found: 'type'"),
    ],
    "a form without a question": [([row("note", "a"), row("calculate", "b", calculation="1")], "asks nothing")],
}
TAKEN: dict[str, list[tuple[Rows, str]]] = {
    "the same, optional": [
        *(([row(kind, "a")], f"row 2: a needs {what} and is never asked") for kind, what in SCANS.items()),
        *(
            ([row("image", "a", appearance=word)], f"row 2: a needs {what} and is never asked")
            for word, what in DRAWINGS.items()
        ),
    ],
    "`field-list`": [
        ([{**GROUP[0], "appearance": word}, *GROUP[1:]], "row 2, column appearance: g: its questions are asked one by")
        for word in ("field-list", "table-list")
    ],
    "`map`": [
        ([row("select_one yn", "a", appearance="map")], "a: the choices are listed, not shown on a map"),
        ([row("select_one yn", "a", appearance="image-map")], "a: the choices are listed, not shown on a picture"),
    ],
    "`ex:`": [([row("text", "a", appearance="ex:org.scan(x='1')")], "a: it is typed, since a chat opens no other app")],
    "`minimal`": [([row("select_one yn", "a", appearance=word)], "") for word in ("minimal", "columns-2", "quick")],
    "`start-geopoint`": [
        ([row("start-geopoint", "a")], "row 2: a stays empty: it is the place of the device"),
        ([row("text", "t"), row("background-geopoint", "a", trigger="${t}")], "row 3: a stays empty: it is the place"),
        ([row("background-audio", "a")], "row 2: a stays empty: it is a recording in the background"),
        *(
            ([row(kind, "a")], "row 2: a stays empty: it is a property of the device or its user")
            for kind in ("deviceid", "username", "phonenumber", "email")
        ),
    ],
    "`${last-saved#...}`": [([row("text", "a", default="${last-saved#a}")], "${last-saved#...} is always empty")],
    "a form without `form_id`": [],  # tried below
    "`audit`": [([{"type": "audit", "name": "audit"}], "")],
    "a picture or sound that the form names": [
        ([row("text", "a", **{"media::image": "map.png"})], "map.png is not attached"),
        ([row("text", "a", **{"media::audio": "a.mp3"})], "a.mp3 is not attached"),
    ],
    "sounds and films of choices": [([row("select_one yn", "a")], "row 2: a: sounds and films of its choices are not")],
}


@pytest.mark.parametrize(("survey", "said"), [case for cases in REFUSED.values() for case in cases])
def test_what_a_chat_cannot_do_is_refused_with_its_place(survey: Rows, said: str) -> None:
    external = b"| external_choices |\n| | list_name | name | x |\n| | l | a | 1 |\n"
    text = sheet(survey) + (external if "external l" in survey[0].get("type", "") else b"")
    with pytest.raises(FormError) as caught:
        load(text, "form.md")
    assert any(said in str(problem) for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(("survey", "said"), [case for cases in TAKEN.values() for case in cases])
def test_what_is_lost_in_chat_is_said_and_the_form_is_taken(survey: Rows, said: str) -> None:
    made = form([*survey, row("text", "last")], FILM if "films" in said else YES_NO)
    warnings = [str(warning) for warning in made.warnings]

    assert any(said in warning for warning in warnings) if said else warnings == []


def test_every_row_of_the_paper_is_tried_and_it_names_all_that_a_chat_has_not() -> None:
    table = PAPER.partition("## What is refused")[2].partition("\n## ")[0]
    rows = [line.removeprefix("| ") for line in table.splitlines() if line.startswith("| ") and "---" not in line][1:]
    tried = [*REFUSED, *TAKEN]

    assert [line for line in rows if not line.startswith(tuple(tried))] == []
    assert [start for start in tried if not any(line.startswith(start) for line in rows)] == []
    assert all(("**refused**" in line) == line.startswith(tuple(REFUSED)) for line in rows)
    words = [*fitness.UNASKABLE, *fitness.DRAWN, *fitness.OTHERWISE]
    assert [word for word in words if f"`{word}`" not in table] == []
    assert [one for one in Disposition if f"| `{one}` |" not in PAPER] == []


def test_a_form_without_an_id_is_called_as_its_file_and_it_is_said_so() -> None:
    made = load(sheet([row("text", "a")], settings=()), "Views of members.md")

    assert (made.id, made.title) == ("Views of members", "Views of members")
    assert [str(warning) for warning in made.warnings if "form_id" in str(warning)]


def test_a_picture_that_is_attached_is_not_missed() -> None:
    survey = [row("text", "a", **{"media::image": "map.png"})]

    assert form(survey, media={"map.png": b"png"}).warnings == ()
