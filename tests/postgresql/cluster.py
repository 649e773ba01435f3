"""Databases on a Citus cluster, for tests that run on one that is there already: `FIELDKEEP_TESTS_CITUS` says that they do (tests/postgresql/citus.py)."""

import os
from functools import cache
from typing import NamedTuple

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

CLUSTER = "FIELDKEEP_TESTS_CITUS"
"""The environment variable that says that the PostgreSQL server of this run is the coordinator of a Citus cluster."""
SHARDS = 2
"""Of each table: tests make many of them, and what a statement touches is the same with more."""


class Node(NamedTuple):
    """A node of the cluster, the coordinator too."""

    host: str
    port: int
    is_coordinator: bool


def is_cluster() -> bool:
    """Whether this run is on a Citus cluster."""
    return bool(os.environ.get(CLUSTER))


def _engine(server: str, node: Node | None, database: str | None) -> Engine:
    url = make_url(server).set(drivername="postgresql+psycopg")
    url = url if node is None else url.set(host=node.host, port=node.port)
    return create_engine(url if database is None else url.set(database=database), isolation_level="AUTOCOMMIT", poolclass=NullPool)


@cache
def nodes(server: str) -> list[Node]:
    """The nodes that the database in the URL has."""
    with _engine(server, None, None).connect() as connection:
        rows = connection.execute(text("SELECT nodename, nodeport, groupid = 0 FROM pg_dist_node WHERE noderole = 'primary' ORDER BY groupid"))
        return [Node(*row) for row in rows]


def version(server: str) -> str:
    """What the coordinator says that it is."""
    with _engine(server, None, None).connect() as connection:
        return str(
            connection.execute(text("SELECT split_part(citus_version(), ' on ', 1) || ', PostgreSQL ' || current_setting('server_version')")).scalar()
        )


def make_database(server: str, name: str) -> None:
    """A new database on every node, known to the coordinator's."""
    for node in nodes(server):
        with _engine(server, node, None).connect() as connection:
            if not node.is_coordinator or not connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}).first():
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
        with _engine(server, node, name).connect() as connection:
            connection.exec_driver_sql("CREATE EXTENSION citus")
            connection.exec_driver_sql(f"ALTER DATABASE {name} SET citus.shard_count = {SHARDS}")
    with _engine(server, None, name).connect() as connection:
        for node in nodes(server):
            ask = "SELECT citus_set_coordinator_host(:host, :port)" if node.is_coordinator else "SELECT citus_add_node(:host, :port)"
            connection.execute(text(ask), {"host": node.host, "port": node.port})
        if len(nodes(server)) == 1:
            connection.execute(text("SELECT citus_set_node_property(nodename, nodeport, 'shouldhaveshards', true) FROM pg_dist_node"))
