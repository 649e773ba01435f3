"""The reckoning after a history: every invariant of the protocol that can be seen from outside, checked against the servers' databases.

The auditor reads the rows, follows the chains with public keys only, and opens parts with the secrets of all devices together, which
nobody in the service has. What devices hold is then compared with that.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import server.pages
from shared_schema import cbor, ids
from shared_schema.entry import EXPUNCTION, Entry, decode_entry
from shared_schema.errors import BadGrant, Malformed
from shared_schema.membership import decode_file_statement
from shared_schema.receipt import decode_receipt
from shared_schema.records import Field, RecordType, record_types
from shared_schema.removal import Erase, Expunge
from shared_schema.roles import may_sign
from sync import keys, membership, sealing
from sync.change import CellKey, Change, FieldKey, Op, OpId, encode_part
from sync.cover_traffic import read_part
from sync.device.people.recovery import open_epochs
from sync.device.storage.tables import HELD, LET_OUT, OutboxRow
from sync.fold import FREEZING, FREEZING_WEIGHTS, Live, Occurrence, Record, Register, conflicts, fold_log, fold_record, in_conflict, show, state_hash
from sync.granting import open_grants
from sync.ledger import fold_fund
from sync.membership import FileState
from sync.registry import Registry
from sync.removal import check_erased as check_erasure
from sync.signing import verify_object
from sync.stub import decode_stub
from tests.simulation.model import CONTESTED, model_fund, model_leaf, model_record, model_root, model_shown
from tests.world import Host, Phone, World, patched

QUIET: Final = frozenset({"removed", "overtaken", "recovery", "erased", "letter-dropped", "cover-traffic"})
"""Alarms that an honest history may raise."""


class Broken(AssertionError):
    """A history broke an invariant. The message tells its whole story."""


def must(true: object, what: str) -> None:
    """Raises AssertionError, also under -O."""
    if not true:
        raise AssertionError(what)


# --- the views of devices over time (I7) -------------------------------------------------------------------------------------


@dataclass
class Views:
    """What each device has shown so far: `look` after every step."""

    seen: dict[tuple[str, bytes], tuple[int, bytes, int]] = field(default_factory=dict)

    def look(self, world: World) -> None:
        """I7: heads only grow, along one chain; what was read is still there. I1: what was typed is still there."""
        for phone in world.phones:
            store = phone.store
            for log, seq, chain, *_ in store.logs():
                placed = sum(1 for row in store.all_changes(log) if row.seq is not None)
                before = self.seen.get((phone.name, log))
                if before is not None:
                    must(seq >= before[0] and (not before[0] or store.chain_at(log, before[0]) == before[1]), f"I7: {phone.name}'s view went back")
                    must(placed >= before[2] or is_erased(phone, log), f"I7: {phone.name} forgot changes")
                self.seen[(phone.name, log)] = (seq, chain, placed)
            for typed in phone.journal.values():
                row = store.change(typed.log, phone.device, typed.c)
                if row is None and phone.session.revoked and not store.log(typed.log):
                    continue  # wiped: that it was handed in before is looked at in the end
                kept = (row is not None and row.body == typed.body) or phone.has_gone(typed.log, typed.c)
                must(kept, f"I1: {phone.name} lost change {typed.c}")


def is_erased(phone: Phone, log: bytes) -> bool:
    """Whether a device has heard that two people erased a file."""
    state = phone.session.file(log) if log != phone.session.registry.log else None
    return state is not None and state.erased is not None


# --- the auditor -------------------------------------------------------------------------------------------------------------


@dataclass
class Placed:
    """An entry as the server has it, opened."""

    seq: int
    entry: Entry
    received_ms: int
    chain: bytes
    leaf: int
    changes: list[Change] = field(default_factory=list)
    state: FileState | None = None
    user: bytes = b""
    role: str = ""
    late: bool = False


@dataclass
class Opened:
    """A whole file log from a server's database. `secrets` maps epochs to what the devices together know."""

    log: bytes
    side: str
    entries: list[Placed]
    secrets: dict[int, bytes]
    registry: Registry
    occurrences: list[Occurrence] = field(default_factory=list)

    @property
    def state(self) -> FileState:
        state = self.entries[-1].state
        if state is None:
            raise AssertionError("a file without a state")
        return state

    def upto(self, seq: int) -> list[Occurrence]:
        return [at for at in self.occurrences if at.seq <= seq]


def check_world(world: World, views: Views, rng: Random) -> Counter[str]:
    """Everything. Call after the network has healed and each device has synced three times. Returns what there was to be seen."""
    met: Counter[str] = Counter()
    for side in world.sides:
        host = world.hosts[side]
        phones = world.of_side(side)
        opened = {one.log: one for one in open_side(world, host)}
        check_accepted(world, host, opened)
        met += check_removed(world, host, phones, opened)
        for one in opened.values():
            check_once(one)
            check_sealed_against_removed(world, one, phones)
            check_wall(one)
            check_secrets(one, phones)
            met["renewed"] += check_recovery(world, one)
            met += check_folds(one)
            met["statements"] += sum(not placed.entry.is_envelope for placed in one.entries) - 1
            if one.state.file == "fund":
                met["disputed"] += check_money(one)
        met["out"] += sum(phone.out for phone in phones)
        met["leaves"] += check_audit(host, [*phones, world.admins[side]])
        for phone in phones:
            check_kept(phone, opened, host)
            check_quiet(phone)
            check_converged(phone, host, opened)
        check_equal(phones, opened)
    check_from_scratch(rng.choice(world.phones), rng)
    views.look(world)
    return met


def open_side(world: World, host: Host) -> Iterator[Opened]:
    """Every file log of a side, followed from outside (I4: nothing stands in a log that its own evidence forbids)."""
    known = host.realm.known()
    devices = [*world.of_side(host.side), world.admins[host.side]]
    for (log,) in host.rows("SELECT log_id FROM log_head WHERE log_id != ? ORDER BY log_id", bytes(known.log)):
        if host.rows("SELECT 1 FROM entry WHERE log_id = ? AND length(cose) = 0", log):
            check_erased(host, log, known)
            continue
        secrets = {epoch: secret for phone in devices for had in (phone.had.get(log, {}), phone.store.secrets(log)) for epoch, secret in had.items()}
        opened = Opened(log, host.side, list(_follow(host, log, known)), secrets, known)
        _open(opened)
        yield opened
    list(_follow(host, known.log, known))


def _follow(host: Host, log: bytes, known: Registry) -> Iterator[Placed]:
    chain, when = ids.chain_start(log), 0
    last: dict[bytes, tuple[int, bytes]] = {}
    chains = {0: chain}
    rows = host.rows("SELECT seq, entry_id, author, sq, received_ms, chain, leaf, cose, parts FROM entry WHERE log_id = ? ORDER BY seq", log)
    head = host.rows("SELECT seq, chain FROM log_head WHERE log_id = ?", log)[0]
    for n, (seq, entry_id, author, sq, received_ms, stored_chain, leaf, cose, parts) in enumerate(rows, 1):
        entry = decode_entry(cose, cbor.decode(parts))
        chain = ids.chain_next(chain, n, received_ms, entry.id)
        must((seq, entry_id, stored_chain) == (n, entry.id, chain) and received_ms >= when, f"I4: entry {n} is not on its chain")
        before = last.get(author, (0, None))
        must((entry.author, entry.sq, entry.pv) == (author, before[0] + 1, before[1]) and entry.sq == sq, f"I4: entry {n} breaks its author's order")
        if author in known.devices:
            verify_object(entry.sign1, known.devices[author].keys.sign)
        if log != known.log:
            must(entry.sn.seq < n and chains[entry.sn.seq] == entry.sn.chain, f"I4: the author of entry {n} saw another log")
        when, last[author], chains[n] = received_ms, (entry.sq, entry.id), chain
        yield Placed(n, entry, received_ms, chain, leaf)
    must((head[0], head[1]) == (len(rows), chain), "the head row is not the last entry")


def check_erased(host: Host, log: bytes, known: Registry) -> None:
    """Of an erased file the server has ids, times and the erasure, which lead to its head; nothing of it says who wrote what."""
    rows = host.rows("SELECT seq, entry_id, received_ms, chain, cose, parts, author FROM entry WHERE log_id = ? ORDER BY seq", log)
    chain = ids.chain_start(log)
    for n, (seq, entry_id, received_ms, stored, *_) in enumerate(rows, 1):
        chain = ids.chain_next(chain, n, received_ms, entry_id)
        must((seq, stored) == (n, chain), f"I4: entry {n} of an erased file is not on its chain")
    must(host.rows("SELECT seq, chain FROM log_head WHERE log_id = ?", log) == [(len(rows), chain)], "the head row is not the last entry")
    must(all(not cose and not parts and not author for *_, cose, parts, author in rows[:-1]), "something of an erased file is left")
    erasure = decode_entry(rows[-1][4])
    must(rows[-1][1] == erasure.id, "the erasure is another entry")
    statement = decode_file_statement(erasure.sign1.payload)
    if not isinstance(statement, Erase):
        raise AssertionError("what ends an erased file is no erasure")
    check_erasure(statement, erasure, known, rows[-1][2])
    for table in ("held", "verdict", "author_head"):
        left = host.rows(f"SELECT count(*) FROM {table} WHERE log_id = ?", log)[0][0]
        must(left <= (table != "held") * 99, f"{table} still has rows of an erased file")


def _open(opened: Opened) -> None:
    state: FileState | None = None
    said: dict[int, list[Occurrence]] = {}
    for one in opened.entries:
        entry = one.entry
        certificate = opened.registry.devices[entry.author]
        if entry.is_envelope:
            membership.check_envelope(state, entry)
            role = state.members.get(certificate.subject.user, "") if state else ""
        else:
            state = membership.take(state, entry, opened.registry, one.received_ms)
            role = ""
        sealed = entry.sealed
        if sealed is not None:
            user, late = opened.registry.devices[sealed.author].subject.user, sealed is not entry
            one.changes = _changes(opened, sealed)
            role = state.ever.get(user, "") if late and state else role
            said[one.seq] = [Occurrence(one.seq, one.received_ms, sealed.author, user, role, change, late) for change in one.changes]
            one.role, one.user, one.late = role, user, late
        if entry.typ == EXPUNCTION:
            _place_stub(opened, entry, said, state)
        one.state = state
    opened.occurrences = [at for seq in sorted(said) for at in sorted(said[seq], key=lambda at: at.change.c)]


def _place_stub(opened: Opened, entry: Entry, said: dict[int, list[Occurrence]], state: FileState | None) -> None:
    """What an expunction says in the place of the part that it removes."""
    statement = decode_file_statement(entry.sign1.payload)
    if not isinstance(statement, Expunge) or state is None or statement.at == 0:
        return
    target = opened.entries[statement.at - 1]
    sealed = target.entry.sealed
    epoch = entry.epoch or 0
    ctx = keys.context(entry.svc, opened.log, epoch)
    plain = sealing.open_part(opened.secrets[epoch], ctx, entry.author, entry.sq, entry.sign1.protected, entry.parts[0] or b"", 0, 1)
    must(sealed is not None and target.entry.parts[statement.part] is None, "the server has a part that was expunged")
    author = sealed.author if sealed is not None else b""
    stub = decode_stub(plain, state.file)
    said[statement.at] += [
        Occurrence(statement.at, target.received_ms, author, target.user, target.role, change, target.late, stub=True) for change in stub
    ]


def _changes(opened: Opened, entry: Entry) -> list[Change]:
    found: list[Change] = []
    epoch = entry.epoch or 0
    ctx = keys.context(entry.svc, opened.log, epoch)
    for i, part in enumerate(entry.parts):
        if part is not None:
            plain = sealing.open_part(opened.secrets[epoch], ctx, entry.author, entry.sq, entry.sign1.protected, part, i, len(entry.parts))
            found += read_part(plain)
    return sorted(found, key=lambda change: change.c)


# --- I1, I4, I6 ----------------------------------------------------------------------------------------------------------------


def check_accepted(world: World, host: Host, opened: Mapping[bytes, Opened]) -> None:
    """I1: what any server ever receipted stands where the receipt says, once."""
    known = host.realm.known()
    logs: dict[bytes, dict[bytes, int]] = {}
    for log, seq, entry_id in host.rows("SELECT log_id, seq, entry_id FROM entry"):
        logs.setdefault(log, {})[entry_id] = seq
    must(opened.keys() | {known.log} <= logs.keys(), "I1: a log is gone")
    for data, side in world.receipts.items():
        if side == host.side:
            receipt = decode_receipt(data)
            for entry_id, seq, _ in receipt.items:
                must(logs.get(receipt.log, {}).get(entry_id) == seq, f"I1: a receipted entry is not at its place {seq}")


def check_once(opened: Opened) -> None:
    """I6: no entry and no change of a device stands twice in a log."""
    entries = Counter(one.entry.id for one in opened.entries)
    changes = Counter((at.device, at.change.c) for at in opened.occurrences)
    must(max(entries.values()) == 1, "I6: an entry stands twice")
    must(not changes or max(changes.values()) == 1, "I6: a change stands twice")


def _handed_in(phone: Phone, host: Host) -> dict[tuple[bytes, int], bytes]:
    """What of a device the server keeps aside, or kept until somebody decided: the bodies of changes by log and number."""
    found: dict[tuple[bytes, int], bytes] = {}
    for log, cose, parts in host.rows("SELECT log_id, cose, parts FROM held WHERE author = ?", phone.device):
        entry = decode_entry(cose, cbor.decode(parts))
        if entry.is_envelope:
            opened = Opened(log, host.side, [], phone.had.get(log, {}), host.realm.known())
            found |= {(log, change.c): encode_part([change])[1:] for change in _changes(opened, entry)}
    return found


def check_kept(phone: Phone, opened: Mapping[bytes, Opened], host: Host) -> None:
    """I1: whatever was typed is in the log as it was typed, or still on its device: held work too, until somebody lets it in. A device that has wiped
    itself had handed it in.
    """
    handed = _handed_in(phone, host) if phone.session.revoked else {}
    placed = {
        (log, at.device, at.change.c): (at.seq, encode_part([at.change])[1:])
        for log, found in opened.items()
        for at in found.occurrences
        if not at.stub
    }
    removed = {(log, at.device, at.change.c) for log, found in opened.items() for at in found.occurrences if at.stub}
    sealed = {item.n for item in phone.store.outbox()}
    for typed in phone.journal.values():
        if phone.has_gone(typed.log, typed.c) or (phone.session.revoked and host.realm.gone.erased(typed.log)):
            continue
        row = phone.store.change(typed.log, phone.device, typed.c)
        where = placed.get((typed.log, phone.device, typed.c))
        if row is None and phone.session.revoked:
            kept = typed.body in (handed.get((typed.log, typed.c)), where[1] if where else None) or (typed.log, phone.device, typed.c) in removed
            must(kept, f"I1: {phone.name} wiped change {typed.c}, which nobody has")
            continue
        if row is None or row.body != typed.body:
            raise AssertionError(f"I1: {phone.name} lost change {typed.c}")
        if where is None and row.seq is not None and (typed.log not in opened or (typed.log, phone.device, typed.c) in removed):
            continue  # removed since, and this device is not told any more: it keeps what it has
        if where is None:
            must(row.seq is None and (row.sealed is None or row.sealed in sealed), f"I1: change {typed.c} of {phone.name} is nowhere on its way")
        else:
            must(where[1] == typed.body, f"I1: change {typed.c} of {phone.name} was altered")
            must(row.seq in (None, where[0]), f"I1: {phone.name} has change {typed.c} at another place")


def check_quiet(phone: Phone) -> None:
    """An honest history raises no alarms and finds no contradictions."""
    loud = [(code, text) for _, _, _, _, code, text, _ in phone.store.alarms() if code not in QUIET]
    must(not loud, f"{phone.name} raised {loud}")
    must(not phone.store.fact("frozen"), f"{phone.name} froze")


# --- what two people removed ---------------------------------------------------------------------------------------------------


def check_removed(world: World, host: Host, phones: list[Phone], opened: Mapping[bytes, Opened]) -> Counter[str]:
    """What was expunged or erased is in no row of the server, and in none of any device that has heard of it."""
    met: Counter[str] = Counter()
    dump = b"".join(bytes(cell) for table in ("entry", "held") for row in host.rows(f"SELECT cose, parts FROM {table}") for cell in row)
    for (log, envelope, part), doomed in world.doomed.items():
        expunged = log in opened and (envelope, part) in opened[log].state.expunged
        erased = log not in opened and bool(host.rows("SELECT 1 FROM log_head WHERE log_id = ?", log))
        if not (expunged or erased):
            continue
        met["expunged" if expunged else "erased"] += 1
        must(doomed.part not in dump, f"the server still has part {part} of {envelope.hex()[:6]}, which was removed")
        for phone in phones:
            if expunged and (phone.user not in opened[log].state.members or phone.session.reader(log).log.head.seq < opened[log].entries[-1].seq):
                continue
            if erased and not is_erased(phone, log):
                continue
            rows = _everything(phone)
            must(doomed.part not in rows, f"{phone.name} still has part {part} of {envelope.hex()[:6]}, which was removed")
            for device, c, body in doomed.changes:
                stored = phone.store.change(log, device, c)
                must(stored is None or stored.expunged is not None, f"{phone.name} still has change {c}, which was removed")
                must(body not in rows or _says_nothing(body), f"{phone.name} still has the words of change {c}, which was removed")
    return met


def _says_nothing(body: bytes) -> bool:
    """True for a change that signs, say: its stub is the change itself."""
    try:
        return bool(decode_stub(b"\x81" + body, "fund"))
    except Malformed:
        return False


def _everything(phone: Phone) -> bytes:
    """Every cell of a device's store."""
    db = phone.store._db
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    cells = (cell for table in tables for row in db.execute(f"SELECT * FROM {table}").fetchall() for cell in row if isinstance(cell, bytes))
    return b"\0".join(cells)


# --- I5 and the wall -----------------------------------------------------------------------------------------------------------


def check_sealed_against_removed(world: World, opened: Opened, phones: list[Phone]) -> None:
    """I5: with all secrets that a removed device can have, nothing opens that was sealed by who had applied the removal."""
    for phone in phones:
        left = _left_at(opened, phone.device)
        if left is not None:
            _check_closed(world, opened, phone.name, left, all_secrets(phone, opened))


def _check_closed(world: World, opened: Opened, who: str, left: int, secrets: set[bytes]) -> None:
    later = [one.entry for one in opened.entries if one.seq > left and one.entry.is_envelope]
    for one in world.overheard.values():
        entry = decode_entry(one.pair[0], one.pair[1])
        gone = _left_at(opened, entry.author)
        by_one_who_left = gone is not None and entry.sn.seq >= gone  # it seals under the last key that it had: what is held
        if entry.log == opened.log and entry.is_envelope and entry.sn.seq >= left and not by_one_who_left:
            later.append(entry)
    for entry in later:
        must(not opens(entry, opened.log, secrets), f"I5: {who} can read entry {entry.sq} of {entry.author.hex()[:6]} after leaving at {left}")


def check_recovery(world: World, opened: Opened) -> int:
    """The recovery key that holds a file opens all of it; one that held it before, nothing that was sealed since. Returns how often it changed."""
    statements = [(one.entry.author, decode_file_statement(one.entry.sign1.payload)) for one in opened.entries if not one.entry.is_envelope]
    held = [(one.seq, one.state.recovery) for one in opened.entries if one.state is not None]
    changes = 0
    for secret in world.recovery[opened.registry.side]:
        found = open_epochs(opened.state, statements, secret, opened.registry.svc)
        places = [seq for seq, key in held if key == secret.id]
        if secret.id == opened.state.recovery:
            wanted = sorted(opened.state.commits)
            must(sorted(found) == wanted, f"the recovery key opens epochs {sorted(found)} of {opened.log.hex()[:6]}, want {wanted}")
        elif places:
            changes += 1
            left = min(seq for seq, key in held if seq > places[-1])
            _check_closed(world, opened, "an old recovery key", left, set(found.values()))
        else:
            must(not found, "a recovery key opens what was never granted to it")
    return changes


def _left_at(opened: Opened, device: bytes) -> int | None:
    """The place of the statement by which a device that held the file ceased to; None while it holds it, or if it never did."""
    left, held = None, False
    for one in opened.entries:
        holds = one.state is not None and device in one.state.holders
        left = one.seq if held and not holds else None if holds else left
        held = holds
    return left


def all_secrets(phone: Phone, opened: Opened) -> set[bytes]:
    """Everything that a device has or could open, were it handed the whole log."""
    return set(phone.store.secrets(opened.log).values()) | granted(phone, opened)


def granted(phone: Phone, opened: Opened) -> set[bytes]:
    """The secrets of every grant in the log that opens with this device's key."""
    found: set[bytes] = set()
    me = phone.session.identity
    for one in opened.entries:
        if not one.entry.is_envelope:
            statement = decode_file_statement(one.entry.sign1.payload)
            try:
                found |= set(open_grants(statement, one.entry.author, phone.session.receive_key, me.device, (me.svc, opened.log)).values())
            except BadGrant:
                continue
    return found


def opens(entry: Entry, log: bytes, secrets: set[bytes]) -> bool:
    """Whether any part opens under any of the secrets."""
    ctx = keys.context(entry.svc, log, entry.epoch or 0)
    for secret in secrets:
        for i, part in enumerate(entry.parts):
            try:
                sealing.open_part(secret, ctx, entry.author, entry.sq, entry.sign1.protected, part or b"", i, len(entry.parts))
            except Malformed:
                continue
            return True
    return False


def check_secrets(opened: Opened, phones: list[Phone]) -> None:
    """I3: a device holds exactly the secrets that were granted to it, as far as it has read."""
    for phone in phones:
        held = set(phone.store.secrets(opened.log).values())
        must(held <= granted(phone, opened), f"I3: {phone.name} holds a secret that nobody granted to it")


def check_wall(opened: Opened) -> None:
    """W1: every grant in every log goes to a device of the log's own side, or to one of that side's recovery keys."""
    allowed = {*opened.registry.devices, *(key.id for key in opened.registry.recovery.keys)}
    for one in opened.entries:
        if not one.entry.is_envelope:
            grants = decode_file_statement(one.entry.sign1.payload).grants
            must(all(grant.to in allowed for grant in grants), f"W1: entry {one.seq} grants across the wall")


# --- I2, I8, I13 ---------------------------------------------------------------------------------------------------------------


def check_equal(phones: list[Phone], opened: Mapping[bytes, Opened]) -> None:
    """I2: equal grants and equal heads, equal live sets and shown values; and both equal to the auditor's."""
    found: dict[tuple[bytes, int, frozenset[int]], tuple[bytes, Any]] = {}
    for phone in phones:
        for log, seq, *_ in phone.store.logs():
            epochs = frozenset(phone.store.secrets(log))
            if log not in opened or not epochs:
                continue
            state = opened[log].entries[seq - 1].state
            if opened[log].state.expunged.keys() != (state.expunged.keys() if state is not None else set()):
                continue  # who left, or is kept out, has what they have read, and is not told of what was removed since
            everything = state is not None and epochs >= state.commits.keys()
            mine = _picture(phone.session.records(log, pending=False))
            if everything and (log, seq, epochs) not in found:
                found[(log, seq, epochs)] = _picture(fold_log(log, opened[log].upto(seq), record_types()))
            must(found.setdefault((log, seq, epochs), mine) == mine, f"I2: {phone.name} shows another state of {log.hex()[:6]} at {seq}")
            if everything and state is not None and state.file == "fund":
                purse = fold_fund(log, phone.session.occurrences(log, pending=False))
                must(purse == fold_fund(log, opened[log].upto(seq)), f"I2: {phone.name} counts another fund at {seq}")
            for record_id, record in phone.session.records(log).items():
                alone = phone.session.record(log, record_id)
                must(_picture({record_id: alone}) == _picture({record_id: record}), f"I13: {phone.name} folds a record alone to something else")


def _picture(records: Mapping[bytes, Record]) -> tuple[bytes, Any]:
    shown = {
        (record.hex(), name): (repr(one.value), one.conflict, one.stop, len(one.siblings), len(one.proposals))
        for record, folded in records.items()
        for name, one in show(folded, record_types()).items()
    }
    return state_hash(records), sorted(shown.items())


def check_folds(opened: Opened) -> Counter[str]:
    """I8 at every step of every record's history, I13 for every prefix, and agreement with the model."""
    met: Counter[str] = Counter(changes=len(opened.occurrences))
    by_record: dict[bytes, list[Occurrence]] = {}
    for at in opened.occurrences:
        by_record.setdefault(at.change.r, []).append(at)
    for record, changes in by_record.items():
        before = fold_record(opened.log, record, [], record_types())
        for n in range(1, len(changes) + 1):
            after = fold_record(opened.log, record, changes[:n], record_types())
            check_step(opened.log, before, after, changes[n - 1])
            met["conflicts"] += len(conflicts(after, record_types())) > len(conflicts(before, record_types()))
            met["signed"] += len(after.signatures) > len(before.signatures)
            before = after
        whole = fold_log(opened.log, opened.occurrences, record_types())[record]
        must(_picture({record: whole}) == _picture({record: before}), "I13: folding record by record and log by log differ")
        if not any(at.stub for at in changes):  # the model knows nothing of values that are the same and cannot be seen
            check_against_model(opened.log, record, before, changes)
        check_hidden(before, changes)
        met["hidden"] += before.hidden
    return met


def check_step(log: bytes, before: Record, after: Record, at: Occurrence) -> None:
    """I8: one change takes out of live sets only what its author may take out, and is itself not lost."""
    type_ = record_types().get(after.type)
    signs = any(op.action == "sign" for op in at.change.ops)
    for key, register in before.registers.items():
        ops = [op for op in at.change.ops if op.field == key]
        for gone in [op for op_id, op in register.live.items() if op_id not in after.registers[key].live]:
            if signs and _freezes(type_, key) and gone.id in {op.id for op in after.registers[key].proposals}:
                continue
            if key == "state" and [op.value for op in after.registers[key].live.values()] == ["void"] and at.user == after.creator_user:
                continue  # void ends every other state
            must(any(_may_end(op, gone, register, at, _merge(type_, key)) for op in ops), f"I8: {gone.value!r} left {key} without a decision")
    flagged = {op_id for op_id, _ in after.flags}
    for i, op in enumerate(at.change.ops):
        op_id = OpId(at.device, at.change.c, i)
        if op.action in ("set", "add", "resolve") and op_id not in flagged:
            register = after.registers[op.field]
            there = op_id in register.live or any(one.id == op_id for one in register.proposals)
            newer = (newest := register.newest_of(at.device)) is not None and newest > op_id
            must(there or newer, f"I8: the op on {op.field} had no effect and no flag")


def _merge(type_: RecordType | None, key: FieldKey) -> str:
    spec = _spec(type_, key)
    return spec.merge if spec else "unknown"


def _spec(type_: RecordType | None, key: FieldKey) -> Field | None:
    if type_ is None:
        return None
    if isinstance(key, CellKey):
        outer = type_.fields.get(key.list)
        return outer.cells.get(key.cell) if outer else None
    return type_.fields.get(key)


def _freezes(type_: RecordType | None, key: FieldKey) -> bool:
    return type_ is not None and type_.weight in FREEZING_WEIGHTS and _merge(type_, key) in FREEZING and key != "state"


def _may_end(op: Op, gone: Live, register: Register, at: Occurrence, merge: str) -> bool:
    if merge == "append":
        return False
    named = gone.id in op.preds and (gone.seq <= at.change.b or gone.id.device == at.device)
    if merge == "set" or (merge == "unknown" and op.action == "remove"):
        return op.action == "remove" and named
    if gone.id.device == at.device:
        return op.action in ("set", "resolve")
    return named and (op.action == "resolve" or (op.action == "set" and not (merge in CONTESTED and in_conflict(register))))


def check_against_model(log: bytes, record: bytes, folded: Record, changes: list[Occurrence]) -> None:
    """The live sets and shown values are the model's; a signed record keeps what was signed."""
    type_ = record_types().get(folded.type)
    if any(signature.user == folded.creator_user for signature in folded.signatures):
        check_signed(folded, type_)
        return
    slots = model_record(log, record, type_, changes)
    mine = {key: {op_id: cbor.encode(op.value) for op_id, op in register.live.items()} for key, register in folded.registers.items()}
    theirs = {key: {one.id: cbor.encode(one.value) for one in slot.values} for key, slot in slots.items()}
    must({k: v for k, v in mine.items() if v} == {k: v for k, v in theirs.items() if v}, f"I2: live sets differ from the model: {mine} {theirs}")
    shown = show(folded, record_types())
    for key, slot in slots.items():
        spec = _spec(type_, key)
        if spec is not None and isinstance(key, str) and spec.merge not in ("set", "append"):
            wanted = model_shown(slot, spec)
            must(key not in shown or shown[key].value == wanted, f"I2: {key} shows {shown[key].value!r}, want {wanted!r}")


def check_hidden(folded: Record, changes: list[Occurrence]) -> None:
    """A record is hidden by a deletion whose author had seen, or had made before, every other op on it."""
    type_ = record_types().get(folded.type)
    ops = [(at, op) for at in changes for op in at.change.ops]
    hidden = any(
        all(other.action == "delete" or by.seq <= at.change.b or (by.device == at.device and by.change.c <= at.change.c) for by, other in ops)
        for at, op in ops
        if op.action == "delete"
    )
    must(
        folded.hidden == (hidden and (type_ is None or type_.deletable)),
        f"I8: the record is {'hidden' if folded.hidden else 'shown'} against the rule",
    )


def check_signed(folded: Record, type_: RecordType | None) -> None:
    """What froze holds signed ops only: those of the first signature of whoever made the record."""
    if type_ is None or type_.weight not in FREEZING_WEIGHTS:
        return
    signed = set(next(signature.signs for signature in folded.signatures if signature.user == folded.creator_user))
    for key, register in folded.registers.items():
        if isinstance(key, str) and _merge(type_, key) in FREEZING - {"append"} and key != "state":
            resolved = {op_id for op_id, op in register.live.items() if op.reason is not None}
            must(set(register.live) <= signed | resolved, f"a signed {key} holds what nobody signed")


def check_from_scratch(phone: Phone, rng: Random) -> None:
    """I13: the same device, from nothing, with other page sizes and restarts between the pages, holds the same."""
    if phone.out:
        return
    again = phone.blank(f"{phone.name} again")
    try:
        with (
            patched(server.pages, "_RESPONSE_BYTES", rng.choice((1500, 4000, 1 << 22))),
            patched(server.pages, "_PAGE_ROWS", rng.choice((1, 3, 2048))),
        ):
            for _ in range(2):
                again.sync()
                again.restart()
        for log, seq, chain, *_ in phone.store.logs():
            if log == phone.session.registry.log:
                continue
            state = phone.session.file(log)
            if (
                state is not None
                and state.erased is None
                and phone.user not in state.members
                and any(place[0] == log for place in phone.world.doomed)
            ):
                continue  # who left is not shown what was removed since, and has it still
            head = again.session.reader(log).log.head
            must((head.seq, head.chain) == (seq, chain), f"I13: from scratch {phone.name} comes to {head.seq}, not {seq}")
            must(again.store.secrets(log) == phone.store.secrets(log), "I13: from scratch it holds other secrets")
            mine = _picture(phone.session.records(log, pending=False))
            must(_picture(again.session.records(log, pending=False)) == mine, f"I13: from scratch {phone.name} shows something else")
    finally:
        again.store.close()


# --- I9, I10, I12 ----------------------------------------------------------------------------------------------------------------


def check_audit(host: Host, phones: list[Phone]) -> int:
    """I9: one leaf for each accepted entry, no leaf for any other; every tree that a device ever verified is a prefix of the last.

    Returns the number of leaves.
    """
    realm = host.realm
    realm.sequence()
    events = host.rows("SELECT n, event FROM audit_event ORDER BY n")
    must([n for n, _ in events] == list(range(len(events))), "I9: the events are not numbered densely")
    leaves = [model_leaf(realm.audit.salt(n), event) for n, event in events]
    must((realm.audit.published.size, realm.audit.published.root) == (len(leaves), model_root(leaves)), "I9: the tree is not that of its events")
    accepted = {n: event for n, raw in events if (event := cbor.decode(raw))["e"] == "accepted"}
    entries = host.rows("SELECT leaf, log_id, entry_id, seq, received_ms, author, chain FROM entry ORDER BY leaf")
    must([row[0] for row in entries] == sorted(accepted), "I9: accepted entries and accepted leaves do not match one to one")
    for leaf, *facts in entries:
        event = accepted[leaf]
        if not facts[4]:  # of an erased file
            facts[4] = event["author"]
        must([event[name] for name in ("log", "id", "seq", "ms", "author", "chain")] == facts, f"I9: leaf {leaf} is of another entry")
    for phone in phones:
        newest = phone.store.newest_checkpoint()
        if newest is not None:
            must(newest[1] == model_root(leaves[: newest[0]]), f"I9: {phone.name} was shown another tree of size {newest[0]}")
    return len(leaves)


def check_converged(phone: Phone, host: Host, opened: Mapping[bytes, Opened]) -> None:
    """I10: three syncs after the faults stopped, a device in standing has everything and has nothing left to send."""
    if phone.out:
        return
    known = host.realm.known()
    must(phone.session.registry.head == known.head, f"I10: {phone.name} has an old registry")
    heads = {log: seq for log, seq, *_ in phone.store.logs()}
    for log, one in opened.items():
        state = one.state
        if phone.user not in state.members:
            continue
        must(heads.get(log) == one.entries[-1].seq, f"I10: {phone.name} is at {heads.get(log)} of {log.hex()[:6]}, the log at {one.entries[-1].seq}")
        helpers = [device for device in state.holders if _can_help(device, state, known)]
        if not helpers:
            continue  # every holder was revoked before it could pass the file on: recovery's business, not sync's
        must(all(known.devices[device].revoked is None for device in state.holders), f"I10: {log.hex()[:6]} still holds a revoked device")
        must(state.recovery == known.recovery_id, f"I10: {log.hex()[:6]} was not granted to the fresh recovery key")
        must(phone.device in state.holders, f"I10: {phone.name} was not granted {log.hex()[:6]}")
        must(phone.store.secrets(log).keys() == state.commits.keys(), f"I10: {phone.name} lacks secrets of {log.hex()[:6]}")
        waiting = [item.code for item in phone.store.outbox(log) if not _is_aside(host, item)]
        must(not waiting and not phone.store.unsealed(log), f"I10: {phone.name} still has {waiting} to send to {log.hex()[:6]}")
        must(not phone.session.stopped(log), f"I10: {phone.name} stopped writing to {log.hex()[:6]}")


def _is_aside(host: Host, item: OutboxRow) -> bool:
    """Held until somebody decides, or refused by a colleague: by the server's own table."""
    outcome = {HELD: "", LET_OUT: "refused"}.get(item.code)
    found = host.rows("SELECT outcome FROM held WHERE log_id = ? AND entry_id = ?", item.log, item.id)
    return outcome is not None and [row[0] for row in found] == [outcome]


def _can_help(device: bytes, state: FileState, known: Registry) -> bool:
    certificate = known.devices[device]
    role = state.members.get(certificate.subject.user, "")
    return certificate.acts and may_sign("epoch", state.file, state.side, role)


def check_money(opened: Opened) -> int:
    """I12: at every prefix the fund conserves what was allotted, and is where the model says. Returns how many spends were disputed."""
    disputed = 0
    for n in range(len(opened.occurrences) + 1):
        fund, purse = fold_fund(opened.log, opened.occurrences[:n]), model_fund(opened.log, opened.occurrences[:n])
        must(fund.conserved, f"I12: money is not conserved after {n} changes")
        mine = (fund.allotted, fund.unallocated, fund.spent, fund.disputed, {ids.show(k): v for k, v in fund.remaining.items() if v})
        theirs = (purse.allotted, purse.pot, purse.spent, purse.disputed, {k: v for k, v in purse.left.items() if v})
        must(mine == theirs, f"I12: after {n} changes the fund is {mine}, the model {theirs}")
        disputed = max(disputed, sum(bool(spend.disputed) for spend in fund.spends.values()))
    return disputed
