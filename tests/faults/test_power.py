"""A few hundred modelled power cuts, and what makes them worth having: a server or a device that does not wait for its disk is found out."""

from pathlib import Path

import cbor2
import pytest

from server.gone import Gone, Removed
from server.marks import Marks
from tests.faults import recording
from tests.faults.planted import NAME
from tests.faults.power import cut_device, cut_server
from tests.faults.promises import Answers
from tests.faults.trace import read
from tests.independent_verifier import take_apart

LINE = Removed(bytes(16), bytes(32), 1, 7, b"", bytes(32))


class TestServer:
    def test_what_was_acknowledged_outlives_the_power(self, tmp_path: Path) -> None:
        day = recording.record_server(tmp_path, 20)
        found = cut_server(day.calls, day.data, 150, 1, day.statements)
        assert found.broken == []
        assert found.promises > 30
        assert sum(map(len, day.statements.values())) == 3
        check_order(day)

    def test_a_server_that_answers_first_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "reply-early")
        with pytest.raises(AssertionError, match="not on disk"):
            check_order(recording.record_server(tmp_path, 6))

    def test_a_server_that_never_syncs_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "server-never-syncs")
        day = recording.record_server(tmp_path, 12)
        assert cut_server(day.calls, day.data, 60, 1, day.statements).broken
        with pytest.raises(AssertionError, match="not on disk"):
            check_order(day)


def check_order(day: recording.Day) -> None:
    """Before each answer with receipts a sync of the write-ahead log had ended that covers what holds each entry of them."""
    answers, wal, seen = Answers(), set[int](), 0
    written: dict[int, bytes] = {}
    syncing: dict[int, dict[int, bytes]] = {}
    synced: list[bytes] = []
    for step in read(day.calls):
        if step.kind == "open":
            wal.discard(step.fd)
            if step.path.endswith("perpetrator.db-wal"):
                wal.add(step.fd)
        elif step.kind == "write" and step.begins and step.fd in wal and not step.socket:
            written[step.n] = step.data
        elif step.kind == "sync" and step.fd in wal and step.begins:
            syncing[step.n] = dict(written)
        elif step.kind == "sync" and step.fd in wal:
            covered = syncing.pop(step.n)
            synced += covered.values()
            written = {n: data for n, data in written.items() if n not in covered}
        for said in answers.take(step):
            if isinstance(said.get("receipts"), list):
                for entry in entries(said["receipts"]):
                    assert any(entry in data for data in synced), "a receipt goes out whose entry is not on disk"
                    seen += 1
    assert seen > 10


def entries(receipts: list[bytes]) -> list[bytes]:
    """The ids that receipts name."""
    return [item[0] for cose in receipts for item in cbor2.loads(take_apart(cose)[1])["items"]]


class TestDevice:
    def test_what_was_saved_outlives_the_power(self, tmp_path: Path) -> None:
        typed = recording.record_device(tmp_path, 2.0)
        found = cut_device(typed.calls, typed.folder, typed.start, typed.key, typed.log, 40, 1)
        assert found.broken == []
        assert found.promises > 5

    def test_a_device_that_never_syncs_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "device-never-syncs")
        typed = recording.record_device(tmp_path, 2.0)
        found = cut_device(typed.calls, typed.folder, typed.start, typed.key, typed.log, 40, 1)
        assert any("not shown" in one or "not open" in one or "cannot be read" in one for one in found.broken)


class TestLines:
    """A line that was being written when the power failed: the file had grown, and its bytes never came."""

    def test_marks(self, tmp_path: Path) -> None:
        path = tmp_path / "perpetrator.marks"
        marks = Marks(path)
        marks.begin(bytes(16), bytes(32))
        marks.note_tree(5)
        path.write_bytes(path.read_bytes() + bytes(300) + b':9}\n{"tree":7}\n')
        again = Marks(path)
        assert (again.kept, again.tree) == (True, 7)
        path.write_bytes(path.read_bytes() + b'{"tree":\n')
        assert not Marks(path).kept, "what was damaged in any other way is none"

    def test_gone(self, tmp_path: Path) -> None:
        path = tmp_path / "perpetrator.gone.jsonl"
        Gone(path).add([LINE])
        path.write_bytes(path.read_bytes() + bytes(200) + path.read_bytes()[200:])
        assert list(Gone(path)) == [LINE]
