"""Conditions in words, and none where there are none."""

import pytest

from bot.exports import words
from bot.surveys.xform import load

SHEET = """
| survey |
| | type | name | label::English (en) | label::Français (fr) | relevant |
| | select_one yes_no | works | Do you work? | Travaillez-vous ? | |
| | integer | age | Age? | Âge ? | |
| | text | job | Which job? | Quel métier ? | {} |
| choices |
| | list_name | name | label::English (en) | label::Français (fr) |
| | yes_no | y | Yes | Oui |
| | yes_no | n | No | Non |
| settings |
| | form_title | form_id | version | default_language |
| | Work | work | 1 | English (en) |
"""


@pytest.mark.parametrize(
    ("relevant", "en", "fr"),
    [
        ("18 <= ${age}", "asked when age is 18 or more", "posée quand age est au moins 18"),
        (
            "${works} = 'y' and (${age} < 60 or ${age} = '')",
            "asked when works is Yes and (age is less than 60 or age is not answered)",
            "posée quand works est Oui et (age est inférieur à 60 ou age est sans réponse)",
        ),
        ("not(${works} != 'n')", "asked when not (works is not No)", "posée quand non (works n’est pas Non)"),
        ("string-length(${age}) > 0", "asked when age is answered", "posée quand age a une réponse"),
        ("regex(${age}, '^1')", "", ""),
        ("${age} + 1 > 5", "", ""),
    ],
)
def test_a_condition_reads_as_a_sentence(relevant: str, en: str, fr: str) -> None:
    form = load(SHEET.format(relevant).encode(), "work.md")
    job = next(question for question in form.questions() if question.name == "job")
    assert (words.asked_when(form, job, "en"), words.asked_when(form, job, "fr")) == (en, fr)
