"""Vectors of what two people remove: expunge, hold, erase; and of a device's word that it has purged it (docs/spec.md §7.8 to §7.10, §9.6)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from shared_schema import cbor, cose
from shared_schema import membership as shapes
from shared_schema.approval import act_hash
from shared_schema.entry import Entry
from shared_schema.removal import PURGE, purge_payload
from sync.signing import sign_object
from tests.vectors.codecs import CODECS
from tests.vectors.generate import membership
from tests.vectors.generate.membership import PART
from tests.vectors.generate.world import A1, C1, F1, M1, N1, N2, SVC, T0, Device, FileLog, fill, head_of, perpetrator, seed, travelling
from tests.vectors.notation import Book

_STUB: Final = fill("removal/stub", 304)
_DAY: Final = 86_400_000
_WEEK: Final = 7 * _DAY
_FIRST_MONDAY: Final = 4 * _DAY
_OVER: Final = T0 - (T0 - _FIRST_MONDAY) % _WEEK + 7 * _WEEK  # when what came at T0 goes by the calendar
C2: Final = Device("c2", C1.user_name, C1.roles)
NOT_APPROVED: Final = "not-approved"


def _written(members: dict[Device, str] | None = None, kind: str = "case") -> FileLog:
    """A case of c1, n1 and m1 by default; n1 writes an envelope of two parts (entry 2), c1 one of one (entry 3)."""
    file = membership.started(8, members or {C1: "coordinator", N1: "navigator", M1: "navigator"}, file=kind)
    file.append(file.envelope(N1, 1, [PART, fill("removal/second part", 304)]))
    file.append(file.envelope(C1, 1, [fill("removal/third part", 304)]))
    return file


def _two_of_lead() -> FileLog:
    """The same, where the coordinator has a second device."""
    known = perpetrator(8)
    known.append(known.enrol(C2, A1))
    file = FileLog(known, C1)
    file.append(file.by(C1, file.genesis({C1: "coordinator", N1: "navigator"})))
    file.append(file.envelope(N1, 1, [PART]))
    return file


def _admitted() -> tuple[FileLog, Entry]:
    """The same, with something of n1 that was held and let in."""
    file = _written()
    late = file.envelope(N1, 1, [PART], sq=2)
    file.append(file.by(C1, file.members(remove=(N1,))))
    file.append(file.admission(C1, late))
    return file, late


def _expunged(file: FileLog, by: Device = C1, first: Device = N1, **over: Any) -> Entry:
    at = over.pop("at", 2)
    return file.expunction(by, file.expunge(at, by=first, **over), _STUB)


# --- shapes -----------------------------------------------------------------------------------------------------------------


def _shapes() -> Book:
    book = Book("removal", "statement", "The payloads of `expunge`, `hold` and `erase`.", "7.8 7.9 7.10")
    file = _written()
    stub = fill("removal/stub hash", 32)
    good: dict[str, shapes.FileStatement] = {
        "expunge": replace(file.expunge(2, by=N1), stub=stub),
        "hold": file.hold(),
        "erase": file.erase(N1),
    }
    more: dict[str, shapes.FileStatement] = {
        "expunge_held": replace(file.expunge(2, by=N1, at=0), stub=stub),
        "expunge_last_part": replace(replace(file.expunge(2, by=N1), part=1023), stub=stub),
        "expunge_with_parcel": replace(file.expunge(2, by=N1, parcel=fill("removal/parcel", 16)), stub=stub),
        "expunge_alone": replace(file.expunge(2), stub=stub),
        "expunge_expired": replace(file.expunge(2, reason="expired"), stub=stub),
        "release": file.hold(release=bytes(32), by=N1),
        "erase_alone": file.erase(None),
    }
    for name, statement in (good | more).items():
        data = shapes.encode_file_statement(statement)
        why = f"The statement {name.replace('_', ' ')}." + (" That nobody approved it is for the judge." if "alone" in name else "")
        book.add(name, why, codec="file_statement", value=CODECS["file_statement"].decode(data), bytes=data)

    def refuse(name: str, why: str, value: Any) -> None:
        book.refuse(name, why, "malformed", codec="file_statement", bytes=cbor.encode(value))

    maps = {kind: cbor.decode(shapes.encode_file_statement(statement)) for kind, statement in (good | {"release": more["release"]}).items()}
    for kind, map_ in maps.items():
        for key in map_:
            if key != "kind":
                refuse(f"{kind}_{key}_missing", f"The key {key} is missing.", {name: item for name, item in map_.items() if name != key})
        refuse(f"{kind}_unknown_key", "A key that nobody knows.", map_ | {"note": 1})
        refuse(f"{kind}_with_grants", "It grants nothing.", map_ | {"grants": []})
        refuse(f"{kind}_approval_map", "An approval as a map, not as bytes.", map_ | {"approval": {}})
        refuse(f"{kind}_approval_other", "Some other signed object in the place of the approval.", map_ | {"approval": file.entries[0][0].cose})
    for name, why, kind, over in (
        ("expunge_at_negative", "A negative place.", "expunge", {"at": -1}),
        ("expunge_part_1024", "One part more than there may be.", "expunge", {"part": 1024}),
        ("expunge_id_16", "An id of 16 bytes.", "expunge", {"id": bytes(16)}),
        ("expunge_hash_text", "A hash as text.", "expunge", {"hash": "00"}),
        ("expunge_reason_unknown", "A reason that does not exist.", "expunge", {"reason": "embarrassing"}),
        ("expunge_reason_list", "A list in the place of the reason.", "expunge", {"reason": ["spill"]}),
        ("expunge_parcel_15", "A parcel's id of 15 bytes.", "expunge", {"parcel": bytes(15)}),
        ("expunge_stub_31", "A stub's hash of 31 bytes.", "expunge", {"stub": bytes(31)}),
        ("expunge_says_31", "A hash of 31 bytes of what it says.", "expunge", {"says": bytes(31)}),
        ("hold_with_approval", "A hold begins without a second person.", "hold", {"approval": maps["release"]["approval"]}),
        ("release_16", "The id of a statement has 32 bytes.", "release", {"release": bytes(16)}),
        ("erase_reason_unknown", "A reason that does not exist.", "erase", {"reason": "space"}),
        ("erase_expired", "A file does not go by the calendar.", "erase", {"reason": "expired"}),
        ("erase_file_unknown", "A kind of file that does not exist.", "erase", {"file": "diary"}),
        ("erase_nonce_15", "A nonce of 15 bytes.", "erase", {"nonce": bytes(15)}),
        ("erase_creator_17", "A creator of 17 bytes.", "erase", {"creator": bytes(17)}),
    ):
        refuse(name, why, maps[kind] | over)
    return book


# --- sequences --------------------------------------------------------------------------------------------------------------


def _out(file: FileLog, void: tuple[str | None, ...] = (), **over: Any) -> dict[str, Any]:
    members = {C1: "coordinator", N1: "navigator", M1: "navigator"}
    rows = {
        "members": sorted([device.user, role] for device, role in members.items()), "ever": sorted(device.user for device in members),
        "holders": sorted((C1.id, N1.id, N2.id, M1.id)),
    }  # fmt: skip
    listed = [*[None] * (len(file.entries) - len(void)), *void]
    previous = next(one.id for one, _ in reversed(file.entries) if not one.is_envelope)
    return membership._out(file, listed, **{**rows, "previous": previous, **over})


def _approval_of(entry: Entry) -> bytes:
    statement = shapes.file_statement(entry)
    approval = getattr(statement, "approval", None)
    assert approval is not None
    found: bytes = approval.id
    return found


def _sequences(book: Book) -> None:
    def add(name: str, why: str, file: FileLog, *void: str | None, **over: Any) -> None:
        book.add(name, why, op="file", given=file.given(), out=_out(file, void, **over))

    file = _written()
    target = file.entries[1][0]
    first = file.append(_expunged(file))
    spent = [_approval_of(first)]
    add("expunged", "One part goes: asked for by the navigator, carried out by the coordinator.", file, expunged=[[target.id, 0, 2]], approvals=spent)
    second = file.append(_expunged(file, by=N1, first=C1, part=1))
    spent = sorted([*spent, _approval_of(second)])
    both = sorted([[target.id, 0, 2], [target.id, 1, 2]])
    add("expunged_other_part", "The other part too, the other way round.", file, expunged=both, approvals=spent)
    file.append(_expunged(file))
    add("expunged_again", "Nothing is expunged twice: void.", file, "not-permitted", expunged=both, approvals=spent)
    file.append(file.envelope(N1, 1, [PART]))
    add("written_after_expunged", "The file goes on as before.", file, "not-permitted", None, expunged=both, approvals=spent)
    blocked = _written()
    blocked.append(blocked.by(F1, blocked.new_epoch()))
    blocked.append(_expunged(blocked))
    why = "After a void epoch nothing is expunged: nobody could know who reads the stub."
    add("expunged_while_blocked", why, blocked, "not-permitted", "not-permitted", voided=[2], blocked=True)
    _held_sequences(book)
    _expired_sequences(book)
    _hold_sequences(book)
    _erased_sequences(book)


def _held_sequences(book: Book) -> None:
    file = _written()
    late = file.envelope(N1, 1, [PART], sq=2)
    file.append(file.by(C1, file.members(remove=(N1,))))
    kcs = [[epoch, fill(f"kc/{epoch}", 32)] for epoch in (1, 2)]
    rows: dict[str, Any] = {
        "members": sorted([[C1.user, "coordinator"], [M1.user, "navigator"]]), "holders": sorted((C1.id, M1.id)), "epoch": 2, "commits": kcs,
    }  # fmt: skip
    admitted = file.copy()
    held = file.append(file.expunction(C1, _of(file, late, M1), _STUB))
    out = _out(file, **rows, expunged=[[late.id, 0, 0]], settled=[late.id], approvals=[_approval_of(held)])
    book.add("expunged_held", "A part of what is held goes; the envelope is settled.", op="file", given=file.given(), out=out)
    file.append(file.admission(C1, late))
    out = _out(file, ("erased",), **rows, expunged=[[late.id, 0, 0]], settled=[late.id], approvals=[_approval_of(held)])
    book.add("admitted_after_expunged", "What was expunged while it was held is not let in: void.", op="file", given=file.given(), out=out)
    decided = file.copy()
    decided.append(decided.by(C1, decided.refusal(late)))
    out = _out(decided, ("erased", "not-permitted"), **rows, expunged=[[late.id, 0, 0]], settled=[late.id], approvals=[_approval_of(held)])
    why = "Nor is it refused any more: it has been decided on."
    book.add("refused_after_expunged", why, op="file", given=decided.given(), out=out)
    admitted.append(admitted.admission(C1, late))
    gone = admitted.append(_expunged(admitted, first=M1, at=5))
    out = _out(admitted, **rows, expunged=[[late.id, 0, 5]], settled=[late.id], admitted=[late.id], approvals=[_approval_of(gone)])
    book.add(
        "expunged_admitted",
        "A part of what was admitted goes, named by the envelope and the admission's place.",
        op="file",
        given=admitted.given(),
        out=out,
    )


def _of(file: FileLog, late: Entry, by: Device, **over: Any) -> Any:
    """An expunge of the first part of what is held."""
    return file.expunge(2, by=by, at=0, id=late.id, hash=late.hashes[0], **over)


def _expired_sequences(book: Book) -> None:
    file = _written(kind="liaison")
    target = file.entries[1][0]
    file.append(_over(file), _OVER)
    why = "A letter goes by the calendar: one navigator carries it out, seven weeks after the Monday of its own."
    out = _out(file, expunged=[[target.id, 0, 2]]) | {"file": "liaison"}
    book.add("expired", why, op="file", given=file.given(), out=out)
    file.append(_over(file, by=C1, part=1), _OVER + 1)
    both = sorted([[target.id, 0, 2], [target.id, 1, 2]])
    out = _out(file, expunged=both) | {"file": "liaison"}
    book.add("expired_both", "The other part of that entry too, by another member.", op="file", given=file.given(), out=out)


def _hold_sequences(book: Book) -> None:
    def add(name: str, why: str, file: FileLog, *void: str | None, **over: Any) -> None:
        book.add(name, why, op="file", given=file.given(), out=_out(file, void, **over))

    file = _written()
    target = file.entries[1][0]
    held = file.append(file.by(N1, file.hold()))
    add("hold", "One person puts a hold on the file.", file, holds=[held.id])
    again = file.append(file.by(C1, file.hold()))
    two = sorted([held.id, again.id])
    add("two_holds", "And another: each stands by itself.", file, holds=two)
    file.append(_expunged(file, reason="retention"))
    add("retention_under_hold", "Nothing goes by age while a hold is on.", file, "not-permitted", holds=two)
    file.append(file.by(C1, file.erase(N1)))
    add("erase_under_hold", "Nor is the file erased.", file, "not-permitted", "not-permitted", holds=two)
    gone = file.append(_expunged(file))
    spent = [_approval_of(gone)]
    void = ("not-permitted", "not-permitted", None)
    add("spill_under_hold", "A spill goes all the same.", file, *void, holds=two, expunged=[[target.id, 0, 2]], approvals=spent)
    released = file.append(file.by(C1, file.hold(release=held.id, by=N1)))
    spent = sorted([*spent, _approval_of(released)])
    add("released", "Two people release one of the holds.", file, *void, None, holds=[again.id], expunged=[[target.id, 0, 2]], approvals=spent)


def _erased_sequences(book: Book) -> None:
    file = _written()
    file.append(file.by(C1, file.erase(N1)))
    ended = file.copy()
    nothing: dict[str, Any] = {
        "members": [], "recovery": b"", "holders": [], "epoch": 0, "commits": [], "erased": file.entries[3][0].id, "previous": file.entries[3][0].id,
    }  # fmt: skip
    book.add("erased", "Two people erase the file: nobody is in it, and nobody holds it.", op="file", given=file.given(), out=_out(file, **nothing))
    ended.append(ended.envelope(N1, 1, [PART]))
    ended.append(ended.statement(C1.id, C1.key, shapes.encode_file_statement(file.hold(previous=file.entries[3][0].id))))
    ended.append(ended.statement(C1.id, C1.key, cbor.encode({"kind": "nothing"})))
    why = "Nothing stands after an erasure, and what does not decode is no exception."
    book.add("after_erased", why, op="file", given=ended.given(), out=_out(ended, ("erased",) * 3, **nothing))


# --- refusals ---------------------------------------------------------------------------------------------------------------


def _refusals(book: Book) -> None:
    no = "not-permitted"
    file = _written()

    def refuse(name: str, why: str, make: Callable[[FileLog], Entry], code: str = no, on: FileLog | None = None) -> None:
        base = on or file
        given = base.given() | {"entry": travelling(make(base)), "received_ms": base.next_ms}
        book.refuse(name, why, code, op="file_take", given=given)

    refuse("one_signer", "Nobody approved it.", lambda f: f.expunction(C1, f.expunge(2), _STUB), NOT_APPROVED)
    refuse("same_device", "Whoever approved it carries it out.", lambda f: _expunged(f, first=C1), NOT_APPROVED)
    refuse("same_person", "Whoever approved it carries it out, with another device.", lambda f: _expunged(f, by=N2, first=N1), NOT_APPROVED)
    refuse(
        "same_person_leads",
        "So it is with whoever leads the file, on two devices.",
        lambda f: _expunged(f, by=C2, first=C1),
        NOT_APPROVED,
        on=_two_of_lead(),
    )
    refuse("no_lead", "Two navigators: neither leads the file.", lambda f: _expunged(f, by=N1, first=M1), NOT_APPROVED)
    refuse("approved_by_stranger", "A fund holder who is no member approved it.", lambda f: _expunged(f, first=F1), NOT_APPROVED)
    refuse("approved_by_administrator", "So did an administrator.", lambda f: _expunged(f, first=A1), NOT_APPROVED)
    refuse("by_stranger", "The author is no member.", lambda f: _expunged(f, by=F1))
    refuse("ended", "The approval has ended.", lambda f: _expunged_by(f, until=f.next_ms - 1), NOT_APPROVED)
    refuse("too_long", "The approval is for longer than one may be.", lambda f: _expunged_by(f, until=f.next_ms + 15 * _DAY), NOT_APPROVED)
    refuse("approval_of_other_log", "The approval is for another file.", lambda f: _expunged_by(f, log=fill("another log", 16)), NOT_APPROVED)
    refuse("approval_of_other_side", "The approval is for the other side.", lambda f: _expunged_by(f, side="victim"), NOT_APPROVED)
    refuse("approval_forged", "The approval bears a member's id and another's signature.", lambda f: _expunged_by(f, key=M1.key), "malformed")
    others: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("other_reason", "Approved for another reason.", {"reason": "court"}),
        ("other_part", "Approved for another part.", {"part": 1}),
        ("other_entry", "Approved for another entry.", {"at": 3}),
        ("other_stub", "Approved for another stub.", {"says": fill("removal/says", 32)}),
        ("other_parcel", "Approved without the parcel that is to go with it.", {"parcel": fill("removal/parcel", 16)}),
    )
    for name, why, over in others:
        approved = file.expunge(2, by=N1).approval
        refuse(name, why, lambda f, over=over, approved=approved: _expunged(f, approval=approved, **{"at": 2, **over}), NOT_APPROVED)  # type: ignore[misc]
    misnamed: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("not_there", "The log has another envelope at that place.", {"id": bytes(32)}),
        ("other_hash", "The part has another hash.", {"hash": bytes(32)}),
        ("no_such_part", "The envelope has no such part.", {"part": 2, "hash": bytes(32)}),
        ("of_a_statement", "A statement has no parts.", {"named": 1}),
    )
    for name, why, over in misnamed:
        place = over.pop("named", 2)
        refuse(name, why, lambda f, over=over, place=place: _misnamed(f, place, **over))  # type: ignore[misc]
    refuse("not_seen", "The author had not applied what it removes.", lambda f: f.expunction(C1, f.expunge(3, by=N1), _STUB, sn=head_of(f, 2)))
    let_in, late = _admitted()
    why = "What was let in is expunged where it stands, and not as held."
    refuse("held_after_admitted", why, lambda f: f.expunction(C1, _of(f, late, M1), _STUB), on=let_in)
    gone = file.copy()
    gone.append(_expunged(gone))
    refuse("decided_on", "What was expunged is not refused as held either.", lambda f: f.by(C1, f.refusal(f.entries[1][0])), on=gone)
    refuse("of_a_stub", "A stub is not expunged.", lambda f: _misnamed(f, 4), on=gone)
    refuse("old_epoch", "The stub is sealed under an epoch that is none.", lambda f: f.expunction(C1, f.expunge(2, by=N1), _STUB, epoch=2))
    refuse("stale", "The statement does not follow the log's newest.", lambda f: _expunged(f, previous=bytes(32)), "stale-statement")
    payload = shapes.encode_file_statement(replace(file.expunge(2, by=N1), stub=bytes(32)))
    refuse(
        "as_statement", "An `expunge` in a plain statement: it would come without a stub.", lambda f: f.statement(C1.id, C1.key, payload), "malformed"
    )
    _refused_holds(refuse)
    _refused_erasures(refuse)
    _refused_by_calendar(book)


def _expunged_by(file: FileLog, **over: Any) -> Entry:
    statement = file.expunge(2)
    named = {
        "kind": "expunge",
        "at": 2,
        "id": statement.id,
        "part": 0,
        "hash": statement.hash,
        "reason": "spill",
        "parcel": None,
        "says": statement.says,
    }

    approved = file.approval(N1, "expunge", act_hash(named), **over)
    return file.expunction(C1, replace(statement, approval=approved), _STUB)


def _misnamed(file: FileLog, place: int, **over: Any) -> Entry:
    """An expunction, rightly approved, of something that is not what the log has."""
    one = file.entries[place - 1][0]
    named: dict[str, Any] = {"at": place, "id": one.id, "part": 0, "hash": one.hashes[0] if one.hashes else bytes(32)} | over
    return file.expunction(C1, file.expunge(2, by=N1, **named), _STUB)


def _refused_holds(refuse: Callable[..., None]) -> None:
    held = _written()
    hold = held.append(held.by(N1, held.hold()))
    refuse("hold_by_stranger", "Who is no member puts no hold on a file.", lambda f: f.by(F1, f.hold()))
    refuse("release_alone", "Nobody releases a hold alone.", lambda f: f.by(C1, f.hold(release=hold.id)), NOT_APPROVED, on=held)
    refuse("release_same_person", "Nor with oneself.", lambda f: f.by(N2, f.hold(release=hold.id, by=N1)), NOT_APPROVED, on=held)
    refuse("release_no_lead", "Nor do two who lead nothing.", lambda f: f.by(M1, f.hold(release=hold.id, by=N1)), NOT_APPROVED, on=held)
    refuse("release_of_nothing", "There is no such hold.", lambda f: f.by(C1, f.hold(release=bytes(32), by=N1)), on=held)
    other = held.hold(release=bytes(32), by=N1).approval
    refuse("release_of_another", "Approved for another hold.", lambda f: f.by(C1, f.hold(release=hold.id, approval=other)), NOT_APPROVED, on=held)
    released = held.copy()
    released.append(released.by(C1, released.hold(release=hold.id, by=N1)))
    refuse("released_twice", "That hold has ended.", lambda f: f.by(C1, f.hold(release=hold.id, by=N1)), on=released)


def _over(file: FileLog, **over: Any) -> Entry:
    """Something goes by the calendar, by one person."""
    return file.expunction(over.pop("by", N1), file.expunge(over.pop("at", 2), reason="expired", **over), _STUB)


def _refused_by_calendar(book: Book) -> None:
    def refuse(name: str, why: str, file: FileLog, entry: Entry, at_ms: int = _OVER, code: str = "not-permitted") -> None:
        book.refuse(f"expired_{name}", why, code, op="file_take", given=file.given() | {"entry": travelling(entry), "received_ms": at_ms})

    file = _written(kind="liaison")
    refuse("a_moment_early", "One millisecond before the week begins.", file, _over(file), _OVER - 1)
    refuse("at_once", "In the week in which it came.", file, _over(file), T0 + 5000)
    refuse("with_approval", "By two people: by the calendar nobody approves.", file, _over(file, approval=file.expunge(2, by=C1).approval))
    held_one = file.expunction(N1, replace(file.expunge(2, reason="expired"), at=0), _STUB)
    refuse("held", "What is held has no age.", file, held_one)
    refuse("by_stranger", "The author is no member.", file, _over(file, by=F1))
    refuse("not_there", "The log has another envelope at that place.", file, _over(file, id=bytes(32)))
    case = _written()
    refuse("in_a_case", "In a case file nothing goes by the calendar.", case, _over(case))
    held = _written(kind="liaison")
    held.append(held.by(C1, held.hold()))
    refuse("under_hold", "There is a hold on the file.", held, _over(held))
    other = file.expunction(N1, file.expunge(2, reason="retention"), _STUB)
    refuse("for_another_reason", "One person, for a reason that takes two.", file, other, code=NOT_APPROVED)


def _refused_erasures(refuse: Callable[..., None]) -> None:
    refuse("erase_alone", "Nobody erases a file alone.", lambda f: f.by(C1, f.erase(None)), NOT_APPROVED)
    refuse("erase_same_person", "Nor with oneself.", lambda f: f.by(N2, f.erase(N1)), NOT_APPROVED)
    refuse("erase_other_reason", "Approved for another reason.", lambda f: f.by(C1, replace(f.erase(N1), reason="court")), NOT_APPROVED)
    refuse("erase_other_kind", "It says that the file is of another kind.", lambda f: f.by(C1, f.erase(N1, file="fund")))
    refuse("erase_other_nonce", "The log id does not follow from its nonce.", lambda f: f.by(C1, f.erase(N1, nonce=bytes(16))), "malformed")
    refuse("erase_other_creator", "Nor from another creator.", lambda f: f.by(C1, f.erase(N1, creator=N1.id)), "malformed")


# --- devices' words -----------------------------------------------------------------------------------------------------------


def _words() -> Book:
    book = Book(
        "removal", "purge", "A device's signed word that it has purged what a statement removed, and the answer to `GET /v1/purged/{log}`.", "9.6"
    )
    log, statement = fill("removal/log", 16), fill("removal/statement", 32)

    def word(payload: bytes, typ: str = PURGE) -> bytes:
        return sign_object(C1.key, cose.protected_header(typ, C1.id, SVC), payload)

    good = word(purge_payload(log, statement))
    book.add("purge", "Done.", codec="purge", value=CODECS["purge"].decode(good), bytes=good, seed=seed(f"device/{C1.name}"))
    for name, rows, more in (("purged", [[1, T0, good], [2, T0 + 1, good]], True), ("purged_by_nobody", [], False)):
        data = cbor.encode({"v": 1, "purged": rows, "more": more})
        book.add(name, "Who has said so.", codec="purged", value=CODECS["purged"].decode(data), bytes=data)

    def refuse(name: str, why: str, codec: str, data: bytes) -> None:
        book.refuse(name, why, "malformed", codec=codec, bytes=data)

    refuse("purge_log_missing", "The key log is missing.", "purge", word(cbor.encode({"id": statement})))
    refuse("purge_id_16", "An id of 16 bytes.", "purge", word(cbor.encode({"log": log, "id": bytes(16)})))
    refuse("purge_unknown_key", "A key that nobody knows.", "purge", word(cbor.encode({"log": log, "id": statement, "ms": 1})))
    refuse("purge_other_type", "A head is no such word.", "purge", word(purge_payload(log, statement), "fieldkeep-head"))
    whole: dict[str, Any] = {"v": 1, "purged": [[1, T0, good]], "more": False}
    for key in whole:
        refuse(
            f"purged_{key}_missing", f"The key {key} is missing.", "purged", cbor.encode({name: item for name, item in whole.items() if name != key})
        )
    for name, why, over in (
        ("v_2", "Another version.", {"v": 2}),
        ("n_0", "Numbers begin at 1.", {"purged": [[0, T0, good]]}),
        ("two_items", "A word without its time.", {"purged": [[1, good]]}),
        ("more_null", "`null` in the place of `false`.", {"more": None}),
    ):
        refuse(f"purged_{name}", why, "purged", cbor.encode(whole | over))
    return book


def _judged() -> Book:
    book = Book("removal", "judged", "Files of which something is removed: what a sequence comes to, and which next entry is void.", "7.8 7.9 7.10")
    for seq, (data, _) in enumerate(perpetrator(8).pairs(), 1):
        book.share(f"registry/{seq}", data)
    book.share("registry of 8", perpetrator(8).given)
    for seq, (data, _) in enumerate(_written().pairs(), 1):
        book.share(f"entry/{seq}", data)
    _sequences(book)
    _refusals(book)
    return book


def books() -> list[Book]:
    """Three files: `statement`, `judged`, `purge`."""
    return [_shapes(), _judged(), _words()]
