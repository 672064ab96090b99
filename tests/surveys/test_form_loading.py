"""What a Form holds of a sheet, and why a sheet is refused."""

import io
import zipfile
from pathlib import Path

import pytest

from bot.surveys.form import Form, FormError, Group, Question, Repeat, Type
from bot.surveys.xform import load
from bot.surveys.xform.loading import compiled
from tests.surveys.sheets import form, row, sheet

BILINGUAL = [
    row(
        "select_one yn", "a", **{"label::English (en)": "A ${b}", "label::French (fr)": "Aa", "hint::English (en)": "h"}
    ),
    row("text", "b", **{"label::English (en)": "B", "media::image::English (en)": "b.png"}),
]
XFORM = """<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>T</h:title>
<model><instance><data id="x" version="3"><a/><b>7</b></data></instance><bind nodeset="/data/a" type="int"/></model>
</h:head><h:body><input ref="/data/a"><label>A <output value="/data/b"/>!</label></input></h:body></h:html>"""


def question(made: Form, name: str) -> Question:
    found = next(node for node in made.questions() if node.name == name)
    assert isinstance(found, Question)
    return found


def refusal(survey: list[dict[str, str]], **how: object) -> list[str]:
    with pytest.raises(FormError) as caught:
        form(survey, **how)
    return [str(problem) for problem in caught.value.problems]


def test_every_question_type_of_a_sheet_is_known() -> None:
    kinds = {
        "select_one yn": Type.SELECT_ONE, "select_multiple yn": Type.SELECT_MULTIPLE, "rank yn": Type.RANK,
        "integer": Type.INTEGER, "decimal": Type.DECIMAL, "text": Type.TEXT, "date": Type.DATE, "time": Type.TIME,
        "dateTime": Type.DATETIME, "geopoint": Type.GEOPOINT, "image": Type.IMAGE, "audio": Type.AUDIO,
        "video": Type.VIDEO, "file": Type.FILE, "note": Type.NOTE, "acknowledge": Type.ACKNOWLEDGE,
        "range": Type.RANGE, "barcode": Type.BARCODE, "geotrace": Type.GEOTRACE, "geoshape": Type.GEOSHAPE,
        "hidden": Type.HIDDEN,
    }  # fmt: skip
    survey = [
        row(kind, f"q{i}", parameters="start=1 end=9 step=2" if kind == "range" else "") for i, kind in enumerate(kinds)
    ]
    made = form([*survey, row("calculate", "c", calculation="1 + 1")])

    assert [question(made, f"q{i}").type for i in range(len(kinds))] == list(kinds.values())
    assert question(made, "c").type is Type.CALCULATE
    assert {one.type for one in made.questions() if not one.asked} == {
        Type.NOTE, Type.BARCODE, Type.GEOTRACE, Type.GEOSHAPE, Type.HIDDEN, Type.CALCULATE,
    }  # fmt: skip


def test_texts_are_kept_by_language_and_a_missing_translation_is_absent() -> None:
    made = form(BILINGUAL)
    a, b = question(made, "a"), question(made, "b")

    assert made.languages == ("English (en)", "French (fr)")
    assert str(a.label["English (en)"]).strip() == "A ${/data/b}"
    assert str(a.label["French (fr)"]) == "Aa"
    assert set(a.hint) == set(b.label) == {"English (en)"}
    assert str(made.wording(b.label, "French (fr)")) == "B"
    assert b.label["English (en)"].media == {"image": "b.png"}


def test_the_choices_of_a_question_are_all_it_may_ever_offer() -> None:
    choices = [{"list_name": "l", "name": f"n{i}", "label": f"N{i}", "region": "x" if i % 2 else "y"} for i in range(4)]
    made = form([row("text", "r"), row("select_one l", "q", choice_filter="region = ${r}")], choices)

    assert [choice.value for choice in question(made, "q").choices] == ["n0", "n1", "n2", "n3"]
    assert question(made, "q").choices[1].columns["region"] == "x"


def test_or_other_knows_its_text_question() -> None:
    made = form([row("select_one yn or_other", "q"), row("select_one yn", "plain")])

    assert question(made, "q").other == "/data/q_other"
    assert question(made, "plain").other is None


def test_groups_repeats_and_ranges_are_read() -> None:
    made = form(
        [
            row("begin group", "g", appearance="field-list"),
            row("begin repeat", "r", repeat_count="2"),
            row("range", "x", parameters="start=0 end=10 step=0.5", appearance="numbers"),
            {"type": "end repeat"},
            {"type": "end group"},
        ]
    )
    group, repeat = made.nodes["/data/g"], made.nodes["/data/g/r"]

    assert isinstance(group, Group)
    assert group.appearance == {"field-list"}
    assert isinstance(repeat, Repeat)
    assert repeat.count is not None
    assert question(made, "x").range is not None
    assert question(made, "x").range.step == 0.5  # type: ignore[union-attr]
    assert [str(warning) for warning in made.warnings][:1] == [
        "survey, row 2, column appearance: g: its questions are asked one by one"
    ]


def test_an_entity_column_says_where_an_answer_is_saved() -> None:
    text = sheet([row("text", "city", save_to="residence")]).decode()
    made = load((text + "| entities |\n| | list_name | label |\n| | members | ${city} |\n").encode(), "form.md")

    assert question(made, "city").bind.save_to == "residence"


def test_a_plain_xform_is_read_like_a_sheet() -> None:
    made = load(XFORM.encode(), "whatever.bin")

    assert (made.id, made.version, made.title) == ("x", "3", "T")
    assert question(made, "a").type is Type.INTEGER
    assert str(question(made, "a").label[""]) == "A ${/data/b}!"


def test_a_form_can_be_read_again_from_its_own_xform() -> None:
    made = form(BILINGUAL)
    again = compiled(made.xform)

    assert list(again.nodes) == list(made.nodes)
    assert again.sha256 == made.sha256
    assert compiled(made.xform) is again


def test_attached_lists_are_found_beside_the_form(tmp_path: Path) -> None:
    path = tmp_path / "form.md"
    path.write_bytes(sheet([row("select_one_from_file towns.csv", "q")]))
    (tmp_path / "towns.csv").write_text("name,label\nm,Maseru\nl,Leribe\n")

    assert [choice.value for choice in question(load(path), "q").choices] == ["m", "l"]


def test_a_geojson_file_is_a_list() -> None:
    place = (
        '{"type":"Feature","id":"p1","properties":{"title":"Well"},"geometry":{"type":"Point","coordinates":[27,-29]}}'
    )
    media = {"p.geojson": f'{{"type":"FeatureCollection","features":[{place}]}}'.encode()}
    made = form([row("select_one_from_file p.geojson", "q")], media=media)

    assert question(made, "q").choices[0].columns == {"title": "Well", "id": "p1", "geometry": "-29 27 0 0"}


@pytest.mark.parametrize(
    ("survey", "said"),
    [
        ([row("text", "a"), row("texxt", "b")], "survey, row 3, column type: Unknown question type 'texxt'"),
        ([row("text", "a", relevant="${zz} = 1")], "survey, row 2, column relevant:"),
        ([row("text", "a", relevant="foo(.)")], "survey, row 2, column relevant: a has an expression we cannot use"),
        (
            [row("text", "a", constraint=". = = 1")],
            "survey, row 2, column constraint: a has an expression we cannot use",
        ),
        ([row("text", "a", constraint="regex(., '[')")], "regex() has a pattern that cannot be read"),
        ([row("text", "a", constraint="count(., 1)")], "count() has 2 arguments"),
        ([row("text", "a", relevant="${b} = 1"), row("text", "b", relevant="${a} = 1")], "a waits for itself"),
        ([row("barcode", "a", required="yes")], "survey, row 2: a needs a barcode scan"),
        ([row("image", "a", required="yes", appearance="signature")], "a needs a signature"),
        ([row("select_one_from_file x.csv", "a")], "the file x.csv is missing"),
        ([row("text", "a", relevant="(" * 200 + "1" + ")" * 200)], "nested more than"),
        ([row("text", "a", relevant="1 + " * 6000 + "1")], "longer than"),
    ],
)
def test_a_form_is_refused_with_the_place_and_the_reason(survey: list[dict[str, str]], said: str) -> None:
    assert any(said in problem for problem in refusal(survey))


def test_all_bad_expressions_are_told_at_once() -> None:
    assert len(refusal([row("text", "a", relevant="foo()"), row("text", "b", constraint="bar()")])) == 2


def test_an_expression_that_can_be_read_but_not_computed_is_refused() -> None:
    (problem,) = refusal([row("calculate", "c", calculation="count('text')"), row("text", "t")])

    assert problem == "survey, row 2: c has an expression that cannot be computed: a node-set is needed here"


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"garbage", "form.bin", "neither an XLSForm nor an XForm"),
        (b"PK\x03\x04garbage", "form.xlsx", "not a whole .xlsx"),
        (b"<html/>", "form.xml", "not an XForm"),
        (b"<html", "form.xml", "the XML cannot be read"),
        (b"name,label\na,A\n", "list.csv", "it has no sheet called survey"),
        ("| survey |\n| | type |\n| | é |".encode("latin-1"), "form.md", "not UTF-8"),
        (b"\xd0\xcf\x11\xe0rest", "form.xlsx", "not a whole .xls"),
        (b"| survey |\n" + b" " * 6_000_000, "form.md", "larger than"),
    ],
)
def test_a_file_that_is_no_form_is_refused(data: bytes, name: str, said: str) -> None:
    with pytest.raises(FormError, match=said):
        load(data, name)


def test_a_sheet_that_unpacks_to_too_much_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/big.xml", b"0" * 70_000_000)

    with pytest.raises(FormError, match="unpacks to too much"):
        load(packed.getvalue(), "form.xlsx")


def test_a_form_that_defines_its_own_entities_is_refused() -> None:
    hostile = XFORM.replace("<b>7</b>", "<b>&x;</b>")
    with pytest.raises(FormError, match="DOCTYPE"):
        load(f'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>{hostile}'.encode(), "form.xml")
