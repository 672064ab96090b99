"""Whatever people press, in whatever order, the four promises of a broadcast hold."""

import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.broadcasts import progress, service
from bot.broadcasts.audience import Audience
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.broadcasts.service import Draft, NotPossible
from bot.contacts import consent
from bot.contacts.models import Contact, Decision, Purpose, Reach, State
from bot.db import Database
from bot.messaging import outbox
from bot.messaging.models import OPEN, OutboxMessage, Status
from bot.staff.models import Role
from bot.staff.roles import Forbidden
from tests.broadcasts.conftest import PROOF, TEXTS, Office, add_contact, add_staff

TEXT = st.sampled_from(["One.", "Two.", "Three."])
SEEDS = st.integers(0, 999)


class Pressing(RuleBasedStateMachine):
    """Everything happens in one transaction that is rolled back, so that each example begins empty."""

    def __init__(self, database: Database, office: Office) -> None:
        super().__init__()
        self.connection = database.engine.connect()
        self.transaction = self.connection.begin()
        self.db = Session(self.connection, expire_on_commit=False)
        self.office = office
        # May do everything: only having written on it keeps this person from approving.
        self.everything = add_staff(self.db, Role.ADMINISTRATOR, "everything")
        self.frozen: set[int] = set()

    def teardown(self) -> None:
        self.db.close()
        self.transaction.rollback()
        self.connection.close()

    @initialize()
    def write(self) -> None:
        for decision in [Decision.GRANTED] * 8 + [Decision.REFUSED] * 2:
            add_contact(self.db, decisions=[decision])
        add_contact(self.db, state=State.STOPPED)
        audience = Audience(states=(State.MEMBER, State.STOPPED))
        self.broadcast: Broadcast = self.office.draft(self.db, audience=audience)

    @rule(
        state=st.sampled_from([State.MEMBER, State.STOPPED]),
        decision=st.sampled_from(list(Decision)),
        open_=st.booleans(),
    )
    def join(self, state: State, decision: Decision, open_: bool) -> None:
        reach = Reach.OPEN if open_ else Reach.GONE
        add_contact(self.db, state=state, decisions=[decision], addresses=[("telegram", reach, None)])

    @rule(text=TEXT, by_everything=st.booleans())
    def edit(self, text: str, by_everything: bool) -> None:
        editor = self.everything if by_everything else self.office.editor
        what = Draft("Edited", Purpose.NEWS, TEXTS | {"en": text}, audience=Audience.from_json(self.broadcast.audience))
        if self.attempt(lambda: service.edit(self.db, self.office.content, self.broadcast, editor, what)):
            assert service.why_void(self.db, self.office.content, self.broadcast) == "not_approved"

    @rule(who=st.sampled_from(["editor", "approver", "everything"]))
    def approve(self, who: str) -> None:
        people = {"editor": self.office.editor, "approver": self.office.approver, "everything": self.everything}
        seen = self.broadcast.content_hash
        self.attempt(
            lambda: service.approve(
                self.db, self.office.content, self.broadcast, people[who], self.office.policy, seen=seen
            )
        )

    @rule()
    def approve_and_send(self) -> None:
        """Get to the interesting part in one step."""
        self.approve("approver")
        self.send()

    @rule()
    def send(self) -> None:
        before = self.rows()
        void = service.why_void(self.db, self.office.content, self.broadcast)
        if self.attempt(lambda: self.office.send(self.db, self.broadcast)):
            assert void is None
            assert before == []
            self.frozen = {row.contact_id for row in self.rows()}
            for row in self.rows():
                self.check_frozen(row)
        else:
            assert self.rows() == before, "a refused send adds nothing"

    def check_frozen(self, row: OutboxMessage) -> None:
        contact = self.db.get_one(Contact, row.contact_id)
        willing = contact.state == State.MEMBER and Purpose.NEWS in consent.granted_purposes(self.db, contact)
        if row.status == Status.QUEUED:
            assert willing
        else:
            assert (row.status, bool(row.reason)) == (Status.SUPPRESSED, True)

    @rule(step=st.sampled_from([service.pause, service.resume, service.cancel]))
    def press(self, step: object) -> None:
        self.attempt(lambda: step(self.db, self.broadcast, self.office.editor))  # type: ignore[operator]

    @rule(seed=SEEDS, status=st.sampled_from([status for status in Status if status != Status.SUPPRESSED]))
    def deliver(self, seed: int, status: Status) -> None:
        open_rows = [row for row in self.rows() if row.status in OPEN]
        if open_rows:
            random.Random(seed).choice(open_rows).status = status
            self.db.flush()

    @rule(seed=SEEDS)
    def stop(self, seed: int) -> None:
        contact = random.Random(seed).choice(list(self.db.scalars(select(Contact).order_by(Contact.id))))
        contact.state = State.STOPPED
        self.db.flush()
        outbox.cancel_unasked(self.db, contact.id, "stopped")

    @rule(seed=SEEDS, decision=st.sampled_from(list(Decision)))
    def decide(self, seed: int, decision: Decision) -> None:
        contact = random.Random(seed).choice(list(self.db.scalars(select(Contact).order_by(Contact.id))))
        consent.record(self.db, contact, [Purpose.NEWS], decision, PROOF)

    @rule()
    def jobs(self) -> None:
        progress.follow_delivery(self.db)
        progress.close_finished(self.db)

    def attempt(self, step: object) -> bool:
        """Press; a refusal must leave the broadcast as it was."""
        before = self.broadcast.status
        try:
            step()  # type: ignore[operator]
            return True
        except (NotPossible, Forbidden):
            assert self.broadcast.status == before
            return False

    def rows(self) -> list[OutboxMessage]:
        statement = select(OutboxMessage).order_by(OutboxMessage.id).execution_options(populate_existing=True)
        return list(self.db.scalars(statement))

    @invariant()
    def every_state_adds_up_to_the_audience(self) -> None:
        if not hasattr(self, "broadcast"):
            return
        shown = progress.progress(self.db, self.broadcast)
        assert progress.ERASED not in shown.statuses
        assert shown.statuses == progress.statuses(self.db, self.broadcast)
        for numbers in ({"all": shown.statuses}, shown.by_channel, shown.by_language, shown.by_reason):
            assert sum(number for part in numbers.values() for number in part.values()) == shown.audience
        assert {row.contact_id for row in self.rows()} == self.frozen
        assert len(self.rows()) == shown.audience

    @invariant()
    def nobody_approves_what_they_wrote(self) -> None:
        if hasattr(self, "broadcast") and self.broadcast.approved_by:
            assert self.broadcast.approved_by not in self.broadcast.writers
            assert self.broadcast.approved_by != self.broadcast.author_id

    @invariant()
    def a_finished_broadcast_has_nobody_open(self) -> None:
        if hasattr(self, "broadcast") and self.broadcast.status == BroadcastStatus.FINISHED:
            assert not [row for row in self.rows() if row.status in OPEN]


def test_whatever_is_pressed_the_promises_hold(
    database: Database, office: Office, request: pytest.FixtureRequest
) -> None:
    run_state_machine_as_test(
        lambda: Pressing(database, office),
        settings=settings(
            max_examples=50,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
