"""What we owe to people who answer a template: outside WhatsApp's window it could only ask for a reply."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Address
from bot.messaging import lives
from bot.messaging.models import OutboxMessage, Priority, Status

#: Kind of the rows that carry a broadcast's full text; rendered like the broadcast they belong to.
FULL_TEXT = "full_text"
#: The same of what had its file with it already.
WORDS = "full_words"
#: After this long an answer is meant for something else.
LASTS = timedelta(days=3)
_ARRIVED = (Status.SENT, Status.DELIVERED, Status.READ)


def pay(db: Session, address: Address) -> int:
    """Queue the full texts of the templates that the person has just answered; return how many."""
    rows = db.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.contact_id == address.contact_id,
            OutboxMessage.owes_text.is_(True),
            OutboxMessage.status.in_(_ARRIVED),
            OutboxMessage.sent_at > clock.now() - LASTS,
        )
        .order_by(OutboxMessage.id)
    ).all()
    for row in rows:
        row.owes_text = False
        db.add(_full_text(row, address))
    return len(rows)


def _full_text(row: OutboxMessage, address: Address) -> OutboxMessage:
    now = clock.now()
    return OutboxMessage(
        contact_id=row.contact_id,
        channel=address.channel,
        sender=address.sender,
        address_id=address.id,
        priority=Priority.REPLY,
        kind="reply" if row.body else FULL_TEXT if row.owes_file else WORDS,
        ref=row.ref,
        body=row.body if row.owes_file or not row.body else row.body | {"media": None},
        status=Status.QUEUED,
        due_at=now,
        expires_at=now + lives.of(Priority.REPLY),
        created_at=now,
        status_at=now,
    )
