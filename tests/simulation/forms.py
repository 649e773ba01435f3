"""Values that a person could have typed into the fields of the real record types, drawn from a seeded source."""

import uuid
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any

from shared_schema import ids
from shared_schema.records import Field, RecordType, code_list, record_types

WORDS = ("rang twice", "said it was fine", "moved on Friday", "went well", "no answer", "see the plan", "wants a call", "kept the door open")
DAYS = ("2026-11-02", "2026-11-09", "2026-12-01", "2027-01-15")
_WEIGHT = {"ask": 4, "worst": 4, "text": 6, "latest": 3, "set": 2, "append": 2, "once": 1}
_NOT_TYPED = frozenset({"att", "attachments", "hash", "refs"})


_IN_A_CASE = {"perpetrator": {"navigator", "coordinator"}, "victim": {"link_worker", "coordinator"}}


@cache
def types_for(file: str, side: str) -> tuple[RecordType, ...]:
    """The record types that stand in such a file, but for those that have steps of their own: money, and what was read or written out. Of a case those
    that all who work in it write, so that people meet in them.
    """
    found = tuple(
        type_
        for type_ in record_types().values()
        if side in type_.files.get(file, ()) and type_.weight != "ledger" and type_.name not in ("spend", "read_event", "export_request")
    )
    return tuple(type_ for type_ in found if file != "case" or _IN_A_CASE[side] <= set(type_.write))


@cache
def fields_for(type_: str, file: str, side: str) -> tuple[Field, ...]:
    """The fields of a type that may be typed in such a file."""
    kind = record_types()[type_]
    there = [spec for spec in kind.fields.values() if spec.stands_in(file, side) and spec.kind not in _NOT_TYPED and spec.name != "state"]
    return tuple(spec for spec in there if file != "case" or _IN_A_CASE[side] & set(kind.write) <= set(spec.write))


class Taste:
    """What the people of one history like to write: few types and few fields, so that they meet in them."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._types: dict[tuple[str, str], list[RecordType]] = {}
        self._fields: dict[tuple[str, str, str], list[Field]] = {}

    def type_for(self, file: str, side: str) -> RecordType:
        if (file, side) not in self._types:
            types = types_for(file, side)
            self._types[(file, side)] = self._rng.choices(types, k=2)
        return self._rng.choice(self._types[(file, side)])

    def fields(self, type_: str, file: str, side: str) -> list[Field]:
        key = (type_, file, side)
        if key not in self._fields:
            fields = fields_for(*key)
            self._fields[key] = self._rng.choices(fields, [_WEIGHT[spec.merge] for spec in fields], k=4)
        return self._fields[key]

    def values(self, type_: str, file: str, side: str, users: Sequence[bytes]) -> dict[str, Any]:
        """One to three fields of a record."""
        chosen = self._rng.choices(self.fields(type_, file, side), k=self._rng.randint(1, 3))
        return {spec.name: draw(self._rng, spec, users) for spec in chosen}


def draw_id(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128)))


def draw(rng: Random, spec: Field, users: Sequence[bytes]) -> Any:
    """A whole value for a field: a list of members for a set, of rows for a list."""
    if spec.kind == "list":
        return [{name: draw(rng, cell, users) for name, cell in spec.cells.items() if cell.kind not in _NOT_TYPED}]
    if spec.merge == "set":
        found = [_one(rng, spec, users) for _ in range(rng.randint(1, 2))]
        return [value for i, value in enumerate(found) if value not in found[:i]]
    return _one(rng, spec, users)


def _one(rng: Random, spec: Field, users: Sequence[bytes]) -> Any:
    if spec.allows_missing and rng.random() < 0.15:
        return {"missing": rng.choice(code_list("missing_reason").codes)}
    match spec.kind:
        case "text" | "long":
            return rng.choice(WORDS)
        case "code" | "codes":
            return rng.choice(code_list(spec.codes).codes)
        case "yn":
            return rng.choice(("yes", "no"))
        case "date":
            return rng.choice(DAYS)
        case "when":
            return {"at": rng.choice(DAYS), "precision": "day"}
        case "pence" | "int" | "minutes":
            return rng.randint(1, 10)
        case "user" | "users":
            return ids.show(rng.choice(users))
        case "ref" | "random_id":
            return draw_id(rng)
    raise AssertionError(f"no way to type a {spec.kind}")
