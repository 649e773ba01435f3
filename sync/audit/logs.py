"""A registry and a file, followed and folded as their devices do."""

from collections.abc import Iterable, Sequence

from shared_schema import ids
from shared_schema.entry import Entry, decode_entry_alone
from shared_schema.errors import Contradiction, ProtocolError
from shared_schema.membership import FileStatement, Recover, file_statement
from shared_schema.recovery import Drill, Permit, Renew
from shared_schema.removal import Erase, Expunge
from shared_schema.restoring import Healed, Restore
from sync import log as log_rules
from sync import membership, registry, removal
from sync.audit.authorship import check_authorship, finding_code
from sync.audit.export import Audited, Export, ExportedEntry, Finding, Leaf, Removed
from sync.exchange import accepted_event
from sync.log import LogHead, Placed
from sync.membership import FileState
from sync.registry import Registry


def verify_registry(export: Export, log: bytes, pinned: bytes, result: Audited) -> Registry:
    """A side's registry; what is void in it is a finding."""
    known = registry.empty_registry(export.svc, export.side, pinned)
    for exported, place, before, after in _follow(log, export.logs[log], bytes(16), result):
        entry = place.entry
        signer = registry.signer(known, entry)
        try:
            if signer is not None:
                check_authorship(place, signer, result.chains[log])
                result.witnessed.append((log, place.seq, entry.ck))
            log_rules.check_address(entry, export.svc, log)
            log_rules.check_follows(before, entry)
            known = registry.take(known, entry, after.head.chain)
            if told := _about_recovery(entry):
                result.notices.append(Finding("recovery", log, exported.seq, told))
            if told := _about_restoring(entry):
                result.notices.append(Finding("restored", log, exported.seq, told))
        except ProtocolError as error:
            reused = known.reused
            known = registry.skip(known, after.head.chain, entry, error.code)
            result.voids += 1
            if error.code == "invitation-spent" and known.reused != reused:  # the one that the server appends for everybody to see
                result.notices.append(Finding(f"void:{error.code}", log, exported.seq, "somebody used an invitation a second time"))
                result.events[log, place.seq] = Leaf(exported.leaf, exported.salt, accepted_event(log, place, void=True))
            else:
                result.add(finding_code(error), log, exported.seq, str(error))
    return known


def _about_recovery(entry: Entry) -> str:
    """What an auditor should know of, and what proves no fault."""
    match registry.statement_of(entry):
        case Renew():
            return "a fresh recovery key was put in force"
        case Permit() as permit:
            what = "any file that nobody holds" if permit.files is None else f"{len(permit.files)} file(s)"
            return f"device {ids.show(permit.device)} was allowed to recover {what}: {permit.reason}"
        case Drill() as drill:
            return f"the recovery shares were put together for a drill: {drill.opened} of {drill.files} files opened"
    return ""


def _about_restoring(entry: Entry) -> str:
    """The same of a side that came back from an older copy."""
    match registry.statement_of(entry):
        case Restore() as restore:
            marks = "known" if restore.marked else "not known"
            return f"an administrator declared that the side came back from an older copy; how far it had been was {marks}"
        case Healed():
            return "an administrator ended the waiting for what the side had lost"
    return ""


def verify_file(log: bytes, entries: Sequence[ExportedEntry], known: Registry, result: Audited) -> None:
    """A file; what is void in it is a finding."""
    file: FileState | None = None
    incarnation = known.incarnation if known.root else bytes(16)
    told = _Told()
    for exported, place, before, _after in _follow(log, entries, incarnation, result):
        entry, statement = place.entry, None
        try:
            certificate = known.devices.get(entry.author)
            if certificate is None:
                raise Contradiction(f"the author of entry {place.seq} is not certified on this side")
            check_authorship(place, certificate.keys.sign, result.chains[log])
            result.witnessed.append((log, place.seq, entry.ck))
            log_rules.check_address(entry, known.svc, log)
            log_rules.check_follows(before, entry)
            if entry.is_envelope:
                membership.check_envelope(file, entry)
            else:
                statement = file_statement(entry)
                taken = membership.take(file, entry, known, exported.received_ms)
                if entry.held is not None and entry.sealed is not None:
                    log_rules.check_carried(before, entry.sealed, result.chains[log].__getitem__)
                removal.check_entry(entry, exported.received_ms, told.entries.get)
                told.removes(place, statement, file, result)
                file = taken
                if isinstance(statement, Recover):
                    by = f"device {ids.show(entry.author)}, as {statement.role}"
                    result.notices.append(Finding("recovery", log, exported.seq, f"the file, which nobody held any more, was brought back by {by}"))
        except ProtocolError as error:
            file = file if entry.is_envelope else membership.skip(file, entry)
            result.voids += 1
            result.add(finding_code(error), log, exported.seq, str(error))
        told.note(place, file)
        if statement is not None:
            result.statements.append((log, exported.seq, statement))
    if file is not None:
        result.files[log] = file


class _Told:
    """A file's entries so far, and which devices held it after each that changed that."""

    def __init__(self) -> None:
        self.entries: dict[int, tuple[Entry, int]] = {}
        self._held: list[tuple[int, frozenset[bytes]]] = []

    def note(self, place: Placed, file: FileState | None) -> None:
        """After `place` the file was this."""
        self.entries[place.seq] = place.entry, place.received_ms
        holders = file.holders if file is not None else frozenset[bytes]()
        if not self._held or self._held[-1][1] != holders:
            self._held.append((place.seq, holders))

    def removes(self, place: Placed, statement: FileStatement, before: FileState | None, result: Audited) -> None:
        """Count what a statement that stands removes."""
        since = statement.at if isinstance(statement, Expunge) else 0
        last = max((at for at, _ in self._held if at <= since), default=0)
        had: frozenset[bytes] = frozenset().union(*(holders for at, holders in self._held if at >= last), before.holders if before else ())
        log, entry_id = place.entry.log, place.entry.id
        if isinstance(statement, Expunge):
            result.removed[log, entry_id] = Removed(log, place.seq, entry_id, statement.reason, statement.at, statement.part, had, set())
        elif isinstance(statement, Erase):
            result.removed[log, entry_id] = Removed(log, place.seq, entry_id, statement.reason, 0, None, had, set())


def _follow(
    log: bytes, entries: Sequence[ExportedEntry], incarnation: bytes, result: Audited
) -> Iterable[tuple[ExportedEntry, Placed, LogHead, LogHead]]:
    """Each decodable entry with the log before and after it. Stops at the first place that breaks the chain."""
    state = log_rules.empty_log(log, incarnation)
    chains = result.chains.setdefault(log, [state.head.chain])
    for exported in entries:
        expected = state.head.seq + 1
        if exported.seq != expected:
            result.add("contradiction", log, expected, f"entry {expected} is missing or out of order: {exported.seq} stands there")
            return
        try:
            entry = decode_entry_alone(exported.cose)
            after, place = log_rules.follow(state, entry, exported.received_ms)
        except ProtocolError as error:
            result.add("contradiction", log, expected, str(error))
            return
        if exported.chain != place.chain:
            result.add("contradiction", log, expected, "the entry does not hash to the place that it was recorded at")
        chains.append(place.chain)
        result.entries += 1
        result.items[log, expected] = entry.id, place.received_ms
        result.events[log, expected] = Leaf(exported.leaf, exported.salt, accepted_event(log, place, void=False))
        yield exported, place, state, after
        if log_rules.follows_author(state, entry):
            after = log_rules.advance_author(after, entry)
        state = after
