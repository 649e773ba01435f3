"""report: a side's part of a return, its check, two parts beside each other, and the form that anybody may see."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.returns import Return, returns
from sync.device.cli import frame, terminal
from sync.device.cli.frame import Json, Yes, command
from sync.device.cli.membership import sync_first
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, table
from sync.device.exports.export_files import require_free
from sync.device.money import funds
from sync.device.returning import charts, return_files, returning
from sync.device.session import Session
from sync.returns import assembling, checking
from sync.returns.assembling import BadParts, Part
from sync.returns.counting import Period
from sync.returns.deriving import Unsolved
from sync.returns.publishing import HIDDEN, CannotPublish, publish

report = typer.Typer(help="Returns for those who pay: figures from a side's own files, and the form that may be published.", no_args_is_help=True)
ReturnArg = Annotated[str, typer.Argument(metavar="RETURN", help="cleveland, elm, drive, one_eighty or tameside; see report tables.")]
From = Annotated[str, typer.Option("--from", help="First day, as YYYY-MM-DD.")]
Until = Annotated[str, typer.Option("--until", help="Last day, as YYYY-MM-DD.")]
Out = Annotated[Path, typer.Option(help="Folder to make; nothing may be there.")]
Charts = Annotated[bool, typer.Option("--charts", help="Draw the tables too, as PNG and SVG, each with its words beside it.")]
_NAMES: Final = "table/row/column"


def _period(first: str, last: str) -> Period:
    found = []
    for option, text in (("--from", first), ("--until", last)):
        try:
            found.append(date.fromisoformat(text))
        except ValueError:
            raise Refused("bad-value", f"{option} is {text!r}, want a day as YYYY-MM-DD") from None
    if found[0] > found[1]:
        raise Refused("bad-value", "--from is after --until")
    return Period(found[0], found[1])


@report.command("tables")
@command
def report_tables(which: Annotated[str | None, typer.Argument(metavar="RETURN", help="One return only.")] = None, as_json: Json = False) -> None:
    """List the tables of the returns, and the rule by which each is counted.

    Example: fieldkeep report tables elm
    """
    asked = [returning.find_return(which)] if which else list(returns().values())
    rows: list[dict[str, Any]] = [
        {
            "return": one.name,
            "version": one.version,
            "table": each.name,
            "title": each.title,
            "side": each.side,
            "source": each.source,
            "rule": each.rule,
        }
        for one in asked
        for each in one.tables
    ]
    if as_json:
        emit_json({"tables": rows})
        return
    table("Tables", ["table", "side", "what", "rule"], [[f"{row['return']}/{row['table']}", row["side"], row["title"], row["rule"]] for row in rows])


@report.command("part-return")
@command
def report_part(which: ReturnArg, first: From, last: Until, out: Out, draw: Charts = False, as_json: Json = False) -> None:
    """Work out this side's part of a return, exactly, from the files on this device; works offline. A coordinator's part is kept in the desk file too.

    Example: fieldkeep report part-return elm --from 2026-07-01 --until 2026-09-30 --out elm-q2
    """
    asked, period = returning.find_return(which), _period(first, last)
    require_free(out)
    if draw:
        charts.require()
    with frame.session() as opened:
        counted = returning.cases(opened, asked)
        made = assembling.part(asked, opened.identity.side, counted.cases, period, counted.unknown)
        if not made.tables:
            raise Refused("not-found", f"this device holds no file that {asked.name} counts on the {opened.identity.side} side")
        content = return_files.part_json(asked, made)
        drawn = charts.charts_of(asked, made.tables, period, assembling.FUNDER) if draw else []
        files = return_files.write(out, content, drawn)
        kept = _keep(opened, asked, made)
    found = {**content, "out": str(out), "written": files, "kept": [ids.show(one) for one in kept], "unread": counted.unread}
    emit(found, *_part_lines(made, out, kept=len(kept), unread=counted.unread), as_json=as_json)


def _keep(opened: Session, asked: Return, made: Part) -> list[bytes]:
    """In the desk file, by whoever has one."""
    try:
        desk = returning.desk(opened)
    except Refused:
        return []
    kept = returning.keep_part(opened, desk, asked, made)
    try_sync(opened)
    return kept


def _part_lines(made: Part, out: Path, *, kept: int, unread: int) -> list[str]:
    counted = ", ".join(f"{many} {kind}" for kind, many in made.files.items())
    lines = [f"{out}: {len(made.tables)} table(s) of {made.name}, from {counted} file(s) on this device.", assembling.FUNDER]
    if made.left_out:
        lines.append(f"Not counted, for this device holds no such file: {', '.join(made.left_out)}. That is not the same as none.")
    lines += _undated_lines(made.undated)
    if made.unknown or unread:
        lines.append(f"{made.unknown + unread} record(s) are NOT counted: this app does not know their type, or they did not open here.")
    return [*lines, f"Kept in the desk file, signed: {kept} table(s)." if kept else "Not kept in a desk file: this device has none, or several."]


def _undated_lines(undated: Mapping[str, int]) -> list[str]:
    said = ", ".join(f"{name} {many}" for name, many in undated.items())
    return [f"In no table, for the day by which they count is not known: {said} record(s)."] if said else []


@report.command("check")
@command
def report_check(
    which: ReturnArg,
    file: Annotated[Path, typer.Argument(help=f"A part or a return (return.json), or figures somebody typed: {_NAMES} and a number each.")],
    as_json: Json = False,
) -> None:
    """Check that figures agree which have to: sums, and shares in per cent. Exit 1 names what does not.

    Example: fieldkeep report check elm typed.json
    """
    asked = returning.find_return(which)
    values = return_files.read_values(return_files.read_json(file))
    slips, wanting = checking.slips(asked.checks, values), checking.unchecked(asked.checks, values)
    rows = [{"check": one.check, "figure": one.figure, "says": one.says, "comes_to": one.comes_to} for one in slips]
    done = len(asked.checks) - len(wanting)
    lines = [f"{one.check}: {one.figure} says {one.says}, and comes to {one.comes_to}." for one in slips]
    lines.append(f"{done} of {len(asked.checks)} check(s) made, {len(slips)} slip(s).")
    if wanting:
        lines.append(f"Not checked, for figures are wanting: {', '.join(wanting)}.")
    emit({"ok": not slips, "slips": rows, "unchecked": wanting, "checks": len(asked.checks)}, *lines, as_json=as_json)
    if slips:
        raise typer.Exit(1)


@report.command("assemble")
@command
def report_assemble(
    which: ReturnArg,
    parts: Annotated[list[Path], typer.Argument(help="The return.json of each part.")],
    out: Out,
    draw: Charts = False,
    as_json: Json = False,
) -> None:
    """Put the parts of two sides beside each other, table by table; no row of one is looked up in the other. It needs no device: only the parts.

    Example: fieldkeep report assemble elm perpetrator/return.json victim/return.json --out elm-q2
    """
    asked = returning.find_return(which)
    require_free(out)
    try:
        found = assembling.assemble(asked, [return_files.read_part(return_files.read_json(path), asked) for path in parts])
    except BadParts as error:
        raise Refused("bad-value", str(error)) from None
    slips = checking.slips(asked.checks, assembling.values(found.tables))
    content = return_files.assembled_json(found) | {"slips": [f"{one.figure}: {one.says}, comes to {one.comes_to}" for one in slips]}
    drawn = charts.charts_of(asked, found.tables, found.period, assembling.FUNDER) if draw else []
    files = return_files.write(out, content, drawn)
    lines = [f"{out}: {len(found.tables)} of {len(asked.tables)} table(s). {assembling.FUNDER}"]
    lines += [f"{one.name}: {_worked_out(one)}" for one in found.computed]
    lines += [f"Figures that do NOT agree – {text}" for text in content["slips"]]
    lines += _undated_lines(found.undated)
    if found.wanting:
        lines.append(f"No part has: {', '.join(found.wanting)}.")
    emit({**content, "out": str(out), "written": files}, *lines, as_json=as_json)


def _worked_out(one: assembling.Computed) -> str:
    if one.denominator is None:
        return str(one.numerator)
    return f"{one.numerator} of {one.denominator}" + (f", {one.per_cent} %" if one.per_cent is not None else "")


@report.command("publish")
@command
def report_publish(which: ReturnArg, first: From, last: Until, out: Out, draw: Charts = False, yes: Yes = False, as_json: Json = False) -> None:
    """Write the form of a return that anybody may see: 1 to 7 left out, the rest rounded to 5, and whatever else a small figure would follow from left out.

    What is published is put on record in the desk file first, for whatever is published later must not give it away: without a connection nothing is written.

    Example: fieldkeep report publish one_eighty --from 2026-09-01 --until 2026-09-30 --out september
    """
    asked, period = returning.find_return(which), _period(first, last)
    require_free(out)
    if draw:
        charts.require()
    with frame.session() as opened, frame.online(opened) as transport:
        sync_first(opened, transport, "Nothing is published", "what colleagues have published has to be known first")
        desk, side = returning.desk(opened), opened.identity.side
        form = returning.form_of(opened, desk, date.fromisoformat(funds.today(opened)))
        counted = returning.cases(opened, asked)
        try:
            with terminal.progress("working out what would follow", quiet=as_json):
                shown = publish(asked, side, counted.cases, period, returning.published(opened, desk), form)
        except (CannotPublish, Unsolved) as error:
            raise Refused("not-permitted", str(error)) from None
        except ImportError:
            raise Refused(
                "not-found",
                "what follows from figures is worked out with scipy, which is not installed here: install fieldkeep with its extra `returns`",
            ) from None
        left_out = sum(1 for one in shown if one.says == HIDDEN)
        if not as_json:
            terminal.say(f"{len(shown)} figure(s) from {len(counted.cases)} file(s) on this device; {left_out} of them left out.")
        terminal.confirm("Put it on record and write it?", yes=yes)
        made = returning.keep_shown(opened, desk, asked, period, shown)
        sync_first(opened, transport, "Nothing is written", "what is published is not on record yet")
        content = return_files.shown_json(asked, side, period, shown, form)
        drawn = charts.charts_of_shown(asked, shown, period, f"Left out: {return_files.left_out(form)}") if draw else []
        files = return_files.write(out, content, drawn)
    found = {**content, "out": str(out), "written": files, "kept": [ids.show(one) for one in made], "left_out": left_out, "files": len(counted.cases)}
    emit(found, f"{out}: {len(shown)} figure(s), {left_out} left out. {content['says']}", as_json=as_json)
