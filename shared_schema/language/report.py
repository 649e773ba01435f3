"""What is wrong with a schema or a code list: the file, the place in it, what was seen there and what was wanted."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_LONGEST = 80


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """One fault. `place` is a path of keys with dots between, empty for the file as a whole."""

    file: str
    place: str
    seen: str
    wanted: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.place}" if self.place else self.file
        return f"{where}: saw {self.seen}; wanted {self.wanted}"


@dataclass(slots=True)
class Report:
    """Gathers the faults of one file."""

    file: str
    complaints: list[Complaint] = field(default_factory=list)

    def say(self, place: Iterable[str], seen: str, wanted: str) -> None:
        """One more fault."""
        self.complaints.append(Complaint(self.file, ".".join(place), seen, wanted))

    def unless(self, holds: bool, place: Iterable[str], seen: object, wanted: str) -> bool:
        """A fault unless something holds; returns whether it does."""
        if not holds:
            self.say(place, shown(seen), wanted)
        return holds


def shown(value: object) -> str:
    """A piece of a schema as a message shows it."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def as_dict(value: Any) -> dict[str, Any]:
    """The value, or nothing where it is no object: that has been said already."""
    return value if isinstance(value, dict) else {}


def one_of(names: Iterable[str]) -> str:
    """Names to choose from."""
    return f"one of {', '.join(names) or 'none'}"
