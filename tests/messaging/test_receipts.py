from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import clock
from bot.channels.base import NeedsTemplate, OutcomeUnknown, Receipt, Unreachable
from bot.channels.memory import MemoryChannel
from bot.contacts.models import Reach
from bot.messaging import claims, eligibility, receipts, reconciling, settling
from bot.messaging.models import OutboxMessage, Status
from bot.messaging.settling import Outcome

from .conftest import Office

RANK = {Status.QUEUED: 0, Status.SENDING: 1, Status.UNCERTAIN: 2, Status.SENT: 3, Status.FAILED: 3}
RANK |= {Status.DELIVERED: 4, Status.READ: 5}


def receipt(status: str, id: int | None, sid: str, channel: str = "telegram") -> Receipt:
    failure = Unreachable("63024", gone=True) if status == "failed" else None
    return Receipt(channel, "700", sid, status, id, failure)  # type: ignore[arg-type]


def claimed(office: Office) -> int:
    id = office.queue(office.member(), f"hello {clock.now()}")
    with office.database.begin() as db:
        assert len(claims.claim(db, office.desk(), 1)) == 1
    return id


def apply(office: Office, *found: Receipt) -> int:
    with office.database.begin() as db:
        return receipts.apply(db, found)


EVENTS = st.lists(
    st.sampled_from(["sent", "delivered", "read", "failed", "settle", "doubt", "sent again", "wrong channel"]),
    min_size=1,
    max_size=9,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, knows_id=st.booleans())
def test_in_any_order_and_however_often_a_message_only_moves_forward_and_the_sum_stays(
    office: Office, events: list[str], knows_id: bool
) -> None:
    office.reset_pace()
    id = claimed(office)
    sid = f"SM{id}"
    before = office.row(id).status
    with office.database.begin() as db:
        audience = db.query(OutboxMessage).count()
    for event in events:
        with office.database.begin() as db:
            if event == "settle":
                settling.settle(db, office.desk().key, [Outcome(id, office.row(id).address_id or 0, sid)])
            elif event == "doubt" and office.row(id).status == Status.SENDING:
                settling.fail(db, office.desk().key, db.get_one(OutboxMessage, id), OutcomeUnknown("no_answer"))
            elif event == "wrong channel":
                assert receipts.apply(db, [receipt("read", id, sid, "whatsapp")]) == 0
            elif event in ("sent", "delivered", "read", "failed", "sent again"):
                receipts.apply(db, [receipt(event.split()[0], id if knows_id else None, sid)])
        after = office.row(id).status
        assert RANK[after] >= RANK[before] or (before, after) == (Status.SENDING, Status.UNCERTAIN)
        before = after
        with office.database.begin() as db:
            assert sum(eligibility.count_by_status(db, "broadcast", 1).values()) == audience
    if "read" in events and knows_id:
        assert before == Status.READ


async def test_a_receipt_that_is_faster_than_our_own_commit_is_not_undone_by_it(office: Office) -> None:
    id = claimed(office)
    assert apply(office, receipt("delivered", id, "SM1")) == 1
    with office.database.begin() as db:
        settling.settle(db, office.desk().key, [Outcome(id, 1, "SM1")])
    assert (office.row(id).status, office.row(id).external_id) == (Status.DELIVERED, "SM1")
    assert office.row(id).sent_at is not None


def test_a_receipt_for_a_message_that_nobody_knows_changes_nothing(office: Office) -> None:
    claimed(office)
    assert apply(office, receipt("read", 999, "SM9"), receipt("read", None, "SM9")) == 0


def test_a_receipt_with_another_external_id_belongs_to_another_message(office: Office) -> None:
    id = claimed(office)
    apply(office, receipt("sent", id, "SM1"))
    assert apply(office, receipt("read", id, "SM2")) == 0
    assert office.row(id).status == Status.SENT


def test_a_failure_by_callback_says_the_same_about_the_person_as_one_by_answer(office: Office) -> None:
    id = claimed(office)
    apply(office, receipt("sent", id, "SM1"), receipt("failed", id, "SM1"))
    assert (office.row(id).status, office.row(id).reason) == (Status.FAILED, "63024")
    with office.database.begin() as db:
        assert (
            eligibility.read_facts(db, [db.get_one(OutboxMessage, id)], clock.now()).addresses[1][0].reach == Reach.GONE
        )


def test_a_message_that_others_took_for_lost_turns_out_sent_when_its_process_was_only_slow(office: Office) -> None:
    id = claimed(office)
    with office.database.begin() as db:
        row = db.get_one(OutboxMessage, id)
        row.status, row.reason = Status.UNCERTAIN, "interrupted"
    with office.database.begin() as db:
        settling.settle(db, office.desk().key, [Outcome(id, 1, "M1")])
    assert (office.row(id).status, office.row(id).reason) == (Status.SENT, None)


class Listing:
    """A provider that keeps a list."""

    name = "telegram"

    def __init__(self, *found: Receipt) -> None:
        self.found = list(found)

    sender = "700"  #: as the memory channel's

    async def sent_to(self, address: str, since: object) -> list[Receipt]:
        return self.found


async def in_doubt(office: Office) -> int:
    id = office.queue(office.member(), f"in doubt {clock.now()}")
    office.channel.outcomes.append(OutcomeUnknown("no_answer"))
    await office.deliver()
    clock.advance(timedelta(minutes=3))
    return id


async def test_what_the_provider_lists_went_out(office: Office) -> None:
    id = await in_doubt(office)
    assert await reconciling.reconcile(office.database, Listing(receipt("delivered", None, "SM5"))) == 1
    assert (office.row(id).status, office.row(id).external_id) == (Status.DELIVERED, "SM5")


async def test_what_the_provider_does_not_list_never_arrived_and_goes_out_again(office: Office) -> None:
    id = await in_doubt(office)
    assert await reconciling.reconcile(office.database, Listing()) == 1
    await office.deliver()
    assert office.row(id).status == Status.SENT
    assert len(office.channel.sent) == 1


async def test_a_listed_message_that_is_known_as_another_one_proves_nothing(office: Office) -> None:
    other = claimed(office)
    apply(office, receipt("sent", other, "SM1"))
    id = await in_doubt(office)
    assert await reconciling.reconcile(office.database, Listing(receipt("delivered", None, "SM1"))) == 1
    assert office.row(id).status == Status.QUEUED


async def test_two_candidates_are_left_to_staff(office: Office) -> None:
    id = await in_doubt(office)
    listing = Listing(receipt("delivered", None, "SM5"), receipt("sent", None, "SM6"))
    assert await reconciling.reconcile(office.database, listing) == 0
    assert (office.row(id).status, office.row(id).reason) == (Status.UNCERTAIN, reconciling.AMBIGUOUS)


async def test_a_callback_is_given_time_before_the_provider_is_asked(office: Office) -> None:
    id = office.queue(office.member(), "in doubt")
    office.channel.outcomes.append(OutcomeUnknown("no_answer"))
    await office.deliver()
    assert await reconciling.reconcile(office.database, Listing()) == 0
    assert office.row(id).status == Status.UNCERTAIN


def settled(office: Office, id: int, sid: str) -> None:
    with office.database.begin() as db:
        settling.settle(db, office.desk().key, [Outcome(id, office.row(id).address_id or 0, sid)])


def window_closed(id: int, sid: str) -> Receipt:
    return Receipt("whatsapp", "700", sid, "failed", id, NeedsTemplate("63016"))


def outside_its_window(office: Office) -> int:
    """Claim a message that WhatsApp will only take as a template, as we learn too late."""
    office.channel = MemoryChannel("whatsapp", has_window=True)
    with office.database.begin() as db:
        office.approve(db, "announcement")
    id = office.queue(office.member(), "news", template="announcement")
    with office.database.begin() as db:
        assert [item.message.template for item in claims.claim(db, office.desk(), 1)] == [None]
    return id


def claimed_again(office: Office) -> int:
    """Claim what is due and return how many messages that is; each of them as a template."""
    office.reset_pace()
    clock.advance(timedelta(seconds=2))
    with office.database.begin() as db:
        found = claims.claim(db, office.desk(), 9)
    assert all(item.message.template for item in found)
    return len(found)


def test_a_failure_that_is_told_twice_sends_the_next_attempt_once(office: Office) -> None:
    id = outside_its_window(office)
    settled(office, id, "SM1")
    assert apply(office, window_closed(id, "SM1")) == 1
    assert claimed_again(office) == 1
    assert apply(office, window_closed(id, "SM1")) == 0  # while the template is with the provider
    assert claimed_again(office) == 0
    settled(office, id, "SM2")
    assert apply(office, window_closed(id, "SM1"), receipt("sent", id, "SM1", "whatsapp")) == 0
    assert (office.row(id).status, office.row(id).external_id) == (Status.SENT, "SM2")


def test_a_failure_that_is_faster_than_our_own_commit_is_not_taken_for_sent(office: Office) -> None:
    id = outside_its_window(office)
    assert apply(office, window_closed(id, "SM1")) == 1
    settled(office, id, "SM1")
    assert office.row(id).status == Status.HELD
    assert apply(office, receipt("sent", id, "SM1", "whatsapp")) == 0
    assert claimed_again(office) == 1
    settled(office, id, "SM2")
    assert (office.row(id).status, office.row(id).external_id) == (Status.SENT, "SM2")


def test_a_callback_settles_the_second_attempt_too_when_its_answer_is_lost(office: Office) -> None:
    id = outside_its_window(office)
    settled(office, id, "SM1")
    apply(office, window_closed(id, "SM1"))
    assert claimed_again(office) == 1
    with office.database.begin() as db:
        settling.fail(db, office.desk().key, db.get_one(OutboxMessage, id), OutcomeUnknown("no_answer"))
    assert apply(office, receipt("delivered", id, "SM2", "whatsapp")) == 1
    assert (office.row(id).status, office.row(id).external_id) == (Status.DELIVERED, "SM2")


def test_what_arrives_after_all_is_not_sent_again(office: Office) -> None:
    id = outside_its_window(office)
    settled(office, id, "SM1")
    apply(office, window_closed(id, "SM1"), receipt("delivered", id, "SM1", "whatsapp"))
    assert claimed_again(office) == 0
    assert (office.row(id).status, office.row(id).external_id) == (Status.DELIVERED, "SM1")
