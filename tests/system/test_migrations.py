"""Alembic: what the migrations make is what server/tables.py says; up, down and up again; `serve` runs them by itself."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlmodel import SQLModel

from server import engines
from server.data_folder import Regressed
from server.engines import Place
from server.service import MIGRATIONS, migrate
from tests import database
from tests.live import Live


def config(place: Place) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["engine"] = engines.open_engine(place, readers=0)
    return made


def schema(place: Place) -> set[tuple[str, ...]]:
    """Tables with their columns, and indexes with theirs."""
    engine = engines.open_engine(place, readers=0)
    found: set[tuple[str, ...]] = set()
    with engine.connect() as connection:
        seen = inspect(connection)
        for table in set(seen.get_table_names()) - {"alembic_version"}:
            found |= {(table, one["name"], str(one["type"]), str(one["nullable"])) for one in seen.get_columns(table)}
            found |= {(table, str(one["name"]), str(one["column_names"]), str(one["unique"])) for one in seen.get_indexes(table)}
            found.add((table, "key", str(seen.get_pk_constraint(table)["constrained_columns"])))
    engine.dispose()
    return found


def test_migrated_is_fresh(tmp_path: Path) -> None:
    migrated, fresh = (database.place_of(tmp_path / name, "victim") for name in ("migrated", "fresh"))
    for name in ("migrated", "fresh"):
        (tmp_path / name).mkdir()
    migrate(migrated)
    engines.prepare(fresh)
    engine = engines.open_engine(fresh, readers=0)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        SQLModel.metadata.create_all(connection)
    engine.dispose()
    assert schema(migrated) == schema(fresh) != set()
    command.check(config(migrated))


def test_down_and_up_again(tmp_path: Path) -> None:
    place = database.place_of(tmp_path, "victim")
    migrate(place)
    before = schema(place)
    revisions = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    for revision in [*revisions[1:], "base"]:
        command.downgrade(config(place), revision)
    assert schema(place) == set()
    migrate(place)
    assert schema(place) == before


def test_serve_migrates(live: Live) -> None:
    for side in ("perpetrator", "victim", "oversight"):
        [(version,)] = database.ask(live.database(side), "SELECT version_num FROM alembic_version")
        assert version == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_a_database_of_a_newer_release_is_not_touched(tmp_path: Path) -> None:
    place = database.place_of(tmp_path, "victim")
    migrate(place)
    database.change(place, ("UPDATE alembic_version SET version_num = 'later'", ()))
    with pytest.raises(Regressed, match=r"victim.* was written by a newer release"):
        migrate(place)
