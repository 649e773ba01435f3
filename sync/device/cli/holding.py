"""held."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.membership import REFUSE_REASONS
from sync.device.cli import frame
from sync.device.cli.frame import Json, command
from sync.device.cli.sending import require_taken
from sync.device.cli.terminal import emit, emit_json, say, table, when
from sync.device.exchanging.syncing import sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import holding as rules
from sync.device.people.holding import Held
from sync.device.recording import finding
from sync.device.session import Session
from sync.fold import Record, show

held = typer.Typer(help="Work of colleagues who had lost their place, to be let in or not.", no_args_is_help=True)
HeldId = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="The first characters of its id, as `held list` shows it; several may be given.")
]
OfFile = Annotated[str | None, typer.Option("--file", help="Only of this file.")]


@held.command("list")
@command
def held_list(of_file: OfFile = None, as_json: Json = False) -> None:
    """List what is held in the files that you decide on: whose it is, when it came, what it is.

    Example: fieldkeep held list
    """
    with frame.session() as opened, frame.online(opened) as transport:
        rows = [_row(opened, one) for one in _fetch(opened, transport, of_file)]
    if as_json:
        emit_json({"held": rows})
        return
    if not rows:
        say("Nothing is held.")
        return
    cells = [[row["id"][:8], row["by"], row["file_label"], row["came"], row["trouble"] or ", ".join(row["what"])] for row in rows]
    table("Held", ["id", "by", "file", "came", "what"], cells)
    say("To read one: fieldkeep held show ID · to let it in: fieldkeep held admit ID")


@held.command("show")
@command
def held_show(which: Annotated[str, typer.Argument(metavar="ID", help="The first characters of its id.")], as_json: Json = False) -> None:
    """Show what a held entry says, before anybody decides.

    Example: fieldkeep held show 3fa81c22
    """
    with frame.session() as opened, frame.online(opened) as transport:
        one = rules.find(_fetch(opened, transport, None), which)
        row = _row(opened, one)
        records: list[dict[str, Any]] = [
            {"record": ids.show(record.id), "type": record.type, "values": _values(opened, record)} for record in one.records
        ]
    lines = [f"{row['by']}, for {row['file_label']}, came {row['came']}" + (f": {row['trouble']}" if row["trouble"] else "")]
    for record in records:
        lines += [f"{record['type']} {record['record'][:8]}", *(f"  {name}: {value}" for name, value in record["values"].items())]
    emit(row | {"records": records}, *lines, as_json=as_json)


@held.command("admit")
@command
def held_admit(
    which: HeldId = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is held and can be read.")] = False,
    of_file: OfFile = None,
    as_json: Json = False,
) -> None:
    """Let held work into its file. It keeps its author, and is marked as late.

    Example: fieldkeep held admit 3fa81c22
    """
    _decide(which, of_file, everything=everything, reason=None, as_json=as_json)


@held.command("refuse")
@command
def held_refuse(
    reason: Annotated[str, typer.Option(help=f"One of: {', '.join(REFUSE_REASONS)}.")],
    which: HeldId = None,
    as_json: Json = False,
) -> None:
    """Do not let held work in. The server keeps it; nothing of it shows in the file.

    Example: fieldkeep held refuse 3fa81c22 --reason wrong_file
    """
    if reason not in REFUSE_REASONS:
        raise typer.BadParameter(f"reason is one of {', '.join(REFUSE_REASONS)}")
    _decide(which, None, everything=False, reason=reason, as_json=as_json)


def _decide(which: list[str] | None, of_file: str | None, *, everything: bool, reason: str | None, as_json: bool) -> None:
    if everything == bool(which):
        raise typer.BadParameter("name what is meant by its ID, or say --all")
    with frame.session() as opened, frame.online(opened) as transport:
        found = _fetch(opened, transport, of_file)
        chosen = [one for one in found if not one.trouble] if everything else [rules.find(found, prefix) for prefix in which or ()]
        if not chosen:
            raise Refused("not-found", "nothing is held that could be let in")
        for one in chosen:
            _sign(opened, transport, one, reason)
    done = "admitted" if reason is None else "refused"
    ids_ = [one.entry.id.hex() for one in chosen]
    emit({done: ids_}, f"{len(ids_)} held {'entry' if len(ids_) == 1 else 'entries'} {done}.", as_json=as_json)


def _sign(opened: Session, transport: HttpTransport, one: Held, reason: str | None) -> None:
    """Decide on one; again when a colleague changed the file meanwhile."""
    if one.begins and reason is None:
        rules.begin(opened, transport, one)
        sync(opened, transport)  # it is rotated: who began it has lost their place
        return
    for attempt in (1, 2, 3):
        entry = rules.admit(opened, one) if reason is None else rules.refuse(opened, one, reason)
        report = sync(opened, transport)
        overtaken = any(refusal.id == entry.id and refusal.code in ("stale-statement", "stale-registry") for refusal in report.refused)
        if not overtaken or attempt == 3:
            require_taken(opened, entry, report)
            return


def _fetch(opened: Session, transport: HttpTransport, of_file: str | None) -> list[Held]:
    sync(opened, transport)
    logs = sorted(rules.waiting(opened))
    if of_file is not None:
        begun = [log for log in logs if log.hex().startswith(of_file.replace("-", "").lower())]  # one that has not begun is known by its id alone
        logs = begun or [log for log in logs if log == finding.find_file(opened, of_file)]
    return list(rules.fetch(opened, transport, logs))


def _row(opened: Session, one: Held) -> dict[str, Any]:
    return {
        "id": one.entry.id.hex(), "file": ids.show(one.log), "file_label": finding.label(opened, one.log), "by": opened.name_of(one.author),
        "device": ids.show(one.entry.author), "came": when(one.held_ms), "came_ms": one.held_ms,
        "what": [f"begins a {one.begins} file"] if one.begins else [record.type or "a change" for record in one.records], "trouble": one.trouble,
    }  # fmt: skip


def _values(opened: Session, record: Record) -> dict[str, Any]:
    return {name: shown.value for name, shown in show(record, opened.types).items() if shown.value is not None}
