"""People, staff and a policy for the tests of this room."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import service
from bot.broadcasts.models import Broadcast
from bot.broadcasts.policy import Policy
from bot.broadcasts.service import Draft
from bot.contacts import consent
from bot.contacts.models import Address, Contact, Decision, Interest, Purpose, Reach, State
from bot.content import Content
from bot.db import Database
from bot.events import service as events
from bot.messaging.eligibility import Rules
from bot.staff.models import Role, StaffUser
from bot.surveys.models import Disposition, Run, Status, Survey

PROOF = consent.Proof("consent.wording.v1", "0" * 64, "en", "telegram", "YES", None)

TEXTS = {"en": "A new savings product.", "fr": "Un nouveau produit d’épargne."}


@dataclass(frozen=True)
class Line:
    """A channel as far as a forecast looks at it."""

    rate: float
    has_window: bool


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


@pytest.fixture
def policy() -> Policy:
    return Policy(
        channels={"telegram": Line(30, False), "whatsapp": Line(80, True)},
        rules=Rules(weekly_cap=3),
        domains=("iom.int", "undp.org"),
    )


def add_contact(
    db: Session,
    *,
    state: State = State.MEMBER,
    language: str | None = "en",
    zone: str | None = "Africa/Maseru",
    channel: str = "telegram",
    addresses: Iterable[tuple[str, Reach, datetime | None]] | None = None,
    decisions: Iterable[Decision] = (Decision.GRANTED,),
    purpose: Purpose = Purpose.NEWS,
    **profile: str,
) -> Contact:
    """Add a person with one open address on the preferred channel, unless told otherwise."""
    contact = Contact(state=state, language=language, zone=zone, channel=channel, created_at=clock.now(), **profile)
    db.add(contact)
    db.flush()
    for number, (name, reach, last) in enumerate(addresses or [(channel, Reach.OPEN, None)]):
        key = f"{contact.id}-{number}"
        db.add(
            Address(
                contact_id=contact.id,
                channel=name,
                sender="us",
                value=key,
                value_hash=key,
                reach=reach,
                last_inbound_at=last,
            )
        )
    for decision in decisions:
        consent.record(db, contact, [purpose], decision, PROOF)
    db.flush()
    return contact


def add_interests(db: Session, contact: Contact, *codes: str) -> None:
    db.add_all(Interest(contact_id=contact.id, code=code) for code in codes)
    db.flush()


def add_staff(db: Session, role: Role, name: str) -> StaffUser:
    """Add a staff user; a password is of no use here and would cost time."""
    user = StaffUser(email=name, email_hash=name, name=name, role=role, active=True, created_at=clock.now())
    db.add(user)
    db.flush()
    return user


def add_survey(db: Session, form: str, version: str = "1") -> Survey:
    now = clock.now()
    survey = Survey(
        form_id=form, version=version, title=form.title(), sha256=f"{form}{version}", filename="f.xlsx", file=b"",
        xform="", status=Status.OPEN, created_at=now, published_at=now,
    )  # fmt: skip
    db.add(survey)
    db.flush()
    return survey


def add_run(db: Session, survey: Survey, contact: Contact, disposition: Disposition) -> None:
    now, who = clock.now(), {"contact_id": contact.id, "language": "en", "channel": "telegram"}
    db.add(Run(survey_id=survey.id, disposition=disposition, state={}, started_at=now, updated_at=now, **who))
    db.flush()


def add_session(db: Session, title: str = "Saving", *, capacity: int | None = None) -> int:
    """Add an open session in three days; return its number."""
    at = (clock.now() + timedelta(days=3)).replace(tzinfo=None, microsecond=0)
    event = events.create(
        db, title={"en": title}, starts_local=at, zone="Africa/Maseru", minutes=60, created_by="1", capacity=capacity
    )
    events.publish(db, event)
    return event.id


@dataclass(frozen=True)
class Office:
    """Two people and what they work with."""

    content: Content
    policy: Policy
    editor: StaffUser
    approver: StaffUser

    def draft(self, db: Session, **changes: object) -> Broadcast:
        plain = Draft(title="Savings", purpose=Purpose.NEWS, texts=TEXTS)
        return service.draft(db, self.content, self.editor, replace(plain, **changes))  # type: ignore[arg-type]

    def approve(self, db: Session, broadcast: Broadcast) -> None:
        seen = broadcast.content_hash
        service.approve(db, self.content, broadcast, self.approver, self.policy, seen=seen)

    def approved(self, db: Session, **changes: object) -> Broadcast:
        broadcast = self.draft(db, **changes)
        self.approve(db, broadcast)
        return broadcast

    def send(self, db: Session, broadcast: Broadcast) -> int:
        return service.send(db, self.content, broadcast, self.editor, self.policy)


@pytest.fixture
def office(database: Database, content: Content, policy: Policy, frozen: datetime) -> Office:
    with database.begin() as db:
        editor, approver = add_staff(db, Role.EDITOR, "editor"), add_staff(db, Role.APPROVER, "approver")
    return Office(content, policy, editor, approver)
