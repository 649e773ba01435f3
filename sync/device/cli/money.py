"""spend and fund."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device import funds, records
from sync.device.cli import frame
from sync.device.cli.frame import Json, RecordArg, command, emit, emit_json, table
from sync.device.cli.writing import SetOption, parse_sets
from sync.device.funds import pounds
from sync.device.session import Session
from sync.device.values import parse_text
from sync.fold import PENDING

spend = typer.Typer(help="What was bought for somebody.", no_args_is_help=True)
fund = typer.Typer(help="The personalisation fund.", no_args_is_help=True)

FundOption = Annotated[str | None, typer.Option("--fund", help="Fund file, where you belong to several.")]
Amount = Annotated[str, typer.Argument(help="Pounds and pence, for example 12.50.")]


def _fund(opened: Session, name: str | None) -> bytes:
    return records.find_file(opened, name) if name else funds.own_fund(opened)


def _pence(text: str) -> int:
    value = parse_text("fund_line", "amount", text)
    if not isinstance(value, int) or value <= 0:
        raise Refused("bad-value", "an amount is more than nothing")
    return value


@spend.command("add")
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
    """Record a spend; works offline. Beyond your allowance it is recorded as claimed, never refused.

    Example: fieldkeep spend add 14.20 --file 3fa8 --item "food parcel" --payee "corner shop" --category food --barrier debt --no-receipt none_given
    """
    texts = {
        "bought_on": on or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M"), "item": item, "payee": payee, "category": category,
        "removes_barrier": barrier, "paid_how": paid, "for_whom": for_whom, "no_receipt_why": no_receipt,
    }  # fmt: skip
    values: dict[str, Any] = {name: parse_text("spend", name, text) for name, text in texts.items() if text is not None}
    with frame.session() as opened:
        case, log = records.find_file(opened, file), _fund(opened, fund_)
        done = funds.spend(opened, case, log, {"amount": _pence(amount), **values, **parse_sets("spend", set_)})
    found = {"record": ids.show(done.record), "spend_id": done.spend_id, "claimed": done.claimed, "remaining": done.remaining}
    text = f"Saved on this device. You may still spend {pounds(done.remaining)}."
    if done.claimed:
        text = f"Saved as claimed: it is beyond your allowance ({pounds(done.remaining)} left). The fund holder decides."
    emit(found, ids.show(done.record), text, as_json=as_json)


@spend.command("reverse")
@command
def spend_reverse(
    which: RecordArg,
    why: Annotated[str, typer.Option(help="Why it is taken back.")],
    amount: Annotated[str | None, typer.Option(help="Pounds and pence; default all of it.")] = None,
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """Take a spend back, in whole or in part. The spend stays on record; the money returns to the pot.

    Example: fieldkeep spend reverse 9c1e --why "the shop took it back"
    """
    with frame.session() as opened:
        case, target = records.find_record(opened, which)
        spend_id = records.shown(opened, case, target)[1].get("spend_id")
        if spend_id is None or not isinstance(spend_id.value, str):  # another device may have written anything
            raise Refused("not-found", "that record is no spend")
        taken = funds.reverse(opened, case, _fund(opened, fund_), target, _pence(amount) if amount else None, why)
    emit({"record": ids.show(target), "reversed": taken}, f"{pounds(taken)} is taken back.", as_json=as_json)


@fund.command("show")
@command
def fund_show(fund_: FundOption = None, as_json: Json = False) -> None:
    """Show what the fund holds and what you may still spend.

    Example: fieldkeep fund show
    """
    with frame.session() as opened:
        log = _fund(opened, fund_)
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
    rows += [[f"disputed: {opened.name_of(one.user)}, spend {one.id[:8]}", pounds(one.disputed)] for one in state.spends.values() if one.disputed]
    table("Fund", ["", "pounds"], rows)
    if found["ignored"]:
        table("Without effect", ["entry", "record", "why"], [[str(one["seq"] or "–"), one["record"][:8], one["why"]] for one in found["ignored"]])


@fund.command("allot")
@command
def fund_allot(
    amount: Amount,
    to: Annotated[str | None, typer.Option(help="Person whose device gets it as an allowance; without, it goes into the pot.")] = None,
    device: Annotated[str | None, typer.Option(help="Which of the person's devices, where there are several.")] = None,
    until: Annotated[str, typer.Option(help="Last day of the allowance.")] = "2099-12-31",
    funder: Annotated[str, typer.Option(help="Where the money comes from.")] = "personalisation fund",
    period: Annotated[str, typer.Option(help="Which period it is for.")] = "unstated",
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """Put money into the pot, or move some of it to a device's allowance (fund holder).

    Example: fieldkeep fund allot 500 --funder "OPCC" --period "2026-27"    then: fieldkeep fund allot 60 --to Sam --until 2026-12-31
    """
    with frame.session() as opened:
        log, pence = _fund(opened, fund_), _pence(amount)
        if to is None:
            funds.allot(opened, log, pence, funder, period)
            emit({"allotted": pence}, f"{pounds(pence)} is in the pot.", as_json=as_json)
            return
        target = _device(opened, frame.person(opened, to), device)
        funds.allow(opened, log, target, pence, until)
    emit({"allowance": pence, "device": ids.show(target)}, f"{to} may spend {pounds(pence)} more, once their device has synced.", as_json=as_json)


def _device(opened: Session, user: bytes, prefix: str | None) -> bytes:
    if prefix:
        return frame.device_id(opened, prefix)
    found = [cert.keys.device for cert in opened.registry.devices_of(user, opened.registry.seq)]
    if len(found) != 1:
        raise Refused("bad-value", f"that person has {len(found)} devices: name one with --device")
    return found[0]


@fund.command("cover")
@command
def fund_cover(
    spend_id: Annotated[str, typer.Argument(help="Spend id, or the first characters of it, from `fund show`.")],
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """Cover a spend that was beyond its allowance, from the pot (fund holder).

    Example: fieldkeep fund cover 1b2c
    """
    with frame.session() as opened:
        log = _fund(opened, fund_)
        found = [one.id for one in funds.fund(opened, log).spends.values() if one.id.startswith(spend_id)]
        if len(found) != 1:
            some = f"several spends begin like that, give more of the id: {', '.join(found[:8])}"
            raise Refused("not-found", some if found else "no spend has that id")
        covered = funds.cover(opened, log, found[0])
    emit({"spend_id": found[0], "covered": covered}, f"{pounds(covered)} is covered from the pot.", as_json=as_json)
