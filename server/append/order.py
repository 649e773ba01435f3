"""Rules 7 and 8 of docs/spec.md §3.1: an author's own order, and what it had seen."""

from functools import partial

from server.append.commit import Commit, OpenLog
from server.append.refusing import Clone
from shared_schema.entry import Entry
from shared_schema.errors import Contradiction, Refused
from sync import log as log_rules


def check_order(commit: Commit, opened: OpenLog, entry: Entry) -> None:
    """The author's next number and predecessor. Raises Refused; Clone, with what has the number."""
    try:
        log_rules.check_author(opened.head, entry)
    except Refused as error:
        if error.code == "clone-detected":
            stored = commit.stored(entry.log, entry.author, entry.sq)
            raise Clone(str(error), None if stored is None else stored[3]) from None
        raise


def check_seen(commit: Commit, opened: OpenLog, entry: Entry) -> None:
    """What the author had seen is what there was. Raises Refused `old-incarnation`, or `not-permitted` for what an admission carries; Contradiction."""
    begun = entry.sn.seq == 0 and {entry.sn.incarnation, entry.ck.incarnation} <= set(commit.registry.incarnations or (commit.incarnation,))
    if not begun and not entry.sn.incarnation == entry.ck.incarnation == commit.incarnation:
        raise Refused("old-incarnation")

    chain_at = partial(opened.chain_at, commit.tx)
    log_rules.check_seen(opened.head, entry, chain_at)
    if entry.held is not None and entry.sealed is not None:
        log_rules.check_carried(opened.head, entry.sealed, chain_at)
    if (
        entry.ck.incarnation == commit.incarnation and commit.audit.root_at(commit.tx, entry.ck.size) != entry.ck.root
    ):  # else one author could stop every reader who knows the true root
        raise Contradiction(f"the author was shown another audit tree of size {entry.ck.size}")
