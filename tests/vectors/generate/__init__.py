"""Generators of the vector files, one module a topic. Each has `books() -> list[Book]`; `python -m tests.vectors.generate` writes them all."""

from importlib import import_module
from typing import Final

from tests.vectors.notation import FOLDER, Book

TOPICS: Final = (
    "cbor", "ids", "keys", "cose", "entry", "log", "registry", "membership", "recovery", "approval", "removal", "grant", "sealing", "change", "fold", "stub",
    "ledger", "merkle", "checkpoint", "receipt", "exchange", "wire", "request", "parcel", "unlock", "cover", "merging",
    "attachment", "restoring", "due", "hints",
)  # fmt: skip
RANDOMISED: Final = frozenset({"grant", "parcel", "unlock"})  # HPKE draws its own randomness: sealed bytes are kept as they were written once


def books(topic: str) -> list[Book]:
    """The files of one topic, in memory."""
    made: list[Book] = import_module(f"tests.vectors.generate.{topic}").books()
    assert all(book.topic == topic for book in made)
    return made


def write(topic: str) -> int:
    """Write the files of one topic; returns how many cases they hold."""
    folder = FOLDER / topic
    folder.mkdir(parents=True, exist_ok=True)
    made = books(topic)
    for path in folder.glob("*.json"):
        if path.stem not in {book.name for book in made}:
            path.unlink()
    for book in made:
        (folder / f"{book.name}.json").write_text(book.text(), encoding="utf-8")
    return sum(len(book.golden) + len(book.must_refuse) for book in made)
