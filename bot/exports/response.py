"""How good a survey's response was: outcome rates by the names of AAPOR, and how those who answered were recruited."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.contacts import links
from bot.contacts.links import MEMBER_PREFIX
from bot.contacts.models import Contact, JoinLink
from bot.disclosure import releases
from bot.disclosure.suppression import LEAST_BASE, THRESHOLD, Sum
from bot.exports.options import Options
from bot.exports.service import interviews
from bot.surveys.models import Answer, Disposition, Run, Survey

#: AAPOR's groups: complete, partial, refusal and break-off, other, unknown whether eligible, not eligible.
GROUPS = COMPLETE, PARTIAL, REFUSAL, OTHER, UNKNOWN, INELIGIBLE = ("I", "P", "R", "O", "UH", "NE")
#: Of links of members between us and somebody.
MOST = "3+"
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


@dataclass(frozen=True, slots=True)
class Response:
    """Interviews by AAPOR's groups, and how those who answered came, as they may be published; None: hidden."""

    at: datetime
    groups: Mapping[str, int | None]
    sources: Mapping[str, int | None]
    chains: Mapping[str, int | None]

    @property
    def rates(self) -> dict[str, float | None]:
        """Return AAPOR's rates; None for all while a group is hidden, which they would tell."""
        known = {group: count for group, count in self.groups.items() if count is not None}
        enough = len(known) == len(GROUPS) and sum(known.values()) >= LEAST_BASE
        return rates(known) if enough else dict.fromkeys(rates(dict.fromkeys(GROUPS, 0)))


def group_of(disposition: Disposition, has_answer: bool) -> str:
    """Return the group of an interview; one that expired before any answer is "other"."""
    group = _OF[disposition]
    return OTHER if group == PARTIAL and not has_answer else group


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


def subject(form_id: str) -> str:
    """Return under what the figures of a form's response are published."""
    return f"response {form_id}"[:128]


def publish(db: Session, survey: Survey, least: int = THRESHOLD) -> Response:
    """Publish the response to all versions of a form, each person once; while few more came, the last figures stand."""
    answered = select(Answer.id).where(Answer.run_id == Run.id).exists()
    chosen = interviews(survey, Options(all_versions=True)).subquery()
    runs = (
        select(Run.contact_id, Run.disposition, Contact.source, answered)
        .join(chosen, chosen.c.id == Run.id)
        .join(Contact, Contact.id == Run.contact_id)
        .where(chosen.c.occasion == "")
    )
    kind_of, chain_of = links.kinds(db), chains(db)
    counts: Counter[Cell] = Counter({("outcome", group): 0 for group in GROUPS} | {("all", ""): 0})
    for contact_id, disposition, source, has_answer in db.execute(runs):
        group = group_of(Disposition(disposition), has_answer)
        counts["outcome", group] += 1
        if group in (COMPLETE, PARTIAL):
            counts.update([("all", ""), ("source", kind_of(source)), ("links", chain_of(contact_id))])
    sums = [Sum(tuple(cell for cell in counts if cell[0] == table), ("all", "")) for table in ("source", "links")]
    sums.append(Sum((("outcome", COMPLETE), ("outcome", PARTIAL)), ("all", "")))
    made = releases.publish(db, subject(survey.form_id), counts, [one for one in sums if one.parts], least)
    return of_cells(made.at, made.figures)


def of_cells(at: datetime, figures: Mapping[Cell, int | None]) -> Response:
    """Return the response that published cells tell."""
    found: dict[str, dict[str, int | None]] = {"outcome": {}, "source": {}, "links": {}, "all": {}}
    for (table, code), count in figures.items():
        found[table][code] = count
    groups = {group: found["outcome"].get(group, 0) for group in GROUPS}
    return Response(at, groups, dict(sorted(found["source"].items())), dict(sorted(found["links"].items())))


def chains(db: Session) -> Callable[[int], str]:
    """Return what tells over how many members' links a person came, as far as they are still known."""
    sources: dict[int, str | None] = dict(db.execute(select(Contact.id, Contact.source)).all())
    owners = {
        link.code: link.contact_id for link in db.scalars(select(JoinLink).where(JoinLink.contact_id.is_not(None)))
    }

    def chain(contact_id: int) -> str:
        length = _chain(contact_id, sources, owners)
        return MOST if length > 2 else str(length)

    return chain


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
