"""Each entry of a request in its order, and its answer (docs/spec.md §3.1 rules 1 to 3)."""

from typing import Any

from server import store
from server.append import file_rules, holding, refusing, registry_rules
from server.append.commit import Commit, Pushed, Sender
from shared_schema import limits
from shared_schema.certificate import Wiped
from shared_schema.entry import Entry, decode_pair
from shared_schema.errors import Malformed, ProtocolError, Refused, catalogue
from shared_schema.membership import FileStatement, Genesis, file_statement
from shared_schema.receipt import decode_verdict
from shared_schema.wire import Answer, Opening
from sync import log as log_rules
from sync import membership, registry


def push(commit: Commit, pairs: tuple[Any, ...], sender: Sender | None, *, deposit: bool = False) -> Pushed:
    """Decide on each entry in order. After the first of an author that is not taken, its later ones wait. A deposit is of the sender's own
    entries of files.
    """
    answers: list[Answer] = []
    receipts: dict[bytes, None] = {}
    placed: dict[bytes, list[log_rules.Placed]] = {}
    leaves: dict[bytes, tuple[int, bytes]] = {}
    openings: list[Opening] = []
    stopped: set[tuple[bytes, bytes]] = set()
    commit.stored_room = limits.PAGE_BYTES
    for pair in pairs:
        entry: Entry | None = None
        try:
            entry = decode_pair(pair)
            if None in entry.parts:
                raise Malformed("a part is missing")
            statement = _statement(commit, entry)
            if (entry.log, entry.author) in stopped:
                raise Refused("after-predecessor", "an earlier entry of this author was not taken")
            if deposit and (sender is None or entry.author != sender.device or not _may_hand_in(commit, entry)):
                raise Refused("no-such-file")
            earlier = earlier_verdict(commit, entry) if file_rules.may_look(commit, entry, statement, sender) else None
            if earlier is not None and not (earlier[0].code == "held" and holding.may_begin_held(commit, entry, sender)):
                answer, receipt, leaf = earlier
                if leaf is not None:
                    openings.append(Opening(entry.id, leaf, commit.audit.salt(leaf)))
                receipts |= {receipt: None} if receipt else {}
            else:
                place, leaf = _append(commit, entry, statement, sender)
                answer = Answer(entry.id, "accepted")
                placed.setdefault(entry.log, []).append(place)
                leaves[entry.id] = leaf, commit.audit.salt(leaf)
                openings.append(Opening(entry.id, *leaves[entry.id]))
        except ProtocolError as error:
            answer = refusing.refuse(commit, entry, error)
        if entry is not None and answer.code not in ("accepted", "held"):
            stopped.add((entry.log, entry.author))
        answers.append(answer)
    receipts |= {commit.receipt(log, places): None for log, places in placed.items()}
    return Pushed(tuple(answers), tuple(receipts), tuple(openings), placed, leaves)


def _may_hand_in(commit: Commit, entry: Entry) -> bool:
    """§9.5: anything of a file; of the registry the word of a device that it has wiped itself."""
    return entry.log != commit.registry.log or isinstance(registry.statement_of(entry), Wiped)


def _statement(commit: Commit, entry: Entry) -> FileStatement | None:
    """Rule 1 of what a statement of a file says. Of a genesis the id is its author's own: else it would tell who asks which ids are taken."""
    if entry.is_envelope or entry.log == commit.registry.log:
        return None
    statement = file_statement(entry)
    if isinstance(statement, Genesis):
        membership.check_id(entry, statement)
    return statement


def earlier_verdict(commit: Commit, entry: Entry) -> tuple[Answer, bytes | None, int | None] | None:
    """§3.1 rule 3: the earlier final verdict of this very entry. A genesis that was held may have been accepted since."""
    opened = commit.open(entry.log)
    last = opened.head.authors.get(entry.author) if opened else None
    if last is not None and entry.sq <= last.sq:
        stored = commit.stored(entry.log, entry.author, entry.sq)
        if stored is not None and stored[0] == entry.id:
            return Answer(entry.id, "accepted"), commit.receipt_of(entry.log, stored[1]), stored[2]
    if entry.log in commit.refused_logs or commit.has_refusals(entry.log):
        row = next((row for row in commit.batch.verdicts if row["entry_id"] == entry.id), None)
        signed = row["verdict"] if row else store.verdict(commit.tx, entry.log, entry.id)
        if signed is not None:
            code = decode_verdict(signed).code
            return Answer(entry.id, code, str(catalogue()[code]["means"]), signed), None, None
    return None


def _append(commit: Commit, entry: Entry, statement: FileStatement | None, sender: Sender | None) -> tuple[log_rules.Placed, int]:
    """Rules 4 to 9; puts the entry at its place. Raises ProtocolError when it is not taken."""
    if entry.svc != commit.registry.svc:
        raise Malformed("the entry was signed for another service")
    if entry.log == commit.registry.log:
        return registry_rules.append(commit, entry)
    if sender is None:
        raise Refused("no-such-file")
    return file_rules.append(commit, entry, statement, sender)
