"""The vector files are what their generators write: none is edited by hand, and nothing in them depends on when they were written."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.vectors.generate import RANDOMISED, TOPICS, books
from tests.vectors.notation import FOLDER


def test_topics_are_the_folders() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_written_again_byte_for_byte(topic: str) -> None:
    """`grant`, `parcel` and `unlock` too, as long as their files are there: their sealed bytes are random and kept from them."""
    made = {f"{book.name}.json": book.text() for book in books(topic)}
    assert made.keys() == {path.name for path in (FOLDER / topic).iterdir()}
    for name, text in made.items():
        assert (FOLDER / topic / name).read_text(encoding="utf-8") == text, name


def test_only_what_is_sealed_by_hpke_is_random() -> None:
    assert {"grant", "parcel", "unlock"} == RANDOMISED


_PROBE: Final = "from tests.vectors.generate import books; print(*(book.text() for book in books('cbor') + books('ids') + books('log')))"


def test_another_process_writes_the_same() -> None:
    """Whatever the seed of Python's hashes."""
    root = Path(__file__).parents[2]
    outputs = {
        subprocess.run([sys.executable, "-c", _PROBE], cwd=root, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
