"""What of a referral must not be given to the other side: names, addresses, numbers of people harmed and of children (docs/spec.md §15.8).

Pure. It compares texts; that a text says in other words where she is, it cannot see.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

HIDDEN: Final[Mapping[str, tuple[str, ...]]] = {
    "people_harmed": ("names", "born", "address", "contact", "safe_to_contact"),
    "children": ("names", "born", "lives_with", "whose"),
}
"""The lists of a referral pack, and their cells, that stay where the pack is."""
_LEAST: Final = 3  # letters of a word of a name, and of a text, that is looked for
_DIGITS: Final = 6


def repeated(values: Mapping[str, Any], pack: Mapping[str, Any]) -> list[str]:
    """The hidden cells of a pack that `values`, the fields of a `referral`, repeat, each as `list.cell`. A first name may stand in `called` alone."""
    said = [_plain(text) for name, value in values.items() for text in _texts(value, called=name == "linked_people")]
    called = [_plain(str(row.get("called", ""))) for row in values.get("linked_people", ()) if isinstance(row, Mapping)]
    digits = ["".join(filter(str.isdigit, text)) for text in [*said, *called]]
    found: dict[str, None] = {}
    for list_, cells in HIDDEN.items():
        for row in pack.get(list_, ()):
            for cell in cells:
                detail = str(row.get(cell, ""))
                first, rest = _plain(detail).partition(" ")[::2] if cell == "names" else ("", "")
                in_called = any(_says(text, cell, detail) and (cell != "names" or text != first or _says(text, cell, rest)) for text in called)
                if in_called or any(_says(text, cell, detail) for text in said) or _numbers(digits, detail):
                    found[f"{list_}.{cell}"] = None
    return list(found)


def _says(text: str, cell: str, detail: str) -> bool:
    """True when a text has the detail in it: of names any word, of an address any of its pieces."""
    pieces = detail.split() if cell in ("names", "whose", "lives_with") else re.split(r"[,;\n]", detail) if cell == "address" else [detail]
    return any(len(piece) >= _LEAST and re.search(rf"(?<!\w){re.escape(piece)}(?!\w)", text) for piece in map(_plain, pieces))


def _numbers(said: Iterable[str], detail: str) -> bool:
    digits = "".join(filter(str.isdigit, detail))
    return len(digits) >= _DIGITS and any(digits in text for text in said)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _texts(value: Any, *, called: bool = False) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    for key, item in value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ():
        if not (called and key == "called"):
            yield from _texts(item, called=called)
