"""person."""

from typing import Annotated

import typer

from shared_schema import ids
from sync.device.cli import frame, terminal
from sync.device.cli.frame import Json, Yes, command
from sync.device.cli.terminal import emit, emit_json, table
from sync.device.recording import finding, persons, reading

person = typer.Typer(help="People in the files: one who came in twice is joined, and can be parted again.", no_args_is_help=True)
PersonArg = Annotated[str, typer.Argument(metavar="PERSON", help="Record id of the person, or how it begins.")]
OtherArg = Annotated[str, typer.Argument(metavar="OTHER", help="The other one.")]
Why = Annotated[str, typer.Option("--why", help="Why: it is kept with both.")]


@person.command("list")
@command
def person_list(as_json: Json = False) -> None:
    """List the people of the files on this device, those together that were joined.

    Example: fieldkeep person list
    """
    with frame.session() as opened:
        groups = persons.everybody(opened)
        rows = [
            [{"record": ids.show(record), "file": ids.show(log), "called": finding.called(opened, log, record)} for log, record in group]
            for group in groups
        ]
        for log in {log for group in groups for log, _ in group}:
            reading.looked(opened, log, kind="person")
    if as_json:
        emit_json({"persons": rows})
        return
    cells = [[str(n), one["called"], one["record"][:8], one["file"][:8]] for n, group in enumerate(rows, 1) for one in group]
    table(f"{len(rows)} people", ["no.", "called", "record", "file"], cells)


@person.command("join")
@command
def person_join(which: PersonArg, other: OtherArg, why: Why, yes: Yes = False, as_json: Json = False) -> None:
    """Say that two records are of one person. Both records stay as they are, and `person part` takes it back.

    Example: fieldkeep person join 9c1e 4b7d --why "the same man under two reference numbers"
    """
    _say(which, other, "merged", why, yes=yes, as_json=as_json)


@person.command("part")
@command
def person_part(which: PersonArg, other: OtherArg, why: Why, yes: Yes = False, as_json: Json = False) -> None:
    """Say that two records that were joined are of two people after all.

    Example: fieldkeep person part 9c1e 4b7d --why "father and son of one name"
    """
    _say(which, other, "unmerged", why, yes=yes, as_json=as_json)


def _say(which: str, other: str, step: str, why: str, *, yes: bool, as_json: bool) -> None:
    frame.reason("--why", why)
    with frame.session() as opened:
        one, two = persons.find(opened, which), persons.find(opened, other)
        names = [finding.called(opened, *found) or found[1].hex()[:8] for found in (one, two)]
        terminal.confirm(f"Are {names[0]} and {names[1]} {'one person' if step == 'merged' else 'two people'}?", yes=yes)
        persons.say(opened, one, two, step, why)
    found = {"records": [ids.show(one[1]), ids.show(two[1])], "step": step}
    emit(found, "Joined: they count as one." if step == "merged" else "Parted: they count as two.", as_json=as_json)
