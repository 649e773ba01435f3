"""Giving a server back what it lost of this device's files; and where it went on without, putting that aside (docs/spec.md §19.3, §19.4)."""

from dataclasses import replace
from typing import Any, Final

from shared_schema import cbor, ids, limits
from shared_schema.entry import decode_entry, decode_entry_alone
from shared_schema.errors import ProtocolError, Refused
from shared_schema.membership import KIND, file_statement
from shared_schema.restoring import HealedTo, Healing, decode_healed_to, encode_healing
from sync.change import decode_change, encode_part
from sync.device.across.board import Signed
from sync.device.session import Session
from sync.log import AuthorHead

_BYTES: Final = limits.REQUEST_BYTES * 3 // 4
_ENDS: Final = 64  # times that a side came back: where each of them ended is looked at in turn
_LATER: Final = frozenset({"restoring", "stale-registry", "quota", "busy", "internal", "no-such-file", "no-such-route"})


def heal(session: Session, transport: Signed, lost: dict[bytes, int]) -> bool:
    """Bring back what is missing of these files, of which the server has so much; True when something came of it, and the server is to be asked again.

    Raises Refused `offline`. One file holds up no other.
    """
    done = False
    for log, has in lost.items():
        try:
            done |= _heal(session, transport, log, has)
        except ProtocolError as error:
            if error.code == "offline":
                raise
            if error.code not in _LATER:
                session.alarm(log, None, error.code, f"what the server lost of this file could not be brought back: {error}")
    return done


def _heal(session: Session, transport: Signed, log: bytes, has: int) -> bool:
    row, head = session.store.log(log), session.store.signed_head(log)
    if row is None or head is None:
        return False
    own, chain_at = row[0], session.chain_at(log)
    if has >= own:  # as long, and another
        return _set_aside(session, transport, log, own)
    at, gave = has, False
    while at < own:
        try:
            end = _bring(session, transport, log, at, head)
        except ProtocolError as error:
            if error.code != "contradiction":
                raise
            return _set_aside(session, transport, log, own)  # it has other entries there
        if chain_at(end.seq) != end.chain or (end.seq < own and not end.open):
            return _set_aside(session, transport, log, own, end)
        if end.seq <= at:
            break
        at, gave = end.seq, True
    return gave


def _bring(session: Session, transport: Signed, log: bytes, after: int, head: bytes) -> HealedTo:
    links, entries, size = [], list[Any](), 0
    for row in session.store.entries(log, after):
        links.append((row.id, row.received_ms))
        size += len(row.cose) + len(row.parts)
        if len(entries) + 1 == len(links) and (not entries or size <= _BYTES):
            entries.append([row.cose, cbor.Raw(row.parts)] if row.cose else row.id)
    if len(links) > limits.HEAL_LINKS:
        raise Refused("too-large", f"{len(links)} entries are missing, want at most {limits.HEAL_LINKS}")
    body = encode_healing(Healing(after, tuple(links), head, tuple(entries)))
    return decode_healed_to(transport.signed(session, "POST", f"/v1/heal/{ids.show(log)}", body))


def _set_aside(session: Session, transport: Signed, log: bytes, own: int, end: HealedTo | None = None) -> bool:
    """The server went on without what is here: find where, and put the rest aside. False where more may still come back."""
    chain_at = session.chain_at(log)
    for _ in range(_ENDS):
        below = own if end is None else end.seq
        if end is not None and chain_at(end.seq) == end.chain:
            if end.open or end.seq >= own:
                return False
            park(session, log, end.seq)
            return True
        if end is not None:
            below -= 1
        if below < 0:
            break
        end = decode_healed_to(transport.signed(session, "GET", f"/v1/heal/{ids.show(log)}?below={below}"))
        if end.seq > below:
            break
    session.alarm(log, own, "contradiction", "the server came back from an older copy, and shows another history of this file than it did before")
    session.stop_log(log, "contradiction")
    return False


def park(session: Session, log: bytes, after: int) -> None:
    """Put aside what is here of a file after place `after`: one's own changes wait to be sealed again under the same numbers, colleagues' are kept."""
    store, me = session.store, session.identity
    with session.store.transaction():
        lost = [row for row in store.entries(log, after) if row.statement and row.author == me.device and not row.void]
        kinds = [KIND[type(file_statement(decode_entry_alone(row.cose)))] for row in lost if row.cose]
        genesis = next((row for row in store.entries(log, after) if row.seq == 1 and row.author == me.device), None)
        kept = store.park(log, after, me.device, session.now_ms())
        store.put_authors(log, _authors(session, log))
        for item in store.waiting(log):  # they follow what is not there
            if not item.dead:
                store.unseal_from(item.n)
                store.drop_outbox(item.n)
        _see_less(session, log, after)
        if genesis is not None:
            store.put_outbox(log, 1, genesis.id, 1, genesis.cose, genesis.parts, session.now_ms())
        session.forget_reader(log)
        state = session.file(log)
        for epoch in store.secrets(log) if genesis is None else ():
            if state is None or epoch not in state.commits:
                store.drop_secret(log, epoch)
        session.alarm(log, after, "parked", _told(kept, kinds))


def _see_less(session: Session, log: bytes, after: int) -> None:
    """What was written in sight of what is put aside has seen what is left: a change that claims more would be a hole for everybody else."""
    for row in session.store.unsealed(log):
        change = decode_change(row.body)
        if change.b > after:
            session.store.set_body(log, row.device, row.c, encode_part([replace(change, b=after)])[1:])


def _told(kept: int, kinds: list[str]) -> str:
    text = f"the service lost {kept} entries of this file, and went on without them. What you wrote is sent again by itself"
    text += "; what colleagues wrote is kept on this device, in fieldkeep restored list, until theirs send it again"
    asked = [kind for kind in kinds if kind not in ("genesis", "epoch", "grant")]
    return text + (f". Do again what you had decided: {', '.join(asked)}" if asked else "")


def _authors(session: Session, log: bytes) -> list[tuple[bytes, int, bytes]]:
    """Each author's last entry, of those that are left."""
    last: dict[bytes, AuthorHead] = {}
    for row in session.store.entries(log):
        entry = decode_entry(row.cose, cbor.decode(row.parts)) if row.cose else None
        if entry is None or (entry.svc, entry.log) != (session.identity.svc, log):
            continue
        before = last.get(entry.author)
        if (entry.sq, entry.pv) == ((1, None) if before is None else (before.sq + 1, before.id)):
            last[entry.author] = AuthorHead(entry.sq, entry.id)
    return [(device, one.sq, one.id) for device, one in last.items()]
