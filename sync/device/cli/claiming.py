"""fund claims, fund cover, fund refuse, fund repaid, fund statement."""

from pathlib import Path
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.across import cases
from sync.device.cli import frame
from sync.device.cli.frame import Json, command
from sync.device.cli.money import FundOption, fund_of, pence_of
from sync.device.cli.terminal import emit, emit_json, say, table
from sync.device.entering.private_files import write_private
from sync.device.money import claims, funds, statements
from sync.device.session import Session
from sync.fold import PENDING
from sync.ledger import pounds
from sync.statement import month_ms, statement

SpendArg = Annotated[str, typer.Argument(metavar="SPEND", help="Spend id from `fund claims`, or record id from `spend list`, or how either begins.")]
Why = Annotated[str, typer.Option("--why", help="Kept with the spend, for everybody in its file; only where you belong to that file.")]


def add_to(fund: typer.Typer) -> None:
    """The commands about claims, and the statement, beside those of the fund."""
    fund.command("claims")(fund_claims)
    fund.command("cover")(fund_cover)
    fund.command("refuse")(fund_refuse)
    fund.command("repaid")(fund_repaid)
    fund.command("statement")(fund_statement)


@command
def fund_claims(fund_: FundOption = None, as_json: Json = False) -> None:
    """List the claims that wait for a decision, and what was refused and is to be paid back.

    Example: fieldkeep fund claims
    """
    with frame.session() as opened:
        log = fund_of(opened, fund_)
        me = opened.identity.user
        found: list[dict[str, Any]] = [
            {
                "spend_id": one.id, "by": opened.name_of(one.user), "state": one.state, "claimed": one.disputed, "owed": one.owed, "own": one.user == me,
            }
            for one in funds.fund(opened, log).spends.values()
            if one.disputed or one.owed
        ]  # fmt: skip
    if as_json:
        emit_json({"fund": ids.show(log), "claims": found})
        return
    cells = [
        [
            row["spend_id"][:8],
            row["by"],
            row["state"].replace("_", " "),
            pounds(row["claimed"] or row["owed"]),
            "your own: another decides" if row["own"] else "",
        ]
        for row in found
    ]
    table("Claims", ["spend", "by", "", "pounds", ""], cells)


@command
def fund_cover(which: SpendArg, why: Why = "", fund_: FundOption = None, as_json: Json = False) -> None:
    """Approve a claimed spend, which was beyond its allowance: it is paid from the pot (fund holder, never the spender).

    Example: fieldkeep fund cover 1b2c
    """
    with frame.session() as opened:
        log = fund_of(opened, fund_)
        spend_id = _spend_id(opened, log, which)
        done = claims.decide(opened, log, spend_id, "cover", why)
    found = {"spend_id": spend_id, "covered": done.amount, "record": ids.show(done.record) if done.record else None}
    emit(found, f"{pounds(done.amount)} is covered from the pot.", as_json=as_json)


@command
def fund_refuse(
    which: SpendArg,
    why: Why = "",
    repay: Annotated[bool, typer.Option("--repay", help="It was paid with the service's money: whoever spent it pays it back.")] = False,
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """Refuse a claimed spend (fund holder, never the spender). It stays on record; the fund does not pay for it, now or later.

    Example: fieldkeep fund refuse 1b2c --repay --why "not for the client: agreed with Sam that it comes back by Friday"
    """
    with frame.session() as opened:
        log = fund_of(opened, fund_)
        spend_id = _spend_id(opened, log, which)
        done = claims.decide(opened, log, spend_id, "refusal_repay" if repay else "refusal", why)
    found = {"spend_id": spend_id, "refused": done.amount, "repay": repay, "record": ids.show(done.record) if done.record else None}
    back = f" It is to be paid back: when it has been, fieldkeep fund repaid {spend_id[:8]}" if repay else ""
    told = [] if done.record else ["You do not belong to the file of that spend: tell whoever spent it why."]
    emit(found, f"{pounds(done.amount)} is refused.{back}", *told, as_json=as_json)


@command
def fund_repaid(
    which: SpendArg,
    amount: Annotated[str | None, typer.Option(help="Pounds and pence; default all that is to be paid back.")] = None,
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """Record that what was refused has been paid back (fund holder, never the spender).

    Example: fieldkeep fund repaid 1b2c --amount 10
    """
    with frame.session() as opened:
        log = fund_of(opened, fund_)
        spend_id = _spend_id(opened, log, which)
        done = claims.repaid(opened, log, spend_id, pence_of(amount, "--amount") if amount else None)
    emit({"spend_id": spend_id, "repaid": done}, f"{pounds(done)} has been paid back.", as_json=as_json)


@command
def fund_statement(
    month: Annotated[str, typer.Option("--month", help="The month, as YYYY-MM, by UTC.")],
    csv: Annotated[Path | None, typer.Option("--csv", help="Write it to this file, for a spreadsheet; amounts in pence.")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write it to this file, for paper.")] = None,
    fund_: FundOption = None,
    as_json: Json = False,
) -> None:
    """The fund's month for whoever pays for it: what came in, went out, was claimed, decided and reversed, and where the money is. It names nobody.

    A line counts in the month in which the server received it. Every sum is made twice; a statement that does not agree is not written.

    Example: fieldkeep fund statement --month 2026-10 --pdf october.pdf
    """
    with frame.session() as opened:
        log = fund_of(opened, fund_)
        if opened.require_file(log).file != "fund":
            raise Refused("bad-value", "that file is not a fund")
        made = statement(log, opened.occurrences(log, pending=False), month)
        over = month_ms(month)[1] <= opened.now_ms() + opened.clock_offset()
        unsent = sum(1 for at in opened.occurrences(log) if at.seq == PENDING)
        if csv is not None:
            write_private(csv, statements.csv_text(made, ids.show(log)))
        if pdf is not None:
            write_private(pdf, statements.pdf_bytes(made, ids.show(log), month_ms(month)[1]))
        today = cases.today(opened)
    statements.require_sums(made)
    lines = list(statements.rows(made))
    if as_json:
        emit_json(
            {
                "fund": ids.show(log), "month": month, "over": over, "unsent": unsent, "movements": made.lines, "devices": made.devices,
                "rows": [row._asdict() for row in lines], "agrees": all(check.agrees for check in made.checks),
                "files": [str(path) for path in (csv, pdf) if path],
            }
        )  # fmt: skip
        return
    table(
        f"Statement of the fund, {month}",
        ["", "", "", "pounds"],
        [[row.part, row.item, row.detail, pounds(row.pence)] for row in lines if row.part != "check"],
    )
    say(f"{len(made.checks)} sums made twice: all agree.", *([] if over else [f"The month is not over: this is as of {today}."]))
    if unsent:
        say(f"{unsent} change(s) of the fund are on this device only and stand in no month yet: sync first.")
    for path in (csv, pdf):
        if path:
            say(f"Written: {path}")


def _spend_id(opened: Session, log: bytes, named: str) -> str:
    """The one spend of the fund whose id, or whose record's id, begins like that."""
    wanted = named.replace("-", "").lower()
    called = [(one.spend_id, one.record.hex()) for one in funds.list_spends(opened, opened.file_logs())]
    known = funds.fund(opened, log).spends
    called = [(one, one.replace("-", "")) for one in known] + [(one, record) for one, record in called if one in known]
    found = sorted({one for one, name in called if wanted and name.startswith(wanted)})
    if len(found) != 1:
        some = f"several spends begin like that, give more of the id: {', '.join(found[:8])}"
        raise Refused("not-found", some if found else "no spend has that id")
    return found[0]
