"""How good a survey's response was: outcome rates by the names of AAPOR, and how those who answered were recruited."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.contacts.links import MEMBER_PREFIX
from bot.contacts.models import Contact, JoinLink
from bot.disclosure import releases
from bot.disclosure.suppression import Sum
from bot.surveys.models import Answer, Disposition, Run, Survey

#: AAPOR's groups: complete, partial, refusal and break-off, other, unknown whether eligible, not eligible.
GROUPS = ("I", "P", "R", "O", "UH", "NE")
_OF = {
    Disposition.COMPLETED: "I",
    Disposition.PARTIAL: "P",
    Disposition.EXPIRED: "P",
    Disposition.REFUSED: "R",
    Disposition.WITHDRAWN: "R",
    Disposition.STARTED: "O",
    Disposition.INVITED: "UH",
    Disposition.INELIGIBLE: "NE",
    Disposition.QUOTA_FULL: "NE",
}
_LONGEST_CHAIN = 20
Cell = tuple[str, str]


def outcomes(db: Session, survey: Survey) -> dict[str, int]:
    """Return how many runs are in each of GROUPS; one that expired before any answer is "other"."""
    answered = select(Answer.id).where(Answer.run_id == Run.id).exists()
    rows = db.execute(
        select(Run.disposition, answered, func.count())
        .where(Run.survey_id == survey.id, Run.occasion == "")
        .group_by(Run.disposition, answered)
    )
    found = dict.fromkeys(GROUPS, 0)
    for disposition, has_answer, count in rows:
        group = _OF[Disposition(disposition)]
        found["O" if group == "P" and not has_answer else group] += count
    return found


def rates(found: Mapping[str, int]) -> dict[str, float | None]:
    """Return AAPOR's rates; None where nobody is in the base. There is no non-contact (NC) and no UO in a chat."""
    complete, partial, refusal, other, unknown, ineligible = (found[group] for group in GROUPS)
    both = complete + partial
    known = both + refusal + other
    share = known / (known + ineligible) if known + ineligible else 1.0  # e: of the unknown that are eligible
    estimated = known + share * unknown
    every = known + unknown
    spoken = both + refusal
    parts: dict[str, tuple[float, float]] = {
        **{"RR1": (complete, every), "RR2": (both, every), "RR3": (complete, estimated), "RR4": (both, estimated)},
        **{"RR5": (complete, known), "RR6": (both, known)},
        **{"COOP1": (complete, known), "COOP2": (both, known), "COOP3": (complete, spoken), "COOP4": (both, spoken)},
        **{"REF1": (refusal, every), "REF2": (refusal, estimated), "REF3": (refusal, known)},
        **{"CON1": (known, every), "CON2": (known, estimated)},
        "e": (known, known + ineligible),
    }
    return {name: part / base if base else None for name, (part, base) in parts.items()}


def composition(db: Session, survey: Survey) -> releases.Published[Cell]:
    """Publish how those who answered were recruited: by kind of source, and over how many members' links.

    While few more came, the figures of the last time stand.
    """
    kinds = {link.code: str(link.kind) for link in db.scalars(select(JoinLink))}
    sources: dict[int, str | None] = dict(db.execute(select(Contact.id, Contact.source)).all())
    owners = {
        link.code: link.contact_id for link in db.scalars(select(JoinLink).where(JoinLink.contact_id.is_not(None)))
    }
    counts: dict[Cell, int] = {("all", ""): 0}
    answered = (Disposition.COMPLETED, Disposition.PARTIAL, Disposition.EXPIRED)
    people = select(Run.contact_id).where(Run.survey_id == survey.id, Run.occasion == "", Run.disposition.in_(answered))
    for contact_id in db.scalars(people):
        source = (sources.get(contact_id) or "").lower()
        kind = "member" if source.startswith(MEMBER_PREFIX) else kinds.get(source, "list" if source else "direct")
        length = _chain(contact_id, sources, owners)
        for cell in (("all", ""), ("source", kind), ("links", "3 or more" if length > 2 else str(length))):
            counts[cell] = counts.get(cell, 0) + 1
    sums = [Sum(tuple(cell for cell in counts if cell[0] == table), ("all", "")) for table in ("source", "links")]
    return releases.publish(db, f"recruitment {survey.form_id} {survey.version}"[:128], counts, sums)


def _chain(contact_id: int, sources: Mapping[int, str | None], owners: Mapping[str, int | None]) -> int:
    """Return over how many members' links a person came, as far as they are still known."""
    length, one = 0, contact_id
    while length < _LONGEST_CHAIN:
        source = (sources.get(one) or "").lower()
        if not source.startswith(MEMBER_PREFIX):
            return length
        length += 1
        owner = owners.get(source)
        if owner is None:
            return length
        one = owner
    return length
