"""recovery use, drill, grant: what is done with shares, and what a member mends."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared_schema import ids
from shared_schema.entry import decode_entry_alone
from shared_schema.errors import Refused
from shared_schema.membership import file_statement
from sync import audit
from sync.audit import Audited, Export
from sync.device.across import cases
from sync.device.cli import forgetting, frame, keeping, share_input, terminal
from sync.device.cli.auditing import Authority, pin_of
from sync.device.cli.frame import FileArg, Json, command
from sync.device.cli.sending import require_taken, send
from sync.device.cli.share_input import Given, ShareFiles
from sync.device.cli.sync_report import run_sync
from sync.device.cli.terminal import emit, short, warn, when
from sync.device.exchanging.syncing import sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.exports import audit_files
from sync.device.people import recovery as rules
from sync.device.people.recovery import Found
from sync.device.recording import finding
from sync.device.session import Session
from sync.recovery import RecoveryKey

recovery = typer.Typer(help="For the day when nobody can open a file any more: shares on paper, and what they open.", no_args_is_help=True)
recovery.command("split")(keeping.recovery_split)
recovery.command("holders")(keeping.recovery_holders)
recovery.command("allow")(keeping.recovery_allow)
recovery.command("close")(keeping.recovery_close)
recovery.command("unlock")(forgetting.recovery_unlock)
_OLD_SHARES: Final = """Old shares and revoked devices open nothing that is written to these files from now on. Keep the old shares until every file of the side has been granted to the fresh key (registry show on members' devices, a supervisor's audit verify); then destroy them."""
_AT_ONCE: Final = 10  # files that are sent together: what is taken stays, whatever becomes of the rest
_WHY: Final = {
    "held": "held by a device that is not revoked: its members give the keys, or an administrator revokes it first",
    "same-key": "the recovery key in force holds it: an administrator puts a fresh one in force first (fieldkeep recovery split)",
    "no-role": "this device's person may not bring back a file of this kind: want who may change the people in it",
    "other-key": "other shares are needed, of recovery key {key}",
    "overtaken": "somebody else changed it meanwhile: run this again, or ask who else may recover",
}


@recovery.command("use")
@command
def recovery_use(
    share: ShareFiles = None,
    file: Annotated[list[str] | None, typer.Option("--file", help="Only this file, by its id or the first characters of it; repeat.")] = None,
    as_json: Json = False,
) -> None:
    """Bring back every file that nobody can open any more, on a machine that an administrator has allowed to (recovery allow).

    Asks for the shares of the key that was in force when the files were last in hand. Each file is yours from then on, with a new key, and granted
    to the fresh recovery key. Cut short, the same command goes on where it stopped.

    Example: fieldkeep --profile clean recovery use
    """
    with frame.session() as opened, frame.online(opened) as transport:
        run_sync(opened, transport, quiet=as_json)
        rules.drop_moot(opened)
        rules.own_permit(opened)
        wanted = {finding.find_file(opened, one) for one in file or ()}
        chosen = [one for one in rules.survey(opened) if not wanted or one.log in wanted]
        if not _can_come(chosen):
            return _finish(opened, transport, {}, wanted, b"", as_json=as_json)
        given = share_input.given(share)
        _check_needed(opened, given, chosen)
        mine = [one.log for one in chosen if one.state == "ready" and one.key == given.secret.id]
        back = _bring_back(opened, transport, given, mine, quiet=as_json)
        return _finish(opened, transport, back, wanted, given.secret.id, as_json=as_json)


def _can_come(found: Iterable[Found]) -> bool:
    return any(one.state == "ready" for one in found)


def own_key(opened: Session, given: Given) -> RecoveryKey:
    """The key of this side that the shares are of, in force or not. Raises Refused `other-shares`."""
    share_input.check_claims(given, opened.identity.svc, opened.identity.side)
    key = opened.registry.recovery.find(given.secret.id)
    if key is None:
        raise Refused(
            "other-shares", f"the {opened.identity.side} side never had the key that these shares make: they are another side's or another service's"
        )
    return key


def _check_needed(opened: Session, given: Given, found: list[Found]) -> None:
    """Raises Refused `other-shares` unless a file waits for this very key."""
    key = own_key(opened, given)
    waiting = {one.key for one in found if one.state == "ready"}
    if key.id not in waiting:
        which = ", ".join(f"{short(one)} (in force from {_since(opened, one)})" for one in sorted(waiting))
        text = f"these are good shares of recovery key {short(key.id)}, and no file waits for it: what waits is held by {which}"
        raise Refused("other-shares", f"{text}. They still open what was granted to it before, and nothing newer")


def _since(opened: Session, key_id: bytes) -> str:
    key = opened.registry.recovery.find(key_id)
    return when(opened.store.received_ms(opened.registry.log, key.seq)) if key else "?"


def _bring_back(opened: Session, transport: HttpTransport, given: Given, logs: list[bytes], *, quiet: bool) -> dict[bytes, list[int]]:
    """Each file brought back, with the epochs that stay closed; again what the registry overtook. What somebody else overtook is left out. Raises
    the refusal of the first that was not taken for another reason.
    """
    back: dict[bytes, list[int]] = {}
    with terminal.progress("bringing files back", quiet=quiet) as advance:
        for _attempt in (1, 2, 3):
            ready = {one.log for one in rules.survey(opened) if one.state == "ready" and one.key == given.secret.id} - back.keys()
            left = [log for log in logs if log in ready and not any(not item.dead for item in opened.store.waiting(log))]
            for start in range(0, len(left), _AT_ONCE):
                advance(len(back), len(logs))
                made = {log: rules.recover(opened, log, given.secret) for log in left[start : start + _AT_ONCE]}
                report = sync(opened, transport)
                overtaken = {one.id for one in report.refused if one.code in ("stale-statement", "stale-registry")}
                for log, (entry, closed) in made.items():
                    if entry.id not in overtaken:
                        require_taken(opened, entry, report)
                        back[log] = closed
        advance(len(back), len(logs))
    return back


def _left_as(one: Found, tried: bytes) -> str:
    if one.state != "ready":
        return one.state
    return "overtaken" if one.key == tried else "other-key"


def _finish(opened: Session, transport: HttpTransport, back: dict[bytes, list[int]], wanted: set[bytes], tried: bytes, *, as_json: bool) -> None:
    """Says what came back and what did not. The permit ends when nothing is left for it."""
    now = rules.survey(opened)
    left = [one for one in now if one.log not in back and one.state != "held"]
    done = not left and rules.has_recovered(opened)
    if done:
        keeping.close_permit(opened, transport, opened.identity.device)
    held = [one for one in now if one.state == "held" and one.log in wanted - back.keys()]
    rows = [
        {"file": ids.show(one.log), "state": _left_as(one, tried), "key": one.key.hex(), "why": _WHY[_left_as(one, tried)].format(key=short(one.key))}
        for one in (*left, *held)
    ]  # fmt: skip
    alone = _without_liaison(opened, back)
    found = {
        "without_liaison": [ids.show(log) for log in alone.values()],
        "recovered": [{"file": ids.show(log), "closed_epochs": closed} for log, closed in back.items()],
        "left": rows,
        "closed": done,
    }
    lines = [f"{len(back)} file(s) are back: you are in them, each has a new key, and the fresh recovery key has all of it."]
    lines += [
        f"  {finding.label(opened, log)}" + (f": epochs {', '.join(map(str, closed))} stay closed, their grants do not open" if closed else "")
        for log, closed in back.items()
    ]
    lines += [
        f"  {finding.label(opened, log)}: its liaison file {ids.show(liaison)} is NOT back: what the other side asks for does not reach you. Ask for a permit for it too"
        for log, liaison in alone.items()
    ]
    lines += [f"  NOT back: file {row['file'][:8]}: {row['why']}" for row in rows]
    if not back and not rows:
        lines = ["No file waits to be brought back: of each, some device is not revoked, or nobody has written to it."]
    lines.append("Nothing is left to bring back, and this machine may not recover any more." if done else "This machine may still recover.")
    lines += [_OLD_SHARES] if back else []
    emit(found, *lines, as_json=as_json)


def _without_liaison(opened: Session, back: Iterable[bytes]) -> dict[bytes, bytes]:
    """Of the cases that are back those whose liaison file this device does not hold, with that file: letters of the other side come to it alone."""
    found: dict[bytes, bytes] = {}
    for log in back:
        liaison = cases.liaison_of(opened, log)
        state = opened.file(liaison[0]) if liaison else None
        if liaison and (state is None or opened.identity.device not in state.holders):
            found[log] = liaison[0]
    return found


@recovery.command("drill")
@command
def recovery_drill(
    share: ShareFiles = None,
    export: Annotated[
        Path | None, typer.Option(help="Check against this export of the side (audit export); no device is needed, and nothing is put on record.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Check against the id of a key only, as printed on the sheets; no device is needed.")
    ] = None,
    authority: Authority = None,
    as_json: Json = False,
) -> None:
    """Prove that enough shares come to the key in force, and open the files with it. Changes nothing, and is put on record where a device is at hand.

    On a member's device it tries every file there. Use a machine that nobody else uses: for a moment it could open every file of the side.

    Example: fieldkeep recovery drill
    """
    if key is not None:
        _drill_key(share, key, as_json=as_json)
    elif export is not None:
        _drill_export(share, export, authority, as_json=as_json)
    else:
        _drill_here(share, as_json=as_json)


def _drill_here(share: list[Path] | None, *, as_json: bool) -> None:
    with frame.session() as opened, frame.online(opened) as transport:
        run_sync(opened, transport, quiet=as_json)
        given = share_input.given(share)
        if own_key(opened, given).id != opened.registry.recovery_id:
            since = _since(opened, opened.registry.recovery_id)
            text = f"these are good shares of a key that is no longer in force: since {since} there are fresh ones"
            raise Refused("other-shares", f"{text}. Destroy these when every file has been granted to the fresh key (registry show)")
        rows = []
        with terminal.progress("opening files", quiet=as_json) as advance:
            logs = [log for log in opened.file_logs() if (state := opened.reader(log).file) is not None and state.recovery == given.secret.id]
            for done, log in enumerate(logs, 1):
                rows.append(_tried(log, opened.require_file(log).commits, rules.open_grants_to(opened, log, given.secret)))
                advance(done, len(logs))
        whole = sum(not row["closed_epochs"] for row in rows)
        send(opened, transport, rules.drill(opened, given.secret, len(rows), whole), "the drill")
    _say_drill(given.secret.id, rows, as_json=as_json, recorded=True)


def _tried(log: bytes, epochs: Iterable[int], opened: dict[int, bytes]) -> dict[str, Any]:
    newest = max(epochs, default=0)
    return {"file": ids.show(log), "newest_opens": newest in opened, "closed_epochs": sorted(set(epochs) - opened.keys())}


def _say_drill(key_id: bytes, rows: list[dict[str, Any]], *, as_json: bool, recorded: bool, note: str = "") -> None:
    shut = [row for row in rows if row["closed_epochs"]]
    found = {"key": key_id.hex(), "in_force": not note, "files": rows, "opened": len(rows) - len(shut), "recorded": recorded}
    lines = [f"The shares come to recovery key {short(key_id)}{note or ', which is in force'}."]
    lines += [f"They open {len(rows) - len(shut)} of {len(rows)} files tried, from the first epoch to the newest."] if rows else []
    lines += [
        f"  file {row['file'][:8]}: epochs {', '.join(map(str, row['closed_epochs']))} do not open: a member runs fieldkeep recovery grant {row['file'][:8]}"
        for row in shut
    ]
    lines.append("It is on record for everybody of this side." if recorded else "Nothing was put on record: note it yourself.")
    lines.append("Next: each holder takes their share back, under lock; the next drill is due in a year.")
    emit(found, *lines, as_json=as_json)
    if shut:
        raise typer.Exit(1)


def _drill_key(share: list[Path] | None, key: str, *, as_json: bool) -> None:
    try:
        wanted = bytes.fromhex(key.replace(" ", "").replace("-", ""))
    except ValueError:
        wanted = b""
    if len(wanted) != 16:
        raise typer.BadParameter("--key is the 32 hex digits that the sheets name as Key")
    given = share_input.given(share)
    if given.secret.id != wanted:
        raise Refused("other-shares", f"the shares come to recovery key {given.secret.id.hex()}, want {wanted.hex()}")
    _say_drill(given.secret.id, [], as_json=as_json, recorded=False, note="; whether it is in force only the registry says")


def _drill_export(share: list[Path] | None, path: Path, authority: str | None, *, as_json: bool) -> None:
    export, claimed = audit_files.read_export(path)
    pin = pin_of(authority, claimed)
    with terminal.progress("verifying", quiet=as_json):
        audited = audit.verify_export(export, pin.fingerprint)
    if audited.findings or audited.registry is None:
        raise Refused(
            "bad-export", f"{path} does not verify against authority {pin.fingerprint.hex()} ({pin.source}): fieldkeep audit verify says why"
        )
    given = share_input.given(share)
    share_input.check_claims(given, export.svc, export.side)
    if given.secret.id != audited.registry.recovery_id:
        old = audited.registry.recovery.find(given.secret.id) is not None
        raise Refused(
            "other-shares",
            "these are good shares of a key that is no longer in force"
            if old
            else f"the {export.side} side never had the key that these shares make",
        )
    rows = [
        _tried(log, state.commits, _open_exported(export, audited, log, given))
        for log, state in audited.files.items()
        if state.recovery == given.secret.id
    ]
    _say_drill(given.secret.id, rows, as_json=as_json, recorded=False)
    if not pin.verified:
        warn(pin.said())


def _open_exported(export: Export, audited: Audited, log: bytes, given: Given) -> dict[int, bytes]:
    entries = [decode_entry_alone(one.cose) for one in export.logs[log]]
    statements = [(entry.author, file_statement(entry)) for entry in entries if not entry.is_envelope]
    return rules.open_epochs(audited.files[log], statements, given.secret, export.svc)


@recovery.command("grant")
@command
def recovery_grant(which: FileArg, as_json: Json = False) -> None:
    """Grant the recovery key all of a file once more: when a drill found some of it closed. For a member who can open all of it.

    Example: fieldkeep recovery grant 3fa8
    """
    with frame.session() as opened, frame.online(opened) as transport:
        sync(opened, transport)
        log = finding.find_file(opened, which)
        send(opened, transport, rules.regrant(opened, log), "the grant")
    emit({"file": ids.show(log)}, "The recovery key has been granted all of this file again.", as_json=as_json)
