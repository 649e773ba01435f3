"""What code and documents name of the documents is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


ROOMS = (
    "server",
    "sync",
    "shared_schema",
    "fieldkeep",
    "tests",
    "bench",
    "scripts",
    "docs",
    "field_app/core/src",
    "field_app/device/src",
    "field_app/app/src",
)


def named() -> set[str]:
    files = [*ROOT.glob("*.md"), *(file for room in ROOMS for end in ("py", "ts", "tsx", "md", "cddl") for file in (ROOT / room).rglob(f"*.{end}"))]
    return {found for file in files for found in re.findall(r"\bdocs/(?:[a-z0-9_-]+/)*[A-Za-z0-9_-]+\.md\b", file.read_text(encoding="utf-8"))}


def test_each_document_that_is_named_is_there() -> None:
    found = named()
    assert len(found) > 10
    assert [name for name in sorted(found) if not (ROOT / name).exists()] == []
