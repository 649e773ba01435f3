"""Claims: what was bought beyond an allowance, and what a second person decides on it (docs/spec.md §8).

The fund's line moves the money. Where whoever decides belongs to the case's file as well, the spend there says who decided, when and why;
a fund's own lines carry no free words, for they could name somebody.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.across import cases
from sync.device.money import funds, reimbursing
from sync.device.recording import records
from sync.device.session import Session
from sync.ledger import Spend, pounds

Decision = Literal["cover", "refusal", "refusal_repay"]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided: the amount, and the case's record of the spend where this device has it and wrote it there."""

    amount: int
    record: bytes | None


def decide(session: Session, log: bytes, spend_id: str, kind: Decision, why: str = "") -> Decided:
    """Decide on all that a spend claims: `cover`, `refusal` or `refusal_repay`, a line's kind.

    Raises Refused for whoever may not, for a spend that claims nothing, for a pot that holds too little, and for a reason where
    there is no file on this device in which it could stand.
    """
    known = _open(session, log, spend_id)
    if not known.disputed:
        raise Refused("not-found", "nothing of that spend is claimed: it is posted, decided on or taken back")
    left = funds.fund(session, log).unallocated
    if kind == "cover" and known.disputed > left:
        raise Refused("bad-value", f"the pot holds {pounds(left)}, less than {pounds(known.disputed)}")
    found = _spend_record(session, spend_id)
    if found is None and why:
        raise Refused(
            "not-permitted",
            "you do not belong to the file of that spend, so a reason cannot be kept with it: leave out --why, and tell them yourself",
        )
    if kind == "refusal_repay" and found is not None and cases.values_of(session, *found).get("paid_how") == "own_money":
        raise Refused("bad-value", "that was paid with the worker's own money: there is nothing to pay back. Refuse it without --repay")
    with session.store.transaction():
        records.add(session, log, "fund_line", {"kind": kind, "amount": known.disputed, "against": spend_id})
        if found is not None:
            row = {"who": ids.show(session.identity.user), "when": _now(session), "approved": "yes" if kind == "cover" else "no"}
            records.edit(session, *found, {"decisions": [row | ({"why": why} if why else {})]})
        if kind != "cover":
            reimbursing.drop(session, log, known)
    return Decided(known.disputed, None if found is None else found[1])


def repaid(session: Session, log: bytes, spend_id: str, amount: int | None) -> int:
    """Record that what was refused has been paid back, all of it or `amount`. Returns the amount. Raises Refused as `decide` does."""
    known = _open(session, log, spend_id)
    amount = known.owed if amount is None else amount
    if not 0 < amount <= known.owed:
        raise Refused("bad-value", f"{pounds(known.owed)} of that spend is to be paid back")
    records.add(session, log, "fund_line", {"kind": "repaid", "amount": amount, "against": spend_id})
    return amount


def _open(session: Session, log: bytes, spend_id: str) -> Spend:
    funds.require_holder(session, log)
    known = funds.fund(session, log).spends.get(spend_id)
    if known is None:
        raise Refused("not-found", "the fund does not know this spend")
    if known.user == session.identity.user:
        raise Refused("not-permitted", "that claim is your own: another fund holder decides on it. Nothing was changed")
    return known


def _spend_record(session: Session, spend_id: str) -> tuple[bytes, bytes] | None:
    """(file, record) of a spend in a file that this person belongs to."""
    for one in funds.list_spends(session, session.file_logs()):
        if one.spend_id == spend_id and session.identity.user in session.require_file(one.file).members:
            return one.file, one.record
    return None


def _now(session: Session) -> dict[str, str]:
    return {"at": datetime.fromtimestamp(session.now_ms() / 1000, UTC).strftime("%Y-%m-%dT%H:%M"), "precision": "minute"}
