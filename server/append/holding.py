"""What is kept aside for somebody's decision, and that decision (docs/spec.md §7.5)."""

from typing import Any, NoReturn

from server import store
from server.append import unborn as unborn_files
from server.append.commit import Commit, Sender
from server.append.refusing import Signed
from server.append.unborn import Unborn
from shared_schema import cbor, limits
from shared_schema.entry import Entry, decode_entry_alone
from shared_schema.errors import Refused
from shared_schema.membership import Admit, Refuse
from sync import membership
from sync.registry import Certificate
from sync.signing import verify_object


def is_out(commit: Commit, author: Certificate) -> bool:
    """True for a device that has lost its place: suspended, revoked, or past its certificate's end."""
    return not author.acts or author.subject.until < commit.now_ms


def hold(commit: Commit, entry: Entry) -> NoReturn:
    """Keep an entry aside. Raises `held`, signed; Refused `quota` when too much of its author is held in this file."""
    count, size = store.held_of_author(commit.tx, entry.log, entry.author)
    mine = [row for row in commit.batch.held if (row["log_id"], row["author"]) == (entry.log, entry.author)]
    count, size = count + len(mine), size + sum(len(row["cose"]) + len(row["parts"]) for row in mine)
    if count >= limits.HELD_ENTRIES or size >= limits.HELD_BYTES:
        raise Refused("quota", f"{count} entries of this device have been held in this file, want no more")
    n = store.next_held(commit.tx, entry.log) + sum(row["log_id"] == entry.log for row in commit.batch.held)
    commit.batch.held.append(
        {
            "log_id": entry.log, "n": n, "entry_id": entry.id, "author": entry.author, "held_ms": commit.now_ms, "outcome": "",
            "cose": entry.cose, "parts": cbor.encode(list(entry.parts)),
        }
    )  # fmt: skip
    commit.chunks.came(entry.log, entry.hashes)
    raise Signed(Refused("held"))


def hold_genesis(commit: Commit, entry: Entry, author: Certificate, sender: Sender) -> NoReturn:
    """§7.5: a file begun by a device that has lost its place. Raises `held`, signed, where somebody else whom it names could let it begin."""
    if sender.user != author.subject.user:
        raise Refused("no-such-file")
    verify_object(entry.sign1, author.keys.sign)
    file = membership.take(None, entry, commit.registry, commit.now_ms)
    if not unborn_files.can_begin(file, author.subject.user):
        raise Refused("no-standing", "nobody else in this file could let it begin: it stays on its device")
    if sum(one.by == entry.author for one in (*commit.unborn_before.values(), *commit.unborn.values())) >= limits.HELD_FILES:
        raise Refused("quota", f"{limits.HELD_FILES} files of this device wait to begin, want no more")
    commit.unborn[entry.log] = Unborn(file, entry.author)
    hold(commit, entry)


def hold_for_unborn(commit: Commit, entry: Entry, author: Certificate, sender: Sender) -> None:
    """The same for what its author wrote in it."""
    unborn = commit.unborn_file(entry.log)
    if unborn is None or unborn.by != entry.author or sender.device != entry.author or not entry.is_envelope or not is_out(commit, author):
        return
    verify_object(entry.sign1, author.keys.sign)
    hold(commit, entry)


def may_begin_held(commit: Commit, entry: Entry, sender: Sender | None) -> bool:
    """A held genesis is taken from whom it names and who decides on held work, and from its author who is in standing again."""
    unborn = None if entry.is_envelope or commit.open(entry.log) is not None else commit.unborn_file(entry.log)
    if sender is None or unborn is None or unborn.by != entry.author:
        return False
    back = sender.device == entry.author and not is_out(commit, commit.registry.devices[entry.author])
    return back or (sender.device != entry.author and unborn_files.role_to_decide(unborn.file, sender.user))


def settle(commit: Commit, entry: Entry, statement: Any) -> None:
    """An admission or refusal is of something that is held here. Raises Refused `not-permitted` for anything else."""
    if not isinstance(statement, Admit | Refuse):
        return
    held_id = decode_entry_alone(statement.held).id if isinstance(statement, Admit) else statement.id
    if isinstance(statement, Admit):
        sealed = decode_entry_alone(statement.held)
        stands = commit.stored(entry.log, sealed.author, sealed.sq)
        if stands is not None and stands[0] == held_id:
            raise Refused("not-permitted", "that entry is in the log")
    fresh = any((row["log_id"], row["entry_id"]) == (entry.log, held_id) for row in commit.batch.held)
    if not fresh and store.held_outcome(commit.tx, entry.log, held_id) != "":
        raise Refused("not-permitted", "that entry is not held here, or somebody has decided on it")
    commit.batch.settled.append({"log": entry.log, "held_id": held_id, "to_outcome": "admitted" if isinstance(statement, Admit) else "refused"})
