"""HPKE draws its own randomness, so sealed bytes are made once: while what goes into them stays the same, those that the file holds are kept."""

import json
from collections.abc import Callable
from typing import Any

from tests.vectors.notation import FOLDER, Book, from_json, same


class Kept:
    """The sealed bytes of one vector file. `apart` gives the bytes a name of their own, so that several cases can refer to them."""

    def __init__(self, book: Book, *, apart: bool = False) -> None:
        self._book, self._apart = book, apart
        self._old: dict[str, Any] = {}
        path = FOLDER / book.topic / f"{book.name}.json"
        if path.exists():
            for name, written in json.loads(path.read_text(encoding="utf-8"))["shared"].items():
                self._old[name] = from_json(written, self._old)

    def sealed(self, name: str, made_of: Any, make: Callable[[], bytes]) -> bytes:
        """The bytes that the file holds for `name`, where they were made of the same; else new ones."""
        old = self._old.get(f"sealed {name}")
        sealed: bytes = old["bytes"] if old is not None and same(old["made_of"], made_of) else make()
        if self._apart:
            self._book.share(f"bytes {name}", sealed)
        self._old[f"sealed {name}"] = self._book.share(f"sealed {name}", {"made_of": made_of, "bytes": sealed})
        return sealed
