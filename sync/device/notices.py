"""What the victim side is told by rule, the same for every case, whether or not anyone is supported (docs/spec.md §15.5)."""

from collections.abc import Mapping
from typing import Any

from shared_schema import ids
from shared_schema.records import NoticeRule
from sync.device import cases, posting, records
from sync.device.session import Session


def told_of(session: Session, log: bytes, record: bytes) -> dict[str, Any] | None:
    """The notice that a record of a perpetrator case makes: the fields of a `notice`; None where it makes none, or has made it."""
    state = session.file(log)
    found = session.record(log, record)
    type_ = session.types.get(found.type)
    if state is None or (state.side, state.file) != ("perpetrator", "case") or type_ is None or type_.notice is None:
        return None
    if session.store.noticed(log, record) or (type_.notice.when == "signed" and not records.is_signed(found)):
        return None
    values = cases.plain(records.values(session, log, record))
    kind = _kind(type_.notice, values.get(type_.notice.by))
    liaison = cases.liaison_of(session, log)
    if kind is None or liaison is None:
        return None
    facts = {name: _at(values, path) for name, path in type_.notice.facts.items()}
    return {"case": ids.show(liaison[1]), "notice": kind, **{name: value for name, value in facts.items() if value is not None}}


def _kind(rule: NoticeRule, value: Any) -> str | None:
    if value in (None, []):
        return None
    return rule.kinds.get(value, rule.kinds.get("*")) if isinstance(value, str) else rule.kinds.get("*")


def _at(values: Mapping[str, Any], path: str) -> Any:
    """A field's value, or with `rows.0.cell` a cell of its first row."""
    name, _, rest = path.partition(".")
    value = values.get(name)
    if not rest:
        return value
    cell = rest.partition(".")[2]
    return value[0].get(cell) if isinstance(value, list) and value and isinstance(value[0], dict) else None


def make(session: Session) -> int:
    """Write the letters that this device's unsent records make; returns how many. Each record makes one, once."""
    made, ruled = 0, [name for name, type_ in session.types.items() if type_.notice is not None]
    for log in session.store.logs_with_unsealed():
        state = session.file(log)
        if state is None or (state.side, state.file) != ("perpetrator", "case"):
            continue
        for record in session.store.unsealed_records(log, ruled):
            body = told_of(session, log, record)
            if body is not None:
                with session.store.transaction():
                    posting.post(session, log, "notice", body)
                    session.store.put_noticed(log, record)
                made += 1
    return made
