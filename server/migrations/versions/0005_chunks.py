"""chunks"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "chunk",
        sa.Column("log_id", sa.LargeBinary(), nullable=False),
        sa.Column("chunk_id", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kept_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "chunk_id"),
    )
    op.create_table(
        "claim",
        sa.Column("log_id", sa.LargeBinary(), nullable=False),
        sa.Column("part", sa.LargeBinary(), nullable=False),
        sa.Column("chunk_id", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("claimed_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("log_id", "part", "chunk_id"),
    )
    op.create_table(
        "going",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("after_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_index("claim_of_chunk", "claim", ["log_id", "chunk_id"])


def downgrade() -> None:
    """Undo."""
    op.drop_index("claim_of_chunk", table_name="claim")
    op.drop_table("going")
    op.drop_table("claim")
    op.drop_table("chunk")
