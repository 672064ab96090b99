"""Join links: where people came from, by a code that staff or a member gave out; small numbers stay hidden."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import IS_OF_STAFF, Contact, ImportBatch, JoinLink, LinkKind, State
from bot.disclosure import releases
from bot.disclosure.suppression import THRESHOLD, Sum
from bot.sentences import Sentence

#: What a code of a member begins with. It names nobody: without the row nobody knows whose it was.
MEMBER_PREFIX = "m-"
LABEL_LIMIT = 120
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{2,39}", re.ASCII)


class LinkError(Exception):
    """The link cannot be made; the message carries the cure."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How many members came from one place."""

    link: JoinLink | None
    name: str  #: of what is no link of staff: one of `OTHERS`, or who gave us a list
    people: int | None  #: None: hidden
    earlier: int | None = None  #: of one that is hidden, what was shown last


#: Where people came from who followed no link of staff.
MEMBERS, UNKNOWN, DIRECT = "members", "unknown", "direct"
#: The kind of all lists of people that somebody gave us.
LISTED = "list"
OTHERS = (MEMBERS, UNKNOWN, DIRECT)


def create(db: Session, label: str, kind: LinkKind, code: str, by: str) -> JoinLink:
    """Make a link of staff; without a code it gets one."""
    label, code = label.strip(), code.strip().lower() or secrets.token_hex(4)
    if not 0 < len(label) <= LABEL_LIMIT:
        raise LinkError(Sentence("Write where the link will be, in at most %(limit)s characters", limit=LABEL_LIMIT))
    if kind == LinkKind.MEMBER or kind not in set(LinkKind):
        raise LinkError(Sentence("Choose what kind of place it is"))
    if not _CODE.fullmatch(code) or code.startswith(MEMBER_PREFIX):
        raise LinkError(Sentence("A code has 3 to 40 small letters, digits and hyphens, and does not begin with m-"))
    if db.get(JoinLink, code):
        raise LinkError(Sentence("There is a link with the code %(code)s already", code=code))
    return _add(db, JoinLink(code=code, kind=kind, label=label, created_by=by, created_at=clock.now()))


def of_member(db: Session, contact: Contact) -> JoinLink:
    """Return the link that a member may forward."""
    found = db.scalars(select(JoinLink).where(JoinLink.contact_id == contact.id)).one_or_none()
    code = f"{MEMBER_PREFIX}{secrets.token_hex(5)}"
    return found or _add(
        db,
        JoinLink(code=code, kind=LinkKind.MEMBER, contact_id=contact.id, created_by="contact", created_at=clock.now()),
    )


def _add(db: Session, link: JoinLink) -> JoinLink:
    db.add(link)
    db.flush()
    return link


def of_staff(db: Session) -> list[JoinLink]:
    """Return the links of staff, the newest first."""
    query = select(JoinLink).where(IS_OF_STAFF)
    return list(db.scalars(query.order_by(JoinLink.created_at.desc(), JoinLink.code)))


def find(db: Session, code: str) -> JoinLink | None:
    """Return the link of staff with this code."""
    link = db.get(JoinLink, code.strip().lower())
    return link if link and link.kind != LinkKind.MEMBER else None


def origins(db: Session, least: int = THRESHOLD) -> list[Origin]:
    """Publish where members came from, the links of staff first; while few more came, the last figures stand."""
    links = {link.code: link for link in of_staff(db)}
    lists = set(db.scalars(select(ImportBatch.source)))
    counts: dict[str, int] = dict.fromkeys((*links, *OTHERS), 0)
    query = select(Contact.source, func.count()).where(Contact.state == State.MEMBER).group_by(Contact.source)
    for source, people in db.execute(query):
        place = _place(source, links, lists)
        counts[place] = counts.get(place, 0) + people
    cells = {("place", place): people for place, people in counts.items()}
    everybody = {("all", ""): sum(counts.values())}
    made = releases.publish(db, "join links", cells | everybody, [Sum(tuple(cells), ("all", ""))], least)
    return [
        Origin(links.get(place), "" if place in links else place, made.figures[cell], made.earlier.get(cell))
        for place, cell in zip(counts, cells, strict=True)
    ]


def kinds(db: Session) -> Callable[[str | None], str]:
    """Return what tells of a contact's source which kind of place it is: a LinkKind, LISTED, UNKNOWN or DIRECT."""
    by_code = {link.code: str(link.kind) for link in of_staff(db)}
    lists = set(db.scalars(select(ImportBatch.source)))
    others = {MEMBERS: str(LinkKind.MEMBER)} | dict.fromkeys(lists, LISTED)

    def kind(source: str | None) -> str:
        code = (source or "").lower()
        if code in by_code:
            return by_code[code]
        place = _place(source, {}, lists)
        return others.get(place, place)

    return kind


def _place(source: str | None, links: Mapping[str, JoinLink], lists: set[str]) -> str:
    if source is None:
        return DIRECT
    code = source.lower()
    if code in links:
        return code
    if code.startswith(MEMBER_PREFIX):
        return MEMBERS
    return source if source in lists else UNKNOWN
