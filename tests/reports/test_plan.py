"""The plan is content: another form has its own, and what a form lacks is an honest gap."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bot.content.files import ContentError
from bot.reports import plan
from bot.reports.document import NotPossible, build
from bot.reports.service import Material


def test_a_question_that_the_form_has_not_is_a_gap_that_the_report_names(
    material: Material, messages_dir: Path
) -> None:
    questions = {name: asked for name, asked in material.subject.questions.items() if name != "education"}
    subject = replace(material.subject)
    subject.__dict__["questions"] = questions
    report = build(subject, material.published, (material.first, material.last), messages_dir, None, "en")
    assert report.content["gaps"] == ["Education: the form has no question named education."]
    assert [number for number, _ in report.figures] == [*range(1, 28)]
    assert "education" not in {figure.id for _, figure in report.figures}
    assert len(report.content["summary"]["headlines"]) == 3


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("origin: origin", "", "'origin'"),
        ("kind: pyramid", "kind: pie", "pie"),
        ("sides: [f, m]", "sides: [f]", "two sides"),
        ("id: gender", "id: age", "one id"),
        ("- figure: gender", "- figure: nobody", "nobody"),
        ("title: {en: Gender, fr: Genre}", "title: {en: Gender}", "fr"),
    ],
)
def test_what_is_wrong_in_a_plan_is_said_with_its_file(
    tmp_path: Path, messages_dir: Path, before: str, after: str, told: str
) -> None:
    shutil.copytree(messages_dir / "reports", tmp_path / "reports", ignore=shutil.ignore_patterns("fonts", "*.json"))
    path = tmp_path / "reports" / "diaspora_mapping.yaml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")
    with pytest.raises(ContentError, match=rf"reports/diaspora_mapping\.yaml.*{told}"):
        plan.load(tmp_path, "diaspora_mapping")


def test_a_report_that_nobody_planned_is_refused_with_what_there_is(material: Material, messages_dir: Path) -> None:
    with pytest.raises(ContentError, match=r"messages/reports/towns\.yaml"):
        plan.load(messages_dir, "towns")
    for country, language, told in (("ZA", "en", "LS, MW, MU"), (None, "st", "en, fr")):
        with pytest.raises(NotPossible, match=told):
            build(material.subject, material.published, ("", ""), messages_dir, country, language)
