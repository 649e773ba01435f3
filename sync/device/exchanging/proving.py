"""The audit tree as a response shows it: consistent with what was seen, and holding what was promised (docs/spec.md §10)."""

from shared_schema import limits
from shared_schema.errors import Contradiction, Malformed, Refused
from shared_schema.wire import SyncResponse
from sync import exchange, merkle
from sync.device.exchanging.outcome import Outcome
from sync.device.session import Session


def take_proofs(session: Session, response: SyncResponse, outcome: Outcome) -> None:
    """Take the checkpoint, then the proofs of inclusion that lead to it. What does not fit is kept as evidence."""
    newest = session.store.newest_checkpoint()
    seen = session.witness() if newest else None
    try:
        witness = exchange.take_checkpoint(seen, response.checkpoint, response.consistency, session.registry)
    except (Contradiction, Malformed, Refused) as error:
        session.alarm(session.registry.log, None, "audit-contradiction", str(error), response.checkpoint.encode())
        outcome.contradictions.append((session.registry.log, str(error)))
        return
    if witness.size:
        session.store.put_checkpoint(witness.size, witness.root, response.checkpoint)
    _take_inclusion(session, response, witness.size, witness.root)


def _take_inclusion(session: Session, response: SyncResponse, size: int, root: bytes) -> None:
    due = {row[0]: row for row in session.store.due_proofs(limits.PROOFS_PER_SYNC)}
    shown = []
    for proof in response.inclusion:
        row = due.get(proof.leaf)
        if row is None:
            continue
        try:
            fits = merkle.root_from_inclusion(row[1], proof.leaf, size, proof.path) == root
        except Contradiction:
            fits = False
        if fits:
            shown.append(proof.leaf)
        else:
            session.alarm(row[2], row[3], "not-in-audit-log", "the audit log does not hold what the receipt promised")
    session.store.drop_due_proofs(shown)
    for leaf, _, log, seq, since, since_here in due.values():  # by either clock: the server's may stand still, the phone's may be wrong
        waited = max(response.time_ms - since, session.now_ms() - since_here)
        if leaf not in shown and waited > limits.INCLUSION_MS:
            session.alarm(log, seq, "not-in-audit-log", "24 hours after its receipt an entry is not in the audit log")
