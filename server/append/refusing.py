"""What is not taken: the verdict, signed where it is final, and what the audit log says of it (docs/spec.md §3.1)."""

from typing import Any, Final

from server.append.commit import Commit
from shared_schema.entry import Entry
from shared_schema.errors import ProtocolError, Refused, catalogue
from shared_schema.receipt import VERDICT, verdict_payload
from shared_schema.wire import Answer
from sync import registry
from sync.signing import verify_bytes

UNKNOWN_ID: Final = bytes(32)


class Signed(ProtocolError):
    """A refusal of an entry whose signature verified."""

    def __init__(self, cause: ProtocolError) -> None:
        self.cause = cause
        self.code = cause.code  # type: ignore[misc]
        super().__init__(str(cause))


class Clone(Refused):
    """clone-detected, with the entry that has the number."""

    def __init__(self, message: str, stored: Any) -> None:
        self.stored = stored
        super().__init__("clone-detected", message)


def refuse(commit: Commit, entry: Entry | None, error: ProtocolError) -> Answer:
    """The answer to what was not taken: final codes of whoever truly signed are signed, and remembered for ever."""
    signed_ok = isinstance(error, Signed)
    cause = error.cause if isinstance(error, Signed) else error
    if entry is None:
        return Answer(UNKNOWN_ID, cause.code, str(cause))
    if signed_ok or _authored(commit, entry):
        log = entry.log if entry.log in commit.logs or commit.knows(entry.log) else None
        commit.audit.write(commit.batch, {"e": "refused", "log": log, "id": entry.id, "author": entry.author, "code": cause.code})
    stored = _shown(commit, cause.stored) if isinstance(cause, Clone) else None
    signed = None
    if signed_ok and catalogue()[cause.code]["final"]:
        payload = verdict_payload(entry.log, commit.incarnation, entry.id, entry.author, entry.sq, cause.code)
        signed = commit.sign(VERDICT, payload)
        commit.batch.verdicts.append({"log_id": entry.log, "entry_id": entry.id, "verdict": signed})
        commit.refused_logs.add(entry.log)
    return Answer(entry.id, cause.code, str(cause), signed, stored)


def _shown(commit: Commit, stored: Any) -> Any:
    """The entry that has the number, while one answer has room for it; a later request is shown what this one is not."""
    if stored is None:
        return None
    size = len(stored[0]) + len(stored[1])
    if size > commit.stored_room:
        return None
    commit.stored_room -= size
    return stored


def _authored(commit: Commit, entry: Entry) -> bool:
    """True when somebody whom this side knows signed it: what anybody else says of itself is no event."""
    key = registry.key_of(commit.registry, entry.author)
    return key is not None and verify_bytes(key, entry.sign1.signature, entry.sign1.to_sign)
