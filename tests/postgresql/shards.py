"""Whether a statement touches one shard at most (docs/decisions/0023-shared-out-by-log.md): read by a parser of SQL, by the rules that Citus routes by.

Each table that is shared out has to be fixed by its column: `log_id = ?` as one of the conditions that all hold, or by being joined by it to one that is.
Everything else counts as several shards: `IN`, `OR`, a comparison, two logs in one statement, rows of several logs in one INSERT.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlglot
from sqlalchemy import Engine, event
from sqlglot import exp

from server import sharding

COLUMN: Final = {**dict.fromkeys(sharding.BY_LOG, "log_id"), **dict.fromkeys(sharding.BY_PLACE, "place")}
ON_ONE_NODE: Final = frozenset({*sharding.KEPT, *sharding.ALONE})
_VALUES: Final = (exp.Placeholder, exp.Parameter, exp.Literal)
_SCOPES: Final = (exp.Select, exp.Update, exp.Delete)
_QUERIES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
_SETTINGS: Final = ("SET ", "LISTEN ", "RESET ", "UNLISTEN ")
_SERVER: Final = str(Path(sharding.__file__).parent)
_THROUGH: Final = frozenset({"store.write", "store.read"})  # run what another function asks for


class Ran(NamedTuple):
    """A statement, the function of the server that ran it, and with what values on which engine (the first, of many)."""

    by: str
    sql: str
    values: Any
    engine: Engine


@contextmanager
def recorded() -> Iterator[list[Ran]]:
    """Every statement of any engine meanwhile, on whichever thread."""
    found: list[Ran] = []

    def note(connection: Any, _cursor: Any, sql: str, values: Any, _context: Any, many: bool) -> None:
        if by := _asker():
            found.append(Ran(by, sql, values[0] if many else values, connection.engine))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _asker() -> str:
    """The innermost function of the server on the stack; "" where it is none, but a test that looks."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_SERVER) and "/migrations/" not in code.co_filename:
            name = f"{Path(code.co_filename).stem}.{code.co_qualname.partition('.<locals>')[0]}"
            if name not in _THROUGH:
                return name
        frame = frame.f_back
    return ""


def faults(sql: str) -> list[str]:
    """Why a statement may touch more than one shard; nothing of one that does not."""
    if sql.lstrip().upper().startswith(_SETTINGS):
        return []
    if sql.split()[0].upper() not in _QUERIES:
        return [f"{sql.split()[0]} is no query"]
    tree = sqlglot.parse_one(sql, dialect="postgres")
    unknown = {table.name for table in tree.find_all(exp.Table)} - COLUMN.keys() - ON_ONE_NODE
    found = [f"{name} has no place" for name in sorted(unknown) if not name.startswith("pg_")]  # what the coordinator knows of itself
    scopes = [_Scope(one) for one in tree.find_all(*_SCOPES)]
    inserts = [one for one in tree.find_all(exp.Insert) if _name_of(one) in COLUMN]
    found += [fault for one in inserts for fault in _of_insert(one)]
    for scope in scopes:
        found += scope.faults(scopes)
    fixed = len(inserts) + sum(scope.fixes for scope in scopes)
    return found or (["it names several logs"] if fixed > 1 else [])


def _name_of(insert: exp.Insert) -> str:
    table = insert.find(exp.Table)
    return table.name if table else ""


def _of_insert(insert: exp.Insert) -> list[str]:
    name = _name_of(insert)
    columns = [one.name for one in insert.this.expressions] if isinstance(insert.this, exp.Schema) else []
    if COLUMN[name] not in columns:
        return [f"{name} gets a row without {COLUMN[name]}"]
    values = insert.expression
    if not isinstance(values, exp.Values) or len(values.expressions) != 1:
        return [f"{name} gets more than one row"]
    return []


class _Scope:
    """One SELECT, UPDATE or DELETE within a statement, with its tables by alias."""

    def __init__(self, node: exp.Expr) -> None:
        self.node = node
        mine = [table for table in node.find_all(exp.Table) if table.find_ancestor(*_SCOPES) is node]
        self.tables = {table.alias_or_name: table.name for table in mine}
        self.shards = {alias: COLUMN[name] for alias, name in self.tables.items() if name in COLUMN}
        self.fixed: set[str] = set()
        self.links: list[tuple[tuple[str, str], tuple[str, str]]] = []
        for condition in self._conditions():
            self._take(condition)
        self.fixes = len(self.fixed)

    def _conditions(self) -> Iterator[exp.Expr]:
        """What has to hold, all of it."""
        where = self.node.args.get("where")
        said = [where.this] if where else []
        said += [join.args["on"] for join in self.node.find_all(exp.Join) if join.args.get("on") and join.find_ancestor(*_SCOPES) is self.node]
        for one in said:
            yield from one.flatten() if isinstance(one, exp.And) else (one,)

    def _take(self, condition: exp.Expr) -> None:
        condition = condition.unnest()
        if not isinstance(condition, exp.EQ):
            return
        sides = [side.this if isinstance(side, exp.Cast) else side for side in (condition.left.unnest(), condition.right.unnest())]
        columns = [self._column(side) for side in sides if isinstance(side, exp.Column)]
        if len(columns) == 2:
            self.links.append((columns[0], columns[1]))
        elif columns and any(isinstance(side, _VALUES) for side in sides) and self.shards.get(columns[0][0]) == columns[0][1]:
            self.fixed.add(columns[0][0])

    def _column(self, column: exp.Column) -> tuple[str, str]:
        return column.table or (next(iter(self.tables)) if len(self.tables) == 1 else ""), column.name

    def faults(self, scopes: list["_Scope"]) -> list[str]:
        """Tables of it that neither a value nor a join fixes. One of an outer scope is judged there."""
        outer = {
            alias: column
            for one in scopes
            if one is not self and self.node.find_ancestor(*_SCOPES) is one.node
            for alias, column in one.shards.items()
        }
        known, tied = {**outer, **self.shards}, self.fixed | outer.keys()
        for _ in self.links:
            for one, other in (*self.links, *((other, one) for one, other in self.links)):
                if one[0] in tied and known.get(one[0]) == one[1] and known.get(other[0]) == other[1] and self._beside(one[0], other[0], scopes):
                    tied = tied | {other[0]}
        return [f"{self.tables[alias]} is not fixed by {column}" for alias, column in self.shards.items() if alias not in tied]

    def _beside(self, one: str, other: str, scopes: list["_Scope"]) -> bool:
        """Whether two tables are shared out together."""
        names = {alias: name for scope in scopes for alias, name in scope.tables.items()} | self.tables
        return COLUMN.get(names.get(one, "")) == COLUMN.get(names.get(other, ""))
