"""What must go goes: who may expunge, hold and erase, and what of it every reader checks (docs/spec.md §7.8 to §7.10).

Pure. sync/membership.py asks here while it folds a file's statements; sync/stub.py says what stands for an expunged part.
"""

from collections.abc import Callable, Mapping

from shared_schema import ids, limits
from shared_schema.entry import Entry
from shared_schema.errors import Malformed, Refused
from shared_schema.ids import Side
from shared_schema.membership import file_statement
from shared_schema.parcel import week_of
from shared_schema.removal import EXPIRED, Erase, Expunge, Hold, act_of
from shared_schema.roles import is_lead, may_sign
from sync.approval import check_approval, check_pair
from sync.registry import Certificate, Registry


def check_two(
    statement: Expunge | Hold | Erase,
    kind: str,
    log: bytes,
    file: str,
    roles: Mapping[bytes, str],
    author: Certificate,
    registry: Registry,
    received_ms: int,
) -> bytes:
    """Two people, each in a role that may sign this kind in such a file, and one of them its lead. `roles` maps users to theirs there.

    Returns the approval's id. Raises Refused `not-approved`, Malformed.
    """
    approver = check_approval(statement.approval, log, kind, act_of(statement), registry, statement.rg.seq, received_ms)
    check_pair(kind, file, registry.side, roles, author.subject.user, approver.subject.user)
    if statement.approval is None:  # check_approval refuses this; said again for the type checker
        raise Refused("not-approved")
    return statement.approval.id


def roles_of(certificate: Certificate, kind: str, file: str, side: Side) -> str:
    """Of the roles that a certificate has, one that may sign this kind in such a file, a lead's first; "" for none.

    For who was a member and as what cannot be told any more.
    """
    may = [role for role in certificate.subject.roles if may_sign(kind, file, side, role)]
    return next((role for role in may if is_lead(file, side, role)), may[0] if may else "")


def check_target(statement: Expunge, author_seen: int, found: Entry | None) -> None:
    """That the part which is named stands where it is said to. `found` is the entry at `at`, None where there is none. Raises Refused `not-permitted`.

    Of what is held only the server knows.
    """
    if statement.at == 0:
        return
    sealed = found.sealed if found is not None else None
    if statement.at > author_seen or sealed is None or sealed.id != statement.id:
        raise Refused("not-permitted", "the part that is to go is not at the place that the statement names")
    if statement.part >= len(sealed.hashes) or sealed.hashes[statement.part] != statement.hash:
        raise Refused("not-permitted", "the part that is to go is another than the statement names")


EntryAt = Callable[[int], tuple[Entry, int] | None]
"""The entry at a place of a log, and when it was received; None where there is none."""


def check_entry(entry: Entry, received_ms: int, entry_at: EntryAt) -> None:
    """`check_target` for an expunction that was received then, and that a calendar's time has come, where `entry_at` looks up what is before it."""
    statement = file_statement(entry)
    if isinstance(statement, Expunge):
        found, since_ms = (entry_at(statement.at) if statement.at else None) or (None, 0)
        check_target(statement, entry.sn.seq, found)
        if statement.reason == EXPIRED and not is_over(since_ms, received_ms):
            raise Refused("not-permitted", "the week in which a letter of that age goes has not begun")


def is_over(since_ms: int, now_ms: int) -> bool:
    """True when what came into a liaison file then goes: from the Monday on after the longest instruction of its week has ended (docs/spec.md §15.7)."""
    return week_of(now_ms) > week_of(since_ms) + limits.LETTER_WEEKS


def check_calendar(statement: Expunge, file: str) -> None:
    """What goes by the calendar needs no second person, and goes in a liaison file alone. When, `check_entry` says. Raises Refused `not-permitted`."""
    if file != "liaison" or statement.at == 0 or statement.approval is not None:
        raise Refused("not-permitted", "only what stands in a liaison file goes by the calendar, and nobody approves that")


def check_named(statement: Erase, log: bytes, svc: bytes) -> None:
    """That an erasure names the genesis that its log id follows from. Raises Malformed."""
    if ids.file_log(svc, statement.creator, statement.nonce) != log:
        raise Malformed("the log id does not follow from creator and nonce")


def check_erased(statement: Erase, entry: Entry, registry: Registry, received_ms: int, members: Mapping[bytes, str] | None = None) -> None:
    """An erasure, for a reader that has nothing of the file but ids: both signers are certified in roles that may erase such a file.

    Of a file whose beginning it has, `members` are those whom it knows: one of the two is among them. Raises Malformed or Refused.
    """
    author = registry.devices.get(entry.author)
    if registry.reaches(statement.rg) is not True or author is None or not author.stands_at(statement.rg.seq):
        raise Refused("not-permitted", "the author was not certified at the registry head it names")
    check_named(statement, entry.log, registry.svc)
    people = [author, *([approver] if statement.approval and (approver := registry.devices.get(statement.approval.by)) else [])]
    roles = {one.subject.user: roles_of(one, "erase", statement.file, registry.side) for one in people}
    check_two(statement, "erase", entry.log, statement.file, roles, author, registry, received_ms)
    if members is not None and not any(may_sign("erase", statement.file, registry.side, members.get(user, "")) for user in roles):
        raise Refused("not-permitted", "neither of the two who signed was a member, as far as this file was read")
