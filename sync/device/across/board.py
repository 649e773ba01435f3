"""Where parcels go: the keys of the other side's files, and the publishing of one's own (docs/spec.md §15.1, §15.2)."""

from typing import Any, Final, NamedTuple, Protocol

from shared_schema import cbor, ids, limits
from shared_schema.errors import Malformed, ProtocolError, Refused
from shared_schema.parcel import Gate, Publication, decode_gate, decode_intake_key, encode_publication, week_of
from shared_schema.shape import as_blob, as_list, versioned
from sync.device.session import Session
from sync.letters import FileKeys
from sync.parcel import OTHER, check_gate, check_intake_key

RECEIVING: Final = frozenset({"intake", "liaison"})
_DESK: Final = "desk"  # the fact that holds the other side's gate and its key of a week
_PUBLISHED: Final = "published:"  # with a log's id in hex: for which epoch, from which week and under which gates its keys are on the board
_ASKED: Final = "desk-asked"  # the fact that says when the other side had no desk
_ASK_AGAIN_MS: Final = 600_000


class Signed(Protocol):
    """How a signed request reaches the server. Raises Refused `offline` when it does not."""

    def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
        """The answer's body."""
        ...


class Desk(NamedTuple):
    """The other side's desk: its address, and the key of one week."""

    address: bytes
    week: int
    key: bytes


def week_now(session: Session) -> int:
    """The week, by the server's clock as this device last heard it."""
    return week_of(session.now_ms() + session.clock_offset())


def desk(session: Session) -> Desk | None:
    """The other side's desk as this device last heard of it."""
    raw = session.store.fact(_DESK)
    return None if raw is None else Desk(*cbor.decode(raw))


def refresh_desk(session: Session, transport: Signed, *, wanted: bool = False) -> None:
    """Ask for the desk's key once a week; while there is no desk, now and then, or when something is `wanted` for it."""
    have, week = desk(session), week_now(session)
    asked = int(session.store.fact(_ASKED) or 0)
    if (have is not None and have.week == week) or (have is None and not wanted and session.now_ms() - asked < _ASK_AGAIN_MS):
        return
    session.store.set_fact(_ASKED, str(session.now_ms()).encode())
    try:
        map_ = versioned(cbor.decode(transport.signed(session, "GET", "/v1/desk")), "desk", "gate", "key")
    except Refused as error:
        if error.code == "no-such-file":
            return
        raise
    me = session.identity
    gate = check_gate(as_blob(map_["gate"], "gate"), me.svc, OTHER[me.side], session.registry.require_root().authority)
    week = _week_of(map_["key"])
    if not gate.first <= week <= gate.last or week > week_now(session) + 1:
        raise Malformed("the desk's key is of a week that its gate does not name")
    if have is not None and week < have.week:
        raise Malformed(f"the server shows the desk's key of week {week} after that of week {have.week}")
    key = check_intake_key(as_blob(map_["key"], "key"), me.svc, OTHER[me.side], gate.address, gate.key, week)
    session.store.set_fact(_DESK, cbor.encode(list(Desk(gate.address, week, key))))


def _week_of(data: Any) -> int:
    return decode_intake_key(as_blob(data, "key")).week


def fetch_key(session: Session, transport: Signed, address: bytes, address_keys: list[bytes]) -> tuple[int, bytes]:
    """(week, key) of an address of the other side whose address key is one of `address_keys`. Raises Refused or Malformed."""
    me = session.identity
    map_ = versioned(cbor.decode(transport.signed(session, "GET", f"/v1/address/{ids.show(address)}")), "address", "key")
    data = as_blob(map_["key"], "key")
    week = _week_of(data)
    if abs(week - week_now(session)) > 1:
        raise Malformed(f"the server shows a key of week {week}, want {week_now(session)}")
    for address_key in address_keys:
        try:
            return week, check_intake_key(data, me.svc, OTHER[me.side], address, address_key, week)
        except Malformed:
            continue
    raise Malformed("the key that the server shows is not signed by that case")


# --- one's own files ---------------------------------------------------------------------------------------------------------


def file_keys(session: Session, log: bytes) -> list[FileKeys]:
    """The keys of a file that receives parcels, by epoch, the newest first."""
    me, secrets = session.identity, session.store.secrets(log)
    return [FileKeys(me.svc, me.side, log, epoch, secrets[epoch]) for epoch in sorted(secrets, reverse=True)]


def receiving_files(session: Session) -> list[bytes]:
    """The files that receive parcels and that this device holds."""
    me, found = session.identity, []
    for log in session.file_logs():
        state = session.file(log)
        if state is not None and state.file in RECEIVING and me.user in state.members and me.device in state.holders:
            found.append(log)
    return found


def publish(session: Session, transport: Signed, gate: bytes | None = None, *, only: bytes | None = None) -> None:
    """Put the weekly keys of this device's receiving files on the board, where epoch, week or gate is another than the last time."""
    week = week_now(session)
    for log in receiving_files(session) if only is None else [only]:
        state = session.require_file(log)
        if state.epoch not in session.store.secrets(log):
            continue
        mark = cbor.encode([state.epoch, week])
        if gate is None and session.store.fact(_PUBLISHED + log.hex()) == mark:
            continue
        try:
            _publish_one(session, transport, log, state.file, state.epoch, week, gate)
        except Refused as error:
            if error.code in ("stale-epoch", "no-such-file") and gate is None:  # somebody has changed the keys meanwhile: the next sync sees it
                continue
            raise
        session.store.set_fact(_PUBLISHED + log.hex(), mark)


def _publish_one(session: Session, transport: Signed, log: bytes, file: str, epoch: int, week: int, gate: bytes | None) -> None:
    keys = file_keys(session, log)
    newest, path, last = keys[0], f"/v1/intake/{ids.show(log)}", week + limits.INTAKE_WEEKS
    if file == "liaison":
        body = Publication(epoch, newest.address_key.public, None, newest.publish(week, last, newest.address_key))
        transport.signed(session, "POST", path, encode_publication(body))
        return
    answer = versioned(cbor.decode(transport.signed(session, "GET", path)), "published", "gates")
    known = [as_blob(item, "gate") for item in as_list(answer["gates"], "gates")]
    gates = sorted((decode_gate(data) for data in [*known, *([gate] if gate else [])]), key=lambda one: one.first)
    by_public = {one.address_key.public: one.address_key for one in keys}
    for index, one in enumerate(gates):
        end = min(last, one.last, *(later.first - 1 for later in gates[index + 1 :]))
        signer = by_public.get(one.key)
        if signer is None or end < max(week, one.first):
            continue
        sent = gate if gate is not None and decode_gate(gate).sign1.id == one.sign1.id else None
        body = Publication(epoch, one.key, sent, newest.publish(max(week, one.first), end, signer))
        transport.signed(session, "POST", path, encode_publication(body))


def desk_request(session: Session, log: bytes) -> tuple[bytes, bytes]:
    """(address, address key) that the authority's gate for this desk has to name: of the present epoch. Raises Refused."""
    state = session.require_file(log)
    if state.file != "intake" or log not in receiving_files(session):
        raise Refused("bad-value", "a desk is an intake file that this device holds")
    newest = file_keys(session, log)[0]
    if newest.epoch != state.epoch:
        raise Refused("no-standing", "this device has not been given the file's keys yet: any other device that has them does so when it syncs")
    return newest.address, newest.address_key.public


def own_gate(session: Session, transport: Signed, log: bytes) -> list[Gate]:
    """The gates of one's own desk, in order of their first weeks."""
    answer = versioned(cbor.decode(transport.signed(session, "GET", f"/v1/intake/{ids.show(log)}")), "published", "gates")
    return sorted((decode_gate(as_blob(item, "gate")) for item in as_list(answer["gates"], "gates")), key=lambda one: one.first)


def tend_board(session: Session, transport: Signed, *, wanted: bool) -> None:
    """What a sync does for parcels besides carrying them. A failure is an alarm, and no reason for the sync to fail."""
    try:
        publish(session, transport)
        refresh_desk(session, transport, wanted=wanted)
    except ProtocolError as error:
        if error.code == "offline":
            return
        session.alarm(None, None, error.code if error.code != "malformed" else "bad-key", f"keys for parcels could not be exchanged: {error}")
