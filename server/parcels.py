"""What a side does with parcels: publishes where its files receive them, takes them from its devices, gets them from the other side
(docs/spec.md §15).

Jobs in a realm's writer, each on its own side. What one side may know of the other is in server/crossing.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from server import parcel_store
from server.append.commit import Commit, Sender
from server.parcel_store import ParcelBatch
from shared_schema import cbor, ids, limits
from shared_schema.errors import Malformed, ProtocolError, Refused
from shared_schema.ids import Side
from shared_schema.parcel import (
    PASS,
    WEEK_MS,
    Come,
    Gate,
    Parcel,
    Publication,
    address_of,
    decode_gate,
    decode_parcel,
    parcel_map,
    pass_payload,
    week_of,
)
from shared_schema.roles import has_content
from shared_schema.wire import Answer
from sync.parcel import check_gate, check_publication

RECEIVING: Final = frozenset({"intake", "liaison"})
_ACCEPTED: Final = "accepted"
_MOST: Final = 256


@dataclass(slots=True)
class Board:
    """What a side has in memory about its files that receive parcels: `logs` by address, the gates of its desk by first week, and how many parcels
    each file has had.
    """

    logs: dict[bytes, bytes] = field(default_factory=dict)
    gates: list[tuple[Gate, bytes]] = field(default_factory=list)
    newest: dict[bytes, int] = field(default_factory=dict)

    @classmethod
    def load(cls, tx: Connection) -> "Board":
        """As the database has it."""
        board = cls(newest=parcel_store.newest(tx))
        board.read_again(tx)
        return board

    def read_again(self, tx: Connection) -> None:
        """What another process published. How many parcels came where, the journal says."""
        self.gates = [(decode_gate(data), data) for data in parcel_store.gates(tx)]
        self.logs = parcel_store.addresses(tx)

    def gate(self, week: int) -> tuple[Gate, bytes] | None:
        """The gate in force in a week, and its COSE bytes."""
        found = in_force([gate for gate, _ in self.gates], week)
        return next(((gate, data) for gate, data in self.gates if gate is found), None)

    def committed(self, batch: ParcelBatch) -> None:
        """What a transaction made true."""
        self.logs |= {row["address"]: row["log_id"] for row in batch.addresses}
        self.gates = sorted(self.gates + [(decode_gate(row["object"]), row["object"]) for row in batch.gates], key=lambda one: one[0].first)
        self.newest |= {row["log_id"]: row["n"] for row in batch.came}


class Taken(NamedTuple):
    """What became of each parcel, in order, and the passes of those that were taken."""

    answers: tuple[Answer, ...]
    passes: tuple[bytes, ...]


def publish(commit: Commit, board: Board, side: Side, log: bytes, sender: Sender, publication: Publication) -> None:
    """Put a file's weekly keys on the board. Raises Refused `no-such-file`, `stale-epoch`, `not-permitted`, or Malformed."""
    file = commit.file_of(log)
    if file is None or file.file not in RECEIVING or sender.user not in file.members or sender.device not in file.holders:
        raise Refused("no-such-file")
    if publication.epoch != file.epoch:
        raise Refused("stale-epoch", f"keys of epoch {publication.epoch}, want {file.epoch}")
    svc, week = commit.registry.svc, week_of(commit.now_ms)
    address = address_of(svc, side, log)
    found = check_publication(publication, svc, side, address, week)
    if file.file == "intake":
        known = [gate for gate, _ in board.gates] + [decode_gate(row["object"]) for row in commit.parcels.gates]
        fresh = None if publication.gate is None else _new_gate(commit, known, side, address, publication.gate, week)
        _check_under_gates([*known, *([fresh] if fresh else [])], address, publication.key, found)
        if fresh is not None:
            commit.parcels.gates.append({"address": address, "first": fresh.first, "object": publication.gate})
    for at, data in found.items():
        if at > week or parcel_store.intake_key(commit.tx, log, at) is None:
            commit.parcels.keys.append({"log_id": log, "week": at, "object": data})
    if address not in board.logs:
        commit.parcels.addresses.append({"address": address, "log_id": log})
    event = {
        "e": "published",
        "device": sender.device,
        "log": log,
        "from": min(found, default=week),
        "to": max(found, default=week),
        "ms": commit.now_ms,
    }
    commit.audit.write(commit.batch, event)


def _new_gate(commit: Commit, known: Sequence[Gate], side: Side, address: bytes, data: bytes, week: int) -> Gate | None:
    """A gate that this side did not have, checked; None for one that it has."""
    gate = check_gate(data, commit.registry.svc, side, commit.registry.require_root().authority)
    same = [one for one in known if one.first == gate.first]
    if same and same[0].sign1.id == gate.sign1.id:
        return None
    if gate.address != address or gate.last < week:
        raise Refused("not-permitted", "the gate is for another desk, or its weeks are over")
    if same or (gate.first <= week and any(one.first <= week <= one.last for one in known)):
        raise Refused("not-permitted", "a new gate begins after the present week, and not with the same week as another")
    if any(one.address != address for one in known):
        raise Refused("not-permitted", "this side's desk is another file")
    return gate


def _check_under_gates(gates: Sequence[Gate], address: bytes, key: bytes, found: Mapping[int, bytes]) -> None:
    for week in found:
        over = in_force(gates, week)
        if over is None or over.address != address or over.key != key:
            raise Refused("not-permitted", "no gate of the authority names this address key for these weeks")


def in_force(gates: Sequence[Gate], week: int) -> Gate | None:
    """The gate in force in a week: the one with the greatest first week of those that have the week in them."""
    return max((one for one in gates if one.first <= week <= one.last), key=lambda one: one.first, default=None)


def take(commit: Commit, sender: Sender, raw: tuple[Any, ...], exists: Callable[[bytes], bool], count: Callable[[int], None]) -> Taken:
    """Take parcels from a device of this side. `exists` says whether the other side has an address, `count` raises Refused `quota`."""
    answers: list[Answer] = []
    passes: list[bytes] = []
    certificate = commit.registry.devices[sender.device]
    for item in raw:
        parcel: Parcel | None = None
        try:
            parcel = decode_parcel(item)
            if not any(has_content(role) for role in certificate.subject.roles):
                raise Refused("not-permitted", "only people who work with cases send parcels")
            if parcel.root != commit.registry.root_id:
                raise Malformed("the parcel names another side's root")
            passes.append(_taken_before(commit, parcel) or _take_one(commit, sender, parcel, exists, count))
            answers.append(Answer(parcel.id, _ACCEPTED))
        except ProtocolError as error:
            answers.append(Answer(parcel.id if parcel else bytes(16), error.code, str(error)))
    return Taken(tuple(answers), tuple(passes))


def _taken_before(commit: Commit, parcel: Parcel) -> bytes | None:
    rows = (row for row in commit.parcels.sent if (row["address"], row["parcel_id"]) == (parcel.address, parcel.id))
    here = next((parcel_store.Sent(row["hash"], row["passed"]) for row in rows), None)
    before = here or parcel_store.sent(commit.tx, parcel.address, parcel.id)
    if before is None:
        return None
    if before.hash != ids.sha256(parcel.sealed):
        raise Refused("parcel-spent")
    return before.passed


def _take_one(commit: Commit, sender: Sender, parcel: Parcel, exists: Callable[[bytes], bool], count: Callable[[int], None]) -> bytes:
    if not exists(parcel.address):
        raise Refused("no-such-file")
    if not parcel.fixed and parcel.week < week_of(commit.now_ms) - 1:
        raise Refused("stale-key")
    if parcel.week > week_of(commit.now_ms):
        raise Malformed("the parcel is sealed to a key of a week to come")
    count(len(parcel.sealed))
    passed = commit.sign(PASS, pass_payload(parcel, commit.now_ms))
    commit.parcels.sent.append(
        {
            "address": parcel.address, "parcel_id": parcel.id, "hash": ids.sha256(parcel.sealed), "taken_ms": commit.now_ms, "waits": 1,
            "passed": passed, "parcel": cbor.encode(parcel_map(parcel)),
        }
    )  # fmt: skip
    commit.audit.write(commit.batch, {"e": "sent", "device": sender.device, "address": parcel.address, "id": parcel.id, "ms": commit.now_ms})
    return passed


def carried(commit: Commit, waiting: parcel_store.Waiting) -> None:
    """The other side has it: its bytes go, its id stays."""
    commit.parcels.carried.append({"to": waiting.address, "id": waiting.parcel_id})


def receive(commit: Commit, board: Board, waiting: parcel_store.Waiting) -> None:
    """Take a parcel that the other side's server has taken, once for ever; what was removed here, or is for a file that was erased, is not kept."""
    log = board.logs.get(waiting.address)
    file = None if log is None else commit.file_of(log)
    if log is None or file is None or file.erased is not None or commit.removing.gone.names_parcel(log, waiting.parcel_id):
        return
    here = any((row["log_id"], row["parcel_id"]) == (log, waiting.parcel_id) for row in commit.parcels.came)
    if here or parcel_store.has_come(commit.tx, log, waiting.parcel_id):
        return
    n = board.newest.get(log, 0) + 1 + sum(row["log_id"] == log for row in commit.parcels.came)
    commit.parcels.came.append(
        {
            "log_id": log, "n": n, "parcel_id": waiting.parcel_id, "received_ms": commit.now_ms, "shown_ms": None, "passed": waiting.passed,
            "parcel": waiting.parcel,
        }
    )  # fmt: skip
    commit.audit.write(commit.batch, {"e": "came", "log": log, "n": n, "ms": commit.now_ms})


def page(tx: Connection, log: bytes, after: int) -> tuple[list[Come], bool]:
    """Parcels of a file after number `after`, as many as one answer has room for, and whether there are more."""
    rows = parcel_store.came_after(tx, log, after, _MOST + 1)
    found: list[Come] = []
    size = 0
    for row in rows[:_MOST]:
        size += len(row.parcel)
        if found and size > limits.PAGE_BYTES:
            break
        found.append(Come(row.n, row.received_ms, row.passed, cbor.Raw(row.parcel)))
    return found, len(found) < len(rows)


def show(commit: Commit, sender: Sender, log: bytes, first: int, last: int) -> None:
    """The audit log says which parcels go to a device before they go; what was shown and is old enough need not stay."""
    commit.parcels.shown.append({"log": log, "after": first - 1, "upto": last, "ms": commit.now_ms})
    commit.parcels.spent.append({"log": log, "before": commit.now_ms - limits.PARCEL_WEEKS * WEEK_MS})
    event = {"e": "shown", "device": sender.device, "log": log, "from": first - 1, "to": last, "ms": commit.now_ms}
    commit.audit.write(commit.batch, event)
