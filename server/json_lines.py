"""Files of JSON Lines to which a server appends, read after its machine stopped at any moment (docs/spec.md §9.6, §19.1).

A line without its end, and one with a NUL in it, were being written when the power failed: a file may have grown by a sector whose bytes never came.
Nothing was answered on the strength of such a line, so it is passed over. Any other line that is no JSON raises ValueError.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def size_of_whole(path: Path) -> int:
    """How many bytes of a file are whole lines."""
    return path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0


def read_lines(path: Path | None) -> Iterator[dict[str, Any]]:
    """The lines of a file that were written to their end; of one that is not there, none."""
    if path is None or not path.exists():
        return
    data = path.read_bytes()
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        if b"\0" not in line:
            yield json.loads(line)
