"""spend and fund."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device import finding, funds
from sync.device.cli import frame
from sync.device.cli.frame import Json, RecordArg, command
from sync.device.cli.recording import SetOption, parse_sets
from sync.device.cli.terminal import emit, emit_json, plain, table
from sync.device.funds import pounds
from sync.device.session import Session
from sync.device.values import BadValue, parse_text
from sync.fold import PENDING

spend = typer.Typer(help="What was bought for somebody.", no_args_is_help=True)
fund = typer.Typer(help="The personalisation fund.", no_args_is_help=True)

FundOption = Annotated[str | None, typer.Option("--fund", help="Fund file, where you belong to several.")]
Amount = Annotated[str, typer.Argument(help="Pounds and pence, for example 12.50.")]
_OPTIONS: Final = {
    "bought_on": "--on", "item": "--item", "payee": "--payee", "category": "--category", "removes_barrier": "--barrier", "paid_how": "--paid",
    "for_whom": "--for", "no_receipt_why": "--no-receipt",
}  # fmt: skip


def _fund(opened: Session, name: str | None) -> bytes:
    return finding.find_file(opened, name) if name else funds.own_fund(opened)


def _pence(text: str, called: str = "the amount") -> int:
    try:
        value = parse_text("fund_line", "amount", text)
    except BadValue as error:
        raise BadValue(called, error.seen, error.wanted) from None
    if not isinstance(value, int) or value <= 0:
        raise BadValue(called, "nothing", "more than nothing, for example 12.50")
    return value


def _option(name: str, text: str) -> Any:
    """A field of a spend that has an option of its own; a refusal names the option, for that is what was typed."""
    try:
        return parse_text("spend", name, text)
    except BadValue as error:
        raise BadValue(_OPTIONS[name], error.seen, error.wanted) from None


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
    values: dict[str, Any] = {name: _option(name, text) for name, text in texts.items() if text is not None}
    with frame.session() as opened:
        case, log = finding.find_file(opened, file), _fund(opened, fund_)
        done = funds.spend(opened, case, log, {"amount": _pence(amount), **values, **parse_sets("spend", set_)})
        today = funds.today(opened)
    found = {
        "record": ids.show(done.record), "spend_id": done.spend_id, "claimed": done.claimed, "remaining": done.remaining,
        "allowance_until": done.until, "lapsed": done.lapsed, "in_future": _day(values["bought_on"]) > today,
    }  # fmt: skip
    lines = [f"Saved on this device. You may still spend {pounds(done.remaining)}."]
    if done.claimed:
        lines = [f"Saved as claimed: it is beyond your allowance ({pounds(done.remaining)} left). The fund holder decides."]
    if done.lapsed:
        lines.append(f"Your allowance was for spending until {done.until}: speak to the fund holder.")
    if found["in_future"]:
        lines.append(
            f"You gave a day that is still to come; this device's clock says {today}. If that was a slip: fieldkeep spend reverse, and add it again."
        )
    emit(found, ids.show(done.record), *lines, as_json=as_json)


def _day(when: Any) -> str:
    return str(when.get("at", ""))[:10] if isinstance(when, dict) else ""


@spend.command("list")
@command
def spend_list(
    file: Annotated[str | None, typer.Option("--file", help="Of one file only; default all of yours.")] = None, as_json: Json = False
) -> None:
    """List what was bought: when, for which file, how much, and what the fund says of it.

    Example: fieldkeep spend list --file 3fa8
    """
    with frame.session() as opened:
        rows = funds.list_spends(opened, [finding.find_file(opened, file)] if file else opened.file_logs())
        found: list[dict[str, Any]] = [
            {
                "record": ids.show(one.record), "file": ids.show(one.file), "spend_id": one.spend_id, "bought_on": _day(one.values.get("bought_on")),
                "amount": one.values.get("amount"), "item": one.values.get("item"), "payee": one.values.get("payee"),
                "category": one.values.get("category"), "by": opened.name_of(one.by), "state": one.state, "received": one.received,
            }
            for one in rows
        ]  # fmt: skip
    if as_json:
        emit_json({"spends": found})
        return
    cells = [
        [row["record"][:8], row["file"][:8], row["bought_on"], pounds(row["amount"]) if isinstance(row["amount"], int) else "–"]
        + [plain(row[name]) for name in ("item", "payee", "category", "by", "state")]
        + ["received" if row["received"] else "on this device"]
        for row in found
    ]
    table("Spends", ["id", "file", "when", "pounds", "item", "paid to", "category", "by", "", ""], cells)


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
        case, target = finding.find_record(opened, which)
        spend_id = finding.shown(opened, case, target)[1].get("spend_id")
        if spend_id is None or not isinstance(spend_id.value, str):  # another device may have written anything
            raise Refused("not-found", "that record is no spend")
        taken = funds.reverse(opened, case, _fund(opened, fund_), target, _pence(amount, "--amount") if amount else None, why)
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
    device: Annotated[str | None, typer.Option(help="Which of the person's devices, where there are several: its id, or what it is called.")] = None,
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


def _device(opened: Session, user: bytes, named: str | None) -> bytes:
    theirs = list(opened.registry.devices_of(user, opened.registry.seq))
    if named is None and len(theirs) != 1:
        called = ", ".join(f"{cert.keys.label} ({cert.keys.device.hex()[:8]})" for cert in theirs)
        raise Refused("bad-value", f"that person has {len(theirs)} devices{f', name one with --device: {called}' if theirs else ''}")
    return theirs[0].keys.device if named is None else frame.device_id(opened, named, theirs)


@fund.command("reclaim")
@command
def fund_reclaim(
    who: Annotated[str, typer.Argument(help="Person whose device has the allowance.")],
    amount: Annotated[str | None, typer.Option(help="Pounds and pence; default all that is left of it.")] = None,
    device: Annotated[str | None, typer.Option(help="Which of the person's devices: its id, or what it is called. A revoked one too.")] = None,
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """Take back what is left of a device's allowance into the pot (fund holder): it was lost, or the allowance has ended.

    What its owner has spent meanwhile and not synced yet is then claimed, and waits for you to cover it.

    Example: fieldkeep fund reclaim Sam --device tablet
    """
    with frame.session() as opened:
        log, user = _fund(opened, fund_), frame.person(opened, who)
        theirs = [cert for cert in opened.registry.devices.values() if cert.subject.user == user]
        target = frame.device_id(opened, device, theirs) if device else _device(opened, user, None)
        taken = funds.reclaim(opened, log, target, _pence(amount, "--amount") if amount else None)
    emit({"device": ids.show(target), "reclaimed": taken}, f"{pounds(taken)} is back in the pot.", as_json=as_json)


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
