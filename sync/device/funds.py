"""Money in the field: allotments, allowances, spends, reversals (docs/spec.md §8). All amounts are pence.

The fund log counts; the case's `spend` record holds what was bought. Both halves are kept in one transaction under one spend id.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device import finding, records
from sync.device.session import Session
from sync.fold import show
from sync.ledger import HOLDER, Fund, Spend, fold_fund


def fund(session: Session, log: bytes) -> Fund:
    """The fund as this device knows it, its own unsent lines included."""
    if session.require_file(log).file != "fund":
        raise Refused("bad-value", "that file is not a fund")
    return fold_fund(log, session.occurrences(log))


def own_fund(session: Session) -> bytes:
    """The one fund that this device belongs to. Raises Refused `not-found` for none or several."""
    funds = [log for log in session.file_logs() if (state := session.file(log)) is not None and state.file == "fund"]
    if len(funds) != 1:
        raise Refused("not-found", "you belong to no fund yet" if not funds else "you belong to several funds: name one with --fund")
    return funds[0]


def held(session: Session) -> list[bytes]:
    """The funds whose holder this device's user is."""
    states = [(log, session.file(log)) for log in session.file_logs()]
    return [log for log, state in states if state is not None and state.file == "fund" and state.members.get(session.identity.user) == HOLDER]


def _line(session: Session, log: bytes, kind: str, amount: int, **more: Any) -> bytes:
    return records.add(session, log, "fund_line", {"kind": kind, "amount": amount, **more})


def _require_holder(session: Session, log: bytes) -> None:
    if session.require_file(log).members.get(session.identity.user) != HOLDER:
        raise Refused("not-permitted", "only the fund holder does this")


def allot(session: Session, log: bytes, amount: int, funder: str, period: str) -> bytes:
    """Put money into the pot."""
    _require_holder(session, log)
    return _line(session, log, "allotment", amount, funder=funder, period=period)


def allow(session: Session, log: bytes, device: bytes, amount: int, until: str) -> bytes:
    """Move money from the pot to one device's allowance. Raises Refused when the pot does not hold it or nobody could spend it."""
    _require_holder(session, log)
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
    _require_holder(session, log)
    left = fund(session, log).remaining.get(device, 0)
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise Refused("bad-value", f"that device may still spend {pounds(left)}: {'nothing' if not left else pounds(amount)} can be taken back")
    _line(session, log, "reclaim", amount, device=ids.show(device))
    return amount


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
        records.add(session, log, "fund_line", line)
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
    """A spend as it is listed. `state`: posted, claimed, taken back, or unknown to this device's funds."""

    file: bytes
    record: bytes
    spend_id: str
    by: bytes
    values: dict[str, Any]
    state: str
    received: bool


def list_spends(session: Session, logs: list[bytes]) -> list[Bought]:
    """Every spend in these files, with what the funds of this device say of it."""
    funds = [fund(session, log) for log in session.file_logs() if (state := session.file(log)) is not None and state.file == "fund"]
    known = {spend_id: one for state in funds for spend_id, one in state.spends.items()}
    found = []
    for log in logs:
        for target, _ in session.store.records(log, "spend"):
            record, values = finding.shown(session, log, target)
            said = {name: one.value for name, one in values.items()}
            spend_id = str(said.get("spend_id", ""))
            found.append(Bought(log, target, spend_id, record.creator_user, said, _state(known.get(spend_id)), not record.pending))
    return found


def _state(spend: Spend | None) -> str:
    if spend is None:
        return "unknown"
    return "claimed" if spend.disputed else "posted" if spend.counted else "taken back"


def reverse(session: Session, case: bytes, log: bytes, record_id: bytes, amount: int | None, why: str) -> int:
    """Take a spend back, in whole or in part; the money returns to the pot. Returns the amount."""
    record, values = session.record(case, record_id), show(session.record(case, record_id), session.types)
    if record.type != "spend" or "spend_id" not in values:
        raise Refused("not-found", "that record is no spend")
    spend_id = values["spend_id"].value
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
    return amount


def cover(session: Session, log: bytes, spend_id: str) -> int:
    """Cover a disputed spend from the pot. Returns the amount."""
    _require_holder(session, log)
    state = fund(session, log)
    known = state.spends.get(spend_id)
    if known is None or not known.disputed:
        raise Refused("not-found", "no disputed spend has that id")
    if known.disputed > state.unallocated:
        raise Refused("bad-value", f"the pot holds {pounds(state.unallocated)}, less than {pounds(known.disputed)}")
    _line(session, log, "cover", known.disputed, against=spend_id)
    return known.disputed


def pounds(pence: int) -> str:
    """How an amount is shown."""
    return f"£{pence // 100}.{pence % 100:02d}"
