"""What to propose for two texts in conflict: what both began from, and the texts put together by words (docs/spec.md §5.5.1)."""

from sync.change import OpId
from sync.device.recording.conflicts import Conflict
from sync.device.session import Session
from sync.merging import Merged, merge_words


def proposal(session: Session, one: Conflict) -> Merged | None:
    """The two texts of a field put together; None for what is no conflict between two texts."""
    kind = session.types.get(one.type)
    spec = kind.fields.get(one.field) if kind is not None and isinstance(one.field, str) else None
    texts = [op.value for op in one.siblings]
    if one.proposal or spec is None or spec.merge != "text" or len(texts) != 2 or not all(isinstance(text, str) for text in texts):
        return None
    return merge_words(_base(session, one), *texts)


def _base(session: Session, one: Conflict) -> str | None:
    """The text of the last op that both had seen."""
    told: dict[OpId, tuple[object, tuple[OpId, ...]]] = {}
    for row in session.store.changes_of(one.log, one.record):
        for i, op in enumerate(session.occurrence(row).change.ops):
            if op.field == one.field:
                said = op.value[0] if op.action == "resolve" and isinstance(op.value, list) and op.value else op.value
                told.setdefault(OpId(row.device, row.c, i), (said, op.preds))
    first, second = (_seen(told, op.id) for op in one.siblings)
    text = next((told[name][0] for name in reversed(told) if name in first and name in second), None)
    return text if isinstance(text, str) else None


def _seen(told: dict[OpId, tuple[object, tuple[OpId, ...]]], op: OpId) -> set[OpId]:
    """An op, and all that whoever wrote it had seen of the field."""
    seen: set[OpId] = set()
    waiting = [op]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += told.get(one, (None, ()))[1]
    return seen
