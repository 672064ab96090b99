"""Import lists of people: judge every row first, then take all that are in, or none; undo by batch.

Of an imported person we keep the address, the source, the language and who recorded it, and nothing else before they
say yes.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Select, String, any_, delete, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot import clock, crypto
from bot.contacts import numbers
from bot.contacts.models import Address, AskedOnce, Contact, ImportBatch, Imported, Reach, State
from bot.contacts.numbers import Trouble
from bot.contacts.sheets import Row
from bot.sentences import Sentence

#: The one channel on which somebody can be written to who has not written first.
CHANNEL = "whatsapp"
_CHUNK = 1000
T = TypeVar("T")


class Standing(StrEnum):
    """What becomes of a row."""

    IN = "in"
    OUT = "out"
    DOUBTFUL = "doubtful"  #: a person has to look: it stays out until the list is corrected


class Known(StrEnum):
    """Why a good number is not taken again."""

    NEW = "new"
    TWICE = "twice"
    IN_REGISTER = "in_register"
    ASKED_BEFORE = "asked_before"


#: Every reason with what becomes of the row and what to tell staff.
REASONS: Mapping[str, tuple[Standing, str]] = {
    Known.NEW: (Standing.IN, Sentence("will be invited once")),
    Known.TWICE: (Standing.OUT, Sentence("the same number stands further up in this list")),
    Known.IN_REGISTER: (
        Standing.OUT,
        Sentence("we know this person: a member, or somebody who said no or was asked already"),
    ),
    Known.ASKED_BEFORE: (Standing.OUT, Sentence("was invited before; nobody is asked twice")),
    Trouble.EMPTY: (Standing.OUT, Sentence("no number")),
    Trouble.NOT_A_NUMBER: (Standing.OUT, Sentence("not a phone number")),
    Trouble.NO_SUCH_NUMBER: (Standing.OUT, Sentence("no country has such a number: digits are missing, or too many")),
    Trouble.NO_COUNTRY: (
        Standing.DOUBTFUL,
        Sentence("written without its country: say which one the list's numbers are from"),
    ),
    Trouble.PLUS_MISSING: (Standing.DOUBTFUL, Sentence("seems to be international with the + lost: write it with +")),
    Trouble.SEVERAL: (Standing.DOUBTFUL, Sentence("several numbers in one cell: keep one")),
    Trouble.ROUNDED: (
        Standing.DOUBTFUL,
        Sentence("rounded by the spreadsheet (2.66E+10): make the column text, type it anew"),
    ),
    Trouble.OLD_MAURITIAN: (
        Standing.DOUBTFUL,
        Sentence("Mauritian mobile of before they had 8 digits: probably a 5 is missing in front; ask the person"),
    ),
    Trouble.OLD_MALAWIAN: (
        Standing.DOUBTFUL,
        Sentence("Malawian number of 7 digits; mobiles have 9 now, nobody knows which two are missing: ask the person"),
    ),
    Trouble.FIXED_LINE: (Standing.DOUBTFUL, Sentence("a fixed line, where WhatsApp is rare: look for a mobile number")),
}  # fmt: skip


class Verdict(NamedTuple):
    """What becomes of one row, and why."""

    line: int
    reason: str
    address: str  #: of a row that is in
    value_hash: str
    language: str | None = None  #: of the invitation, where the list says one that we speak

    @property
    def standing(self) -> Standing:
        return REASONS[self.reason][0]


def judge(
    db: Session,
    rows: Sequence[Row],
    sender: str,
    region: str | None,
    progress: Callable[[int], None] = lambda _count: None,
    language_of: Callable[[str], str | None] = lambda _name: None,
) -> list[Verdict]:
    """Say of every row whether it is in, out or doubtful, and why; `progress` hears how many more are done.

    `language_of` returns the code of a language as offices write it, or None.
    """
    seen: set[str] = set()
    language_of = cache(language_of)
    found: list[Verdict] = []
    for chunk in _chunks(rows):
        judged = [_judge(row, region, seen, language_of) for row in chunk]
        known = _known(db, sender, [verdict.value_hash for verdict in judged if verdict.value_hash])
        found += [_known_as(verdict, known.get(verdict.value_hash)) for verdict in judged] if known else judged
        progress(len(chunk))
    return found


def _judge(row: Row, region: str | None, seen: set[str], language_of: Callable[[str], str | None]) -> Verdict:
    e164, trouble = numbers.read(row.phone, row.region or region)
    if trouble:
        return Verdict(row.line, trouble, "", "")
    if e164 in seen:
        return Verdict(row.line, Known.TWICE, "", "")
    seen.add(e164)
    address = f"{CHANNEL}:{e164}"
    return Verdict(row.line, Known.NEW, address, crypto.index(address), language_of(row.language))


def _known_as(verdict: Verdict, known: Known | None) -> Verdict:
    return verdict._replace(reason=known) if known else verdict


def _known(db: Session, sender: str, hashes: list[str]) -> dict[str, Known]:
    asked = select(AskedOnce.value_hash).where(_among(db, AskedOnce.value_hash, hashes))
    here = Address.channel == CHANNEL, Address.sender == sender
    registered = select(Address.value_hash).where(*here, _among(db, Address.value_hash, hashes))
    return dict.fromkeys(db.scalars(asked), Known.ASKED_BEFORE) | dict.fromkeys(
        db.scalars(registered), Known.IN_REGISTER
    )


def _among(db: Session, column: InstrumentedAttribute[str], hashes: list[str]) -> ColumnElement[bool]:
    """Compare with many hashes as one text: a parameter for each, or a list, costs more than the whole look-up."""
    if db.get_bind().dialect.name == "postgresql":
        return column == any_(func.string_to_array(",".join(hashes), ",", type_=ARRAY(String)))
    return column.in_(select(func.json_each(json.dumps(hashes)).table_valued("value").c.value))


def tally(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Return how many rows there are of each reason, the commonest first."""
    return dict(Counter(str(verdict.reason) for verdict in verdicts).most_common())


def take(
    db: Session,
    verdicts: Iterable[Verdict],
    sender: str,
    source: str,
    by: str,
    progress: Callable[[int], None] = lambda _count: None,
) -> ImportBatch | None:
    """Write everybody who is in, in the caller's one transaction; None when nobody is.

    `progress` hears how many more are written. What is interrupted leaves nothing, and a list that is imported again
    adds only who is not there yet: going on after a failure is importing once more.
    """
    chosen = [verdict for verdict in verdicts if verdict.standing == Standing.IN]
    if not chosen:
        return None
    batch = ImportBatch(source=source, recorded_by=by, created_at=clock.now())
    db.add(batch)
    db.flush()
    for chunk in _chunks(chosen):
        _write(db, batch, chunk, sender)
        progress(len(chunk))
    return batch


def _write(db: Session, batch: ImportBatch, chunk: Sequence[Verdict], sender: str) -> None:
    connection = db.connection()
    person = {
        "state": State.INVITED, "channel": CHANNEL, "sender": sender, "source": batch.source,
        "created_at": batch.created_at,
    }  # fmt: skip
    people = [person | {"language": verdict.language} for verdict in chunk]
    statement = insert(Contact).returning(Contact.id, sort_by_parameter_order=True)
    ids = connection.execute(statement, people).scalars().all()
    connection.execute(insert(Imported), [{"contact_id": id, "batch_id": batch.id} for id in ids])
    connection.execute(insert(Address), list(_addresses(ids, chunk, sender)))
    connection.execute(insert(AskedOnce), [{"value_hash": verdict.value_hash} for verdict in chunk])


def _addresses(ids: Sequence[int], chunk: Sequence[Verdict], sender: str) -> Iterator[dict[str, object]]:
    for id, verdict in zip(ids, chunk, strict=True):
        yield {
            "contact_id": id, "channel": CHANNEL, "sender": sender, "reach": Reach.OPEN,
            "value": verdict.address, "value_hash": verdict.value_hash,
        }  # fmt: skip


def unanswered(batch: ImportBatch) -> Select[int]:
    """Select the people of a batch who have not answered since."""
    return (
        select(Contact.id)
        .join(Imported, Imported.contact_id == Contact.id)
        .where(Imported.batch_id == batch.id, Contact.state == State.INVITED)
    )


def forget(db: Session, contact_ids: Sequence[int], *, asked: Collection[int]) -> None:
    """Remove imported people with all their rows; those who were `asked` already are remembered as such."""
    for chunk in _chunks(contact_ids):
        never = [id for id in chunk if id not in asked]
        hashes = select(Address.value_hash).where(Address.contact_id.in_(never))
        db.execute(delete(AskedOnce).where(AskedOnce.value_hash.in_(hashes)))
        db.execute(delete(Contact).where(Contact.id.in_(chunk)))


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
