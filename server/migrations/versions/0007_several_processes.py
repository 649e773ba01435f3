"""several processes on one database"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. What need not outlive a crash of PostgreSQL is not written to its log."""
    op.create_table(
        "change",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_table(
        "nonce",
        sa.Column("random", sa.LargeBinary(), nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("random"),
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )
    op.create_table(
        "body",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("body")
    op.drop_table("nonce")
    op.drop_table("change")
