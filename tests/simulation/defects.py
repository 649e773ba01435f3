"""Deliberate defects, planted one at a time in the product's code: a simulation that misses one of them proves nothing.

Each is a small, plausible mistake. `hunt` plays histories, or runs the stateful machine named, until something breaks, and says how
many it took. A defect that no history can show, because honest devices never do what it lets pass, is hunted by a machine.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server import audit_log, removal_rows
from server import store as server_store
from server.append import push
from server.append.commit import Commit
from server.pages import Pages
from server.readers import Readers
from server.realm.writing import Writing
from shared_schema import cbor
from shared_schema import entry as entry_schema
from shared_schema.errors import Refused
from shared_schema.receipt import Item, decode_receipt, decode_signed_head, receipt_payload
from shared_schema.records import record_types
from shared_schema.recovery import Permit
from shared_schema.removal import Erase
from shared_schema.roles import is_lead
from sync import exchange, granting, ledger, membership, recovery, registry, removal, sealing, stub
from sync.change import encode_part
from sync.device.entering import enrolment
from sync.device.exchanging import opening, settling, syncing, taking
from sync.device.removal import removing
from sync.device.storage import store, tables
from sync.device.storage.tables import ChangeRow
from sync.fold import CONTESTED, folding, showing
from sync.recovery import Permitted, Recovery
from tests.simulation.checks import Broken
from tests.simulation.history import History
from tests.stateful import test_fold_machine, test_fund_machine, test_recovery_machine, test_removal_machine, test_stub_machine
from tests.world import Died, patched

FOLD, FUND, RECOVERY, STUB, REMOVAL = test_fold_machine, test_fund_machine, test_recovery_machine, test_stub_machine, test_removal_machine
_MACHINES: dict[ModuleType, Any] = {
    FOLD: test_fold_machine.FoldMachine,
    FUND: test_fund_machine.FundMachine,
    RECOVERY: test_recovery_machine.RecoveryMachine,
    STUB: test_stub_machine.StubMachine,
    REMOVAL: test_removal_machine.RemovalMachine,
}
Plant = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Defect:
    """`plant` puts it in place; `most` is how many histories (or a machine's examples) may pass before it is found."""

    name: str
    plant: Plant
    breaks: str
    most: int = 60
    machine: ModuleType | None = None
    lies: int = 2


class Found(NamedTuple):
    """How a defect was found."""

    name: str
    breaks: str
    histories: int | None
    by: str
    what: str
    seconds: float


def table(found: list[Found]) -> str:
    """One line a defect: what it breaks, how many histories or runs of a machine it took, what was seen."""
    lines = [f"{'defect':<46} {'breaks':<8} {'found after':<24} seen as"]
    for one in found:
        after = "NOT FOUND" if one.histories is None else f"{one.histories} {'histories' if one.by == 'history' else f'runs of {one.by}'}"
        lines.append(f"{one.name:<46} {one.breaks:<8} {after:<24} {one.what[:90]}")
    return "\n".join(lines)


def hunt(defect: Defect, seed: int, first: int | None = None) -> Found:
    """Play until it is found, at most `defect.most` times. `histories` is None when it was not. With `first`, the seed that found it once is played
    before all others.
    """
    begun = time.monotonic()
    with defect.plant():
        if defect.machine is not None:
            try:
                defect.machine.find(defect.most)
            except Exception as error:
                name = defect.machine.__name__.rpartition(".")[2].removeprefix("test_")
                return Found(defect.name, defect.breaks, _runs(defect.machine), name, _last(error), time.monotonic() - begun)
            return Found(defect.name, defect.breaks, None, "", "", time.monotonic() - begun)
        seeds = [*([] if first is None else [first]), *range(seed, seed + defect.most)]
        for n, each in enumerate(seeds):
            try:
                History(each, lies=defect.lies).run()
            except Broken as broken:
                return Found(defect.name, defect.breaks, n + 1, "history", _last(broken), time.monotonic() - begun)
    return Found(defect.name, defect.breaks, None, "", "", time.monotonic() - begun)


def _runs(machine: ModuleType) -> int:
    runs: int = _MACHINES[machine].runs
    return runs


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

    with patched(granting.Granter, "new_epoch", new_epoch), patched(opening, "check_secret", lambda *_: None):
        yield


def forgets_to_rotate_after_a_revocation() -> AbstractContextManager[Any]:
    return patched(membership, "rotation_needed", lambda _state, _registry: False)


class _Loose:
    """AES-GCM with only a part of the additional data."""

    def __init__(self, aead: AESGCM, part: slice) -> None:
        self._aead, self._part = aead, part

    def encrypt(self, iv: bytes, data: bytes, aad: bytes) -> bytes:
        return self._aead.encrypt(iv, data, aad[self._part])

    def decrypt(self, iv: bytes, data: bytes, aad: bytes) -> bytes:
        return self._aead.decrypt(iv, data, aad[self._part])


def _sealing_with(part: slice) -> AbstractContextManager[Any]:
    return patched(sealing, "AESGCM", lambda key: _Loose(AESGCM(key), part))


def leaves_the_header_out_of_the_seal() -> AbstractContextManager[Any]:
    return _sealing_with(slice(-8, None))


def leaves_the_count_out_of_the_seal() -> AbstractContextManager[Any]:
    return _sealing_with(slice(None, -4))


def derives_part_keys_without_the_author() -> AbstractContextManager[Any]:
    return patched(sealing, "part_info", lambda ctx, _author, sq: ctx + sq.to_bytes(8, "big"))


def skips_the_hashes_of_parts() -> AbstractContextManager[Any]:
    return patched(entry_schema, "_check_parts", lambda hashes, _parts: hashes)


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


# --- recovery ----------------------------------------------------------------------------------------------------------------------------


@contextmanager
def forgets_the_past_for_a_fresh_recovery_key() -> Iterator[None]:
    """A recovery key always had all epochs, while there was one for life: a fresh one is granted the newest only."""
    keys: set[bytes] = set()

    def recipients(known: Any, members: Any, seq: int) -> Any:
        keys.update(key.id for key in known.recovery.keys)
        return _recipients(known, members, seq)

    def epochs_for(recipient: bytes, epochs: Any, complete: Any) -> Any:
        return epochs[-1:] if recipient in complete or recipient in keys else epochs

    _recipients = membership.recipients
    with (
        patched(membership, "recipients", recipients),
        patched(granting, "recipients", recipients),
        patched(membership, "epochs_for", epochs_for),
        patched(granting, "epochs_for", epochs_for),
    ):
        yield


def does_not_rotate_for_a_fresh_recovery_key() -> AbstractContextManager[Any]:
    needed = membership.rotation_needed
    return patched(membership, "rotation_needed", lambda state, known: needed(replace(state, recovery=known.recovery_id), known))


def takes_a_permit_for_anybodys() -> AbstractContextManager[Any]:
    return patched(Recovery, "permits_at", lambda self, _device, seq: next((one for one in self.permits if one.holds_at(seq)), None))


def takes_a_permit_for_good() -> AbstractContextManager[Any]:
    return patched(Permitted, "holds_at", lambda self, seq: self.seq <= seq)


def takes_a_permit_for_any_file() -> AbstractContextManager[Any]:
    return patched(Permitted, "covers", lambda _self, _log: True)


@contextmanager
def permits_devices_of_another_side() -> Iterator[None]:
    """The administrator will have looked whom they permit."""
    take = registry._take_recovery

    def _take_recovery(known: Any, entry: Any, statement: Any) -> Any:
        if isinstance(statement, Permit):
            return recovery.permitted(known.recovery, statement, known.seq + 1, entry.author)
        return take(known, entry, statement)

    with patched(registry, "_take_recovery", _take_recovery):
        yield


def recovers_with_any_shares() -> AbstractContextManager[Any]:
    return patched(membership, "proves", lambda _key, _by, _bound: True)


def recovers_what_is_still_held() -> AbstractContextManager[Any]:
    return patched(membership, "abandoned", lambda _state, _known, _seq: True)


# --- the device --------------------------------------------------------------------------------------------------------------------------


@contextmanager
def takes_http_success_for_a_receipt() -> Iterator[None]:
    exchange_ = syncing._exchange

    def drop(session_: Any, transport: Any, pushed: Any, *more: Any) -> Any:
        response = exchange_(session_, transport, pushed, *more)
        for item in pushed:
            session_.store.drop_outbox(item.n)
        return response

    with patched(syncing, "_exchange", drop):
        yield


@contextmanager
def drops_the_outbox_before_sending() -> Iterator[None]:
    exchange_ = syncing._exchange

    def drop(session_: Any, transport: Any, pushed: Any, *more: Any) -> Any:
        for item in pushed:
            session_.store.drop_outbox(item.n)
        return exchange_(session_, transport, pushed, *more)

    with patched(syncing, "_exchange", drop):
        yield


@contextmanager
def seals_again_without_a_verdict() -> Iterator[None]:
    """When no answer came, it starts over with fresh bytes."""
    exchange_ = syncing._exchange

    def again(session_: Any, transport: Any, pushed: Any, *more: Any) -> Any:
        try:
            return exchange_(session_, transport, pushed, *more)
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


def lets_go_of_what_the_log_does_not_show() -> AbstractContextManager[Any]:
    def settle(self: Any, **_: Any) -> None:
        for item in self.store.waiting():
            if item.receipted:
                self.store.drop_outbox(item.n)

    return patched(settling.Settling, "_settle", settle)


def judges_before_the_registry_came() -> AbstractContextManager[Any]:
    return patched(exchange, "_lies_ahead", lambda _entry, _known: False)


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
        signed = decode_signed_head(page.head)
        if signed.head.seq >= reader.log.head.seq:
            return check(reader, page, known)
        return signed

    with patched(exchange, "check_head", check_head), patched(exchange, "_check_leads", lambda *_: None):
        yield


@contextmanager
def drops_fields_it_does_not_know() -> Iterator[None]:
    """What a newer app wrote into a form is thrown away on arrival."""
    original = opening.Opening._changes

    def _changes(self: Any, log: bytes, one: Any, secret: bytes) -> Any:
        for change, _ in original(self, log, one, secret):
            type_ = record_types().get(change.t)
            ops = tuple(op for op in change.ops if type_ is None or not isinstance(op.field, str) or op.field in type_.fields or op.field[0] == "_")
            if ops:
                yield replace(change, ops=ops), encode_part([replace(change, ops=ops)])[1:]

    with patched(opening.Opening, "_changes", _changes):
        yield


# --- the fold ------------------------------------------------------------------------------------------------------------------------------


@contextmanager
def lets_a_set_end_a_conflict() -> Iterator[None]:
    join = folding._Folding._join

    def _join(self: Any, register: Any, op: Any, merge: str, said: Any, at: Any) -> None:
        join(self, register, op, "latest" if op.action == "set" and merge in CONTESTED else merge, said, at)

    with patched(folding._Folding, "_join", _join):
        yield


@contextmanager
def shows_the_latest_of_the_worst() -> Iterator[None]:
    effective = showing._effective

    def _effective(live: Any, merge: str, spec: Any, conflict: bool) -> Any:
        return max(live, key=lambda op: op.seq).value if live and merge == "worst" else effective(live, merge, spec, conflict)

    with patched(showing, "_effective", _effective):
        yield


@contextmanager
def folds_in_order_of_arrival() -> Iterator[None]:
    columns = tables.CHANGE_COLUMNS

    def changes_of(self: Any, log: bytes, record: bytes) -> list[ChangeRow]:
        return [ChangeRow(*row) for row in self._rows(f"SELECT {columns} FROM change WHERE log = ? AND record = ? ORDER BY rowid", log, record)]

    def all_changes(self: Any, log: bytes) -> Iterator[ChangeRow]:
        yield from (ChangeRow(*row) for row in self._rows(f"SELECT {columns} FROM change WHERE log = ? ORDER BY rowid", log))

    with patched(store.Store, "changes_of", changes_of), patched(store.Store, "all_changes", all_changes):
        yield


@contextmanager
def folds_in_order_of_claimed_time() -> Iterator[None]:
    begin = folding._Folding.__init__

    def by_claimed_time(self: Any, log: bytes, record: bytes, occurrences: Any, types: Any) -> None:
        begin(self, log, record, sorted(occurrences, key=lambda at: at.change.at), types)

    with patched(folding._Folding, "__init__", by_claimed_time):
        yield


@contextmanager
def lets_an_older_change_win() -> Iterator[None]:
    """The rule of the greater counter is gone: what was admitted late replaces the same device's newer value."""
    join = folding._Folding._join

    def _join(self: Any, register: Any, op: Any, merge: str, said: Any, at: Any) -> None:
        register.remember()
        register.newest.pop(at.device, None)
        join(self, register, op, merge, said, at)

    with patched(folding._Folding, "_join", _join):
        yield


def believes_that_an_author_saw_everything() -> AbstractContextManager[Any]:
    return patched(folding._Folding, "_named", lambda self, _op_id, op, _at: [pred for pred in op.preds if pred in self.places])


@contextmanager
def removes_all_equal_members() -> Iterator[None]:
    many = folding._Folding._many

    def _many(self: Any, op_id: Any, op: Any, key: str, register: Any, spec: Any, at: Any) -> None:
        values = [register.live[pred].value for pred in op.preds if pred in register.live]
        many(self, op_id, op, key, register, spec, at)
        if op.action == "remove" and (spec is None or spec.merge == "set"):
            for gone in [one for one, held in register.live.items() if held.value in values]:
                del register.live[gone]

    with patched(folding._Folding, "_many", _many):
        yield


def thaws_what_was_signed() -> AbstractContextManager[Any]:
    return patched(folding._Folding, "_is_frozen", lambda _self, _key, _merge: False)


def hides_what_was_edited_meanwhile() -> AbstractContextManager[Any]:
    return patched(folding, "is_hidden", lambda _places, _deletions: True)


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
    return patched(push, "earlier_verdict", lambda _commit, _entry: None)


@contextmanager
def numbers_a_repeated_push_anew() -> Iterator[None]:
    def receipt_of(self: Any, log: bytes, seq: int) -> bytes:
        head = self.head_of(log)
        stored = server_store.entries_after(self.tx, log, seq - 1, seq, 1)[0]
        signed: bytes = self.sign(
            "fieldkeep-receipt", receipt_payload(log, self.incarnation, [Item(stored.entry_id, head.seq + 1, self.now_ms)], head.seq + 1, head.chain)
        )
        return signed

    with patched(Commit, "receipt_of", receipt_of):
        yield


@contextmanager
def answers_before_it_commits() -> Iterator[None]:
    """A commit that fails is somebody else's trouble: the answer is already out."""
    transact, run = Writing._transact, Writing._run

    def _transact(self: Any, jobs: Any) -> Any:
        results: list[Any] = []

        def spy(job: Any, commit: Any) -> Any:
            results.append(run(job, commit))
            return results[-1]

        with patched(Writing, "_run", staticmethod(spy)):
            try:
                return transact(self, jobs)
            except (OSError, Died):
                return results

    with patched(Writing, "_transact", _transact):
        yield


@contextmanager
def keeps_in_memory_what_it_failed_to_commit() -> Iterator[None]:
    """A log's state after a failed transaction is the one that never became true."""
    run = Writing._run

    def transact(self: Any, jobs: Any) -> Any:
        made: list[Any] = []

        def spy(job: Any, commit: Any) -> Any:
            made.append(commit)
            return run(job, commit)

        try:
            with patched(Writing, "_run", staticmethod(spy)):
                return self._transact(jobs)
        except OSError as error:
            for commit in made:
                self._logs.update(commit.logs)
            return [error] * len(jobs)

    with patched(Writing, "transact", transact):
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


@contextmanager
def forgets_who_reads_when_it_restarts() -> Iterator[None]:
    load = Readers.load

    def forgetting(self: Any, tx: Any, known: Any, gone: Any) -> None:
        load(self, tx, known, gone)
        self._logs_of = {}

    with patched(Readers, "load", forgetting):
        yield


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
    pull = Pages.pull

    def pull_once(self: Any, tx: Any, request: Any, sender: Any, pushed: Any) -> Any:
        pages, delivered, _ = pull(self, tx, request, sender, pushed)
        return pages[:1], delivered[:1], False

    return patched(Pages, "pull", pull_once)


def takes_envelopes_of_any_epoch() -> AbstractContextManager[Any]:
    return patched(membership, "check_envelope", lambda _state, _entry: None)


# --- what must go ---------------------------------------------------------------------------------------------------------------------------


@contextmanager
def leaves_the_preds_out_of_a_stub() -> Iterator[None]:
    make = stub._stub_change

    def without(change: Any, author: bytes, file: str, same: Any) -> Any:
        made = make(change, author, file, same)
        return replace(made, ops=tuple(op._replace(preds=()) for op in made.ops))

    with patched(stub, "_stub_change", without):
        yield


def keeps_an_expunged_part_on_the_server() -> AbstractContextManager[Any]:
    return patched(removal_rows, "set_parts", lambda _tx, _log, _seq, _parts: None)


@contextmanager
def keeps_an_expunged_change_on_the_device() -> Iterator[None]:
    """Its sealed bytes go; what was opened of them stays as it was."""
    nothing = lambda _self, *_: None  # noqa: E731
    with patched(store.Store, "put_stub", nothing), patched(store.Store, "drop_changes", nothing):
        yield


@contextmanager
def lets_an_old_device_bring_it_back() -> Iterator[None]:
    """What is known already and comes with parts that the server lacks is completed: a helpful server."""
    honest = push.earlier_verdict

    def complete(commit: Any, entry: Any) -> Any:
        found = honest(commit, entry)
        if found is not None:
            for row in server_store.entries_after(commit.tx, entry.log, 0, 2**53, 9999):
                if row.entry_id == entry.id and row.cose:
                    removal_rows.set_parts(commit.tx, entry.log, row.seq, cbor.encode(list(entry.parts)))
        return found

    with patched(push, "earlier_verdict", complete):
        yield


@contextmanager
def erases_under_a_hold() -> Iterator[None]:
    take = membership._take_removal

    def ignoring(state: Any, entry: Any, statement: Any, registry: Any, author: Any, received_ms: int) -> Any:
        held = replace(state, holds=frozenset()) if isinstance(statement, Erase) else state
        return take(held, entry, statement, registry, author, received_ms)

    with patched(membership, "_take_removal", ignoring):
        yield


@contextmanager
def lets_one_person_do_what_takes_two() -> Iterator[None]:
    """Whoever asked carries it out."""
    check = removal.check_two

    def alone(statement: Any, kind: str, log: bytes, file: str, roles: Any, author: Any, registry: Any, received_ms: int) -> bytes:
        leads = [cert for cert in registry.devices.values() if is_lead(file, registry.side, roles.get(cert.subject.user, ""))]
        other = next((cert for cert in leads if cert.subject.user != author.subject.user), author)
        same = statement.approval is not None and registry.devices[statement.approval.by].subject.user == author.subject.user
        return check(statement, kind, log, file, roles, other if same else author, registry, received_ms)

    def carry_out(session: Any, request: Any, one: Any, held: Any = None) -> Any:
        return original(session, replace(request, by=b""), one, held)

    original = removing.carry_out
    with patched(removal, "check_two", alone), patched(removing, "carry_out", carry_out):
        yield


DEFECTS: tuple[Defect, ...] = tuple(
    Defect(plant.__name__, plant, breaks, most, machine, lies)
    for plant, breaks, most, machine, lies in (
        (keeps_the_secret_on_removal, "I5", 40, None, 2),
        (forgets_to_rotate_after_a_revocation, "I5 I10", 40, None, 2),
        (leaves_the_header_out_of_the_seal, "I4", 5, None, 2),
        (leaves_the_count_out_of_the_seal, "I4", 5, None, 2),
        (derives_part_keys_without_the_author, "I4", 5, None, 2),
        (skips_the_hashes_of_parts, "I4", 5, None, 2),
        (accepts_a_grant_across_the_wall, "W1 I4", 5, None, 2),
        (never_grants_a_second_device, "I10", 60, None, 2),
        (forgets_the_past_for_a_fresh_recovery_key, "I3", 40, None, 2),
        (does_not_rotate_for_a_fresh_recovery_key, "I5 I10", 40, None, 2),
        (takes_a_permit_for_anybodys, "I4", 100, RECOVERY, 2),
        (takes_a_permit_for_good, "I4", 100, RECOVERY, 2),
        (takes_a_permit_for_any_file, "I4", 100, RECOVERY, 2),
        (permits_devices_of_another_side, "W1 I4", 100, RECOVERY, 2),
        (recovers_with_any_shares, "I4", 100, RECOVERY, 2),
        (recovers_what_is_still_held, "I4", 100, RECOVERY, 2),
        (takes_http_success_for_a_receipt, "I1", 40, None, 2),
        (drops_the_outbox_before_sending, "I1", 20, None, 2),
        (seals_again_without_a_verdict, "I6", 40, None, 2),
        (believes_any_receipt, "I1", 20, None, 8),
        (lets_go_of_what_the_log_does_not_show, "I1", 40, None, 8),
        (judges_before_the_registry_came, "I2 I13", 40, None, 8),
        (enrols_on_the_first_page_only, "I10", 40, None, 2),
        (does_not_compare_what_others_saw, "I4", 20, None, 8),
        (lets_the_view_go_back, "I7", 20, None, 8),
        (drops_fields_it_does_not_know, "I2 I8", 40, None, 2),
        (lets_a_set_end_a_conflict, "I8", 40, None, 2),
        (shows_the_latest_of_the_worst, "I2", 40, None, 2),
        (folds_in_order_of_arrival, "I2 I13", 40, None, 2),
        (folds_in_order_of_claimed_time, "I2", 40, None, 2),
        (lets_an_older_change_win, "I8", 1000, FOLD, 2),
        (believes_that_an_author_saw_everything, "I8", 1000, FOLD, 2),
        (removes_all_equal_members, "I8", 1000, FOLD, 2),
        (thaws_what_was_signed, "I8", 1000, FOLD, 2),
        (hides_what_was_edited_meanwhile, "I8", 1000, FOLD, 2),
        (counts_a_spend_twice, "I12", 1000, FUND, 2),
        (allows_beyond_the_pot, "I12", 1000, FUND, 2),
        (lets_anybody_cover, "I12", 1000, FUND, 2),
        (forgets_what_it_answered, "I6", 20, None, 2),
        (numbers_a_repeated_push_anew, "I1 I6", 20, None, 2),
        (answers_before_it_commits, "I1", 40, None, 2),
        (keeps_in_memory_what_it_failed_to_commit, "I1 I9", 40, None, 2),
        (writes_the_audit_event_twice, "I9", 5, None, 2),
        (leaves_an_audit_event_out, "I9", 5, None, 2),
        (forgets_who_reads_when_it_restarts, "I10", 40, None, 2),
        (takes_any_tree_that_an_author_claims, "I4", 5, None, 2),
        (sends_one_page_and_says_that_is_all, "I10", 40, None, 2),
        (takes_envelopes_of_any_epoch, "I4 I5", 5, None, 2),
        (leaves_the_preds_out_of_a_stub, "I2 I8", 400, STUB, 2),
        (keeps_an_expunged_part_on_the_server, "expunge", 60, None, 2),
        (keeps_an_expunged_change_on_the_device, "expunge", 60, None, 2),
        (lets_an_old_device_bring_it_back, "expunge", 400, REMOVAL, 2),
        (erases_under_a_hold, "hold", 400, REMOVAL, 2),
        (lets_one_person_do_what_takes_two, "two people", 400, REMOVAL, 2),
    )
)  # fmt: skip
