"""Handing a case over: asked by whoever leaves it, accepted by whoever takes it, done by whoever may change who is in the file.

Nobody takes themselves out of a file: leaving is a request. What is open in the case is counted, and explained, before it is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import code_list
from shared_schema.roles import may_sign
from sync.change import Op
from sync.device.across.cases import plain
from sync.device.across.urgent import now
from sync.device.money import funds
from sync.device.people import files, holding
from sync.device.people.allocations import allocate
from sync.device.recording import conflicts, records
from sync.device.recording.fitting import own_rows
from sync.device.recording.values import check_row
from sync.device.session import Session
from sync.fold import Record, is_void

_TYPE: Final = "handover"


@dataclass(frozen=True, slots=True)
class Handover:
    """One handover that stands in a case. `to` is b"" while nobody is named."""

    log: bytes
    record: bytes
    by: bytes
    values: Mapping[str, Any]

    @property
    def leaves(self) -> bytes:
        """Who hands over."""
        return ids.parse(str(self.values["from"]))

    @property
    def to(self) -> bytes:
        """Who takes it."""
        return ids.parse(str(self.values["to"])) if isinstance(self.values.get("to"), str) else b""

    @property
    def accepted(self) -> bool:
        """True when who takes it has said so."""
        return any(user == self.to for user, _ in self.values["accepted"])

    @property
    def done(self) -> bool:
        """True when the people in the file were changed."""
        return bool(self.values.get("done"))

    @property
    def waits_for(self) -> str:
        """What has to happen next: name, accept, finish; "" when it is done."""
        return "" if self.done else "finish" if self.accepted else "accept" if self.to else "name"


def handovers(session: Session, log: bytes | None = None) -> list[Handover]:
    """Those on this device that were not made void."""
    found = []
    for one in session.file_logs() if log is None else [log]:
        for record_id, _ in session.store.records(one, _TYPE):
            record = session.record(one, record_id)
            values = plain(records.values(session, one, record_id)) | {name: own_rows(record, name) for name in ("accepted", "done")}
            if not is_void(record) and not record.hidden and isinstance(values.get("from"), str) and _may_ask(session, one, record, values["from"]):
                found.append(Handover(one, record_id, record.creator_user, values))
    return found


def _may_ask(session: Session, log: bytes, record: Record, leaves: str) -> bool:
    """True where somebody asks for themselves, or was somebody who may change who is in the file: else anybody could ask in a colleague's name."""
    state = session.require_file(log)
    return leaves == ids.show(record.creator_user) or may_sign("members", state.file, state.side, state.ever.get(record.creator_user, ""))


def left_open(session: Session, log: bytes, user: bytes) -> dict[str, int]:
    """What is still open of somebody in a case, by kind (`left_open`); money in pence. What is nought is left out."""
    mine = user == session.identity.user
    drafts = sum(
        record.creator_user == user and not record.hidden and records.is_draft(record, session) and not is_void(record)
        for record in session.records(log).values()
        if record.type in session.types and session.types[record.type].weight in ("evidence", "quick")
    )
    found = {
        "drafts": drafts,
        "conflicts": len(conflicts.list_open(session, log)),
        "tasks": sum(_open_task(session, log, record_id, user) for record_id, _ in session.store.records(log, "task")),
        "unsent": session.store.left().get(log, 0) if mine else 0,
        "held": holding.waiting(session).get(log, 0),
        "allowance": _allowance(session) if mine else 0,
    }
    return {kind: count for kind, count in found.items() if count}


def _open_task(session: Session, log: bytes, record_id: bytes, user: bytes) -> bool:
    values = plain(records.values(session, log, record_id))
    return values.get("owner") == ids.show(user) and values.get("task_state", "open") == "open"


def _allowance(session: Session) -> int:
    """What this device could still spend, of every fund it is in."""
    logs = (log for log in session.file_logs() if (state := session.file(log)) is not None and state.file == "fund")
    return sum(max(0, funds.fund(session, log).remaining.get(session.identity.device, 0)) for log in logs)


def ask(session: Session, log: bytes, leaves: bytes, to: bytes | None, why: str, explained: Mapping[str, str], more: Mapping[str, Any]) -> bytes:
    """Ask that a case goes from one person to another; returns the record's id. Raises Refused while something is open that nobody explains."""
    state = session.require_file(log)
    if state.file != "case" or leaves not in state.members:
        raise Refused("not-found", "want a case, and somebody who is in it")
    if leaves != session.identity.user and not _may_change(session, log):
        raise Refused("not-permitted", "for somebody else a coordinator asks")
    if unknown := set(explained) - set(code_list("left_open").codes):
        raise Refused("bad-value", f"{', '.join(sorted(unknown))}: want one of {', '.join(code_list('left_open').codes)}")
    if any(not one.done and one.leaves == leaves for one in handovers(session, log)):
        raise Refused("not-permitted", "a handover of this case from this person is under way: fieldkeep handover list")
    if to is not None:
        files.check_person(session, state.file, to, state.members[leaves])
    opened = left_open(session, log, leaves)
    if lacking := sorted(set(opened) - set(explained)):
        text = "; ".join(f"{opened[kind]} {kind}" for kind in lacking)
        raise Refused("bad-value", f"still open: {text}. Settle them, or explain each: --explain {lacking[0]}='…'. Nothing was asked")
    rows = [{"kind": kind, "count": count, "explained": explained[kind]} for kind, count in opened.items()]
    if leaves != session.identity.user:
        rows.append({"kind": "unsent", "count": 0, "explained": explained.get("unsent", "not known: asked on another phone")})
    values = {"from": ids.show(leaves), "why": why, **({"to": ids.show(to)} if to else {}), **({"left_open": rows} if rows else {}), **more}
    return records.add(session, log, _TYPE, values)


def name(session: Session, one: Handover, to: bytes) -> None:
    """Say who takes it. Who may change who is in the file does."""
    _require_open(one)
    state = session.require_file(one.log)
    if not _may_change(session, one.log):
        raise Refused("not-permitted", "a coordinator of the case says who takes it")
    files.check_person(session, state.file, to, role_for(session, one))
    if one.to != to:
        records.edit(session, one.log, one.record, {"to": ids.show(to)})


def accept(session: Session, one: Handover) -> None:
    """Take the case. Raises Refused for anybody but who is named."""
    _require_open(one)
    if one.to != session.identity.user:
        raise Refused("not-permitted", "who is named accepts it" if one.to else "nobody is named yet: a coordinator names somebody")
    if not one.accepted:
        _row(session, one, "accepted", {"by": ids.show(session.identity.user), "at": now(session)})


def require_finish(session: Session, one: Handover, forced_why: str) -> None:
    """Raises Refused unless this person may change who is in the file now: it was accepted, or there is a reason to do without."""
    _require_open(one)
    if not _may_change(session, one.log):
        raise Refused("not-permitted", "a coordinator of the case does this")
    if one.leaves == session.identity.user:
        raise Refused("not-permitted", "nobody takes themselves out of a file: another coordinator does this")
    if not one.to:
        raise Refused("not-found", "nobody is named who takes the case: fieldkeep handover name")
    if not one.accepted and not forced_why:
        raise Refused("not-permitted", f"{session.name_of(one.to)} has not accepted it: wait, or --force with --reason")


def finished(session: Session, one: Handover, forced_why: str) -> None:
    """Put on record that it is done, and who leads the case now."""
    row = {"by": ids.show(session.identity.user), "at": now(session), **({"forced_why": forced_why} if forced_why and not one.accepted else {})}
    with session.store.transaction():
        _row(session, one, "done", row)
        allocate(session, one.log, {"lead": ids.show(one.to)})


def role_for(session: Session, one: Handover) -> str:
    """The role in which the case is taken: that of who hands it over."""
    state = session.require_file(one.log)
    return state.members.get(one.leaves) or state.ever.get(one.leaves, "")


def _may_change(session: Session, log: bytes) -> bool:
    return files.may_change(session, log)


def _require_open(one: Handover) -> None:
    if one.done:
        raise Refused("not-permitted", "this handover is done")


def _row(session: Session, one: Handover, name: str, row: dict[str, Any]) -> None:
    check_row(_TYPE, name, row)
    records.write(session, one.log, one.record, _TYPE, [Op(name, "add", row, ())])
