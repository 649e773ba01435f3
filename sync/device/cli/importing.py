"""import caseload."""

from pathlib import Path
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.cli import frame, terminal
from sync.device.cli.frame import Json, Yes, command
from sync.device.cli.terminal import emit_json, progress, say, table
from sync.device.recording import importing

_SOME = 3  # how many faults an error names
import_ = typer.Typer(help="Bring in what is kept elsewhere now.", no_args_is_help=True)


@import_.command("caseload")
@command
def import_caseload(
    file: Annotated[Path, typer.Argument(help="A table with a header, CSV in UTF-8.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only judge it: nothing is written.")] = False,
    only_good: Annotated[bool, typer.Option("--only-good", help="Import the rows that are right, and leave the others out.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Begin a case for each row of a table: the person, who leads the case, where it stands, a telephone, a task. Works offline.

    Columns: name and lead, which are needed, second_worker, known_as, born, gender, status, status_from, hold_reason, look_again_on, area,
    phone, email, address, task, task_due; on the perpetrator side also received_on, referral_source, reference.

    Try --dry-run first: it lists what is wrong in each row. Dates are 2026-03-04 or 4 March 2026; 03/04/2026 can be read in two ways and is
    refused. A row whose name and birthday, or reference, is here already is refused, so that a corrected table can be given again.

    Example: fieldkeep import caseload now.csv --dry-run        then: fieldkeep import caseload now.csv
    """
    text = file.read_bytes().decode("utf-8")
    begun: list[dict[str, Any]] = []
    with frame.session() as opened:
        plan = importing.plan(opened, text, lambda name: frame.person(opened, name))
        wrong = [{"line": one.line, "column": one.column, "why": one.why} for one in plan.wrong]
        may = bool(plan.planned) and not dry_run and (only_good or not wrong)
        if may:
            terminal.confirm(f"Begin {len(plan.planned)} case(s)?", yes=yes)
            with progress("Importing", quiet=as_json) as advance:
                for n, one in enumerate(plan.planned, 1):
                    begun.append({"line": one.line, "file": ids.show(importing.begin(opened, one))})
                    advance(n, len(plan.planned))
    rows = len(plan.planned) + len({one["line"] for one in wrong})
    found = {"rows": rows, "good": len(plan.planned), "wrong": wrong, "imported": begun, "dry_run": dry_run}
    if wrong and not dry_run and not only_good:
        first = "; ".join(f"line {one['line']}, {one['column'] or 'the row'}: {one['why']}" for one in wrong[:_SOME])
        more = f"; and {len(wrong) - _SOME} more" if len(wrong) > _SOME else ""
        raise Refused("bad-value", f"{first}{more}. Nothing was imported: see --dry-run, or give --only-good")
    if as_json:
        emit_json(found)
        return
    _say_wrong(wrong)
    say(
        f"{rows} rows, {len(plan.planned)} right." if dry_run else f"{len(begun)} of {rows} cases begun on this device. They go out at the next sync."
    )


def _say_wrong(wrong: list[dict[str, Any]]) -> None:
    if wrong:
        table("Not right", ["line", "column", ""], [[str(one["line"]), one["column"] or "–", one["why"]] for one in wrong])
