"""Export files: whole or not at all, and no server can keep an export going for ever."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema import cbor
from shared_schema.errors import Malformed
from sync.device import audit_files
from tests.live import Live
from tests.world import patched


def test_a_full_disk_leaves_the_export_that_was_there(live: Live, tmp_path: Path) -> None:
    sam = live.enrol("Sam", ("navigator",))
    out = tmp_path / "perpetrator.jsonl"
    export = audit_files.from_store(sam)
    audit_files.write_export(export, out, sam.identity.authority, 0)
    before = out.read_bytes()
    lines = audit_files._lines

    def fills_up(*arguments: Any) -> Iterator[dict[str, Any]]:
        yield next(lines(*arguments))
        raise OSError(28, "No space left on device")

    with patched(audit_files, "_lines", fills_up), pytest.raises(OSError, match="No space"):
        audit_files.write_export(export, out, sam.identity.authority, 0)
    assert out.read_bytes() == before
    assert [one.name for one in tmp_path.glob("perpetrator*")] == ["perpetrator.jsonl"]
    assert out.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("what", ["log", "events"])
def test_a_server_that_repeats_a_page(live: Live, what: str) -> None:
    sue = live.enrol("Sue", ("supervisor_perpetrator",), "oversight")
    seen: dict[str, bytes] = {}

    def repeats(path: str) -> bytes:
        kind = path.split("/")[4].partition("?")[0]
        answer = live.transport.signed(sue, "GET", path)
        return seen.setdefault(path.partition("?")[0], answer) if kind == what else answer

    with pytest.raises(Malformed, match="does not go on"):
        audit_files.from_server(repeats, "perpetrator")
    assert cbor.decode(next(iter(seen.values())))
