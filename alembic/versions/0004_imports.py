"""Lists of people that were imported, and whom nobody may ask again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "import_batch",
        sa.Column("id", _ID, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    op.create_table(
        "imported",
        sa.Column("contact_id", _ID, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_imported_batch_id_import_batch")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_imported_contact_id_contact"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_imported")),
    )
    op.create_index(op.f("ix_imported_batch_id"), "imported", ["batch_id"])
    op.create_table(
        "asked_once",
        sa.Column("value_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("value_hash", name=op.f("pk_asked_once")),
    )


def downgrade() -> None:
    for table in ("asked_once", "imported", "import_batch"):
        op.drop_table(table)
