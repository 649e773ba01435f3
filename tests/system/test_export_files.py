"""Export files: whole or not at all, and no server can keep an export going for ever."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema import cbor, cose, ids
from shared_schema.entry import Head
from shared_schema.errors import Malformed
from shared_schema.receipt import HEAD, head_payload
from sync.device.exports import audit_files
from sync.signing import SigningKey, sign_object
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
        answer = cbor.decode(live.transport.signed(sue, "GET", path))
        if kind == what:
            answer[{"log": "entries"}.get(kind, kind)][1:] = []  # there is more to come
            return seen.setdefault(path.partition("?")[0], cbor.encode(answer))
        return cbor.encode(answer)

    with pytest.raises(Malformed, match="does not go on"):
        audit_files.from_server(repeats, "perpetrator", sue.identity.svc)
    assert seen


SVC, LOG = bytes(16), b"l" * 16


def _answers() -> dict[str, Any]:
    """What an honest server says of a side with one log of one entry: enough for a client that verifies later."""
    key = SigningKey(bytes(32))
    head = sign_object(key, cose.protected_header(HEAD, bytes(16), SVC), head_payload(LOG, Head(bytes(16), 1, bytes(32))))
    registry = ids.registry_log(SVC, "perpetrator")
    logs = {"v": 1, "svc": SVC, "side": "perpetrator", "registry": registry, "authority": bytes(32), "events": 1, "checkpoint": "note"}
    return {
        "logs": logs | {"logs": [[LOG, "case", head]]},
        "log": {"entries": [[1, 5, b"cose", bytes(32), 0, bytes(32)]]},
        "events": {"events": [[0, bytes(32), b"event"]], "size": 1},
    }


def _fetch(answers: dict[str, Any], tmp_path: Path) -> int:
    """How many lines the export has."""

    def get(path: str) -> bytes:
        return cbor.encode(answers[path.split("/")[4].partition("?")[0]])

    return audit_files.write_export(audit_files.from_server(get, "perpetrator", SVC), tmp_path / "x.jsonl", bytes(32), 1)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from _places(item, (*path, key))


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of `value` with `new` at `path`."""
    made = dict(value) if isinstance(value, dict) else list(value)
    made[path[0]] = new if len(path) == 1 else _put(made[path[0]], path[1:], new)
    return made


class TestAHostileServer:
    """Whatever it answers, the export is refused in one sentence or is of what was asked for."""

    def test_an_honest_one(self, tmp_path: Path) -> None:
        assert _fetch(_answers(), tmp_path) == 5

    @pytest.mark.parametrize("path", list(_places(_answers())), ids=str)
    def test_any_other_value_anywhere(self, tmp_path: Path, path: tuple[Any, ...]) -> None:
        answers = _answers()
        wrongs: tuple[Any, ...] = (None, True, -1, "", "x" * 2000, b"", b"x" * 15, b"x" * 33, [], {}, [[]], [[1, 2, 3]], {"v": 1})
        for wrong in wrongs:
            changed = _put(answers, path, wrong)
            try:
                _fetch(changed, tmp_path)
            except Malformed:
                continue
            fits = type(wrong) is bytes if path[-1] == 2 else wrong == []  # the bytes of an entry or event, or fewer rows
            assert fits, f"{wrong!r} was taken for {path}"

    @pytest.mark.parametrize(
        ("key", "value"),
        [("v", 2), ("v", 0), ("svc", b"z" * 16), ("side", "victim"), ("registry", ids.registry_log(SVC, "victim")), ("registry", bytes(16))],
    )
    def test_another_service_or_side(self, tmp_path: Path, key: str, value: Any) -> None:
        with pytest.raises(Malformed, match=r"another service or side|v is not"):
            _fetch(_put(_answers(), ("logs", key), value), tmp_path)

    def test_a_log_twice_or_with_another_head(self, tmp_path: Path) -> None:
        answers = _answers()
        row = answers["logs"]["logs"][0]
        for rows in ([row, row], [[b"q" * 16, *row[1:]]]):
            with pytest.raises(Malformed, match="listed twice"):
                _fetch(_put(answers, ("logs", "logs"), rows), tmp_path)

    def test_what_comes_later_is_not_asked_for(self, tmp_path: Path) -> None:
        """Others write meanwhile, or a server never ends."""
        answers = _answers()
        answers["log"]["entries"].append([2, *answers["log"]["entries"][0][1:]])
        answers["events"]["events"].append([1, bytes(32), b"event"])
        assert _fetch(answers, tmp_path) == 5
