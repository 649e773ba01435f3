"""Deliberate defects, planted one at a time in the product's code: a simulation that misses one of them proves nothing.

Each is a small, plausible mistake. `hunt` plays histories, or runs the stateful machine named, until something breaks, and says how
many it took. A defect that no history can show, because honest devices never do what it lets pass, is hunted by a machine.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from server import append, audit_log, realm
from server.append import Commit
from server.realm import Realm
from shared_schema import entry as entry_schema
from shared_schema.errors import Refused
from shared_schema.receipt import Item, decode_receipt, receipt_payload
from shared_schema.records import record_types
from sync import exchange, fold, granting, ledger, membership, sealing
from sync.device import enrolment, outbox, session, store, syncing, taking
from sync.device.store import ChangeRow
from sync.fold import CONTESTED
from tests.simulation.checks import Broken
from tests.simulation.history import History
from tests.stateful import test_fold_machine, test_fund_machine
from tests.world import patched

Plant = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Defect:
    """`plant` puts it in place; `most` is how many histories (or a machine's examples) may pass before it is found."""

    name: str
    plant: Plant
    breaks: str
    most: int = 60
    machine: Callable[[int], None] | None = None


class Found(NamedTuple):
    """How a defect was found."""

    name: str
    breaks: str
    histories: int | None
    by: str
    what: str
    seconds: float


def hunt(defect: Defect, seed: int) -> Found:
    """Play until it is found, at most `defect.most` times. `histories` is None when it was not."""
    begun = time.monotonic()
    with defect.plant():
        if defect.machine is not None:
            try:
                defect.machine(defect.most)
            except Exception as error:
                return Found(
                    defect.name, defect.breaks, defect.most, defect.machine.__module__.rpartition(".")[2], _last(error), time.monotonic() - begun
                )
            return Found(defect.name, defect.breaks, None, "", "", time.monotonic() - begun)
        for n in range(defect.most):
            try:
                History(seed + n).run()
            except Broken as broken:
                return Found(defect.name, defect.breaks, n + 1, "history", _last(broken), time.monotonic() - begun)
    return Found(defect.name, defect.breaks, None, "", "", time.monotonic() - begun)


def _last(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if " broke: " in line] or str(error).splitlines() or [type(error).__name__]
    return lines[0].partition(" broke: ")[2] or lines[0]


# --- keys and sealing ----------------------------------------------------------------------------------------------------------------


@contextmanager
def keeps_the_secret_on_removal() -> Iterator[None]:
    """A removal makes an epoch, and gives it the old secret; readers do not mind."""
    make = granting.Granter.new_epoch

    def new_epoch(self: Any, state: Any, secrets: Any, secret: bytes, add: Any = None, remove: Any = ()) -> Any:
        return make(self, state, secrets, secrets[state.epoch] if remove else secret, add, remove)

    with patched(granting.Granter, "new_epoch", new_epoch), patched(taking._Taking, "_check_secret", lambda *_: None):
        yield


def forgets_to_rotate_after_a_revocation() -> AbstractContextManager[Any]:
    return patched(membership, "rotation_needed", lambda _state, _registry: False)


class _Loose:
    """AES-GCM with only a part of the additional data."""

    def __init__(self, aead: sealing.AESGCM, part: slice) -> None:
        self._aead, self._part = aead, part

    def encrypt(self, iv: bytes, data: bytes, aad: bytes) -> bytes:
        return self._aead.encrypt(iv, data, aad[self._part])

    def decrypt(self, iv: bytes, data: bytes, aad: bytes) -> bytes:
        return self._aead.decrypt(iv, data, aad[self._part])


@contextmanager
def _sealing_with(part: slice) -> Iterator[None]:
    strict = sealing.AESGCM

    def loose(key: bytes) -> _Loose:
        return _Loose(strict(key), part)

    with patched(sealing, "AESGCM", loose):
        yield


def leaves_the_header_out_of_the_seal() -> AbstractContextManager[Any]:
    return _sealing_with(slice(-8, None))


def leaves_the_count_out_of_the_seal() -> AbstractContextManager[Any]:
    return _sealing_with(slice(None, -4))


def derives_part_keys_without_the_author() -> AbstractContextManager[Any]:
    return patched(sealing, "part_info", lambda ctx, _author, sq: ctx + sq.to_bytes(8, "big"))


def skips_the_hashes_of_parts() -> AbstractContextManager[Any]:
    return patched(entry_schema, "_part_hashes", lambda payload, _parts: tuple(entry_schema.cbor.decode(payload)))


@contextmanager
def accepts_a_grant_across_the_wall() -> Iterator[None]:
    """Who else is granted is nobody's business, as long as the members are."""
    check = membership._check_grants

    def check_grants(grants: Any, members: Any, epochs: Any, complete: Any, registry: Any, seq: int) -> Any:
        wanted = membership.recipients(registry, members, seq)
        return check(tuple(grant for grant in grants if grant.to in wanted), members, epochs, complete, registry, seq)

    with patched(membership, "_check_grants", check_grants):
        yield


def never_grants_a_second_device() -> AbstractContextManager[Any]:
    return patched(granting.Granter, "more_grants", lambda _self, _state, _secrets: None)


# --- the device --------------------------------------------------------------------------------------------------------------------------


@contextmanager
def takes_http_success_for_a_receipt() -> Iterator[None]:
    exchange_ = syncing._exchange

    def drop(session_: Any, transport: Any, pushed: Any) -> Any:
        response = exchange_(session_, transport, pushed)
        for item in pushed:
            session_.store.drop_outbox(item.n)
        return response

    with patched(syncing, "_exchange", drop):
        yield


@contextmanager
def drops_the_outbox_before_sending() -> Iterator[None]:
    exchange_ = syncing._exchange

    def drop(session_: Any, transport: Any, pushed: Any) -> Any:
        for item in pushed:
            session_.store.drop_outbox(item.n)
        return exchange_(session_, transport, pushed)

    with patched(syncing, "_exchange", drop):
        yield


@contextmanager
def seals_again_without_a_verdict() -> Iterator[None]:
    """When no answer came, it starts over with fresh bytes."""
    exchange_ = syncing._exchange

    def again(session_: Any, transport: Any, pushed: Any) -> Any:
        try:
            return exchange_(session_, transport, pushed)
        except Refused:
            for item in pushed:
                if not item.statement:
                    session_.store.unseal_from(item.n)
                    session_.store.drop_outbox(item.n)
            raise

    with patched(syncing, "_exchange", again):
        yield


def believes_any_receipt() -> AbstractContextManager[Any]:
    return patched(exchange, "check_receipt", lambda data, _known: decode_receipt(data))


def forgets_its_own_number_until_the_page_comes() -> AbstractContextManager[Any]:
    return patched(session.Session, "remember_sent", lambda _self, _item: None)


def judges_before_the_registry_came() -> AbstractContextManager[Any]:
    return patched(exchange, "_check_reached", lambda _entry, _known: None)


def enrols_on_the_first_page_only() -> AbstractContextManager[Any]:
    return patched(enrolment, "take_response", lambda opened, response, pushed: taking.take_response(opened, _whole(response), pushed))


def _whole(response: Any) -> Any:
    return replace(response, more=False, pages=tuple(replace(page, more=False) for page in response.pages))


def does_not_compare_what_others_saw() -> AbstractContextManager[Any]:
    return patched(exchange, "_check_fork", lambda _reader, _entry, _history: None)


@contextmanager
def lets_the_view_go_back() -> Iterator[None]:
    """A head behind our own is taken for the newest."""
    check = exchange.check_head

    def check_head(reader: Any, page: Any, known: Any) -> Any:
        signed = exchange.decode_signed_head(page.head)
        if signed.head.seq >= reader.log.head.seq:
            return check(reader, page, known)
        return signed

    with patched(exchange, "check_head", check_head), patched(exchange, "_check_end", lambda _own, _signed: None):
        yield


@contextmanager
def drops_fields_it_does_not_know() -> Iterator[None]:
    """What a newer app wrote is thrown away on arrival."""
    decode = taking.decode_part

    def decode_part(data: bytes) -> Any:
        changes = []
        for change in decode(data):
            type_ = record_types().get(change.t)
            ops = tuple(op for op in change.ops if type_ is None or not isinstance(op.field, str) or op.field in type_.fields or op.field[0] == "_")
            changes.append(replace(change, ops=ops or change.ops[:1]))
        return changes

    encode = taking.encode_part

    def _changes(self: Any, log: bytes, one: Any, secret: bytes) -> Any:
        for change, _ in original(self, log, one, secret):
            yield change, encode([change])[1:]

    original = taking._Taking._changes
    with patched(taking, "decode_part", decode_part), patched(taking._Taking, "_changes", _changes):
        yield


# --- the fold ------------------------------------------------------------------------------------------------------------------------------


@contextmanager
def lets_a_set_end_a_conflict() -> Iterator[None]:
    join = fold._Folding._join

    def _join(self: Any, register: Any, op_id: Any, op: Any, merge: str, at: Any) -> None:
        join(self, register, op_id, op, "latest" if op.action == "set" and merge in CONTESTED else merge, at)

    with patched(fold._Folding, "_join", _join):
        yield


@contextmanager
def shows_the_latest_of_the_worst() -> Iterator[None]:
    effective = fold._effective

    def _effective(live: Any, merge: str, spec: Any, conflict: bool) -> Any:
        return max(live, key=lambda op: op.seq).value if live and merge == "worst" else effective(live, merge, spec, conflict)

    with patched(fold, "_effective", _effective):
        yield


@contextmanager
def folds_in_order_of_arrival() -> Iterator[None]:
    columns = store._CHANGE

    def changes_of(self: Any, log: bytes, record: bytes) -> list[ChangeRow]:
        return [ChangeRow(*row) for row in self._rows(f"SELECT {columns} FROM change WHERE log = ? AND record = ? ORDER BY rowid", log, record)]

    def all_changes(self: Any, log: bytes) -> Iterator[ChangeRow]:
        yield from (ChangeRow(*row) for row in self._rows(f"SELECT {columns} FROM change WHERE log = ? ORDER BY rowid", log))

    with patched(store.Store, "changes_of", changes_of), patched(store.Store, "all_changes", all_changes):
        yield


@contextmanager
def folds_in_order_of_claimed_time() -> Iterator[None]:
    begin = fold._Folding.__init__

    def __init__(self: Any, log: bytes, record: bytes, occurrences: Any, types: Any) -> None:
        begin(self, log, record, sorted(occurrences, key=lambda at: at.change.at), types)

    with patched(fold._Folding, "__init__", __init__):
        yield


@contextmanager
def lets_an_older_change_win() -> Iterator[None]:
    """The rule of the greater counter is gone: what was admitted late replaces the same device's newer value."""
    join = fold._Folding._join

    def _join(self: Any, register: Any, op_id: Any, op: Any, merge: str, at: Any) -> None:
        register.newest.pop(at.device, None)
        join(self, register, op_id, op, merge, at)

    with patched(fold._Folding, "_join", _join):
        yield


def believes_that_an_author_saw_everything() -> AbstractContextManager[Any]:
    return patched(fold._Folding, "_named", lambda self, _op_id, op, _at: [pred for pred in op.preds if pred in self.places])


@contextmanager
def removes_all_equal_members() -> Iterator[None]:
    many = fold._Folding._many

    def _many(self: Any, op_id: Any, op: Any, key: str, spec: Any, at: Any) -> None:
        values = [
            self.record.registers[key].live[pred].value
            for pred in op.preds
            if key in self.record.registers and pred in self.record.registers[key].live
        ]
        many(self, op_id, op, key, spec, at)
        if op.action == "remove" and (spec is None or spec.merge == "set"):
            live = self.record.registers[key].live
            for gone in [one for one, held in live.items() if held.value in values]:
                del live[gone]

    with patched(fold._Folding, "_many", _many):
        yield


def thaws_what_was_signed() -> AbstractContextManager[Any]:
    return patched(fold._Folding, "_is_frozen", lambda _self, _key, _merge: False)


def hides_what_was_edited_meanwhile() -> AbstractContextManager[Any]:
    return patched(fold._Folding, "_hides", lambda _self, _deletion, _seen: True)


# --- money ---------------------------------------------------------------------------------------------------------------------------------


@contextmanager
def counts_a_spend_twice() -> Iterator[None]:
    spend = ledger._spend

    def _spend(fund: Any, at: Any, values: Any) -> str:
        fund.spends.pop(values.get("spend_id"), None)
        return spend(fund, at, values)

    with patched(ledger, "_LINES", {**ledger._LINES, "spend": _spend}):
        yield


@contextmanager
def allows_beyond_the_pot() -> Iterator[None]:
    allow = ledger._allow

    def _allow(fund: Any, at: Any, values: Any) -> str:
        fund.unallocated += 10**9
        why = allow(fund, at, values)
        fund.unallocated -= 10**9
        return why

    with patched(ledger, "_allow", _allow):
        yield


def lets_anybody_cover() -> AbstractContextManager[Any]:
    cover = ledger._cover
    return patched(ledger, "_LINES", {**ledger._LINES, "cover": lambda fund, at, values: cover(fund, at._replace(role=ledger.HOLDER), values)})


# --- the server ----------------------------------------------------------------------------------------------------------------------------


def forgets_what_it_answered() -> AbstractContextManager[Any]:
    return patched(Commit, "_known", lambda _self, _entry: None)


@contextmanager
def numbers_a_repeated_push_anew() -> Iterator[None]:
    def _receipt_of(self: Any, log: bytes, seq: int) -> bytes:
        head = self.head_of(log)
        stored = append.store.entries_after(self.tx, log, seq - 1, seq, 1)[0]
        signed: bytes = self._sign(
            "fieldkeep-receipt", receipt_payload(log, self.incarnation, [Item(stored.entry_id, head.seq + 1, self.now_ms)], head.seq + 1, head.chain)
        )
        return signed

    with patched(Commit, "_receipt_of", _receipt_of):
        yield


@contextmanager
def answers_before_it_commits() -> Iterator[None]:
    """A commit that fails is somebody else's trouble: the answer is already out."""

    def _transact(self: Any, jobs: Any) -> Any:
        results: list[Any] = []
        with contextlib.suppress(Exception):
            return transact(self, [lambda commit, job=job: results.append(Realm._run(job, commit)) or results[-1] for job in jobs])
        return results

    transact = Realm._transact
    with patched(Realm, "_transact", _transact):
        yield


@contextmanager
def keeps_in_memory_what_it_failed_to_commit() -> Iterator[None]:
    transact = Realm._transact

    def _transact(self: Any, jobs: Any) -> Any:
        made: list[Any] = []
        run = Realm._run

        def spy(job: Any, commit: Any) -> Any:
            made.append(commit)
            return run(job, commit)

        try:
            with patched(Realm, "_run", staticmethod(spy)):
                return transact(self, jobs)
        except Exception:
            if made:
                self._committed(made[-1])
            raise

    with patched(Realm, "_transact", _transact):
        yield


@contextmanager
def writes_the_audit_event_twice() -> Iterator[None]:
    write = audit_log.AuditLog.write

    def twice(self: Any, batch: Any, event: Any) -> int:
        if event["e"] == "accepted" and event["seq"] % 3 == 0:
            write(self, batch, event)
        return write(self, batch, event)

    with patched(audit_log.AuditLog, "write", twice):
        yield


@contextmanager
def leaves_an_audit_event_out() -> Iterator[None]:
    write = audit_log.AuditLog.write

    def seldom(self: Any, batch: Any, event: Any) -> int:
        return self.next if event["e"] == "accepted" and event["seq"] % 3 == 0 else write(self, batch, event)

    with patched(audit_log.AuditLog, "write", seldom):
        yield


def forgets_who_reads_when_it_restarts() -> AbstractContextManager[Any]:
    return patched(Realm, "_note_reader", lambda _self, _log, _user, _to_seq: None)


def takes_any_tree_that_an_author_claims() -> AbstractContextManager[Any]:
    return patched(audit_log.AuditLog, "root_at", lambda _self, _tx, _size: _Anything())


class _Anything(bytes):
    """Equal to whatever it is compared with."""

    def __eq__(self, _other: object) -> bool:
        return True

    def __ne__(self, _other: object) -> bool:
        return False

    __hash__ = bytes.__hash__


def sends_one_page_and_says_that_is_all() -> AbstractContextManager[Any]:
    pull = Realm.pull

    def pull_once(self: Any, tx: Any, request: Any, sender: Any, pushed: Any) -> Any:
        pages, delivered, _ = pull(self, tx, request, sender, pushed)
        return pages[:1], delivered[:1], False

    return patched(Realm, "pull", pull_once)


def takes_envelopes_of_any_epoch() -> AbstractContextManager[Any]:
    return patched(membership, "check_envelope", lambda _state, _entry: None)


FOLD, FUND = test_fold_machine.find, test_fund_machine.find
DEFECTS: tuple[Defect, ...] = tuple(
    Defect(plant.__name__, plant, breaks, most, machine)
    for plant, breaks, most, machine in (
        (keeps_the_secret_on_removal, "I5", 40, None),
        (forgets_to_rotate_after_a_revocation, "I5 I10", 40, None),
        (leaves_the_header_out_of_the_seal, "I4", 5, None),
        (leaves_the_count_out_of_the_seal, "I4", 5, None),
        (derives_part_keys_without_the_author, "I4", 5, None),
        (skips_the_hashes_of_parts, "I4", 5, None),
        (accepts_a_grant_across_the_wall, "W1 I4", 5, None),
        (never_grants_a_second_device, "I10", 20, None),
        (takes_http_success_for_a_receipt, "I1", 40, None),
        (drops_the_outbox_before_sending, "I1", 20, None),
        (seals_again_without_a_verdict, "I6", 40, None),
        (believes_any_receipt, "I1", 60, None),
        (forgets_its_own_number_until_the_page_comes, "I6", 60, None),
        (judges_before_the_registry_came, "I2 I13", 40, None),
        (enrols_on_the_first_page_only, "I10", 40, None),
        (does_not_compare_what_others_saw, "I4", 60, None),
        (lets_the_view_go_back, "I7", 60, None),
        (drops_fields_it_does_not_know, "I2 I8", 40, None),
        (lets_a_set_end_a_conflict, "I8", 40, None),
        (shows_the_latest_of_the_worst, "I2", 40, None),
        (folds_in_order_of_arrival, "I2 I13", 40, None),
        (folds_in_order_of_claimed_time, "I2", 40, None),
        (lets_an_older_change_win, "I8", 300, FOLD),
        (believes_that_an_author_saw_everything, "I8", 300, FOLD),
        (removes_all_equal_members, "I8", 300, FOLD),
        (thaws_what_was_signed, "I8", 60, None),
        (hides_what_was_edited_meanwhile, "I8", 40, None),
        (counts_a_spend_twice, "I12", 60, None),
        (allows_beyond_the_pot, "I12", 300, FUND),
        (lets_anybody_cover, "I12", 300, FUND),
        (forgets_what_it_answered, "I6", 20, None),
        (numbers_a_repeated_push_anew, "I1 I6", 20, None),
        (answers_before_it_commits, "I1", 40, None),
        (keeps_in_memory_what_it_failed_to_commit, "I1 I9", 40, None),
        (writes_the_audit_event_twice, "I9", 5, None),
        (leaves_an_audit_event_out, "I9", 5, None),
        (forgets_who_reads_when_it_restarts, "I10", 40, None),
        (takes_any_tree_that_an_author_claims, "I4", 5, None),
        (sends_one_page_and_says_that_is_all, "I10", 40, None),
        (takes_envelopes_of_any_epoch, "I4 I5", 5, None),
    )
)  # fmt: skip
_ = (outbox, realm)
