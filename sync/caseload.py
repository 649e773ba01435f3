"""How many cases each worker leads, and who leads too many (docs/spec.md §5.10). Pure.

A person whose records were joined is one case of a worker, whatever the number of files.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

MOST: Final = 6
"""Cases that one navigator is to hold at most (Cleveland); a service may choose another number."""
_NOT_HELD: Final = frozenset(("referred", "not_suitable", "awaiting_consent", "waiting", "closed"))
_QUIET: Final = frozenset(("on_hold", "silent_file_open", "in_custody"))


class Case(NamedTuple):
    """A case file: who leads it, who covers for them today, where it stands, and a number that files of one person share."""

    file: bytes
    lead: str
    cover: str
    status: str
    person: int


class Load(NamedTuple):
    """One worker's cases: those that are led, how many of these are quiet, those covered for a colleague; `over` says by how many it is too much."""

    worker: str
    cases: int
    quiet: int
    covering: int
    over: int
    files: tuple[bytes, ...]


def caseload(cases: Iterable[Case], most: int = MOST) -> list[Load]:
    """Each worker's load, the heaviest first. A case without a lead is nobody's; a status that is not known counts as held."""
    led: dict[str, dict[int, Case]] = {}
    covered: dict[str, set[int]] = {}
    for one in cases:
        if one.status in _NOT_HELD:
            continue
        if one.lead:
            before = led.setdefault(one.lead, {}).get(one.person)
            if before is None or before.status in _QUIET:
                led[one.lead][one.person] = one
        if one.cover and one.cover != one.lead:
            covered.setdefault(one.cover, set()).add(one.person)
    found = []
    for worker in led.keys() | covered.keys():
        own = led.get(worker, {})
        quiet = sum(one.status in _QUIET for one in own.values())
        files = tuple(one.file for one in own.values())
        found.append(Load(worker, len(own), quiet, len(covered.get(worker, set()) - own.keys()), max(0, len(own) - most), files))
    return sorted(found, key=lambda one: (-one.cases, -one.covering, one.worker))
