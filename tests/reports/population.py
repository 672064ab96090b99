"""A made-up population that answered the mapping survey: the same people every time, in a database of their own."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from bot.contacts import links
from bot.contacts.models import Contact, LinkKind
from bot.surveys.form import CHOOSING, Form, Question, Type
from bot.surveys.models import Answer, Disposition, Missing, Run
from bot.surveys.publishing import form_of, publish

BEGAN = datetime(2026, 3, 3, 8, tzinfo=UTC)
ORIGINS = {"LS": 34, "MW": 36, "MU": 27, "multi": 2, "other": 1}
HOMES = {
    "LS": {"ZA": 74, "GB": 7, "US": 5, "CA": 4, "AU": 3, "other": 7},
    "MW": {"ZA": 47, "GB": 14, "US": 9, "ZW": 8, "ZM": 8, "MZ": 6, "CA": 3, "other": 5},
    "MU": {"FR": 33, "GB": 24, "AU": 15, "CA": 11, "ZA": 9, "US": 3, "other": 5},
}
#: Weights that differ from "the first choices are made most"; by question and choice.
LIKED: dict[str, dict[str, float]] = {
    "age_band": {"18_24": 13, "25_34": 31, "35_44": 27, "45_54": 16, "55_64": 9, "65p": 4},
    "gender": {"f": 48, "m": 50, "x": 1},
    "education": {"none": 2, "primary": 7, "secondary": 24, "vocational": 17, "bachelor": 31, "postgrad": 19},
    "return_plan": {"yes1": 9, "yes5": 34, "parttime": 15, "no": 19, "unsure": 23},
    "skills": {"health": 24, "education": 27, "ict": 31, "engineering": 15, "finance": 20, "business": 22, "none": 9},
    "remit": {"yes": 71, "no": 26, "pnts": 3},
    "remit_freq": {"weekly": 4, "monthly": 52, "quarterly": 25, "yearly": 10, "irregular": 9},
    "remit_channel": {
        "mto": 34,
        "mobile": 22,
        "bank": 20,
        "retail": 9,
        "driver": 6,
        "friend": 5,
        "self": 3,
        "crypto": 1,
    },
    "remit_problems": {"cost": 52, "rate": 38, "docs": 17, "distance": 11, "delay": 16, "none": 18},
    "saves": {"regular": 31, "sometimes": 44, "no": 21, "pnts": 4},
    "confidence": {"1": 12, "2": 19, "3": 33, "4": 23, "5": 13},
    "interest": {"very": 28, "some": 36, "unsure": 19, "no": 14, "pnts": 3},
    "instruments": {"realestate": 44, "business": 33, "deposit": 24, "diasporabond": 21, "fund": 17, "govbond": 12},
    "invest_band": {"lt500": 25, "500_1999": 30, "2000_9999": 21, "10000_49999": 8, "50000p": 3, "unsure": 13},
    "barriers": {
        "trust": 36,
        "money": 34,
        "corruption": 31,
        "info": 29,
        "fx": 22,
        "admin": 18,
        "fraud": 16,
        "family": 13,
    },
    "topics": {
        "invest": 46,
        "business": 39,
        "budget": 31,
        "remit": 28,
        "fraud": 24,
        "rights": 22,
        "products": 17,
        "none": 5,
    },
    "membership": {"active": 22, "passive": 18, "online": 20, "no": 37, "pnts": 3},
    "contact_channel": {"whatsapp": 68, "telegram": 12, "email": 13, "call": 3, "sms": 2, "meeting": 2},
}
SOURCES = {"embassy-za": 22, "basotho": 20, "leaflet": 9, "web": 14, "m-0": 25, "": 10}
LINKS = {
    "embassy-za": LinkKind.EMBASSY,
    "basotho": LinkKind.ASSOCIATION,
    "leaflet": LinkKind.POSTER,
    "web": LinkKind.ONLINE,
}
#: Fee in percent: around what money costs from there.
FEES = {"ZA": 5.4, "GB": 4.2, "FR": 5.1, "US": 4.6, "AU": 6.2, "CA": 5.8, "ZW": 9.3, "ZM": 8.8, "MZ": 8.1}


def settle(db: Session, messages_dir: Path, people: int) -> None:
    """Publish the survey and let so many people answer it."""
    form_file = messages_dir / "surveys" / "diaspora_mapping.xlsx"
    survey = publish(db, form_file.read_bytes(), form_file.name)
    for code, kind in LINKS.items():
        links.create(db, code, kind, code, "1")
    chance = random.Random(20260303)
    contacts, runs, answers = [], [], []
    for number in range(1, people + 1):
        began = BEGAN + timedelta(days=int(98 * chance.random()))
        source = _pick(chance, SOURCES) or None
        ending = chance.random()
        contacts.append({"id": number, "channel": "telegram", "source": source, "created_at": began})
        disposition = (
            Disposition.COMPLETED
            if ending < 0.78
            else Disposition.EXPIRED
            if ending < 0.9
            else Disposition.REFUSED
            if ending < 0.95
            else Disposition.INVITED
        )
        runs.append(_run(number, survey.id, disposition, began))
        if disposition in (Disposition.COMPLETED, Disposition.EXPIRED):
            given = _interview(form_of(survey), chance)
            kept = given if disposition is Disposition.COMPLETED else given[: chance.randint(3, len(given))]
            answers += [_answer(number, began, *each) for each in kept]
    for model, rows in ((Contact, contacts), (Run, runs), (Answer, answers)):
        db.execute(insert(model), rows)


def _interview(form: Form, chance: random.Random) -> list[tuple[Question, str | None, Missing | None]]:
    said: dict[str, str] = {}
    found = []
    for question in form.questions():
        if (question.type not in CHOOSING and question.name != "remit_cost_pct") or not _is_asked(question.name, said):
            continue
        if question.name not in {"consent", "adult", "origin", "remit", "interest"} and chance.random() < 0.06:
            found.append((question, None, Missing.SKIPPED))
            continue
        value = _value(question, said, chance)
        said[question.name] = value
        found.append((question, value, Missing.REFUSED if "pnts" in value.split() else None))
    return found


def _is_asked(name: str, said: dict[str, str]) -> bool:
    if name.startswith("remit_"):
        return said.get("remit") == "yes"
    if name in {"instruments", "invest_band", "invest_sectors"}:
        return said.get("interest") in {"very", "some", "unsure"}
    return name != "transfer" or said.get("skills", "none") != "none"


def _value(question: Question, said: dict[str, str], chance: random.Random) -> str:
    name, codes = question.name, [choice.value for choice in question.choices]
    if name in {"consent", "adult"}:
        return "yes"
    if name == "remit_cost_pct":
        return f"{max(0.0, chance.gauss(FEES.get(said.get('residence', ''), 6.5), 1.6)):.2f}"
    weights: dict[str, Any] = {"origin": ORIGINS, "residence": HOMES.get(said.get("origin", ""), {})}
    liked = weights.get(name) or LIKED.get(name, {})
    known = {code: liked.get(code, 0.8 if liked else 30 / (place + 2)) for place, code in enumerate(codes)}
    if name in {"origin", "residence"}:
        known = {code: weight for code, weight in known.items() if code in liked} or known
    if question.type is not Type.SELECT_MULTIPLE:
        return _pick(chance, known)
    first = _pick(chance, known)
    if first in {"none", "pnts"}:
        return first
    more = {code: weight for code, weight in known.items() if code not in {"none", "pnts", first}}
    others = sorted({_pick(chance, more) for _ in range(chance.randint(0, 2))})
    return " ".join((first, *others))


def _pick(chance: random.Random, weights: dict[str, Any]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _run(number: int, survey_id: int, disposition: Disposition, began: datetime) -> dict[str, Any]:
    done = began if disposition is Disposition.COMPLETED else None
    return {
        **{"id": number, "survey_id": survey_id, "contact_id": number, "disposition": disposition, "language": "en"},
        **{"channel": "telegram", "state": {}, "started_at": began, "updated_at": began, "completed_at": done},
    }


def _answer(run: int, at: datetime, question: Question, value: str | None, missing: Missing | None) -> dict[str, Any]:
    return {
        **{"run_id": run, "path": question.path, "name": question.name, "value": value, "said": value or "SKIP"},
        **{"missing": missing, "language": "en", "channel": "telegram", "at": at},
    }
