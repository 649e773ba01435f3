"""spend and fund."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.cli import frame
from sync.device.cli.frame import Json, RecordArg, Yes, command
from sync.device.cli.recording import SetOption, parse_sets
from sync.device.cli.terminal import confirm, emit, emit_json, plain, say, short, table
from sync.device.money import funds
from sync.device.money.funds import Slip
from sync.device.recording import finding, reading
from sync.device.recording.places import BadValue
from sync.device.recording.typed import parse_text
from sync.device.session import Session
from sync.fold import PENDING
from sync.ledger import pounds

spend = typer.Typer(help="What was bought for somebody.", no_args_is_help=True)
fund = typer.Typer(help="The personalisation fund.", no_args_is_help=True)

FundOption = Annotated[str | None, typer.Option("--fund", help="Fund file, where you belong to several.")]
Amount = Annotated[str, typer.Argument(help="Pounds and pence, for example 12.50.")]
_BELOW: Final = re.compile("-£?[0-9][0-9.,]*")
_KINDS: Final = {
    "allotment": "put into the pot",
    "allowance": "of an allowance",
    "cover": "for covering a claimed spend",
    "reclaim": "reclaimed",
    "refusal": "refused of a claimed spend",
    "refusal_repay": "refused of a claimed spend, to be paid back",
    "repaid": "paid back",
}
_STATES: Final = {"refused_repay": "to be paid back", "reversed": "taken back"}
_OPTIONS: Final = {
    "bought_on": "--on", "item": "--item", "payee": "--payee", "category": "--category", "removes_barrier": "--barrier", "paid_how": "--paid",
    "for_whom": "--for", "no_receipt_why": "--no-receipt",
}  # fmt: skip


def fund_of(opened: Session, name: str | None) -> bytes:
    """The fund that was named, else the one that this device belongs to."""
    return finding.find_file(opened, name) if name else funds.own_fund(opened)


def _typed(called: str, type_: str, field: str, text: str) -> Any:
    """What was typed for a field. A refusal names the option, for that is what the person knows."""
    try:
        return parse_text(type_, field, text)
    except BadValue as error:
        raise BadValue(called, error.seen, error.wanted) from None


def pence_of(text: str, called: str = "the amount") -> int:
    """Pence from pounds and pence as people type them."""
    pence: int = _typed(called, "fund_line", "amount", text)
    return pence


class _WithAmount(TyperCommand):
    """A command whose amount may be typed below 0: the refusal then speaks of the amount, not of an option that there is not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Takes -5 for an amount, wherever it is not the value of an option."""
        before = ["", *args]
        return super().parse_args(ctx, [f" {one}" if _BELOW.fullmatch(one) and before[n][:2] != "--" else one for n, one in enumerate(args)])


@spend.command("add", cls=_WithAmount)
@command
def spend_add(
    amount: Amount,
    file: Annotated[str, typer.Option("--file", help="Case file that it was bought for.")],
    item: Annotated[str, typer.Option(help="What was bought.")],
    payee: Annotated[str, typer.Option(help="Who was paid.")],
    category: Annotated[str, typer.Option(help="food, essential_goods, furniture, travel …")],
    barrier: Annotated[str, typer.Option(help="The need whose barrier it removes, for example debt.")],
    paid: Annotated[str, typer.Option(help="petty_cash, prepaid_card, own_money, supplier_invoice, voucher.")] = "petty_cash",
    for_whom: Annotated[str, typer.Option("--for", help="client or household.")] = "client",
    on: Annotated[str | None, typer.Option(help="When, for example 2026-11-20T14:30; default now.")] = None,
    no_receipt: Annotated[str | None, typer.Option(help="Why there is no receipt: lost, none_given, voucher, to_follow.")] = None,
    fund_: FundOption = None,
    set_: SetOption = None,
    as_json: Json = False,
) -> None:
    """Record a spend; works offline. It is posted to the fund; beyond your allowance it is recorded as claimed, never refused.

    Example: fieldkeep spend add 14.20 --file 3fa8 --item "food parcel" --payee "corner shop" --category food --barrier debt --no-receipt none_given
    """
    texts = {
        "bought_on": on or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M"), "item": item, "payee": payee, "category": category,
        "removes_barrier": barrier, "paid_how": paid, "for_whom": for_whom, "no_receipt_why": no_receipt,
    }  # fmt: skip
    values: dict[str, Any] = {name: _typed(_OPTIONS[name], "spend", name, text) for name, text in texts.items() if text is not None}
    with frame.session() as opened:
        case, log = finding.find_file(opened, file), fund_of(opened, fund_)
        done = funds.spend(opened, case, log, {"amount": pence_of(amount), **values, **parse_sets(opened, "spend", set_)})
        today = funds.today(opened)
    found = {
        "record": ids.show(done.record), "spend_id": done.spend_id, "state": "claimed" if done.claimed else "posted",
        "claimed": done.claimed, "remaining": done.remaining,
        "allowance_until": done.until, "lapsed": done.lapsed, "in_future": _day(values["bought_on"]) > today,
    }  # fmt: skip
    lines = [f"Saved on this device, as {found['state']}. You may still spend {pounds(done.remaining)}."]
    if done.claimed:
        lines = [f"Saved on this device, as claimed: it is beyond your allowance ({pounds(done.remaining)} left). The fund holder decides."]
    if done.lapsed:
        lines.append(f"Your allowance was for spending until {done.until}: speak to the fund holder.")
    if found["in_future"]:
        slip = f"If that was a slip: fieldkeep spend undo {short(done.record)}, and add it again."
        lines.append(f"You gave a day that is still to come; this device's clock says {today}. {slip}")
    emit(found, ids.show(done.record), *lines, as_json=as_json)


def _day(when: Any) -> str:
    return str(when.get("at", ""))[:10] if isinstance(when, dict) else ""


@spend.command("list")
@command
def spend_list(
    file: Annotated[str | None, typer.Option("--file", help="Of one file only; default all of yours.")] = None,
    no_receipts: Annotated[
        bool, typer.Option("--no-receipts", help="Only those whose receipt is still to come, or of which nothing was said.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what was bought: when, for which file, how much, and what the fund says of it.

    Posted: paid from an allowance. Claimed: beyond it, and waits for the fund holder. Approved or refused: somebody else than the spender decided. To be
    paid back: refused, and it comes out of the spender's pocket. Taken back: nothing of it counts any more.

    Example: fieldkeep spend list --file 3fa8 --no-receipts
    """
    with frame.session() as opened:
        rows = funds.list_spends(opened, [finding.find_file(opened, file)] if file else opened.file_logs())
        for log in {one.file for one in rows}:
            reading.looked_at(opened, log, [(one.record, "") for one in rows if one.file == log])
        found: list[dict[str, Any]] = [
            {
                "record": ids.show(one.record), "file": ids.show(one.file), "spend_id": one.spend_id, "bought_on": _day(one.values.get("bought_on")),
                "amount": one.values.get("amount"), "counts": one.counts, "item": one.values.get("item"), "payee": one.values.get("payee"),
                "category": one.values.get("category"), "by": opened.name_of(one.by), "state": one.state, "owed": one.owed, "received": one.received,
                "receipts": len(one.values.get("receipt") or ()), "no_receipt_why": one.values.get("no_receipt_why"),
                "decisions": [{"by": opened.name_of(ids.parse(row["who"])), "approved": row.get("approved"), "why": row.get("why")} for row in one.decisions],
            }
            for one in rows
        ]  # fmt: skip
    if no_receipts:
        found = [row for row in found if not row["receipts"] and row["no_receipt_why"] in (None, "to_follow")]
    if as_json:
        emit_json({"spends": found})
        return
    cells = [
        [row["record"][:8], row["file"][:8], row["bought_on"], _amount(row)]
        + [plain(row[name]) for name in ("item", "payee", "category", "by")]
        + [_STATES.get(row["state"], row["state"]), _receipt(row)]
        + ["received" if row["received"] else "on this device"]
        for row in found
    ]
    table("Spends", ["id", "file", "when", "pounds", "item", "paid to", "category", "by", "", "receipt", ""], cells)
    for row in found:
        for one in row["decisions"]:
            say(
                f"{row['record'][:8]}: {one['by']} {'approved' if one['approved'] == 'yes' else 'refused'} it"
                + (f": {one['why']}" if one["why"] else ".")
            )


def _receipt(row: dict[str, Any]) -> str:
    """How many receipts there are, else why there is none."""
    return str(row["receipts"]) if row["receipts"] else plain(row["no_receipt_why"]).replace("_", " ") if row["no_receipt_why"] else "missing"


def _amount(row: dict[str, Any]) -> str:
    """What was paid; where part of it was taken back or refused, what still counts of it."""
    if not isinstance(row["amount"], int):
        return "–"
    part = row["counts"] not in (None, 0, row["amount"])
    return f"{pounds(row['counts'])} of {pounds(row['amount'])}" if part else pounds(row["amount"])


@spend.command("reverse")
@command
def spend_reverse(
    which: RecordArg,
    why: Annotated[str, typer.Option(help="Why it is taken back.")],
    amount: Annotated[str | None, typer.Option(help="Pounds and pence; default all of it.")] = None,
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """Take a spend back, in whole or in part. The spend stays on record; the money returns to the pot. For a slip that is not sent: `spend undo`.

    Example: fieldkeep spend reverse 9c1e --why "the shop took it back"
    """
    frame.reason("--why", why)
    with frame.session() as opened:
        case, target = finding.find_record(opened, which)
        spend_id = finding.shown(opened, case, target)[1].get("spend_id")
        if spend_id is None or not isinstance(spend_id.value, str):  # another device may have written anything
            raise Refused("not-found", "that record is no spend")
        taken = funds.reverse(opened, case, fund_of(opened, fund_), target, pence_of(amount, "--amount") if amount else None, why)
    emit({"record": ids.show(target), "reversed": taken}, f"{pounds(taken)} is taken back.", as_json=as_json)


@spend.command("undo")
@command
def spend_undo(which: RecordArg, yes: Yes = False, as_json: Json = False) -> None:
    """Take back a slip that is on this device only: the spend, here and in the fund. Of one that you have reversed, the reversal first.

    Once it is sent nothing is taken back: use `spend reverse`.

    Example: fieldkeep spend undo 9c1e
    """
    with frame.session() as opened:
        case, target = finding.find_record(opened, which)
        slip = funds.spend_slip(opened, case, target)
        what = f"the {slip.kind} of {pounds(slip.amount)}"
        confirm(f"Undo {what} ({short(target)})?", yes=yes)
        funds.take_back(opened, slip)
    emit(_undone(slip), f"Undone: {what}. It was on this device only.", as_json=as_json)


def _undone(slip: Slip) -> dict[str, Any]:
    return {"record": ids.show(slip.record), "undone": slip.kind, "amount": slip.amount}


@fund.command("show")
@command
def fund_show(fund_: FundOption = None, as_json: Json = False) -> None:
    """Show what the fund holds and what you may still spend.

    Example: fieldkeep fund show
    """
    with frame.session() as opened:
        log = fund_of(opened, fund_)
        state = funds.fund(opened, log)
        mine = state.remaining.get(opened.identity.device, 0)
        found: dict[str, Any] = {
            "fund": ids.show(log), "allotted": state.allotted, "unallocated": state.unallocated, "spent": state.spent, "disputed": state.disputed,
            "mine": mine, "remaining": {ids.show(device): amount for device, amount in state.remaining.items()},
            "disputes": [{"spend_id": one.id, "amount": one.disputed, "by": opened.name_of(one.user)} for one in state.spends.values() if one.disputed],
            "ignored": [
                {"seq": None if seq == PENDING else seq, "record": ids.show(target), "why": why} for seq, target, why in state.ignored
            ],
        }  # fmt: skip
        names = {device: f"{opened.name_of(cert.subject.user)} ({cert.keys.label})" for device, cert in opened.registry.devices.items()}
    if as_json:
        emit_json(found)
        return
    rows = [
        ["put in", pounds(state.allotted)],
        ["in the pot", pounds(state.unallocated)],
        ["spent", pounds(state.spent)],
        ["you may still spend", pounds(mine)],
    ]
    rows += [[f"allowance of {names.get(device, 'unknown')}", pounds(amount)] for device, amount in state.remaining.items()]
    rows += [[f"claimed: {opened.name_of(one.user)}, spend {one.id[:8]}", pounds(one.disputed)] for one in state.spends.values() if one.disputed]
    table("Fund", ["", "pounds"], rows)
    if found["ignored"]:
        table("Without effect", ["entry", "record", "why"], [[str(one["seq"] or "–"), one["record"][:8], one["why"]] for one in found["ignored"]])


@fund.command("allot", cls=_WithAmount)
@command
def fund_allot(
    amount: Amount,
    to: Annotated[str | None, typer.Option(help="Person whose device gets it as an allowance; without, it goes into the pot.")] = None,
    device: Annotated[str | None, typer.Option(help="Which of the person's devices, where there are several: its id, or what it is called.")] = None,
    until: Annotated[str, typer.Option(help="Last day of the allowance.")] = "2099-12-31",
    funder: Annotated[str | None, typer.Option(help="Where the money comes from. Needed for what goes into the pot.")] = None,
    period: Annotated[str | None, typer.Option(help="Which period it is for. Needed for what goes into the pot.")] = None,
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """Put money into the pot, or move some of it to a device's allowance (fund holder).

    Example: fieldkeep fund allot 500 --funder "OPCC" --period "2026-27"    then: fieldkeep fund allot 60 --to Sam --until 2026-12-31
    """
    with frame.session() as opened:
        log, pence = fund_of(opened, fund_), pence_of(amount)
        if to is None:
            funds.allot(opened, log, pence, *_origin(funder, period))
            emit({"allotted": pence}, f"{pounds(pence)} is in the pot.", as_json=as_json)
            return
        target = _device(opened, frame.person(opened, to), device)
        funds.allow(opened, log, target, pence, _typed("--until", "allowance", "until", until))
    emit({"allowance": pence, "device": ids.show(target)}, f"{to} may spend {pounds(pence)} more, once their device has synced.", as_json=as_json)


def _origin(funder: str | None, period: str | None) -> tuple[str, str]:
    """Where money for the pot comes from. Raises Refused where that was not said."""
    if funder is None or period is None:
        lacks = " and ".join(name for name, given in (("--funder", funder), ("--period", period)) if given is None)
        raise Refused(
            "bad-value",
            f'what goes into the pot needs {lacks}: fieldkeep fund allot 500 --funder "OPCC" --period "2026-27". '
            "To let a person spend some of the pot, name them with --to",
        )
    return _typed("--funder", "fund_line", "funder", funder), _typed("--period", "fund_line", "period", period)


def _device(opened: Session, user: bytes, named: str | None) -> bytes:
    theirs = list(opened.registry.devices_of(user, opened.registry.seq))
    if named is None and len(theirs) != 1:
        called = ", ".join(f"{cert.keys.label} ({cert.keys.device.hex()[:8]})" for cert in theirs)
        raise Refused("bad-value", f"that person has {len(theirs)} devices{f', name one with --device: {called}' if theirs else ''}")
    return theirs[0].keys.device if named is None else frame.device_id(opened, named, theirs)


@fund.command("reclaim")
@command
def fund_reclaim(
    who: Annotated[str | None, typer.Argument(help="Person whose device has the allowance.")] = None,
    amount: Annotated[str | None, typer.Option(help="Pounds and pence; default all that is left of it.")] = None,
    device: Annotated[str | None, typer.Option(help="Which of the person's devices: its id, or what it is called. A revoked one too.")] = None,
    lost: Annotated[
        bool, typer.Option("--lost", help="All that is left on devices that were revoked or suspended, or whose person has left the fund.")
    ] = False,
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """Take back what is left of a device's allowance into the pot (fund holder): it was lost, or the allowance has ended.

    What its owner has spent meanwhile and not synced yet is then claimed, and waits for you to cover it.

    Example: fieldkeep fund reclaim Sam --device tablet        or, whatever lost phones still hold: fieldkeep fund reclaim --lost
    """
    if lost == (who is not None) or (lost and (amount or device)):
        raise Refused("bad-value", "say whose allowance, or --lost by itself")
    with frame.session() as opened:
        log = fund_of(opened, fund_)
        if who is None:
            found = [(target, funds.reclaim(opened, log, target, None)) for target, _ in funds.stranded(opened, log)]
            rows = [{"device": ids.show(target), "reclaimed": pence} for target, pence in found]
            total = sum(pence for _, pence in found)
            said = f"{pounds(total)} is back in the pot, from {len(found)} device(s)." if found else "No lost device holds anything."
            emit({"devices": rows, "reclaimed": total}, said, as_json=as_json)
            return
        user = frame.person(opened, who)
        theirs = [cert for cert in opened.registry.devices.values() if cert.subject.user == user]
        target = frame.device_id(opened, device, theirs) if device else _device(opened, user, None)
        taken = funds.reclaim(opened, log, target, pence_of(amount, "--amount") if amount else None)
    emit({"device": ids.show(target), "reclaimed": taken}, f"{pounds(taken)} is back in the pot.", as_json=as_json)


@fund.command("undo")
@command
def fund_undo(fund_: FundOption = None, yes: Yes = False, as_json: Json = False) -> None:
    """Take back a slip that is on this device only: its newest line of the fund, or allowance (fund holder). Run it again for the one before.

    Once it is sent nothing is taken back: what is left of an allowance comes back with `fund reclaim`.

    Example: fieldkeep fund undo
    """
    with frame.session() as opened:
        log = fund_of(opened, fund_)
        slip = funds.fund_slip(opened, log)
        what = f"{pounds(slip.amount)} {_KINDS.get(slip.kind, slip.kind)}"
        confirm(f"Undo the newest line of the fund, {what}?", yes=yes)
        funds.take_back(opened, slip)
        left = funds.fund(opened, log).unallocated
    emit(_undone(slip) | {"unallocated": left}, f"Undone: {what}. It was on this device only. The pot holds {pounds(left)}.", as_json=as_json)
