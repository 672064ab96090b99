"""Quota cells and opening dates of surveys; runs that an error in their form stopped."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "run_cell",
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("cell", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_cell_run_id_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "cell", name=op.f("pk_run_cell")),
    )
    with op.batch_alter_table("run") as batch_op:
        batch_op.add_column(sa.Column("fault", sa.String(length=128), nullable=True))
    with op.batch_alter_table("survey") as batch_op:
        batch_op.add_column(sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("quotas", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("survey") as batch_op:
        batch_op.drop_column("quotas")
        batch_op.drop_column("opens_at")
    with op.batch_alter_table("run") as batch_op:
        batch_op.drop_column("fault")
    op.drop_table("run_cell")
