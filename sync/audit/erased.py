"""A file of which there are ids and times: they are its chain, and its last entry is a valid erasure."""

from collections.abc import Sequence

from shared_schema.entry import decode_entry_alone
from shared_schema.errors import Contradiction, ProtocolError
from shared_schema.membership import file_statement
from shared_schema.removal import Erase
from sync import log as log_rules
from sync import membership, removal
from sync.audit.authorship import check_authorship, finding_code
from sync.audit.export import Audited, ExportedEntry, Leaf, Removed
from sync.exchange import accepted_event
from sync.log import Placed
from sync.registry import Registry


def verify_erased(log: bytes, entries: Sequence[ExportedEntry], known: Registry, result: Audited) -> None:
    """A file of which there are ids and times: they are its chain, and its last entry is a valid erasure."""
    state = log_rules.empty_log(log, known.incarnation if known.root else bytes(16))
    chains = result.chains.setdefault(log, [state.head.chain])
    for exported in entries:
        seq = state.head.seq + 1
        try:
            if exported.seq != seq:
                raise Contradiction(f"entry {seq} is missing or out of order: {exported.seq} stands there")
            entry = decode_entry_alone(exported.cose) if exported.cose else None
            state = log_rules.follow_id(state, entry.id if entry else exported.id, exported.received_ms)
        except ProtocolError as error:
            result.add("contradiction", log, seq, str(error))
            return
        if exported.chain != state.head.chain:
            result.add("contradiction", log, seq, "the entry does not hash to the place that it was recorded at")
        chains.append(state.head.chain)
        result.entries += 1
        result.items[log, seq] = entry.id if entry else exported.id, exported.received_ms
        event = accepted_event(log, Placed(seq, exported.received_ms, state.head.chain, entry), void=False) if entry else b""
        result.events[log, seq] = Leaf(exported.leaf, exported.salt, event)
        if entry is not None:
            _check_erasure(Placed(seq, exported.received_ms, state.head.chain, entry), len(entries), known, result)
    if log not in result.files:
        result.add("contradiction", log, state.head.seq, "entries are absent, and no statement erased the file")


def _check_erasure(place: Placed, last: int, known: Registry, result: Audited) -> None:
    entry = place.entry
    try:
        certificate, statement = known.devices.get(entry.author), file_statement(entry)
        if certificate is None or not isinstance(statement, Erase) or place.seq != last:
            raise Contradiction("entries are absent around one that erases nothing")
        check_authorship(place, certificate.keys.sign, result.chains[entry.log])
        result.witnessed.append((entry.log, place.seq, entry.ck))
        log_rules.check_address(entry, known.svc, entry.log)
        removal.check_erased(statement, entry, known, place.received_ms)
    except ProtocolError as error:
        result.voids += 1
        result.add(finding_code(error), entry.log, place.seq, str(error))
        return
    result.files[entry.log] = membership.erased(entry.log, statement, entry, known.side, {})
    result.removed[entry.log, entry.id] = Removed(entry.log, place.seq, entry.id, statement.reason, 0, None, frozenset(), set())
