"""Rules 4 to 9 of docs/spec.md §3.1 for a registry."""

from server.append import order
from server.append.commit import Commit, OpenLog
from shared_schema import limits
from shared_schema.certificate import Enrol
from shared_schema.entry import Entry
from shared_schema.errors import Refused
from shared_schema.recovery import Custody, Permit
from shared_schema.restoring import Restore
from sync import log as log_rules
from sync import registry
from sync.signing import verify_object


def append(commit: Commit, entry: Entry) -> tuple[log_rules.Placed, int]:
    """Put an entry of the registry at its place. Raises ProtocolError when it is not taken."""
    registry.check_newcomer(entry)
    opened = commit.open(entry.log) or OpenLog(log_rules.empty_log(entry.log, commit.incarnation))
    signer = registry.signer(commit.registry, entry)
    if signer is None:
        raise Refused("not-permitted", "nobody whom this registry knows can have signed this")
    verify_object(entry.sign1, signer)
    order.check_order(commit, opened, entry)
    order.check_seen(commit, opened, entry)
    if isinstance(registry.statement_of(entry), Restore):
        raise Refused("not-permitted", "this side is served: nothing was restored")
    head, place = log_rules.place(opened.head, entry, commit.now_ms)
    void = False
    try:
        grown = registry.take(commit.registry, entry, place.chain)
        _check_time(commit, entry)
    except Refused as error:
        if error.code != "invitation-spent" or not _first_reuse(commit, entry):
            raise
        grown, void = registry.skip(commit.registry, place.chain, entry, error.code), True  # appended so that every device raises the alarm
    commit.registry = grown
    return commit.put(opened, head, place, None, void=void)


def _check_time(commit: Commit, entry: Entry) -> None:
    statement = registry.statement_of(entry)
    if isinstance(statement, Custody) and registry.is_of_older_key(commit.registry, entry):
        raise Refused("not-permitted", "a fresh recovery key came in force first: whom this names hold shares of the one before")
    if isinstance(statement, Permit) and not commit.now_ms < statement.until <= commit.now_ms + limits.PERMIT_MS:
        raise Refused("not-permitted", "a permit to recover may be open for 14 days at most")
    if isinstance(statement, Enrol):
        until = statement.invitation.enrol_until
        if commit.now_ms > until:
            raise Refused("invitation-ended")
        if until > commit.now_ms + limits.INVITATION_MS:
            raise Refused("invitation-invalid", "an invitation may be open for 72 hours at most")


def _first_reuse(commit: Commit, entry: Entry) -> bool:
    statement = registry.statement_of(entry)
    return isinstance(statement, Enrol) and statement.invitation.key not in commit.registry.reused
