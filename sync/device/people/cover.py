"""Cover: a colleague in a case for a time. The device of whoever arranged it takes them out again when that is over."""

from shared_schema import ids
from shared_schema.entry import Entry
from shared_schema.errors import Refused
from shared_schema.roles import may_sign
from sync.device.across import cases
from sync.device.people import files
from sync.device.people.allocations import allocate, allocation
from sync.device.session import Session


def check(session: Session, log: bytes, who: bytes, until: str) -> None:
    """Raises Refused where there is nothing to cover, or no time for it."""
    state = session.require_file(log)
    if state.file != "case" or not files.may_change(session, log):
        raise Refused("not-permitted", "cover is arranged in a case, by a coordinator who is in it")
    if who in state.members:
        raise Refused("not-permitted", f"{session.name_of(who)} is in the case already: who covers is not, and leaves it again")
    if until < cases.today(session):
        raise Refused("bad-value", f"--until {until} is past")
    if (found := allocation(session, log)) and found[1].get("cover_until", "") >= cases.today(session) and found[1].get("cover"):
        raise Refused("not-permitted", f"{session.name_of(ids.parse(found[1]['cover']))} covers it until {found[1]['cover_until']}: end that first")


def arrange(session: Session, log: bytes, who: bytes, until: str) -> None:
    """Put on record who covers, and until when; they are in the file already."""
    allocate(session, log, {"cover": ids.show(who), "cover_from": cases.today(session), "cover_until": until})


def end(session: Session, log: bytes) -> bytes:
    """Put on record that the cover ends today; returns who covered. Raises Refused when nobody does."""
    found = allocation(session, log)
    who = ids.parse(found[1]["cover"]) if found and found[1].get("cover") and _named_by_a_coordinator(session, log, found[0]) else b""
    if who not in session.require_file(log).members:
        raise Refused("not-found", "nobody covers this case")
    allocate(session, log, {"cover_until": cases.today(session)})
    return who


def over(session: Session, log: bytes) -> bytes:
    """Who covers a case whose time is over and is still in it; b"" for nobody."""
    found = allocation(session, log)
    if found is None or not found[1].get("cover") or not found[1].get("cover_until") or found[1]["cover_until"] >= cases.today(session):
        return b""
    who, lead = ids.parse(found[1]["cover"]), found[1].get("lead")
    return who if who in session.require_file(log).members and lead != ids.show(who) else b""


def take_out(session: Session) -> list[Entry]:
    """The statements with which this device ends what its person arranged and is over, in cases and their liaison files. Sent at the next sync."""
    made = []
    for case in session.file_logs():
        who = over(session, case) if session.store.records(case, "allocation") else b""
        if not who or not _arranged(session, case):
            continue
        for log in cases.with_liaison(session, case):
            state = session.reader(log).file
            waits = any(not item.dead for item in session.store.waiting(log))
            if state is not None and who in state.members and files.may_change(session, log) and not waits:
                made.append(files.remove_member(session, log, who))
    return made


def _arranged(session: Session, log: bytes) -> bool:
    """True when this device's person, and nobody else, wrote who covers and until when: a colleague's word takes nobody out of a file."""
    found = allocation(session, log)
    registers = session.record(log, found[0]).registers if found else {}
    said = [list(registers[name].live.values()) if name in registers else [] for name in ("cover", "cover_until")]
    return all(ops and all(op.user == session.identity.user for op in ops) for ops in said)


def _named_by_a_coordinator(session: Session, log: bytes, record: bytes) -> bool:
    state, register = session.require_file(log), session.record(log, record).registers.get("cover")
    return register is not None and all(may_sign("members", state.file, state.side, state.ever.get(op.user, "")) for op in register.live.values())
