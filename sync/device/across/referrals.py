"""A referral comes whole to the victim side's desk; what he is worked with for goes over, item by item, and nothing of those whom he harms
(docs/spec.md §15.8).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import ids
from shared_schema.errors import Refused
from sync.change import Op
from sync.device.across import board, cases, posting, urgent
from sync.device.recording import records
from sync.device.recording.values import check_row
from sync.device.session import Session
from sync.splitting import repeated

PACK: Final = "referral_intake"
REFERRAL: Final = "referral"
LINKED: Final = "linked_person"
_READERS: Final = frozenset({"parcel", "sender", "state", "addenda", "filed_in"})
_DECLINED: Final = "declined_"


@dataclass(frozen=True, slots=True)
class Match:
    """What a pack was looked at for, and the records of other packs that have something of it."""

    check: str
    found: tuple[bytes, ...]


# --- on the victim side's desk -----------------------------------------------------------------------------------------------------


def pack_of(session: Session, log: bytes, record: bytes) -> dict[str, Any]:
    """A pack's fields. Raises Refused for a record that is none, or on another side."""
    if session.identity.side != "victim" or session.record(log, record).type != PACK:
        raise Refused("bad-value", "that is no referral at the victim side's desk")
    return cases.values_of(session, log, record)


def split(session: Session, log: bytes, record: bytes, values: Mapping[str, Any], kept: Iterable[str] = ()) -> bytes:
    """Give the other side's desk these fields of a referral, and people as he knows them; the pack keeps which; returns the letter's id.

    `kept` are items that were looked at and stay here. Raises Refused for anything that repeats a detail of the people harmed or of children.
    """
    pack, body = pack_of(session, log, record), dict(values)
    body.setdefault("received_on", pack.get("received_on", cases.today(session)))
    body |= {"referral_source": pack["referral_source"]} if "referral_source" in pack and "referral_source" not in body else {}
    body["victim_details_held"] = "yes" if pack.get("people_harmed") else "no"
    for name in ("decision", "decision_reason", "decided_on", "decided_by", *_READERS):
        if name in body:
            raise Refused("bad-value", f"{name} is the other side's to write")
    told = repeated(body, pack)
    if told:
        raise Refused("not-permitted", f"it repeats what stays here: {', '.join(told)}")
    now, me = urgent.now(session), ids.show(session.identity.user)
    given = [name for name in body if name != "linked_people"] + [f"linked_people: {row.get('called', '')}" for row in body.get("linked_people", ())]
    items = [(name, "yes") for name in given] + [(name, "no") for name in kept]
    with session.store.transaction():
        letter = posting.post(session, log, REFERRAL, body)
        _rows(session, log, record, "split", [{"field": name, "sent": sent, "at": now, "by": me} for name, sent in items])
    return letter


def _rows(session: Session, log: bytes, record: bytes, name: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        check_row(PACK, name, row)
    if rows:
        records.write(session, log, record, PACK, [Op(name, "add", row, ()) for row in rows])


def incomplete(session: Session, log: bytes, record: bytes, missing: Iterable[str], due: str) -> bytes:
    """Say what a pack lacks, and make it somebody's task to ask the referrer; returns the task's record."""
    pack = pack_of(session, log, record)
    me, items = ids.show(session.identity.user), sorted(set(missing) - {row.get("item") for row in pack.get("incomplete", ())})
    who = pack.get("referrer") or pack.get("agency") or "the referrer"
    what = f"Ask {who} for: {', '.join(one.replace('_', ' ') for one in sorted(set(missing)))}"
    with session.store.transaction():
        _rows(session, log, record, "incomplete", [{"item": item, "by": me, "at": urgent.now(session)} for item in items])
        return records.add(
            session, log, "task",
            {"what": what[:200], "owner": me, "due": due, "task_state": "open", "from": ids.show(record)},
        )  # fmt: skip


def match(session: Session, log: bytes, record: bytes) -> list[Match]:
    """Look for the people of a pack in the other packs of this desk, and keep what was looked for and what was found."""
    mine = pack_of(session, log, record)
    harms, harmed = _people(mine, "person_using_abuse"), _people(mine, "people_harmed")
    found: dict[str, list[bytes]] = {"both_roles": [], "couple": [], "two_victims": []}
    for other, _ in session.store.records(log, PACK):
        if other == record:
            continue
        theirs = cases.values_of(session, log, other)
        other_harms, other_harmed = _people(theirs, "person_using_abuse"), _people(theirs, "people_harmed")
        if harms & other_harmed or harmed & other_harms:
            found["couple" if harms & other_harmed and harmed & other_harms else "both_roles"].append(other)
        if harms & other_harms and not harmed <= other_harmed:
            found["two_victims"].append(other)
    made = [Match(check, tuple(records_)) for check, records_ in found.items()]
    rows = [
        {"check": one.check, "result": "found" if one.found else "nothing_found", "by": ids.show(session.identity.user), "at": urgent.now(session)}
        | ({"note": ", ".join(other.hex()[:8] for other in one.found)[:200]} if one.found else {})
        for one in made
    ]
    _rows(session, log, record, "matches", rows)
    return made


def _people(pack: Mapping[str, Any], name: str) -> set[str]:
    return {" ".join(str(row.get("names", "")).lower().split()) for row in pack.get(name, ())} - {""}


# --- on the perpetrator side -----------------------------------------------------------------------------------------------------------


def waiting(session: Session) -> Iterator[tuple[bytes, bytes, dict[str, Any]]]:
    """(desk, record, fields) of the referrals at this side's desk that no case was begun from and nobody has declined."""
    for desk in board.receiving_files(session):
        if session.identity.side != "perpetrator" or session.require_file(desk).file != "intake":
            continue
        seen: set[str] = set()
        for record, _ in session.store.records(desk, REFERRAL):
            values = cases.values_of(session, desk, record)
            parcel = values.get("parcel", ids.show(record))
            if parcel not in seen and "filed_in" not in values and not str(values.get("decision", "")).startswith(_DECLINED):
                yield desk, record, values
            seen.add(parcel)


def open_case(session: Session, desk: bytes, record: bytes, members: Mapping[bytes, str]) -> bytes:
    """Begin a case from a referral: its fields, and everybody whom he knows as a record of their own; returns the case."""
    made = session.record(desk, record)
    if made.type != REFERRAL or session.require_file(desk).file != "intake":
        raise Refused("bad-value", "that is no referral at this side's desk")
    values = cases.values_of(session, desk, record)
    if "filed_in" in values:
        raise Refused("not-permitted", "a case was begun from it already")
    kept = {
        name: value for name, value in values.items() if name in session.types[REFERRAL].fields and name not in ("state", "addenda", "linked_people")
    }
    decided = {"decision": "accepted", "decided_on": cases.today(session), "decided_by": ids.show(session.identity.user)}
    case = cases.open_case(session, members, referral=values.get("parcel"))
    with session.store.transaction():
        records.add(session, case, REFERRAL, {**kept, **decided})
        for row in values.get("linked_people", ()):
            cells = {name: value for name, value in row.items() if name in session.types[LINKED].fields}
            records.add(session, case, LINKED, cells | ({"he_knows_because": [row["he_knows_because"]]} if "he_knows_because" in row else {}))
        if values.get("names"):
            records.add(session, case, "person", {"names": [{"name": values["names"], "kind": "given"}]})
        records.edit(session, desk, record, {"filed_in": ids.show(case)})
    return case


def decline(session: Session, desk: bytes, record: bytes, decision: str, reason: str, due: str) -> bytes:
    """Decline a referral, and make it somebody's task to tell the referrer; returns the task's record."""
    if session.record(desk, record).type != REFERRAL or decision == "accepted":
        raise Refused(
            "bad-value", "only a referral is declined; from one that is accepted a case is begun: fieldkeep file create case --from-referral"
        )
    me, values = ids.show(session.identity.user), cases.values_of(session, desk, record)
    who = values.get("referrer") or values.get("agency") or "the referrer"
    with session.store.transaction():
        decided = {"decision": decision, "decision_reason": reason, "decided_on": cases.today(session), "decided_by": me}
        records.edit(session, desk, record, decided)
        task = {"what": f"Tell {who}: {decision.replace('_', ' ')}"[:200], "owner": me, "due": due, "task_state": "open", "from": ids.show(record)}
        return records.add(session, desk, "task", task)
