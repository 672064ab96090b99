"""Lanes that share a sender, leases, conversations opened a day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_WAITING = sa.text("status IN ('queued', 'held') AND due_at IS NOT NULL")
_IN_DOUBT = sa.text("status IN ('sending', 'uncertain')")
_DEADLINE = sa.text("status IN ('queued', 'held') AND expires_at IS NOT NULL")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "opening",
        sa.Column("address_id", _ID, nullable=False),
        sa.Column("sender", sa.String(length=96), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_opening_address_id_address"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("address_id", name=op.f("pk_opening")),
    )
    op.create_index(op.f("ix_opening_sender_at"), "opening", ["sender", "at"])
    with op.batch_alter_table("sender") as batch_op:
        batch_op.add_column(sa.Column("leased_by", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("content") as batch_op:
        batch_op.alter_column("content_id", existing_type=sa.String(length=64), type_=sa.String(length=256))
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("lane", sa.BigInteger(), nullable=True))
        batch_op.drop_index("ix_outbox_due")
        batch_op.drop_index("ix_outbox_kind_ref_status")
        batch_op.create_index(op.f("ix_outbox_kind_ref_status_id"), ["kind", "ref", "status", "id"])
    op.execute("UPDATE outbox SET lane = priority * 1000000000000 + coalesce(ref, 0)")
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.alter_column("lane", existing_type=sa.BigInteger(), nullable=False)
    for name, columns, condition in (
        ("ix_outbox_waiting", ["channel", "lane", "due_at", "id"], _WAITING),
        ("ix_outbox_in_doubt", ["id"], _IN_DOUBT),
        ("ix_outbox_deadline", ["expires_at"], _DEADLINE),
    ):
        op.create_index(name, "outbox", columns, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    op.drop_index("ix_outbox_deadline", "outbox")
    op.drop_index("ix_outbox_in_doubt", "outbox")
    op.drop_index("ix_outbox_waiting", "outbox")
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_column("lane")
        batch_op.drop_column("claimed_at")
        batch_op.drop_index("ix_outbox_kind_ref_status_id")
        batch_op.create_index("ix_outbox_kind_ref_status", ["kind", "ref", "status"])
        batch_op.create_index("ix_outbox_due", ["channel", "status", "priority", "id"])
    with op.batch_alter_table("content") as batch_op:
        batch_op.alter_column("content_id", existing_type=sa.String(length=256), type_=sa.String(length=64))
    with op.batch_alter_table("sender") as batch_op:
        batch_op.drop_column("leased_until")
        batch_op.drop_column("leased_by")
    op.drop_index(op.f("ix_opening_sender_at"), "opening")
    op.drop_table("opening")
