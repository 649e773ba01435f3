"""A side that came back from an older copy: which incarnations it has had, and what of it is still waited for (docs/spec.md §19).

Vectors: shared_schema/vectors/registry/.  Pure. Used by sync/registry.py; who may sign is judged there.
"""

from dataclasses import dataclass, replace

from shared_schema.entry import Head, Witness
from shared_schema.errors import Refused
from shared_schema.restoring import Restore


@dataclass(frozen=True, slots=True)
class Restoration:
    """A `restore` at place `seq` of the registry, declared by device `by`. `healed` is the place of the `healed` that ended the waiting, if one did."""

    incarnation: bytes
    seq: int
    by: bytes
    marked: bool
    before: Witness | None
    healed: int | None = None


def restored(
    earlier: tuple[Restoration, ...], incarnations: tuple[bytes, ...], statement: Restore, sn: Head, seq: int, by: bytes
) -> tuple[Restoration, ...]:
    """With one more, at place `seq`. Raises Refused `not-permitted` for one whose author had not seen the registry's end, or an incarnation that was."""
    if sn.seq != seq - 1:
        raise Refused("not-permitted", "a restore follows the entry that its author had seen last, and no other")
    if statement.incarnation in incarnations:
        raise Refused("not-permitted", "a restored side never had its new incarnation before")
    if statement.before is not None and statement.before.incarnation not in incarnations:
        raise Refused("not-permitted", "the checkpoint is of an incarnation that this side never had")
    return (*earlier, Restoration(statement.incarnation, seq, by, statement.marked, statement.before))


def healed(earlier: tuple[Restoration, ...], seq: int) -> tuple[Restoration, ...]:
    """After a `healed` at place `seq`. Raises Refused `not-permitted` where nothing is waited for."""
    if not earlier or earlier[-1].healed is not None:
        raise Refused("not-permitted", "nothing is waited for on this side")
    return (*earlier[:-1], replace(earlier[-1], healed=seq))
