"""Rules 4 to 9 of docs/spec.md §3.1 for a file."""

from collections.abc import Mapping
from typing import Any

from server.append import holding, order
from server.append.commit import Commit, OpenLog, Sender
from server.append.refusing import Signed
from shared_schema import limits
from shared_schema.entry import Entry
from shared_schema.errors import ProtocolError, Refused
from shared_schema.membership import Admit, FileStatement, Genesis, Recover, Refuse
from shared_schema.roles import may_sign
from sync import log as log_rules
from sync import membership
from sync.membership import FileState
from sync.registry import Certificate
from sync.signing import verify_object


def append(commit: Commit, entry: Entry, statement: FileStatement | None, sender: Sender) -> tuple[log_rules.Placed, int]:
    """Put an entry of a file at its place. Raises ProtocolError when it is not taken; Signed once its signature held."""
    if not entry.is_envelope:
        commit.may_state(sender.device)
    if not may_look(commit, entry, statement, sender):
        raise Refused("no-such-file")
    if commit.heals(entry.log):
        raise Refused("restoring")
    opened = commit.open(entry.log)
    author = commit.registry.devices.get(entry.author)
    genesis = isinstance(statement, Genesis)
    if author is not None and opened is None and not genesis:
        holding.hold_for_unborn(commit, entry, author, sender)
    if author is None or (opened is None) != genesis:
        raise Refused("no-such-file")
    recovers = isinstance(statement, Recover) and sender.user == author.subject.user and may_recover(commit, opened, entry.author)
    if opened is not None and not recovers and not _may_deliver(opened, author.subject.user, sender):
        raise Refused("no-such-file")
    if genesis:
        commit.may_begin(sender.device)
    _check_not_gone(commit, opened, entry, author)
    opened = opened or OpenLog(log_rules.empty_log(entry.log, commit.incarnation))
    adopts = genesis and holding.may_begin_held(commit, entry, sender)
    if genesis and not adopts and holding.is_out(commit, author):
        holding.hold_genesis(commit, entry, author, sender)
    if not adopts:
        check_standing(commit, opened, entry, author, recovers=recovers)
    order.check_order(commit, opened, entry)
    verify_object(entry.sign1, author.keys.sign)
    try:
        order.check_seen(commit, opened, entry)
        file = _take_file(commit, opened, entry, statement)
        if isinstance(statement, Recover) and not recovers:
            raise Refused("not-permitted", "the permit to recover this file has ended")
        joins, leaves = moved(opened.file, file) if file.erased is None else ({}, [])  # who is in a file to its end is served its end
        _check_room(commit, entry.log, joins)
        holding.settle(commit, entry, statement)
        commit.removing.take(entry, statement, max(commit.now_ms, opened.head.received_ms))
    except ProtocolError as error:
        if adopts:
            raise  # its verdict stays what it was: held
        if (
            isinstance(statement, Admit | Refuse) and error.code == "not-permitted"
        ):  # a final code: it would wait in front of all that its author writes
            error = Refused("stale-statement", str(error))
        raise Signed(error) from error  # the signature held: a final code is signed and remembered
    if adopts:
        commit.batch.settled.append({"log": entry.log, "held_id": entry.id, "to_outcome": "admitted"})
    head, place = log_rules.place(opened.head, entry, commit.now_ms)
    opened.file = file
    commit.record_members(place.seq, joins, leaves, entry.log)
    return commit.put(opened, head, place, file)


def may_look(commit: Commit, entry: Entry, statement: FileStatement | None, sender: Sender | None) -> bool:
    """False for a file that the sender never was in: whether there is one decides nothing, and is not looked up, which would take its time."""
    if sender is None or entry.log == commit.registry.log or isinstance(statement, Genesis):
        return True
    if isinstance(statement, Recover) and commit.registry.recovery.permits_at(sender.device, commit.registry.seq) is not None:
        return True
    unborn = commit.unborn_file(entry.log)
    return (
        entry.log in commit.files_of(sender.user)
        or entry.log in commit.named.get(sender.user, ())
        or (unborn is not None and sender.user in unborn.file.members)
    )


def may_recover(commit: Commit, opened: OpenLog | None, device: bytes) -> bool:
    """§7.6: the device is permitted, now, to bring this file back. Whether that is due is judged by the file."""
    permitted = commit.registry.recovery.permits_at(device, commit.registry.seq)
    return opened is not None and permitted is not None and permitted.permit.until >= commit.now_ms and permitted.covers(opened.head.log)


def _check_not_gone(commit: Commit, opened: OpenLog | None, entry: Entry, author: Certificate) -> None:
    """§3.1 rule 5. Nothing is taken of a file that was erased, and no envelope of which a part was expunged. Raises `erased`."""
    erased = commit.removing.gone.erased(entry.log) or (opened is not None and opened.file is not None and opened.file.erased)
    if erased or commit.removing.is_gone(entry):
        verify_object(entry.sign1, author.keys.sign)
        raise Signed(Refused("erased"))


def check_standing(commit: Commit, opened: OpenLog, entry: Entry, author: Certificate, *, recovers: bool) -> None:
    """§3.1 rule 6. What an author writes who has lost its place is held; raises `held`, or Refused `no-standing` for its statements."""
    out = holding.is_out(commit, author)
    if not out and (recovers or opened.file is None or author.subject.user in opened.file.members):
        return
    verify_object(entry.sign1, author.keys.sign)
    if not entry.is_envelope:
        if out:
            raise Refused("no-standing")
        raise Signed(Refused("stale-statement", "the author is no member of this file any more"))  # what was typed behind it can be held
    members = opened.file.members.values() if opened.file else ()
    if not any(may_sign("admit", opened.file.file, opened.file.side, role) for role in members if opened.file):
        raise Refused("no-standing", "nobody in this file may let held work in: it stays on its device")
    holding.hold(commit, entry)


def _may_deliver(opened: OpenLog, author_user: bytes, sender: Sender) -> bool:
    file = opened.file
    if file is None or author_user not in file.ever:
        return False
    return sender.user == author_user or sender.user in file.members


def _take_file(commit: Commit, opened: OpenLog, entry: Entry, statement: Any) -> FileState:
    if statement is None:
        membership.check_envelope(opened.file, entry)
        if membership.rotation_needed(opened.file, commit.registry):  # type: ignore[arg-type]  # check_envelope refused None
            raise Refused("rotate-first")
        return opened.file  # type: ignore[return-value]
    file = membership.take(opened.file, entry, commit.registry, max(commit.now_ms, opened.head.received_ms))
    _check_approver(commit, statement)
    if not isinstance(statement, Genesis):
        touched = set(file.members) | (set(opened.file.members) if opened.file else set())
        membership.check_fresh(touched, statement.rg.seq, commit.registry)
    return file


def _check_approver(commit: Commit, statement: Any) -> None:
    """Whoever approved has not lost their place meanwhile: folds of files do not look at suspensions."""
    approval = getattr(statement, "approval", None)
    approver = commit.registry.devices.get(approval.by) if approval is not None else None
    if approver is not None and (not approver.acts or approver.subject.until < commit.now_ms):
        raise Refused("not-approved", "the device that approved is suspended, revoked, or its certificate has ended")


def _check_room(commit: Commit, log: bytes, joins: Mapping[bytes, str]) -> None:
    """Nobody is named in more files than a device has cursors for, the registry's aside: their phone could not sync again."""
    for user in joins:
        before, named = commit.files_of(user), commit.named.get(user, set())
        if log not in before and log not in named and len(before) + len(named) >= limits.FILES_PER_DEVICE - 1:
            raise Refused("person-full", f"somebody is in {limits.FILES_PER_DEVICE - 1} files, want no more")


def moved(before: FileState | None, after: FileState) -> tuple[dict[bytes, str], list[bytes]]:
    """Who is in a file from now on, and as what; and who is in it no more, or no more as what they were."""
    old = before.members if before else {}
    if old is after.members:
        return {}, []
    joins = {user: role for user, role in after.members.items() if old.get(user) != role}
    return joins, [user for user, role in old.items() if after.members.get(user) != role]
