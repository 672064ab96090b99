"""No history of edits, approvals and days lets a card be seen that is not complete, approved as it is, and in date."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import clock
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.content.templates import BODY_LIMIT
from bot.db import Database
from bot.opportunities import gate, service, wording
from bot.opportunities.models import CardStatus, Lead, Opportunity
from bot.opportunities.service import Draft
from bot.staff.models import Role
from bot.staff.roles import Forbidden
from tests.conftest import NOON
from tests.opportunities import cards

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


#: Whether a draft lacks nothing, and the draft.
def _drafts() -> list[tuple[bool, Draft]]:
    whole = cards.draft()
    no_creole = {code: text for code, text in whole.texts.items() if code != "mfe"}
    return [
        (True, whole),
        (True, cards.saying(title="Another account")),
        (False, replace(whole, licence=" ")),
        (False, replace(whole, texts=no_creole)),
        (False, cards.saying(summary="A risk-free account.")),
        (False, cards.saying(**{"return": "5% a year"})),
    ]


STEPS = st.one_of(
    st.tuples(st.just("edit"), st.integers(0, 5), st.sampled_from(["editor", "other"])),
    st.tuples(st.just("approve"), st.sampled_from(["editor", "approver", "other"]), st.booleans()),
    st.tuples(st.just("close"), st.none(), st.none()),
    st.tuples(st.just("wait"), st.integers(1, 40), st.none()),
    st.tuples(st.just("tamper"), st.none(), st.none()),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=12))
def test_a_card_is_seen_only_while_complete_approved_by_another_and_in_date(
    database: Database, content: Content, steps: list[tuple[str, object, object]]
) -> None:
    clock.freeze(NOON)
    with database.begin() as db:
        people = {
            "editor": cards.colleague(db, Role.EDITOR),
            "other": cards.colleague(db, Role.ADMINISTRATOR),
            "approver": cards.colleague(db, Role.APPROVER),
        }
        whole, what = _drafts()[0]
        card = service.draft(db, people["editor"], what)
        writers, approved = {"editor"}, False
        for step, one, other in steps:
            try:
                if step == "edit":
                    whole, what = _drafts()[int(str(one))]
                    service.edit(db, card, people[str(other)], what)
                    writers.add(str(other))
                    approved = False
                elif step == "approve":
                    seen = gate.content_hash(card) if other else "of an older page"
                    service.approve(db, content, card, people[str(one)], seen=seen)
                    assert other
                    assert whole
                    assert one not in writers
                    approved = True
                elif step == "close":
                    service.close(db, card, people["editor"])
                    approved = False
                elif step == "wait":
                    clock.advance(timedelta(days=int(str(one))))
                else:  # somebody writes past the program
                    card.issuer = f"{card.issuer}!"
                    approved = False
            except (service.NotPossible, Forbidden):
                pass
            in_date = card.valid_until is not None and service.today() <= card.valid_until
            seen_by_members = [found.id for found in service.visible(db, content)]
            assert (card.id in seen_by_members) == (approved and in_date)
        db.rollback()


PROMISES = [
    "guaranteed", "GUARANTEED", "g u a r a n t e e d", "guar\u00adanteed", "gu\u0430ranteed", "gu4ranteed", "Saf\u00e9",
    "risk-free", "approved by the U.N.", "sans  risque", "placement s\u00fbr", "approuv\u00e9 par l\u2019ONU",
    "garanti", "san risk", "palibe chiopsezo", "ha ho kotsi",
]  # fmt: skip


@pytest.mark.parametrize("said", PROMISES)
@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_promise_is_found_however_it_is_written(content: Content, said: str, language: str) -> None:
    texts = cards.draft().texts
    what = cards.draft(texts=texts | {language: {**texts[language], "fees": f"It is {said}, they say."}})
    found = [one for one in gate.problems(content, what, service.today()) if one.code == "promise"]
    assert {(one.field, one.language) for one in found} == {("fees", language)}


@pytest.mark.parametrize(
    "said", ["The return is not guaranteed.", "Food safety.", "Write sure words.", "sur place", "Aucune garantie."]
)
def test_what_promises_nothing_passes(content: Content, said: str) -> None:
    assert gate.problems(content, cards.saying(fees=said), service.today()) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [({name: ""}, name) for name in ("country", "sector", "issuer", "licence", "instrument", "currency", "authority")]
    + [({"minimum": None}, "minimum"), ({"review_on": None}, "review_on"), ({"valid_until": None}, "valid_until")]
    + [({"languages": ()}, "languages")],
)
def test_nothing_may_be_missing(content: Content, change: dict[str, object], field: str) -> None:
    found = gate.problems(content, cards.draft(**change), service.today())
    assert [(one.code, one.field) for one in found] == [("missing", field)]


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_risk_stands_in_every_language(content: Content, language: str) -> None:
    texts = {code: {name: text for name, text in one.items() if (code, name) != (language, "risks")}
             for code, one in cards.draft().texts.items()}  # fmt: skip
    found = gate.problems(content, cards.draft(texts=texts), service.today())
    assert [(one.code, one.field, one.language) for one in found] == [("missing", "risks", language)]


#: Every wording about one card, and what is filled into it.
ABOUT = [
    f"opportunity.{key}"
    for key in (
        "saved", "ask_question", "question_received", "ask_details", "details_unclear", "not_shared", "interest_saved",
        "interest_withdrawn", "followup_thanks",
    )
]  # fmt: skip
VALUES = {"reference": "ABCD2345", "number": 12, "limit": 160}

LONG = ("title", "summary", "term", "fees", "exit", "risks")
words = st.text(st.sampled_from("abc é\n"), min_size=1)


def _long(name: str) -> st.SearchStrategy[str]:
    limit = gate.LIMITS.get(name, gate.TEXT_LIMIT)
    return words.map(lambda text: (text.strip() or "x").ljust(limit, "y")[:limit])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.fixed_dictionaries({name: _long(name) for name in LONG}))
def test_every_part_of_every_rendering_carries_the_risks_and_is_no_longer_than_a_message(
    content: Content, texts: dict[str, str]
) -> None:
    what = cards.draft(texts={code: {**cards.ENGLISH, **texts} for code in LANGUAGES}, authority="Office " * 17)
    card = Opportunity(id=1, status=CardStatus.DRAFT, **{name: getattr(what, name) for name in gate.FIELDS})
    for language in LANGUAGES:
        buttons = wording.choices(content, card, language, saved=False, interested=False)
        warning = wording.warning(content, card, language)
        line = content.catalogue.text("opportunity.risk_line", language)
        assert line in warning
        assert all(risk.rstrip(".;") in warning for risk in gate.risks(card, language))
        rendered = [
            *wording.card_messages(content, card, language, clock.now(), buttons),
            *(one for key in ABOUT for one in wording.about(content, card, language, key, values=VALUES)),
            *wording.messages(content, card, language, wording.share_text(content, card, language, "x" * 160, "ZA")),
        ]
        for message in rendered:
            assert message.text.endswith(warning)
            assert len(message.text) <= wording.LIMIT
        lead = Lead(reference="ABCD2345")
        for opening in (wording.ended(content, card, language), wording.followup(content, card, lead, language)):
            assert opening.text.endswith(warning)
            template = content.templates[opening.template or ""]
            spoken = template.language_for(language) or ""
            rendered_by_whatsapp = template.render(spoken, opening.variables)
            assert " ".join(wording.risks_text(card, spoken).split()) in rendered_by_whatsapp
            assert content.catalogue.text("opportunity.risk_line", spoken) in rendered_by_whatsapp
            assert len(rendered_by_whatsapp) <= BODY_LIMIT
        assert line in wording.listing(content, [card], language, []).text
        assert gate.risks(card, language)[0] in wording.listing(content, [card], language, []).text
