"""Records of every type: `python -m bench.mixed [--records 10000]` folds and checks so many, each begun by one device and most edited by another.

Median of five, least and most, beside the decoding of the same bytes alone. The records are those that the tests make from the schemas: every type in turn,
every policy of merging, a third of them signed. First with every field that a type has, which nobody fills in; then with what it needs and half of
the rest. Aim: the fold of 10,000 in half a second.
"""

import argparse
import itertools
import os
import statistics
from collections.abc import Callable
from random import Random
from typing import Any

from bench.figures import timed
from shared_schema import catalogue, cbor, ids, schema_files
from sync.change import decode_part
from sync.device.recording.values import check_value
from sync.fold import Occurrence, fold_log, fold_record, show, state_hash
from tests.schema.devices import LOG, Device, begin, edit
from tests.schema.generator import Generator, places

_TURNS = 5
_FIRST, _SECOND = ids.sha256(b"first")[:16], ids.sha256(b"second")[:16]


def main() -> None:
    """Make them, then measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.mixed", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    asked = parser.parse_args()
    for share in (1.0, 0.5):
        _measure(asked.records, share)


def _measure(count: int, share: float) -> None:
    types = catalogue.load(schema_files.own()).types
    parts = _written(count, share)
    occurrences = _decoded(parts)
    ops = sum(len(one.change.ops) for one in occurrences)
    size = sum(len(body) for _, _, body in parts)
    print(
        f"\n{count:,} records of {len(types)} types, what they need and {share:.0%} of the rest: {len(occurrences):,} changes, {ops:,} values, {size / 1e6:.1f} MB; load {os.getloadavg()[0]:.1f}"
    )
    records = fold_log(LOG, occurrences, types)
    _measured("decoded", lambda: _decoded(parts), len(parts))
    _measured("folded, decoded before", lambda: fold_log(LOG, occurrences, types), count)
    _measured("shown", lambda: [show(record, types) for record in records.values()], count)
    _measured("state hash", lambda: state_hash(records), count)
    values = [
        (one.change.t, op.field, op.value)
        for one in occurrences
        for op in one.change.ops
        if op.action == "set" and isinstance(op.field, str) and op.field in types[one.change.t].fields
    ]
    _measured("each value checked by its schema", lambda: _check(values), len(values))
    _measured("floor: the same bytes, decoded as CBOR and no more", lambda: [cbor.decode(body) for _, _, body in parts], len(parts))


def _written(count: int, share: float) -> list[tuple[int, bytes, bytes]]:
    """(place, author's device, part)."""
    own = catalogue.load(schema_files.own())
    first, second = Device(_FIRST, own), Device(_SECOND, own)
    generator, other, lot = Generator(schema_files.own(), 1), Generator(schema_files.own(), 2), Random(3)
    parts = []
    for c, (type_, kind, side) in zip(range(1, count + 1), itertools.cycle(places(own.types)), strict=False):
        whole = generator.record(type_, kind, side)
        values = {name: value for name, value in whole.items() if type_.fields[name].need != "optional" or lot.random() < share}
        record, body = begin(first, type_, values, c, sign=c % 3 == 0)
        parts.append((2 * c - 1, _FIRST, body))
        [begun] = decode_part(body)
        folded = fold_record(LOG, record, [Occurrence(2 * c - 1, 1, _FIRST, _FIRST, "navigator", begun)], own.types)
        if (change := edit(second, folded, other, c, 2 * c - 1)) is not None:
            parts.append((2 * c, _SECOND, change))
    return parts


def _check(values: list[tuple[str, str, Any]]) -> None:
    for type_, field, value in values:
        check_value(type_, field, value)


def _decoded(parts: list[tuple[int, bytes, bytes]]) -> list[Occurrence]:
    return [Occurrence(seq, seq, device, device, "navigator", change) for seq, device, body in parts for change in decode_part(body)]


def _measured(what: str, work: Callable[[], object], count: int) -> None:
    taken = []
    for _ in range(_TURNS):
        with timed() as timer:
            made = work()
        del made  # which takes time too, and nobody waits for it
        taken.append(timer.seconds)
    middle = statistics.median(taken)
    print(f"{what:55} {middle:7.3f} s  ({min(taken):.3f} - {max(taken):.3f})  {middle / count * 1e6:6.1f} us each")


if __name__ == "__main__":
    main()
