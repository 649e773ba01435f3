"""No statement that a device waits for touches two shards (docs/decisions/0023-shared-out-by-log.md).

A whole service, of all sides and every kind of file, is brought about and asked about everything; each statement that its server runs is read by a parser.
What touches several shards stands in one table, by the function that runs it, with the reason. What devices do all day touches one, without exception.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from sqlalchemy import UniqueConstraint, select
from sqlmodel import SQLModel, col

from server import sharding, store
from server.tables import EntryRow
from shared_schema.wire import SyncRequest, encode_request
from tests.postgresql.day import World, brought_about
from tests.postgresql.shards import COLUMN, ON_ONE_NODE, faults, recorded
from tests.wall.matrix import UNSIGNED, signed_routes
from tests.world import patched

_START: Final = "what a process has in memory, read when it starts, and after a gap in the journal"
_REMOVAL: Final = "two people have removed something; other processes read the list of it anew"
_SWEEP: Final = "a sweep, once an hour or at a start"
_SCRUB: Final = "what was removed is overwritten: tables are written anew"
_HELD: Final = "a file that has not begun came or began: somebody had lost their place"
_PERMIT: Final = "while somebody has a permit to recover: every file is looked at once"
_SCHEMA: Final = "the schema is made, or brought up to date, before anybody is served"
_PROBE: Final = "after a failure: can it write?"
ON_SEVERAL: Final[dict[str, str]] = {
    "store.all_heads": _START,
    "store.memberships": _START,
    "store.refused_logs": _START,
    "store.held_counts": f"{_START}; {_HELD}",
    "parcel_store.newest": _START,
    "chunk_rows.waiting": _START,
    "chunk_rows.all_places": _SWEEP,
    "bodies.TableBodies.places": _SWEEP,
    "bodies.TableBodies.remove": "bytes that nothing names any more are overwritten: a file's may lie anywhere",
    "chunk_rows.collect": _SWEEP,
    "chunk_rows.has_any": _SWEEP,
    "removal_rows.gone": f"{_START}; {_REMOVAL}",
    "engines.scrub": _SCRUB,
    "engines.probe": _PROBE,
    "engines.prepare": _SCHEMA,
    "service.migrate": _SCHEMA,
}
"""Functions of the server whose statements may touch several shards, and why that is no cost: nobody waits for one with every note."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with brought_about(tmp_path_factory.mktemp("shards")) as found:
        yield found


# --- the tables --------------------------------------------------------------------------------------------------------------------------------


def test_every_table_has_its_place() -> None:
    placed = [*sharding.BY_LOG, *sharding.BY_PLACE, *sharding.KEPT, *sharding.ALONE]
    assert sorted(placed) == sorted({*SQLModel.metadata.tables, "alembic_version"})
    assert len(placed) == len(set(placed))


def test_what_is_unique_is_so_within_a_shard() -> None:
    """Citus can promise no more: every key of a table that is shared out has its column."""
    for name, column in COLUMN.items():
        table = SQLModel.metadata.tables[name]
        keys: list[Any] = [table.primary_key, *(index for index in table.indexes if index.unique)]
        keys += [one for one in table.constraints if isinstance(one, UniqueConstraint)]
        assert all(column in {one.name for one in key.columns} for key in keys), name


# --- the statements ----------------------------------------------------------------------------------------------------------------------------


def test_a_days_work_touches_one_shard_a_statement(world: World) -> None:
    """Not even what stands in the table may run while devices wait."""
    found = {f"{ran.by}: {fault}: {ran.sql}" for ran in world.of_the_day for fault in faults(ran.sql)}
    assert found == set()
    assert {table for ran in world.of_the_day for table in COLUMN if f" {table}" in ran.sql} >= COLUMN.keys() - {"gone", "purge", "verdict"}


def test_whatever_touches_several_stands_in_the_table(world: World) -> None:
    found = {ran.by: f"{ran.by}: {fault}: {ran.sql}" for ran in (*world.ran, *world.of_the_day) for fault in faults(ran.sql)}
    assert [line for by, line in sorted(found.items()) if by not in ON_SEVERAL] == []


def test_the_table_names_nothing_that_touches_one(world: World) -> None:
    """What was repaired leaves it."""
    seen = {ran.by for ran in world.ran}
    found = {ran.by for ran in world.ran for _ in faults(ran.sql)}
    assert ON_SEVERAL.keys() & seen == found


def test_all_routes_of_devices_were_asked(world: World) -> None:
    """But those of a rare day, and those of auditors, which every answer about everything asked."""
    rare = {route for route in signed_routes() if any(part in route for part in ("/v1/heal", "/v1/restored", "/v1/audit", "/v1/tile"))}
    by_syncs = {"POST /v1/deposit", "POST /v1/intake/{log}", "POST /v1/parcels"}  # asked by the devices' own syncs
    assert signed_routes() - UNSIGNED - rare - by_syncs - world.routes == set()


# --- what the test is worth --------------------------------------------------------------------------------------------------------------------


def test_a_statement_without_its_log_is_found(world: World) -> None:
    """The defect is planted in what a pull reads, and found by what one pull runs."""
    everywhere = select(*store._SERVED).where(col(EntryRow.seq) > 0).order_by(col(EntryRow.seq))
    with recorded() as ran, patched(store, "_AFTER", everywhere):
        world.cast.ask("coo", "POST", "/v1/sync", encode_request(SyncRequest()))
    found = {(one.by, fault) for one in ran for fault in faults(one.sql)}
    assert found == {("store.entries_after", "entry is not fixed by log_id")}


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("SELECT cose FROM entry WHERE log_id = %s AND seq > %s", ""),
        ("SELECT cose FROM entry AS e WHERE e.seq > 1 AND (e.log_id = %s::BYTEA)", ""),
        ("SELECT cose FROM entry WHERE seq = %s", "entry is not fixed by log_id"),
        ("SELECT cose FROM entry WHERE log_id = %s OR seq = 1", "entry is not fixed by log_id"),
        ("SELECT cose FROM entry WHERE NOT (log_id = %s)", "entry is not fixed by log_id"),
        ("SELECT cose FROM entry WHERE log_id IN (%s, %s)", "entry is not fixed by log_id"),
        ("SELECT cose FROM entry WHERE log_id > %s", "entry is not fixed by log_id"),
        ("SELECT cose FROM entry JOIN held ON held.log_id = entry.log_id WHERE entry.log_id = %s", ""),
        ("SELECT cose FROM entry JOIN held ON held.seq = entry.seq WHERE entry.log_id = %s", "held is not fixed by log_id"),
        ("SELECT cose FROM entry JOIN body ON body.place = entry.log_id WHERE entry.log_id = %s", "body is not fixed by place"),
        ("SELECT cose FROM entry, held WHERE entry.log_id = %s AND held.log_id = %s", "it names several logs"),
        ("SELECT 1 FROM chunk WHERE log_id = %s AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.log_id = chunk.log_id)", ""),
        (
            "SELECT 1 FROM chunk WHERE log_id = %s AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.chunk_id = chunk.chunk_id)",
            "claim is not fixed by log_id",
        ),
        ("SELECT seq FROM entry WHERE log_id = %s UNION SELECT n FROM held WHERE log_id = %s", "it names several logs"),
        ("UPDATE member SET to_seq = %s WHERE member.log_id = %s", ""),
        ("UPDATE member SET to_seq = %s WHERE user_id = %s", "member is not fixed by log_id"),
        ("DELETE FROM claim WHERE log_id = %s", ""),
        ("DELETE FROM claim", "claim is not fixed by log_id"),
        ("INSERT INTO verdict (log_id, entry_id, verdict) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", ""),
        ("INSERT INTO verdict (entry_id, verdict) VALUES (%s, %s)", "verdict gets a row without log_id"),
        ("INSERT INTO verdict (log_id, entry_id) VALUES (%s, %s), (%s, %s)", "verdict gets more than one row"),
        ("INSERT INTO verdict (log_id, entry_id) SELECT log_id, entry_id FROM held WHERE log_id = %s", "verdict gets more than one row"),
        ("SELECT event FROM audit_event WHERE n > %s", ""),
        ("SELECT 1 FROM something_new", "something_new has no place"),
        ("VACUUM FULL entry", "VACUUM is no query"),
        ("SELECT pg_notify(%s, %s)", ""),
    ],
)
def test_the_reading_of_a_statement(sql: str, fault: str) -> None:
    assert faults(sql) == ([fault] if fault else [])


def test_a_place_on_one_node_is_of_a_table() -> None:
    assert not COLUMN.keys() & ON_ONE_NODE
