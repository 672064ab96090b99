"""Rows about people. What names a person is encrypted; what audiences select by is not."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.crypto import EncryptedText
from bot.db import Base, BigId

#: The words of partial indexes, without parameters, as in bot.messaging.models.
IS_OF_STAFF = text("kind != 'member'")
IS_UNDECIDED = text("apart_at IS NULL")
IS_NEW = text("is_new")


class State(StrEnum):
    """Where a person stands with us."""

    INVITED = "invited"  #: imported by staff, and asked once; has not written to us
    NEW = "new"  #: wrote to us, has not answered the consent question
    DECLINED = "declined"
    UNDERAGE = "underage"
    MEMBER = "member"
    STOPPED = "stopped"  #: said STOP; only an explicit START changes it
    LEAVING = "leaving"  #: asked to be erased; the goodbye is on its way
    ERASED = "erased"  #: an empty row, for the sums of the past


class Purpose(StrEnum):
    """What a person may consent to, each by itself."""

    NEWS = "news"
    INVESTMENT = "investment"
    SURVEYS = "surveys"
    SESSIONS = "sessions"
    SHARING = "sharing"


class Decision(StrEnum):
    """A word on one purpose."""

    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Reach(StrEnum):
    """Whether an address can be written to."""

    OPEN = "open"
    BLOCKED = "blocked"
    GONE = "gone"
    CLOSED = "closed"  #: the person said STOP here and goes on elsewhere; only a START here opens it


class Contact(Base):
    """A person."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    state: Mapped[State] = mapped_column(String(16), default=State.NEW, index=True)
    language: Mapped[str | None] = mapped_column(String(8))
    origin: Mapped[str | None] = mapped_column(String(8))  #: LS, MW, MU, multi, other
    link: Mapped[str | None] = mapped_column(String(16))  #: to the country of origin: born, citizen, parent ...
    residence: Mapped[str | None] = mapped_column(String(2))  #: ISO 3166 country
    city: Mapped[str | None] = mapped_column(EncryptedText)
    zone: Mapped[str | None] = mapped_column(String(64))  #: IANA time zone
    source: Mapped[str | None] = mapped_column(String(64))  #: code of the join link that brought the person
    channel: Mapped[str] = mapped_column(String(16))  #: preferred channel
    sender: Mapped[str] = mapped_column(String(64), default="")  #: which of our senders on it the person wrote to
    wants_matches: Mapped[bool | None]  #: asked to be told what fits the declared interests
    created_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "state", "origin", "residence", "language"),
        Index(None, "residence", "state"),
        Index(None, "state", "source"),
        Index(None, "joined_at"),
    )


class Interest(Base):
    """A declared interest of a contact."""

    __tablename__ = "interest"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(String(32), primary_key=True)


class Address(Base):
    """A contact on one channel."""

    __tablename__ = "address"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(64))
    value: Mapped[str] = mapped_column(EncryptedText)  #: opaque: a chat id, whatsapp:+E.164, a business-scoped id
    value_hash: Mapped[str] = mapped_column(String(64))
    reach: Mapped[Reach] = mapped_column(String(16), default=Reach.OPEN)
    last_inbound_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("channel", "sender", "value_hash"),)


class Consent(Base):
    """One word of one person on one purpose; rows are only ever added."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    purpose: Mapped[Purpose] = mapped_column(String(16))
    decision: Mapped[Decision] = mapped_column(String(16))
    wording: Mapped[str] = mapped_column(String(64))  #: key of the wording shown
    wording_hash: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8))
    channel: Mapped[str] = mapped_column(String(16))
    said: Mapped[str] = mapped_column(EncryptedText)  #: the raw reply
    inbound_id: Mapped[int | None] = mapped_column(BigInteger)  #: the message that carried it
    recorded_by: Mapped[str] = mapped_column(String(64))  #: "contact", or the staff member's id
    at: Mapped[datetime]

    __table_args__ = (Index(None, "contact_id", "purpose", "id"),)


class ImportBatch(Base):
    """One list of people that staff imported."""

    __tablename__ = "import_batch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(64))  #: who gave us the list, as the invitation says it
    recorded_by: Mapped[str] = mapped_column(String(64))  #: the staff member's id
    created_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class Imported(Base):
    """The list that a person came with."""

    __tablename__ = "imported"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id"), index=True)


class AskedOnce(Base):
    """Keyed hash of an imported address; outlives the person's rows, so that nobody is asked a second time."""

    __tablename__ = "asked_once"

    value_hash: Mapped[str] = mapped_column(String(64), primary_key=True)


class LinkKind(StrEnum):
    """Where a join link is given out."""

    EMBASSY = "embassy"
    ASSOCIATION = "association"
    POSTER = "poster"
    SESSION = "session"
    ONLINE = "online"
    MEMBER = "member"  #: forwarded by a member
    OTHER = "other"


class JoinLink(Base):
    """A code with which people join: it tells where they came from, never who they are."""

    __tablename__ = "join_link"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[LinkKind] = mapped_column(String(16))
    label: Mapped[str | None] = mapped_column(String(120))  #: for staff; None: a member's
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), unique=True)
    created_by: Mapped[str] = mapped_column(String(64))  #: "contact", or the staff member's id
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_join_link_of_staff", "created_at", sqlite_where=IS_OF_STAFF, postgresql_where=IS_OF_STAFF),
    )


class TraitKind(StrEnum):
    """What two rows of one person may have in common."""

    NUMBER = "number"  #: a phone number, of the chat itself or shared in it
    PERSON = "person"  #: name, origin, and where the person lives


class Trait(Base):
    """Keyed hash of something by which the same person may be known in another chat; kept of members only."""

    __tablename__ = "trait"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[TraitKind] = mapped_column(String(16), primary_key=True)
    value_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    is_new: Mapped[bool] = mapped_column(default=True)  #: nobody has looked yet who else has it

    __table_args__ = (
        Index(None, "kind", "value_hash"),
        Index("ix_trait_new", "contact_id", sqlite_where=IS_NEW, postgresql_where=IS_NEW),
    )


class Likeness(Base):
    """Two rows that may be one person, until staff decide."""

    __tablename__ = "likeness"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True)
    kind: Mapped[TraitKind] = mapped_column(String(16))
    found_at: Mapped[datetime]
    apart_by: Mapped[str | None] = mapped_column(String(64))  #: the staff member who keeps them apart, for good
    apart_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_likeness_undecided",
            "found_at",
            "contact_id",
            "other_id",
            sqlite_where=IS_UNDECIDED,
            postgresql_where=IS_UNDECIDED,
        ),
    )


class Group(Base):
    """People whom staff put together by hand."""

    __tablename__ = "contact_group"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]


class Grouped(Base):
    """A contact in a group."""

    __tablename__ = "contact_grouped"

    group_id: Mapped[int] = mapped_column(ForeignKey("contact_group.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True)


class Note(Base):
    """What staff noted about a contact, for colleagues."""

    __tablename__ = "contact_note"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(EncryptedText)
    recorded_by: Mapped[str] = mapped_column(String(64))  #: the staff member's id
    at: Mapped[datetime]
