"""restored declare, healed, list."""

from typing import Any

import typer

from shared_schema import ids
from sync.change import decode_change
from sync.device.cli import frame, terminal
from sync.device.cli.frame import Json, Yes, command
from sync.device.cli.sending import send
from sync.device.cli.sync_report import run_sync
from sync.device.cli.terminal import emit, emit_json, plain, short, table, when
from sync.device.exchanging import restoring
from sync.device.recording import finding
from sync.device.session import Session

restored = typer.Typer(help="When the service came back from an older copy: say so, and see what was put aside.", no_args_is_help=True)
_SAYS: dict[bool, str] = {
    True: "The server knows how far its logs had been: each file is written to again as soon as devices have brought it back.",
    False: "The server does NOT know how far its logs had been: nobody can write before you run `fieldkeep restored healed`.",
}


@restored.command("declare")
@command
def restored_declare(yes: Yes = False, as_json: Json = False) -> None:
    """Say, as an administrator, that this side of the service came back from an older copy. It is served from then on, and devices give back what it lost.

    Ask whoever runs the server first: they know why, and of which day the copy is. Everybody of the side is told that it was you.

    Example: fieldkeep --profile office/perpetrator-administrator restored declare
    """
    with frame.session() as opened, frame.online(opened) as transport:
        offered = restoring.offer(opened, transport)
        terminal.confirm(
            f"You say that the {opened.identity.side} side came back from an older copy. {_SAYS[offered.marks]} Declare it?", yes=yes or as_json
        )
        entry = restoring.declare(opened, transport)
        run_sync(opened, transport, quiet=as_json)
        found = {"incarnation": ids.show(opened.incarnation), "declared": entry.id.hex(), "marks": offered.marks}
    emit(
        found,
        f"Declared: the {opened.identity.side} side is served again. {_SAYS[offered.marks]}",
        "Ask everybody to open the app: each device gives back what it has.",
        as_json=as_json,
    )


@restored.command("healed")
@command
def restored_healed(yes: Yes = False, as_json: Json = False) -> None:
    """End the waiting for what was lost. What has not come back by now stays on the devices that have it: their people send their own again.

    Example: fieldkeep --profile office/perpetrator-administrator restored healed
    """
    with frame.session() as opened, frame.online(opened) as transport:
        run_sync(opened, transport, quiet=as_json)
        terminal.confirm("Has everybody opened the app since? Whoever has not keeps their part aside. End the waiting?", yes=yes or as_json)
        entry = restoring.end_healing(opened)
        send(opened, transport, entry, "the end of the waiting")
    emit({"healed": entry.id.hex()}, "The waiting is over: every file is written to again.", as_json=as_json)


@restored.command("list")
@command
def restored_list(as_json: Json = False) -> None:
    """What colleagues wrote that the service lost, and that is kept on this device until theirs sends it again.

    Example: fieldkeep restored list
    """
    with frame.session() as opened:
        found = _parked(opened)
    if as_json:
        emit_json({"parked": found})
        return
    rows = [[one["file"][:8], one["type"], one["by"], when(one["received_ms"]), one["text"]] for one in found]
    table("Put aside: it counts nowhere, and is kept", ["file", "what", "by", "received", "says"], rows)


def _parked(opened: Session) -> list[dict[str, Any]]:
    return [
        {
            "file": ids.show(one.log), "label": finding.label(opened, one.log), "record": short(one.record), "type": one.type, "by": opened.name_of(one.user),
            "received_ms": one.received_ms,
            "text": "; ".join(f"{op.field}: {plain(op.value)}" for op in decode_change(one.body).ops if op.value is not None),
        }
        for one in opened.store.parked()
    ]  # fmt: skip
