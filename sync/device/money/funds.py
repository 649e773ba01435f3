"""Money in the field: allotments, allowances, spends, reversals (docs/spec.md §8). All amounts are pence.

The fund log counts; the case's `spend` record holds what was bought. Both halves are kept in one transaction under one spend id.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.money import reimbursing
from sync.device.recording import finding, records
from sync.device.session import Session
from sync.device.storage.tables import ChangeRow
from sync.fold import Record, Shown, show
from sync.ledger import HOLDER, Fund, fold_fund, pounds


def fund(session: Session, log: bytes) -> Fund:
    """The fund as this device knows it, its own unsent lines included."""
    if session.require_file(log).file != "fund":
        raise Refused("bad-value", "that file is not a fund")
    return fold_fund(log, session.occurrences(log))


def _funds(session: Session) -> list[bytes]:
    return [log for log in session.file_logs() if (state := session.file(log)) is not None and state.file == "fund"]


def own_fund(session: Session) -> bytes:
    """The one fund that this device belongs to. Raises Refused `not-found` for none or several."""
    funds = _funds(session)
    if len(funds) != 1:
        raise Refused("not-found", "you belong to no fund yet" if not funds else "you belong to several funds: name one with --fund")
    return funds[0]


def held(session: Session) -> list[bytes]:
    """The funds whose holder this device's user is."""
    return [log for log in _funds(session) if session.require_file(log).members.get(session.identity.user) == HOLDER]


def _line(session: Session, log: bytes, kind: str, amount: int, **more: Any) -> bytes:
    return records.add(session, log, "fund_line", {"kind": kind, "amount": amount, **more})


def require_holder(session: Session, log: bytes) -> None:
    """Raises Refused `not-permitted` for everybody else."""
    if session.require_file(log).members.get(session.identity.user) != HOLDER:
        raise Refused("not-permitted", "only the fund holder does this")


def allot(session: Session, log: bytes, amount: int, funder: str, period: str) -> bytes:
    """Put money into the pot."""
    require_holder(session, log)
    return _line(session, log, "allotment", amount, funder=funder, period=period)


def allow(session: Session, log: bytes, device: bytes, amount: int, until: str) -> bytes:
    """Move money from the pot to one device's allowance. Raises Refused when the pot does not hold it or nobody could spend it."""
    require_holder(session, log)
    certificate = session.registry.devices.get(device)
    state = session.require_file(log)
    if certificate is None or certificate.revoked is not None or certificate.subject.user not in state.members:
        raise Refused("not-found", "that device belongs to no member of this fund")
    if until < today(session):
        raise Refused("bad-value", "the last day of the allowance is over already")
    left = fund(session, log).unallocated
    if amount > left:
        raise Refused("bad-value", f"the pot holds {pounds(left)}, less than {pounds(amount)}")
    values = {"to": ids.show(certificate.subject.user), "device": ids.show(device), "amount": amount, "until": until}
    return records.add(session, log, "allowance", values)


def reclaim(session: Session, log: bytes, device: bytes, amount: int | None) -> int:
    """Move what a device may still spend, or `amount` of it, back to the pot. Returns the amount."""
    require_holder(session, log)
    left = fund(session, log).remaining.get(device, 0)
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise Refused("bad-value", f"that device may still spend {pounds(left)}: {'nothing' if not left else pounds(amount)} can be taken back")
    _line(session, log, "reclaim", amount, device=ids.show(device))
    return amount


def stranded(session: Session, log: bytes) -> list[tuple[bytes, int]]:
    """What devices may still spend that cannot: revoked ones, suspended ones, and those of people who have left the fund. Holders alone see to it."""
    state, devices = session.require_file(log), session.registry.devices
    left = fund(session, log).remaining
    acts = {device for device, one in devices.items() if one.acts and one.subject.user in state.members}
    return [(device, amount) for device, amount in left.items() if amount and device not in acts]


def today(session: Session) -> str:
    """The day by this device's clock, UTC, as YYYY-MM-DD."""
    return dt.datetime.fromtimestamp(session.now_ms() / 1000, dt.UTC).date().isoformat()


@dataclass(frozen=True, slots=True)
class Spent:
    """A recorded spend. `claimed` when it was beyond what this device could still spend; `until` is the last day of its allowances,
    None without one; `lapsed` when that day was over. The ledger knows no clock: a lapsed allowance still counts.
    """

    record: bytes
    spend_id: str
    claimed: bool
    remaining: int
    until: str | None
    lapsed: bool


def spend(session: Session, case: bytes, log: bytes, values: dict[str, Any]) -> Spent:
    """Record what was bought: always possible. Beyond the allowance it is claimed, and the fund holder is asked to cover it."""
    spend_id = ids.show(session.entropy(16))
    amount = values.get("amount")
    before = fund(session, log).remaining.get(session.identity.device, 0)
    halves = {
        "kind": "spend",
        "amount": amount,
        "category": values.get("category"),
        "spend_id": spend_id,
        "device": ids.show(session.identity.device),
    }
    line = {name: value for name, value in halves.items() if value is not None}
    with session.store.transaction():
        record = records.add(session, case, "spend", {**values, "spend_id": spend_id})
        made = records.add(session, log, "fund_line", line)
        if values.get("paid_how") == "own_money" and isinstance(amount, int):
            reimbursing.ask_back(session, log, made, spend_id, amount)
    after = fund(session, log)
    counted = after.spends[spend_id].counted > 0
    until = _until(session, log, after)
    lapsed = until is not None and until < today(session)
    return Spent(record, spend_id, not counted, after.remaining.get(session.identity.device, before), until, lapsed)


def _until(session: Session, log: bytes, state: Fund) -> str | None:
    """The last day of this device's allowances."""
    own = [record for record, device in state.allowances.items() if device == session.identity.device]
    days = [show(session.record(log, record), session.types).get("until") for record in own]
    return max((day.value for day in days if day is not None and isinstance(day.value, str)), default=None)


@dataclass(frozen=True, slots=True)
class Bought:
    """A spend as it is listed. `state`: a term of `spend_state`, or unknown to this device's funds. `counts` is what has been neither
    taken back nor refused, `owed` what is to be paid back of what was refused. `decisions` are those that others than the spender wrote themselves.
    """

    file: bytes
    record: bytes
    spend_id: str
    by: bytes
    values: dict[str, Any]
    state: str
    counts: int | None
    owed: int
    decisions: tuple[dict[str, Any], ...]
    received: bool


def list_spends(session: Session, logs: list[bytes]) -> list[Bought]:
    """Every spend in these files, with what the funds of this device say of it."""
    known = {spend_id: one for log in _funds(session) for spend_id, one in fund(session, log).spends.items()}
    found = []
    for log in logs:
        for target, _ in session.store.records(log, "spend"):
            record, values = finding.shown(session, log, target)
            said = {name: records.said_of(one.value) for name, one in values.items()}
            spend_id = str(said.get("spend_id", ""))
            counted = known.get(spend_id)
            counts = None if counted is None else counted.counted + counted.disputed
            found.append(
                Bought(
                    log,
                    target,
                    spend_id,
                    record.creator_user,
                    said,
                    "unknown" if counted is None else counted.state,
                    counts,
                    counted.owed if counted else 0,
                    _decisions(record, values),
                    not record.pending,
                )
            )
    return found


def _decisions(record: Record, values: Mapping[str, Shown]) -> tuple[dict[str, Any], ...]:
    """The rows by whoever they name, and never the spender's own."""
    rows = values["decisions"].siblings if "decisions" in values else ()
    own = [op for op in rows if isinstance(op.value, dict) and op.value.get("who") == ids.show(op.user) and op.user != record.creator_user]
    return tuple(records.said_of(op.value) for op in own)


def reverse(session: Session, case: bytes, log: bytes, record_id: bytes, amount: int | None, why: str) -> int:
    """Take a spend back, in whole or in part; the money returns to the pot. Returns the amount."""
    record, values = session.record(case, record_id), show(session.record(case, record_id), session.types)
    spend_id = values["spend_id"].value if "spend_id" in values else None
    if record.type != "spend" or not isinstance(spend_id, str):
        raise Refused("not-found", "that record is no spend, or it was removed: what it counts is in the fund, by its own id")
    known = fund(session, log).spends.get(spend_id)
    if known is None:
        raise Refused("not-found", "the fund does not know this spend")
    most = known.counted + known.disputed
    amount = most if amount is None else amount
    if not 0 < amount <= most:
        raise Refused("bad-value", f"{pounds(amount)} cannot be reversed: the spend still counts {pounds(most)}")
    with session.store.transaction():
        records.add(session, case, "spend_reversal", {"of": ids.show(record_id), "amount": amount, "why": why})
        _line(session, log, "reversal", amount, against=spend_id)
        if amount == most:
            reimbursing.drop(session, log, known)
    return amount


@dataclass(frozen=True, slots=True)
class Slip:
    """Money that was typed here and has left this device in no entry: what kind of line it is, and all its changes as (log, counter)."""

    record: bytes
    kind: str
    amount: int
    changes: tuple[tuple[bytes, int], ...]


def spend_slip(session: Session, case: bytes, record_id: bytes) -> Slip:
    """What was typed last of a spend, both halves: what it was reversed by, else the spend itself. Raises Refused once either half was sealed."""
    record, values = finding.shown(session, case, record_id)
    spend_id = values["spend_id"].value if "spend_id" in values else None
    if record.type != "spend" or not isinstance(spend_id, str):
        raise Refused("not-found", "that record is no spend")
    reversals = _own_lines(session, [case], "spend_reversal", of=ids.show(record_id))[-1:]
    reversals += _own_lines(session, _funds(session), "fund_line", kind="reversal", against=spend_id)[-1:]
    if any(_is_here(session, row) for _, row in reversals):
        return _slip(session, record_id, "reversal", reversals)
    if any(_is_here(session, row) for _, row in _own_lines(session, _funds(session), "fund_line", kind="cover", against=spend_id)):
        raise Refused("not-permitted", "you have covered that spend meanwhile: take that back first, with `fund undo`")
    halves = _own_lines(session, _funds(session), "fund_line", kind="spend", spend_id=spend_id)
    tasks = [one for _, row in halves for one in _own_lines(session, _funds(session), "task", **{"from": ids.show(row.record)})]
    whole = [(log, change) for log, row in tasks for change in session.store.changes_of(log, row.record)]
    return _slip(session, record_id, "spend", [*((case, row) for row in session.store.changes_of(case, record_id)), *halves, *whole])


def fund_slip(session: Session, log: bytes) -> Slip:
    """This device's newest line or allowance in a fund. Raises Refused when none is on this device only, and for half of a spend."""
    if session.require_file(log).file != "fund":
        raise Refused("bad-value", "that file is not a fund")
    lines = [one for type_ in ("fund_line", "allowance") for one in _own_lines(session, [log], type_) if _is_here(session, one[1])]
    if not lines:
        raise Refused(
            "not-permitted",
            "no line of the fund is on this device only, and what was sent stays. What is left of an allowance comes back with `fund reclaim`; "
            "nothing removes money that was put into the pot: it can be left there unspent",
        )
    newest = max(lines, key=lambda one: one[1].c)
    kind = str(_said(session, newest[1]).get("kind", "allowance"))
    if kind in ("spend", "reversal"):
        raise Refused("not-permitted", "the newest line belongs to a spend, which is in a case file too: `spend list` shows its id for `spend undo`")
    record = newest[1].record
    return _slip(session, record, kind, [(log, row) for row in session.store.changes_of(log, record)])


def take_back(session: Session, slip: Slip) -> None:
    """Forget a slip, all of it at once. Its numbers are not used again."""
    with session.store.transaction():
        for log, c in slip.changes:
            session.store.take_back(log, session.identity.device, c)


def _slip(session: Session, record_id: bytes, kind: str, rows: list[tuple[bytes, ChangeRow]]) -> Slip:
    if not all(_is_here(session, row) for _, row in rows):
        how = f"fieldkeep spend reverse {record_id.hex()[:8]} --why WHY" if kind in ("spend", "reversal") else "fieldkeep fund reclaim"
        raise Refused("not-permitted", f"it is not on this device only any more, and what was sent stays. The money comes back with: {how}")
    amounts = [amount for _, row in rows if isinstance(amount := _said(session, row).get("amount"), int)]
    return Slip(record_id, kind, amounts[-1] if amounts else 0, tuple((log, row.c) for log, row in rows))


def _own_lines(session: Session, logs: list[bytes], type_: str, **said: str) -> list[tuple[bytes, ChangeRow]]:
    """The changes by which this device began records of one type that say this, with their logs, oldest first."""
    me = session.identity.device
    own = [(log, row) for log in logs for row in session.store.all_changes(log) if row.device == me and ids.record_id(log, me, row.c) == row.record]
    found = [one for one in own if session.occurrence(one[1]).change.t == type_]
    return [one for one in found if all(_said(session, one[1]).get(name) == value for name, value in said.items())]


def _said(session: Session, row: ChangeRow) -> dict[str, Any]:
    ops = session.occurrence(row).change.ops
    return {op.field: op.value for op in ops if op.action == "set" and isinstance(op.field, str)}


def _is_here(session: Session, row: ChangeRow) -> bool:
    """Whether a change is this device's own and in no entry, not even in one that waits to be sent."""
    return row.device == session.identity.device and row.seq is None and row.sealed is None
