"""Alembic: what the migrations make is what server/tables.py says; up, down and up again; `serve` runs them by itself."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from server.service import MIGRATIONS, Regressed, migrate
from server.store import open_engine
from tests.live import Live


def config(path: Path) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["engine"] = open_engine(path, readers=0)
    return made


def schema(path: Path) -> set[tuple[str, str, str]]:
    """Tables with their columns, and indexes with theirs."""
    database = sqlite3.connect(path)
    found = set()
    for kind, name in database.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name != 'alembic_version'"):
        pragma = "table_info" if kind == "table" else "index_info"
        found |= {(kind, name, str(tuple(row[1:6]) if kind == "table" else row[2])) for row in database.execute(f"PRAGMA {pragma}({name})")}
    database.close()
    return found


def test_migrated_is_fresh(tmp_path: Path) -> None:
    migrate(tmp_path / "migrated.db")
    engine = open_engine(tmp_path / "fresh.db", readers=0)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        SQLModel.metadata.create_all(connection)
    engine.dispose()
    assert schema(tmp_path / "migrated.db") == schema(tmp_path / "fresh.db") != set()
    command.check(config(tmp_path / "migrated.db"))


def test_down_and_up_again(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    migrate(path)
    before = schema(path)
    revisions = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    for revision in [*revisions[1:], "base"]:
        command.downgrade(config(path), revision)
    assert schema(path) == set()
    migrate(path)
    assert schema(path) == before


def test_serve_migrates(live: Live) -> None:
    for side in ("perpetrator", "victim", "oversight"):
        database = sqlite3.connect(live.database(side))
        [(version,)] = database.execute("SELECT version_num FROM alembic_version").fetchall()
        database.close()
        assert version == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_a_database_of_a_newer_release_is_not_touched(tmp_path: Path) -> None:
    migrate(tmp_path / "side.db")
    database = sqlite3.connect(tmp_path / "side.db")
    with database:
        database.execute("UPDATE alembic_version SET version_num = 'later'")
    database.close()
    with pytest.raises(Regressed, match=r"side\.db was written by a newer release"):
        migrate(tmp_path / "side.db")
