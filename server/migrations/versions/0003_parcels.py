"""parcels"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "address",
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("log_id", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "gate",
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("object", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("address", "first"),
    )
    op.create_table(
        "intake_key",
        sa.Column("log_id", sa.LargeBinary(), nullable=False),
        sa.Column("week", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("object", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "week"),
    )
    op.create_table(
        "parcel_out",
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("parcel_id", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("taken_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("waits", sa.Integer(), nullable=False),
        sa.Column("passed", sa.LargeBinary(), nullable=False),
        sa.Column("parcel", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("address", "parcel_id"),
    )
    op.create_index("parcel_waits", "parcel_out", ["waits", "taken_ms"])
    op.create_table(
        "parcel",
        sa.Column("log_id", sa.LargeBinary(), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parcel_id", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shown_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("passed", sa.LargeBinary(), nullable=False),
        sa.Column("parcel", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "n"),
    )
    op.create_index("parcel_by_id", "parcel", ["log_id", "parcel_id"], unique=True)


def downgrade() -> None:
    """Undo."""
    op.drop_index("parcel_by_id", table_name="parcel")
    op.drop_table("parcel")
    op.drop_index("parcel_waits", table_name="parcel_out")
    op.drop_table("parcel_out")
    op.drop_table("intake_key")
    op.drop_table("gate")
    op.drop_table("address")
