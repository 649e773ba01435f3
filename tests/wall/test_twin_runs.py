"""W4: what the victim side does changes no byte that the perpetrator side receives, stores, logs or exports. What leaks is found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server import app
from server.nonces import OwnNonces, SharedNonces
from server.realm import Realm
from tests.wall.story import Leak, difference, play, sizes
from tests.wall.twins import Run
from tests.world import Entropy

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def sealed() -> dict[bytes, bytes]:
    return {}


@pytest.fixture(scope="module")
def quiet(sealed: dict[bytes, bytes], tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return play(tmp_path_factory.mktemp("quiet"), sealed, busy=False)


def test_the_same_twice(quiet: Seen, sealed: dict[bytes, bytes], tmp_path: Path) -> None:
    """Else nothing below would mean anything."""
    assert difference(quiet, play(tmp_path, sealed, busy=False)) == []


def test_a_busy_victim_side_changes_nothing(quiet: Seen, sealed: dict[bytes, bytes], tmp_path: Path) -> None:
    """Enrolments, files, notes, links, letters read and filed, a suspension, a revocation."""
    assert difference(quiet, play(tmp_path, sealed, busy=True)) == []


@pytest.mark.parametrize("supported", [1, 3])
def test_a_case_of_whom_nobody_one_or_three_are_supported(supported: int, quiet: Seen, sealed: dict[bytes, bytes], tmp_path: Path) -> None:
    """Byte for byte the same: linked files, their workers, what is written about her."""
    assert difference(quiet, play(tmp_path, sealed, supported=supported)) == []


def test_an_instruction_goes_as_a_filler_does(quiet: Seen, sealed: dict[bytes, bytes], tmp_path: Path) -> None:
    """Whoever asks for something of a case does so in the parcel that would have gone: number, order and size of all messages stay, on the wire and on disk."""
    other = play(tmp_path, sealed, supported=3, instructs=True)
    assert sizes(other) == sizes(quiet)
    assert (other["log"], other["metrics"]) == (quiet["log"], quiet["metrics"])
    for table in quiet["database"]:
        assert len(other["database"][table]) == len(quiet["database"][table]), table
    assert "database" in difference(quiet, other)


def test_a_change_at_the_desk_changes_the_weekly_key_and_nothing_else(quiet: Seen, sealed: dict[bytes, bytes], tmp_path: Path) -> None:
    """People join the desk: what is sealed to its next week's key has other bytes; number, order and size of all messages stay."""
    other = play(tmp_path, sealed, busy=True, rotate_desk=True)
    assert sizes(other) == sizes(quiet)
    assert other["log"] == quiet["log"]
    assert other["metrics"] == quiet["metrics"]
    changed = {
        (name, table)
        for name in difference(quiet, other)
        if isinstance(quiet[name], dict)
        for table in quiet[name]
        if quiet[name][table] != other[name].get(table)
    }
    assert ("database", "parcel_out") in changed
    assert "heard by Sam" in difference(quiet, other)


# --- what leaks is found -----------------------------------------------------------------------------------------------------


def busy_with(run: Run) -> int:
    """Something that only the victim side knows."""
    return run.service.sides["victim"].realm.audit.next


def an_id(run: Run) -> None:
    audit = run.service.sides["perpetrator"].realm.audit
    honest = audit.salt
    audit.salt = lambda n: bytes([honest(n)[0] ^ (busy_with(run) & 255)]) + honest(n)[1:]  # type: ignore[method-assign]


def _answering(change: Callable[[Run, Any], Any]) -> Leak:
    def leak(run: Run) -> None:
        realm = run.service.sides["perpetrator"].realm
        honest = realm.answer
        realm.answer = lambda *args, **more: change(run, honest(*args, **more))  # type: ignore[method-assign]

    return leak


def an_order(run: Run) -> None:
    realm = run.service.sides["perpetrator"].realm
    honest = realm.pages.news
    realm.pages.news = lambda *args: honest(*args)[:: 1 if busy_with(run) < 30 else -1]  # type: ignore[method-assign]


def an_error_text(run: Run) -> None:
    honest = app.error_response
    run.patch(app, "error_response", lambda code, message: honest(code, f"{message} {busy_with(run)}"))


def a_checkpoint(run: Run) -> None:
    """The sides share an audit queue: what one does moves the other's tree."""
    sides = run.service.sides
    honest = Realm.push

    def push(realm: Realm, *args: Any) -> Any:
        if realm.side == "victim":
            other = sides["perpetrator"].realm
            other.transact([lambda commit: other.audit.write(commit.batch, {"e": "export", "by": bytes(16), "what": "logs", "ms": 0})])
            other.sequence()
        return honest(realm, *args)

    run.patch(Realm, "push", push)


def a_nonce_stream(run: Run) -> None:
    shared = Entropy(0, "one stream for both")
    for side in ("perpetrator", "victim"):
        nonces = run.service.side(side).nonces
        assert isinstance(nonces, OwnNonces | SharedNonces)
        nonces._entropy = shared


def a_log_line(run: Run) -> None:
    run.service.sides["victim"].log = run.service.sides["perpetrator"].log


LEAKS: dict[str, Leak] = {
    "id": an_id,
    "count": _answering(lambda run, answer: replace(answer, held=((bytes(16), busy_with(run)),))),
    "order": an_order,
    "size": _answering(lambda run, answer: replace(answer, receipts=answer.receipts * (1 if busy_with(run) < 30 else 2))),
    "error text": an_error_text,
    "checkpoint": a_checkpoint,
    "nonce stream": a_nonce_stream,
    "log line": a_log_line,
}


@pytest.mark.parametrize("channel", LEAKS)
def test_a_planted_leak_is_found(channel: str, sealed: dict[bytes, bytes], tmp_path: Path) -> None:
    runs = [play(tmp_path / name, sealed, busy=name == "busy", leak=LEAKS[channel]) for name in ("quiet", "busy")]
    assert difference(*runs) != []


def test_a_leak_that_both_runs_have_is_none(sealed: dict[bytes, bytes], tmp_path: Path) -> None:
    """The comparison is of what depends on the victim side."""
    honest = app.error_response
    leak: Leak = lambda run: run.patch(app, "error_response", lambda code, message: honest(code, message + " again"))  # noqa: E731
    runs = [play(tmp_path / name, sealed, busy=name == "busy", leak=leak) for name in ("quiet", "busy")]
    assert difference(*runs) == []
