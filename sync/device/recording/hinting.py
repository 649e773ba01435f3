"""What to look at again before a record is signed: words that may tell where somebody is, and words that hide who did what (docs/spec.md §5.9).

A hint and no rule: nothing is kept from being signed, and nothing of it is stored or sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sync.device.recording import records
from sync.device.session import Session
from sync.phrasing import hints
from sync.spills import spills


@dataclass(frozen=True, slots=True)
class Hint:
    """Words in a field: `what` they may tell, with `near` in a sentence about somebody else; or what to say `instead`."""

    field: str
    words: str
    what: str = ""
    near: bool = False
    instead: str = ""

    def __str__(self) -> str:
        if self.instead:
            return f"{self.field}: “{self.words}”: better: {self.instead}"
        return f"{self.field}: “{self.words}”: a {self.what}{', in a sentence about somebody else' if self.near else ''}"


def look(session: Session, log: bytes, record: bytes) -> list[Hint]:
    """What is worth a second look in the narratives of a record; what may tell of somebody else comes first."""
    side = session.require_file(log).side
    found = [hint for field, text in _narratives(session, log, record) for hint in _of(field, text, spilling=side == "perpetrator")]
    return sorted(found, key=lambda one: (not one.near, bool(one.instead)))


def _of(field: str, text: str, *, spilling: bool) -> Iterator[Hint]:
    if spilling:  # on the victim side her places are what the file is for
        yield from (Hint(field, text[one.start : one.end], one.what, one.near) for one in spills(text))
    yield from (Hint(field, text[one.start : one.end], instead=one.instead) for one in hints(text))


def _narratives(session: Session, log: bytes, record: bytes) -> Iterator[tuple[str, str]]:
    type_ = session.types.get(session.record(log, record).type)
    for name, shown in records.values(session, log, record).items():
        spec = type_.fields.get(name) if type_ is not None else None
        if spec is None:
            continue
        if spec.kind == "long" and isinstance(shown.value, str):
            yield name, shown.value
        elif spec.kind == "list":
            long = [cell.name for cell in spec.cells.values() if cell.kind == "long"]
            rows: list[Any] = shown.value if isinstance(shown.value, list) else []
            yield from ((name, row[cell]) for row in rows if isinstance(row, dict) for cell in long if isinstance(row.get(cell), str))
