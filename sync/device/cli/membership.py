"""member, file."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.roles import FILES, ROLES, file_sides, may_be_member
from sync.device.across import cases, referrals
from sync.device.cli import frame, terminal
from sync.device.cli.frame import FileArg, Json, Yes, command
from sync.device.cli.sending import require_taken
from sync.device.cli.terminal import emit, emit_json, table
from sync.device.exchanging.syncing import sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import files
from sync.device.recording import finding, records
from sync.device.session import Session
from sync.fold import state_hash
from sync.membership import FileState

member = typer.Typer(help="Who is in a file.", no_args_is_help=True)
file = typer.Typer(help="Files: begin one, list yours.", no_args_is_help=True)


@member.command("add")
@command
def member_add(
    which: FileArg,
    who: Annotated[str, typer.Argument(help="Display name or user id.")],
    role: Annotated[str, typer.Option(help="Role in this file.")],
    as_json: Json = False,
) -> None:
    """Add a person to a file: they receive all of it, its past included.

    Example: fieldkeep member add 3fa8 Priya --role navigator
    """
    _change_members(which, who, role, as_json=as_json)


@member.command("remove")
@command
def member_remove(
    which: FileArg, who: Annotated[str, typer.Argument(help="Display name or user id.")], yes: Yes = False, as_json: Json = False
) -> None:
    """Remove a person from a file and change its key, in one step.

    Example: fieldkeep member remove 3fa8 Priya
    """
    terminal.confirm(f"Remove {who} from file {which}? What they have received stays with them.", yes=yes)
    _change_members(which, who, None, as_json=as_json)


@member.command("grant")
@command
def member_grant(which: FileArg, who: Annotated[str, typer.Argument(help="Display name or user id.")], as_json: Json = False) -> None:
    """Give a member's devices the file's keys once more: when what they got before did not open (alarm bad-grant).

    Example: fieldkeep member grant 3fa8 Priya
    """
    with frame.session() as opened, frame.online(opened) as transport:
        sync_first(opened, transport, f"{who} is NOT given the keys")
        log, user = finding.find_file(opened, which), frame.person(opened, who)
        entry = files.grant_again(opened, log, user)
        require_taken(opened, entry, sync(opened, transport))
        name = opened.name_of(user)
    emit({"file": ids.show(log), "user": ids.show(user)}, f"{name}'s devices have been given the file's keys again.", as_json=as_json)


def sync_first(opened: Session, transport: HttpTransport, not_done: str, because: str = "who is in a file is changed on line") -> None:
    """Some things are done on line only, such as a change of members. Raises Refused `offline`, saying that nothing was done."""
    try:
        sync(opened, transport)
    except Refused as error:
        if error.code != "offline":
            raise
        raise Refused("offline", f"{not_done}: {because}, and the server could not be reached. Run this again") from None


def _change_members(which: str, who: str, role: str | None, *, as_json: bool) -> None:
    with frame.session() as opened, frame.online(opened) as transport:
        sync_first(opened, transport, f"{who} is NOT {'added' if role else 'removed'}")
        log, user = finding.find_file(opened, which), frame.person(opened, who)
        if role and (before := opened.file(log)) is not None:
            _check_role(opened, before.file, user, role)
        change_people(opened, transport, log, user, role)
        state = opened.require_file(log)
        name = opened.name_of(user)
    found = {"file": ids.show(log), "user": ids.show(user), "role": role, "members": len(state.members), "epoch": state.epoch}
    text = f"{name} is in the file as {role}." if role else f"{name} is out of the file, and its key has changed (epoch {state.epoch})."
    emit(found, text, as_json=as_json)


def change_people(opened: Session, transport: HttpTransport, log: bytes, user: bytes, role: str | None) -> None:
    """Put somebody into a file as `role`, or take them out; of a case also its liaison file, where that takes the role."""
    for one in cases.with_liaison(opened, log):
        state = opened.require_file(one)
        if one == log or ((user in state.members) != bool(role) and (not role or may_be_member(state.file, state.side, role))):
            _change_one(opened, transport, one, user, role)


def _change_one(opened: Session, transport: HttpTransport, log: bytes, user: bytes, role: str | None) -> None:
    """Change who is in one file, again where somebody else's statement came first."""
    for attempt in (1, 2, 3):
        entry = files.add_member(opened, log, user, role) if role else files.remove_member(opened, log, user)
        report = sync(opened, transport)
        raced = any(refusal.id == entry.id and refusal.code in ("stale-statement", "stale-registry") for refusal in report.refused)
        if not raced or attempt == 3:
            require_taken(opened, entry, report)
            break
    opened.store.see_alarms(log, "overtaken")  # it has been done after all


@file.command("create")
@command
def file_create(
    kind: Annotated[str, typer.Argument(help="case, fund, liaison, shared_care, therapy, desk, intake.")],
    member_: Annotated[list[str] | None, typer.Option("--member", help="NAME=ROLE of a further member; repeat for several.")] = None,
    case: Annotated[str | None, typer.Option("--case", help="The case that a shared_care file belongs to.")] = None,
    from_referral: Annotated[
        str | None, typer.Option(help="Of a case: the referral at your side's desk that it begins from, as `referral list` shows it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a file; works offline, and is sent at the next sync.

    Example: fieldkeep file create case --member Ruth=coordinator --member Priya=navigator
    """
    with frame.session() as opened:
        _check_may_begin(opened, kind)
        address = None if case is None else _address(opened, kind, case)
        people: dict[bytes, str] = {}
        for text in member_ or []:
            name, sign, role = text.rpartition("=")
            if not sign or role not in ROLES:
                raise Refused("bad-value", f"want NAME=ROLE with a known role, for example Priya=navigator; known: {', '.join(sorted(ROLES))}")
            user = frame.person(opened, name)
            _check_role(opened, kind, user, role)
            people[user] = role
        with opened.store.transaction():
            if from_referral:
                log = referrals.open_case(opened, *_referral(opened, kind, from_referral), people)
            else:
                log = cases.open_case(opened, people) if kind == "case" else files.create_file(opened, kind, people)
            if address is not None:
                records.add(opened, log, "case_address", {"address": ids.show(address)})
        state = opened.require_file(log)
    warnings = _closed(state)
    if kind == "shared_care" and address is None:
        warnings.append("It says of no case, so partner support is not told of attendance: begin it with --case.")
    members = {ids.show(user): role for user, role in state.members.items()}
    found = {"file": ids.show(log), "kind": kind, "side": state.side, "members": members, "warnings": warnings}
    said = f"A {kind} file with {len(members)} member(s); it is sent at the next sync."
    emit(found, ids.show(log), said, *warnings, as_json=as_json)


def _address(opened: Session, kind: str, case: str) -> bytes:
    """The address of the case that a new file is to belong to. Raises Refused."""
    if kind != "shared_care":
        raise Refused("bad-value", "--case is for a shared_care file")
    return cases.require_case(opened, finding.find_file(opened, case))


def _referral(opened: Session, kind: str, prefix: str) -> tuple[bytes, bytes]:
    if kind != "case":
        raise Refused("bad-value", "a case begins from a referral, and no other file")
    return finding.only([(record, (desk, record)) for desk, record, _ in referrals.waiting(opened)], prefix, "referral", lambda _pair: "")


def _closed(state: FileState) -> list[str]:
    """A warning where a new file can never take anybody else."""
    may = FILES[state.file][state.side]["members_by"]
    if set(state.members.values()) & set(may):
        return []
    return [f"Nobody in it may add or remove people; name a {' or a '.join(may)} with --member when you begin a file, if others are to join."]


def _check_role(opened: Session, kind: str, user: bytes, role: str) -> None:
    """Raises Refused for a person who does not have a role that the file would take. files.py judges the rest."""
    held = {held for cert in opened.registry.devices_of(user, opened.registry.seq) for held in cert.subject.roles}
    if held and role not in held and may_be_member(kind, opened.identity.side, role):
        raise Refused("not-permitted", f"{opened.name_of(user)} is no {role} ({', '.join(sorted(held))})")


def _check_may_begin(opened: Session, kind: str) -> None:
    side = opened.identity.side
    certificate = opened.registry.devices.get(opened.identity.device)
    roles = certificate.subject.roles if certificate else ()
    may = FILES[kind][side]["genesis"] if side in file_sides(kind) else []
    if may and not set(roles) & set(may):
        raise Refused("not-permitted", f"as {' and '.join(roles) or 'nobody'} you may not begin a {kind} file; a {' or a '.join(may)} may")


@file.command("list")
@command
def file_list(
    hashes: Annotated[bool, typer.Option("--hash", help="Also fold each file and print its state hash, to compare two devices.")] = False,
    as_json: Json = False,
) -> None:
    """List your files: kind, members, how far they are synced.

    Example: fieldkeep file list --hash
    """
    with frame.session() as opened:
        rows = [_file_row(opened, log) for log in opened.file_logs()]
        for row in rows if hashes else []:
            row["state_hash"] = state_hash(opened.records(ids.parse(row["file"]), pending=False)).hex()
    if as_json:
        emit_json({"files": rows})
        return
    cells = [
        [
            row["file"][:8],
            row["kind"],
            row["about"],
            ", ".join(f"{one['name']} ({one['role']})" for one in row["members"]),
            str(row["seq"]),
            str(row["epoch"]),
            row.get("state_hash", "")[:16],
            row["note"],
        ]
        for row in rows
    ]
    table("Files", ["id", "kind", "about", "members", "entries", "epoch", "state" if hashes else "", ""], cells)


def _file_row(opened: Session, log: bytes) -> dict[str, Any]:
    state = opened.file(log)
    seq = opened.reader(log).log.head.seq
    gone = state is not None and opened.identity.user not in state.members
    erased = state is not None and state.erased is not None
    note = opened.stopped(log) or ("erased" if erased else "not sent yet" if seq == 0 else "you are no longer a member" if gone else "")
    members = [{"user": ids.show(user), "name": opened.name_of(user), "role": role} for user, role in (state.members if state else {}).items()]
    return {
        "file": ids.show(log), "kind": state.file if state else "unknown", "side": state.side if state else opened.identity.side,
        "about": finding.about(opened, log), "members": members, "seq": seq, "epoch": state.epoch if state else 0, "note": note,
    }  # fmt: skip
