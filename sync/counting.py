"""What counts once: a record and its corrections, a visit that several workers wrote down, persons that were joined (docs/spec.md §5.8). Pure.

It says what belongs together and which of it stands; it changes nothing, and judges no value.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Linked(NamedTuple):
    """A record as it is counted. `corrects` and `same` name others; `stands` is False for what is void or hidden."""

    id: bytes
    corrects: bytes | None = None
    same: frozenset[bytes] = frozenset()
    stands: bool = True


class Counted(NamedTuple):
    """One thing that counts once: what of it stands, in log order, and all records that belong to it, corrected and void ones too."""

    stand: tuple[bytes, ...]
    all: tuple[bytes, ...]


def groups(pairs: Iterable[tuple[K, K]], known: Iterable[K]) -> list[list[K]]:
    """What belongs together, in the order of `known`. A pair that names what is not known joins nothing."""
    first: dict[K, K] = {one: one for one in known}

    def root(one: K) -> K:
        while first[one] != one:
            first[one] = first[first[one]]
            one = first[one]
        return one

    for one, other in pairs:
        if one in first and other in first:
            first[root(one)] = root(other)
    found: dict[K, list[K]] = {}
    for one in first:
        found.setdefault(root(one), []).append(one)
    return list(found.values())


def newest(records: Mapping[bytes, Linked]) -> dict[bytes, bytes]:
    """For each record the one that stands in its place: of its chain of corrections the newest in log order that is neither void nor hidden."""
    chains = groups(((one.id, one.corrects) for one in records.values() if one.corrects is not None), records)
    last = {one: next((id_ for id_ in reversed(chain) if records[id_].stands), None) for chain in chains for one in chain}
    return {one: instead for one, instead in last.items() if instead is not None}


def count(records: Mapping[bytes, Linked]) -> list[Counted]:
    """What counts, each once, in log order of its first record. `records` are of one type and one file, in log order.

    A correction takes the place of what it corrects; what `same` names is the same, whichever of its chain is named, so long as the record
    that names it stands itself in its chain's place.
    """
    stands = newest(records)
    pairs = [(one.id, one.corrects) for one in records.values() if one.corrects is not None]
    pairs += [(one.id, other) for one in records.values() if stands.get(one.id) == one.id for other in one.same]
    found = []
    for group in groups(pairs, records):
        kept = {stands[one] for one in group if one in stands}
        if kept:
            found.append(Counted(tuple(one for one in group if one in kept), tuple(group)))
    return found


@dataclass(frozen=True, slots=True)
class Said(Generic[K]):
    """A row of `merged_with`: that two persons are one (`step` merged) or are not. `place` is that of its op in the log of `file`."""

    one: K
    other: K
    step: str
    file: bytes
    place: tuple[int, int, int]
    at_ms: int


def joined(said: Iterable[Said[K]]) -> set[frozenset[K]]:
    """The pairs that are one: of a file the last row on a pair counts, of two files the later by claimed time, and then the one that parts them."""
    last: dict[frozenset[K], dict[bytes, Said[K]]] = {}
    for row in said:
        rows = last.setdefault(frozenset((row.one, row.other)), {})
        if row.file not in rows or row.place > rows[row.file].place:
            rows[row.file] = row
    decides = {pair: max(rows.values(), key=lambda row: (row.at_ms, row.step != "merged")) for pair, rows in last.items()}
    return {pair for pair, row in decides.items() if row.step == "merged" and len(pair) == 2}


def persons(known: Iterable[K], said: Iterable[Said[K]]) -> list[list[K]]:
    """Persons, those together that are one: with whomever they were joined, and with whomever these were."""
    return groups(((one, other) for one, other in joined(said)), known)
