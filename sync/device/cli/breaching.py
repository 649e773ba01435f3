"""breach."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import code_list
from sync.device.across import urgent
from sync.device.cli import frame
from sync.device.cli.devices import which_device
from sync.device.cli.frame import Json, command
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, say, table
from sync.device.people import breaches
from sync.device.people.breaches import Breach
from sync.device.recording import finding
from sync.device.session import Session

breach = typer.Typer(help="What got, or may have got, where it must not: the desk's record.", no_args_is_help=True)
WhichBreach = Annotated[str, typer.Argument(metavar="BREACH", help="The first characters of its id, as `breach list` shows it.")]
_KINDS = ", ".join(code_list("breach_kind").codes)


def _which(opened: Session, wanted: str) -> Breach:
    return finding.only(
        ((one.record, one) for one in breaches.breaches(opened)), wanted, "breach", lambda one: str(one.values.get("breach_kind", ""))
    )


def _row(opened: Session, one: Breach) -> dict[str, Any]:
    return {
        "breach": ids.show(one.record), "kind": one.values.get("breach_kind"), "what": one.values.get("what"), "device": one.values.get("device"),
        "files": [dict(row) for row in one.values.get("files") or ()], "steps": [row.get("step") for row in one.values.get("steps") or ()],
        "other_side_told": "other_side_told_at" in one.values, "decided": one.decided, "hours_left": one.hours_left(opened.now_ms()),
    }  # fmt: skip


@breach.command("open")
@command
def breach_open(
    kind: Annotated[str, typer.Option(help=f"One of: {_KINDS}.")],
    what: Annotated[str, typer.Option(help="What happened, as far as it is known.")],
    device: Annotated[str | None, typer.Option(help="The device that is lost: its id, what it is called, or whose it is.")] = None,
    file: Annotated[str | None, typer.Option("--file", help="The desk file, where you are in several.")] = None,
    as_json: Json = False,
) -> None:
    """Put on record that something went wrong; of a device with the cases that were on it. For coordinators and records officers.

    Example: fieldkeep breach open --kind stolen_device --device Sam --what "Taken from the car in Redcar, locked"
    """
    with frame.session() as opened:
        try_sync(opened)
        log = finding.find_file(opened, file) if file else breaches.desk(opened)
        made = breaches.begin(opened, log, kind, what, which_device(opened, device) if device else None)
        sent = try_sync(opened)
        row = _row(opened, _which(opened, ids.show(made)))
    lines = [
        ids.show(made),
        f"On record. {row['hours_left']} hours to decide whether the regulator is told: fieldkeep breach regulator {row['breach'][:8]}",
    ]
    lines += ["Cases on it, of those that you can see:", *(f"  {one['about']}" for one in row["files"])] if row["files"] else []
    emit(row | {"sent": sent}, *lines, as_json=as_json)


@breach.command("list")
@command
def breach_list(as_json: Json = False) -> None:
    """List breaches: what, the hours that are left, what was done.

    Example: fieldkeep breach list
    """
    with frame.session() as opened:
        rows = [_row(opened, one) for one in breaches.breaches(opened)]
    if as_json:
        emit_json({"breaches": rows})
        return
    cells = [
        [row["breach"][:8], row["kind"], str(len(row["files"])), "decided" if row["decided"] else f"{row['hours_left']} h", "; ".join(row["steps"])]
        for row in rows
    ]
    table("Breaches", ["id", "what", "files", "regulator", "steps"], cells)
    if not rows:
        say("None is on record.")


@breach.command("step")
@command
def breach_step(which: WhichBreach, text: Annotated[str, typer.Argument(help="What was done.")], as_json: Json = False) -> None:
    """Put on record what was done about it.

    Example: fieldkeep breach step 9c1e "Rang Sam, the phone was locked"
    """
    with frame.session() as opened:
        one = _which(opened, which)
        breaches.step(opened, one, text)
        sent = try_sync(opened)
    emit({"breach": ids.show(one.record), "sent": sent}, "On record.", as_json=as_json)


@breach.command("tell")
@command
def breach_tell(
    which: WhichBreach,
    file: Annotated[str | None, typer.Option("--file", help="The case from which the other side is told.")] = None,
    rang: Annotated[bool, typer.Option("--rang", help="You rang their desk: that is put on record, and nothing is sent.")] = False,
    as_json: Json = False,
) -> None:
    """Tell the other side's desk: by telephone, or from a case as an urgent alert without particulars that a phone or papers were stolen or lost.

    Example: fieldkeep breach tell 9c1e --rang
    """
    if rang == bool(file):
        raise Refused("bad-value", "want --rang when you have rung them, or --file to send it from a case")
    with frame.session() as opened:
        one, log = _which(opened, which), finding.find_file(opened, file) if file else None
        with opened.store.transaction():
            alert = _alert(opened, one, log) if log else None
            breaches.told(opened, one)
        sent = try_sync(opened)
    line = "On record." if rang else "It is with their desk." if sent else "It is kept here, and goes out first."
    emit({"breach": ids.show(one.record), "alert": ids.show(alert) if alert else None, "sent": sent}, line, as_json=as_json)


def _alert(opened: Session, one: Breach, log: bytes) -> bytes:
    what = "address_leaked" if one.values.get("breach_kind") == "spill" else "phone_or_papers_stolen"
    return urgent.raise_alert(opened, log, {"what": what, "at_risk": ["partner"]})


@breach.command("regulator")
@command
def breach_regulator(
    which: WhichBreach,
    reported: Annotated[bool, typer.Option("--reported/--not-reported", help="Whether it was reported to the regulator.")],
    why: Annotated[str | None, typer.Option(help="Why, or why not; needed where it was not reported.")] = None,
    as_json: Json = False,
) -> None:
    """Put on record whether the regulator was told, within 72 hours.

    Example: fieldkeep breach regulator 9c1e --not-reported --why "locked, suspended within the hour, wiped itself"
    """
    if not reported and not why:
        raise Refused("bad-value", "say why it was not reported, with --why: it is kept on record")
    with frame.session() as opened:
        one = _which(opened, which)
        breaches.decide(opened, one, reported=reported, why=why or "")
        sent = try_sync(opened)
    emit({"breach": ids.show(one.record), "reported": reported, "sent": sent}, "On record.", as_json=as_json)
