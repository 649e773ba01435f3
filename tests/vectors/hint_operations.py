"""The operations of the topic `hints`: what is worth a second look before signing (docs/spec.md §5.9)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sync.phrasing import hints
from sync.spills import spills

In = dict[str, Any]

HINT_OPERATIONS: Final[Mapping[str, Callable[[In], Any]]] = {
    "spills": lambda given: [[one.what, given["text"][one.start : one.end], one.near] for one in spills(given["text"])],
    "phrases": lambda given: [[given["text"][one.start : one.end], one.instead] for one in hints(given["text"])],
}
