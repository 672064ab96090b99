"""A small survey with everything an export must carry, and people who answer it."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.surveys.models import Answer, Disposition, Missing, Run, Survey
from bot.surveys.publishing import publish

SHEET = """
| survey |
| | type | name | label::English (en) | label::Français (fr) | relevant | calculation |
| | begin_group | g_you | About you | À propos de vous | | |
| | select_one origin | origin | Which country are you from? | De quel pays venez-vous ? | | |
| | select_multiple skills | skills | Which skills? | Quelles compétences ? | | |
| | text | city | Which town? | Quelle ville ? | ${origin} = 'LS' | |
| | decimal | amount | How much? | Combien ? | ${origin} = 'LS' and selected(${skills}, 'health') | |
| | end_group | | | | | |
| | calculate | greeting | | | | concat('Hello ', ${city}) |
| | calculate | twice | | | | ${amount} * 2 |
| | calculate | stamp | | | | uuid() |
| | begin_repeat | child | Child | Enfant | | |
| | text | child_name | Name? | Nom ? | | |
| | integer | age | Age? | Âge ? | | |
| | end_repeat | | | | | |
| | integer | language | How many languages? | Combien de langues ? | | |
| | date | moved | When did you move? | Quand avez-vous déménagé ? | | |
| choices |
| | list_name | name | label::English (en) | label::Français (fr) |
| | origin | LS | Lesotho | Lesotho |
| | origin | MU | Mauritius | l’île Maurice |
| | origin | pnts | Prefer not to say | Je préfère ne pas répondre |
| | skills | health | Health | Santé |
| | skills | tech | Technology | Technologie |
| | skills | pnts | Prefer not to say | Je préfère ne pas répondre |
| settings |
| | form_title | form_id | version | default_language |
| | Towns / Villes | towns | 3 | English (en) |
"""
BEGAN = datetime(2026, 3, 1, 9, 30, 15, tzinfo=UTC)
PATHS = {
    **{name: f"/data/g_you/{name}" for name in ("origin", "skills", "city", "amount")},
    **{name: f"/data/{name}" for name in ("greeting", "twice", "stamp", "language", "moved")},
}
PRIVATE = ("city", "child_name", "greeting")


def path_of(name: str) -> str:
    """Return the path of a question written as its name, one in a repeat as "child 2 age"."""
    if name.startswith("child "):
        _, number, question = name.split()
        return f"/data/child[{number}]/{question}"
    return PATHS[name]


def add_survey(db: Session, sheet: str = SHEET) -> Survey:
    return publish(db, sheet.encode(), "towns.md")


def add_run(
    db: Session,
    survey: Survey,
    answers: dict[str, str | Missing | tuple[str, Missing]],
    disposition: Disposition = Disposition.COMPLETED,
    source: str | None = "leaflet",
    began: datetime = BEGAN,
) -> Run:
    """Add one person's interview; a value, a reason why there is none, or a refusal with the code chosen."""
    contact = Contact(channel="telegram", source=source, created_at=began)
    db.add(contact)
    db.flush()
    run = Run(
        survey_id=survey.id,
        contact_id=contact.id,
        disposition=disposition,
        language="fr",
        channel="telegram",
        state={},
        started_at=began,
        updated_at=began,
        completed_at=began if disposition is Disposition.COMPLETED else None,
    )
    db.add(run)
    db.flush()
    for name, given in answers.items():
        value, missing = given if isinstance(given, tuple) else (given, None)
        if isinstance(given, Missing):
            value, missing = None, given
        add_answer(db, run, name, value, missing)
    return run


def add_answer(
    db: Session, run: Run, name: str, value: str | None, missing: Missing | None = None, **more: object
) -> None:
    private = name.rsplit(maxsplit=1)[-1] in PRIVATE
    db.add(
        Answer(
            run_id=run.id,
            path=path_of(name),
            name=name.rsplit(maxsplit=1)[-1],
            value=None if private else value,
            private=value if private else None,
            said="said so",
            missing=missing,
            language="fr",
            channel="telegram",
            at=run.started_at,
            **more,
        )
    )
    db.flush()
