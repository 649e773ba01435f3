"""Alembic environment: runs on the engine that the caller hands over, or on `sqlalchemy.url` of alembic.ini."""

from alembic import context
from sqlalchemy import Engine, create_engine
from sqlmodel import SQLModel

import server.tables  # noqa: F401  # registers the tables


def run() -> None:
    """Apply migrations."""
    engine: Engine | None = context.config.attributes.get("engine")
    if engine is None:
        engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "sqlite://")
    with engine.connect().execution_options(writes=True) as connection:
        context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
        if connection.in_transaction():
            connection.commit()
    if context.config.attributes.get("engine") is not None:
        engine.dispose()


run()
