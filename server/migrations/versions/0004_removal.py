"""removal"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "gone",
        sa.Column("log_id", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.LargeBinary(), nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parcel_id", sa.LargeBinary(), nullable=False),
        sa.Column("by_id", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "entry_id", "part"),
    )
    op.create_table(
        "purge",
        sa.Column("log_id", sa.LargeBinary(), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by_id", sa.LargeBinary(), nullable=False),
        sa.Column("device_id", sa.LargeBinary(), nullable=False),
        sa.Column("ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cose", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "n"),
    )
    op.create_index("purge_of_statement", "purge", ["log_id", "by_id", "device_id"], unique=True)


def downgrade() -> None:
    """Undo."""
    op.drop_index("purge_of_statement", table_name="purge")
    op.drop_table("purge")
    op.drop_table("gone")
