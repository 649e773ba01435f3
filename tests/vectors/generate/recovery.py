"""Vectors of recovery: fresh recovery keys, permits, drills, and files that are brought back (docs/spec.md §6.3, §7.6)."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Final

from shared_schema import cbor, ids
from shared_schema import membership as shapes
from shared_schema.certificate import encode_registry_statement
from shared_schema.entry import Entry, Head
from shared_schema.recovery import Close, Custody, Drill, Permit, RecoveryStatement, Renew
from sync import keys, membership
from tests.vectors.codecs import CODECS
from tests.vectors.generate.world import (
    A1,
    A2,
    AUTHORITY,
    C1,
    FAR,
    INC,
    M1,
    N1,
    N2,
    OTHER_SVC,
    SVC,
    V1,
    W1,
    Device,
    FileLog,
    RegistryLog,
    dummy_grant,
    fill,
    grants,
    head_of,
    perpetrator,
    recoverer,
    root,
    seed,
    signer,
    travelling,
    victim,
)
from tests.vectors.notation import Book

SIDE: Final = "perpetrator"
FRESH: Final = "perpetrator/2"
FRESHER: Final = "perpetrator/3"
R1: Final = Device("r1", "Rea", ("coordinator", "fund_holder"))  # the clean machine
N3: Final = Device("n3", "Nour", ("navigator",))  # a new phone of somebody who is in the file
PART: Final = fill("recovery/part", 304)
C_AND_N: Final = {C1: "coordinator", N1: "navigator"}
NO: Final = "not-permitted"
Make = Callable[[RegistryLog], Entry]


# --- registries -------------------------------------------------------------------------------------------------------------


@cache
def _lost() -> RegistryLog:
    log = perpetrator(8)
    log.append(log.enrol(R1, A1))
    for device in (C1, N1, N2):
        log.append(log.revoke(A1, device))
    log.append(log.renew(A1, FRESH))
    log.append(log.permit(A1, R1))
    return log


def lost(size: int = 14) -> RegistryLog:
    """The perpetrator side's registry after it lost its phones: 9 enrols r1, 10 to 12 revoke c1, n1 and n2, 13 is a fresh recovery key, 14 permits r1."""
    return cut(_lost(), size)


def cut(log: RegistryLog, size: int) -> RegistryLog:
    """Its first entries."""
    made = RegistryLog(log.side)
    for one, at in log.entries[:size]:
        made.append(one, at)
    return made


def _key_rows(log: RegistryLog, *places: tuple[str, int]) -> list[list[Any]]:
    return [[recoverer(label).id, log.entries[seq - 1][0].id, seq] for label, seq in places]


def _permit_row(device: Device, seq: int, by: Device, ended: int | None = None, files: list[bytes] | None = None) -> dict[str, Any]:
    return {"device": device.id, "files": files, "reason": "devices_lost", "until": FAR, "seq": seq, "by": by.id, "ended": ended}


def _registries(book: Book) -> None:
    empty: dict[str, Any] = {"custody": None, "permits": [], "drills": []}

    def tells(name: str, why: str, log: RegistryLog, void: tuple[str | None, ...], **over: Any) -> None:
        """What is about recovery in a registry; the rest is in `registry`."""
        first = {"recovery": _key_rows(log, (SIDE, 1))}
        out = {"void": [*[None] * (len(log.entries) - len(void)), *void], **first, **empty, **over}
        book.add(name, why, op="recovery", given=log.given, out=out)

    log = perpetrator(8)
    tells("first_key", "The root names the first recovery key.", log, ())
    log.append(log.custody(A1, "Ada", "Bo", "Cleo"))
    tells("custody", "An administrator says who holds the shares.", log, (), custody=[2, ["Ada", "Bo", "Cleo"]])
    log.append(log.renew(A2, FRESH))
    rows = _key_rows(log, (SIDE, 1), (FRESH, 10))
    tells("renewed", "A fresh key is in force; nobody is said to hold its shares yet.", log, (), recovery=rows)
    log.append(log.renew(A1, SIDE))
    tells("renewed_with_an_old_key", "A key that was in force before is void.", log, (NO,), recovery=rows)
    log.append(log.drill(N1, FRESH))
    tells("drilled", "Anybody holds a drill; the key in force signs it.", log, (NO, None), recovery=rows, drills=[[12, N1.id, recoverer(FRESH).id]])
    log = lost()
    rows = _key_rows(log, (SIDE, 1), (FRESH, 13))
    tells("permitted", "A device is permitted to recover.", log, (), recovery=rows, permits=[_permit_row(R1, 14, A1)])
    some = sorted((fill("file/1", 16), fill("file/2", 16)))
    log.append(log.permit(A2, R1, tuple(some)))
    both = [_permit_row(R1, 14, A1, 15), _permit_row(R1, 15, A2, files=some)]
    tells("permitted_again", "A second permit of one device takes the place of the first.", log, (), recovery=rows, permits=both)
    log.append(log.permit(A1, M1))
    both = [*both, _permit_row(M1, 16, A1)]
    tells("permitted_two", "Two devices have a permit.", log, (), recovery=rows, permits=both)
    log.append(log.close(R1, R1))
    both = [both[0], _permit_row(R1, 15, A2, 17, some), both[2]]
    tells("closed_by_itself", "The device says that it is done.", log, (), recovery=rows, permits=both)
    log.append(log.close(A2, M1))
    both = [*both[:2], _permit_row(M1, 16, A1, 18)]
    tells("closed_by_an_administrator", "An administrator takes a permit back.", log, (), recovery=rows, permits=both)
    log.append(log.close(A1, M1))
    tells("closed_twice", "What is closed is not closed again.", log, (NO,), recovery=rows, permits=both)


def _refused_in_registries(book: Book) -> None:
    def refuse(name: str, why: str, code: str, make: Make, before: RegistryLog | None = None) -> None:
        log = (before or lost(12)).copy()
        given = log.given | {"entry": travelling(make(log)), "received_ms": log.next_ms}
        book.refuse(name, why, code, op="registry_take", given=given)

    def by_authority(log: RegistryLog) -> Entry:
        fresh = recoverer(FRESH)
        return log.by_authority(Renew(fresh.receive_key.public, fresh.sign_key.public))

    refuse("renew_by_worker", "A coordinator puts no key in force.", NO, lambda log: log.renew(R1, FRESH))
    refuse("renew_by_authority", "Nor does the authority.", NO, by_authority)
    refuse("renew_by_revoked", "Nor somebody whose device is revoked.", NO, lambda log: log.renew(C1, FRESH))
    refuse("renew_by_other_side", "Nor the other side's administrator.", NO, lambda log: log.renew(W1, FRESH))
    suspended = lost(12)
    suspended.append(suspended.suspend(R1, A1))
    refuse("renew_by_suspended", "Nor an administrator who is suspended.", NO, lambda log: log.renew(A1, FRESH), suspended)
    weak = recoverer(FRESH).receive_key.public[:1184] + bytes(32)
    refuse("renew_weak_key", "Its X25519 half is of small order.", "weak-key", lambda log: log.renew(A1, FRESH, recovery=weak))
    one = (1).to_bytes(32, "little")
    refuse("renew_weak_sign_key", "Its signing key is of small order.", "weak-key", lambda log: log.renew(A1, FRESH, recovery_sign=one))
    for name, why, over in (
        ("in_force", "The key is in force already.", {"recovery": recoverer(SIDE).receive_key.public}),
        ("sign_in_force", "Its signing key is the present one.", {"recovery_sign": recoverer(SIDE).sign_key.public}),
        ("device_key", "It is a device's receiving key.", {"recovery": N1.receive.public}),
        ("device_sign_key", "Its signing key is a device's.", {"recovery_sign": N1.key.public}),
        ("receipt_key", "Its signing key is the server's.", {"recovery_sign": root(SIDE).receipt}),
        ("authority_key", "Its signing key is the authority's.", {"recovery_sign": AUTHORITY.public}),
        ("invitation_key", "Its signing key was an invitation's.", {"recovery_sign": signer("invitation/n1").public}),
    ):
        refuse(f"renew_{name}", why, NO, lambda log, over=over: log.renew(A1, FRESH, **over))  # type: ignore[misc]
    old = lost(13)
    again = replace(R1, name="r2")
    for name, why, public in (
        ("old_recovery_key", "A device's receiving key is a recovery key that was in force once.", recoverer(SIDE)),
        ("recovery_key", "A device's receiving key is the recovery key in force.", recoverer(FRESH)),
    ):
        bad = replace(again.keys, receive=public.receive_key.public)
        refuse(f"enrol_{name}", why, NO, lambda log, bad=bad: log.enrol(again, A1, keys=bad), old)  # type: ignore[misc]
    bad = replace(again.keys, device=recoverer(SIDE).id)

    def with_a_recovery_keys_id(log: RegistryLog) -> Entry:
        made = log.enrol(again, A1, keys=bad)
        return log.statement(bad.device, again.key, made.sign1.payload)

    refuse("enrol_recovery_id", "A device bears the id of a recovery key that was in force once.", NO, with_a_recovery_keys_id, old)
    refuse("custody_by_worker", "A coordinator does not say who holds the shares.", NO, lambda log: log.custody(R1, "Ada", "Bo"))
    refuse("permit_by_worker", "A coordinator permits nobody.", NO, lambda log: log.permit(R1, M1))
    refuse("permit_for_itself", "A device does not permit itself.", NO, lambda log: log.permit(R1, R1))
    refuse("permit_for_administrator", "An administrator reads no files.", NO, lambda log: log.permit(A1, A2))
    refuse("permit_for_revoked", "The device is revoked.", NO, lambda log: log.permit(A1, C1))
    refuse("permit_for_stranger", "The device is not certified.", NO, lambda log: log.permit(A1, N3))
    refuse("permit_for_other_side", "W1: the device is the other side's.", NO, lambda log: log.permit(A1, V1))
    paused = lost(12)
    paused.append(paused.suspend(M1, R1))
    refuse("permit_for_suspended", "The device is suspended.", NO, lambda log: log.permit(A1, R1), paused)
    refuse("close_nothing", "The device has no permit.", NO, lambda log: log.close(A1, R1))
    refuse("close_by_another", "A colleague closes nothing.", NO, lambda log: log.close(M1, R1), lost())
    _refused_drills(refuse)


def _refused_drills(refuse: Callable[..., None]) -> None:
    after = lost(13)
    refuse("drill_of_an_old_key", "The drill is of a key that is no longer in force.", NO, lambda log: log.drill(R1, SIDE), after)
    refuse("drill_of_no_key", "The drill is of a key that never was.", NO, lambda log: log.drill(R1, FRESHER), after)
    for name, why, over in (
        ("signature", "Another key signed the drill.", {"signed_by": recoverer(SIDE)}),
        ("of_another_entry", "It was signed for another entry of this device.", {"sq": 7}),
        ("of_another_device", "It was signed for another device.", {"for_device": M1.id}),
        ("of_another_service", "It was signed for another service.", {"svc": OTHER_SVC}),
        ("of_another_registry", "It was signed for the other side's registry.", {"log": victim().id}),
    ):
        refuse(f"drill_{name}", why, NO, lambda log, over=over: log.drill(R1, FRESH, **over), after)
    refuse("drill_by_revoked", "A revoked device holds no drill.", NO, lambda log: log.drill(C1, FRESH), after)


def _registry_book() -> Book:
    book = Book("recovery", "registry", "Registries: which recovery key is in force, and who may recover.", "6.3")
    for seq, (data, _) in enumerate(lost().pairs(), 1):
        book.share(f"registry/{seq}", data)
    book.share("registry of 12", lost(12).given)
    book.share("registry of 13", lost(13).given)
    _registries(book)
    _refused_in_registries(book)
    return book


# --- shapes -----------------------------------------------------------------------------------------------------------------


def _statement_book() -> Book:
    book = Book("recovery", "statement", "The payloads of the registry statements about recovery, and of `recover` in a file.", "6.3, 7.1")
    fresh = recoverer(FRESH)
    book.share("recovery", fresh.receive_key.public)
    files = tuple(sorted((fill("file/1", 16), fill("file/2", 16))))
    good: dict[str, RecoveryStatement] = {
        "renew": Renew(fresh.receive_key.public, fresh.sign_key.public),
        "custody": Custody(2, ("Ada", "Bo", "Cleo")),
        "permit": Permit(R1.id, None, "devices_lost", FAR),
        "close": Close(R1.id),
        "drill": Drill(fresh.id, 41, 41, bytes(64)),
        "permit_for_files": Permit(R1.id, files, "died", FAR),
        "permit_left": Permit(R1.id, None, "left", FAR),
        "permit_locked_out": Permit(R1.id, None, "locked_out", FAR),
        "permit_other": Permit(R1.id, None, "other", 0),
        "custody_two_of_two": Custody(2, ("Ada", "Ada")),
        "custody_sixteen": Custody(16, tuple(f"holder {n}" for n in range(16))),
        "drill_of_nothing": Drill(fresh.id, 0, 0, bytes(64)),
    }
    for name, statement in good.items():
        data = encode_registry_statement(statement)
        value = CODECS["registry_statement"].decode(data)
        book.add(name, f"The statement {name.replace('_', ' ')}.", codec="registry_statement", value=value, bytes=data)

    def refuse(name: str, why: str, value: Any) -> None:
        book.refuse(name, why, "malformed", codec="registry_statement", bytes=cbor.encode(value))

    maps = {kind: cbor.decode(encode_registry_statement(good[kind])) for kind in ("renew", "custody", "permit", "close", "drill")}
    for kind, map_ in maps.items():
        for key in map_:
            if key != "kind":
                refuse(f"{kind}_{key}_missing", f"The key {key} is missing.", {name: item for name, item in map_.items() if name != key})
        refuse(f"{kind}_unknown_key", "A key that nobody knows.", map_ | {"note": 1})
    renew, custody, permit, close, drill = maps.values()
    for name, why, value in (
        ("renew_short", "A key of 1,215 bytes.", renew | {"recovery": renew["recovery"][1:]}),
        ("renew_sign_33", "A signing key of 33 bytes.", renew | {"recovery_sign": bytes(33)}),
        ("custody_one", "One share opens nothing that another does not.", custody | {"threshold": 1}),
        ("custody_of_one", "One share alone.", custody | {"threshold": 1, "holders": ["Ada"]}),
        ("custody_threshold_4", "More are needed than there are.", custody | {"threshold": 4}),
        ("custody_seventeen", "More shares than there can be.", custody | {"holders": ["Ada"] * 17}),
        ("custody_nameless", "A holder without a name.", custody | {"holders": ["Ada", ""]}),
        ("custody_holders_text", "A text in the place of the list.", custody | {"holders": "Ada"}),
        ("permit_no_files", "A list of no file.", permit | {"files": []}),
        ("permit_files_unordered", "Files out of order.", permit | {"files": list(files[::-1])}),
        ("permit_files_repeated", "A file twice.", permit | {"files": [files[0], files[0]]}),
        ("permit_files_hash", "A file's id of 32 bytes.", permit | {"files": [bytes(32)]}),
        ("permit_reason_unknown", "A reason that does not exist.", permit | {"reason": "curious"}),
        ("permit_reason_of_a_revocation", "A reason that only revocations have.", permit | {"reason": "stolen"}),
        ("permit_until_null", "No end.", permit | {"until": None}),
        ("permit_device_15", "A device id of 15 bytes.", permit | {"device": R1.id[1:]}),
        ("close_reason", "Closing has no reason.", close | {"reason": "left"}),
        ("drill_more_opened", "More files were opened than there were.", drill | {"files": 1, "opened": 2}),
        ("drill_by_63", "A signature of 63 bytes.", drill | {"by": bytes(63)}),
        ("drill_key_32", "A key's id of 32 bytes.", drill | {"key": bytes(32)}),
    ):
        refuse(name, why, value)
    _file_shapes(book)
    return book


def _file_shapes(book: Book) -> None:
    statement = shapes.Recover(
        "coordinator", bytes(64), 2, bytes(32), (dummy_grant(R1.id, bytes(32), (1, 2)),), Head(INC, 14, bytes(32)), fill("previous", 32)
    )
    data = shapes.encode_file_statement(statement)
    book.add("recover", "The statement recover of a file.", codec="file_statement", value=CODECS["file_statement"].decode(data), bytes=data)
    map_ = cbor.decode(data)
    for name, why, value in (
        *((f"recover_{key}_missing", f"The key {key} is missing.", {k: v for k, v in map_.items() if k != key}) for key in map_ if key != "kind"),
        ("recover_unknown_key", "A key that nobody knows.", map_ | {"reason": "died"}),
        ("recover_role_unknown", "A role that does not exist.", map_ | {"role": "owner"}),
        ("recover_by_65", "A signature of 65 bytes.", map_ | {"by": bytes(65)}),
        ("recover_epoch_1", "It makes a new epoch, 2 at the least.", map_ | {"ep": 1}),
        ("recover_previous_null", "Only a genesis follows no statement.", map_ | {"pr": None}),
        ("recover_no_grants", "No grants.", map_ | {"grants": []}),
    ):
        book.refuse(name, why, "malformed", codec="file_statement", bytes=cbor.encode(value))


# --- files ------------------------------------------------------------------------------------------------------------------


def _file(log: RegistryLog, **over: Any) -> FileLog:
    """A case file of c1 and n1, begun at registry place 8, before anything was lost."""
    file = FileLog(log, C1)
    early = {"rg": head_of(log, 8), "grants": grants(log.known, [C1.user, N1.user], (1,), seq=8)}
    file.append(file.by(C1, file.genesis(C_AND_N, **early, **over)))
    return file


def _renewed() -> RegistryLog:
    log = perpetrator(8)
    log.append(log.renew(A1, FRESH))
    return log


_KCS: Final = [[epoch, fill(f"kc/{epoch}", 32)] for epoch in (1, 2, 3)]


def _tells(book: Book, name: str, why: str, file: FileLog, void: tuple[str | None, ...] = (), **over: Any) -> None:
    epoch = over.get("epoch", 1)
    out = {
        "head": list(head_of(file, len(file.entries))), "void": [*[None] * (len(file.entries) - len(void)), *void], "file": "case", "side": SIDE,
        "members": sorted([device.user, role] for device, role in C_AND_N.items()), "ever": sorted((C1.user, N1.user)),
        "epoch": 1, "voided": [], "commits": _KCS[:epoch], "holders": sorted((C1.id, N1.id, N2.id)), "settled": [],
        "admitted": [], "expunged": [], "holds": [], "approvals": [], "erased": None,
        "previous": next(one.id for one, _ in reversed(file.entries) if not one.is_envelope), "recovery": recoverer(SIDE).id, "blocked": False,
        "missing": [], "rotation_needed": False,
    }  # fmt: skip
    assert over.keys() <= out.keys()
    book.add(name, why, op="file", given=file.given(), out=out | over)


def _renewals(book: Book) -> None:
    fresh = recoverer(FRESH).id
    file = _file(_renewed())
    _tells(book, "renewed", "A fresh recovery key is in force: the file owes a rotation.", file, rotation_needed=True)
    again = file.copy()
    known = file.registry.known
    again.append(again.by(C1, again.more_grants(grants=(dummy_grant(recoverer(SIDE).id, known.root_id, (1,)),), rg=head_of(file.registry, 8))))
    why = "The key that holds the file may be granted once more, as a reader that relies on the head before the fresh one sees it."
    _tells(book, "granted_again_to_the_key_that_holds_it", why, again, rotation_needed=True)
    file.append(file.by(N1, file.new_epoch()))
    _tells(book, "rotated", "The rotation grants every epoch to the fresh key.", file, epoch=2, recovery=fresh)
    file.append(file.by(C1, file.new_epoch()))
    _tells(book, "rotated_again", "The next one grants it the new epoch only, as to whoever holds the file.", file, epoch=3, recovery=fresh)
    held = dummy_grant(fresh, known.recovery.key.cert, (1, 2, 3))
    file.append(file.by(N1, file.more_grants(grants=(held,))))
    _tells(book, "granted_again", "A member's device grants every epoch to the key that holds the file, once more.", file, epoch=3, recovery=fresh)
    late = FileLog(_renewed(), C1)
    late.append(late.by(C1, late.genesis(C_AND_N)))
    _tells(book, "begun_after", "A file that is begun later grants to the fresh key alone.", late, recovery=fresh)


def _recoveries(book: Book) -> None:
    fresh = recoverer(FRESH).id
    file = _file(lost())
    rows = {"members": sorted([d.user, r] for d, r in (C_AND_N | {R1: "coordinator"}).items()), "ever": sorted((C1.user, N1.user, R1.user))}
    everything: dict[str, Any] = {"epoch": 2, "recovery": fresh, "holders": [R1.id], **rows}
    file.append(file.envelope(N1, 1, [PART]))
    _tells(book, "abandoned", "Everybody who holds the file is revoked.", file, rotation_needed=True)
    file.append(file.by(R1, file.recover(R1, SIDE)))
    why = "A permitted device brings it back: its person is in the file, who was in it stays, and the fresh key has every epoch."
    _tells(book, "recovered", why, file, **everything)
    file.append(file.envelope(R1, 2, [PART]))
    _tells(book, "recovered_and_written", "It writes in the new epoch.", file, **everything)
    log = lost()
    log.append(log.enrol(N3, A1))
    file = _file(log)
    file.append(file.by(R1, file.recover(R1, SIDE)))
    both = everything | {"holders": sorted((R1.id, N3.id))}
    _tells(book, "recovered_for_a_new_phone", "A new phone of somebody who is in the file is granted every epoch too.", file, **both)
    own = Device("c2", "Cleo", ("coordinator",))
    log = lost(13)
    log.append(log.enrol(own, A1))
    log.append(log.permit(A1, own, (_file(log).id,)))
    file = _file(log)
    file.append(file.by(own, file.recover(own, SIDE)))
    _tells(book, "recovered_by_a_member", "By a new phone of a member, permitted for this file.", file, epoch=2, recovery=fresh, holders=[own.id])
    file = _file(lost())
    file.append(file.by(R1, file.recover(R1, FRESH)))
    why = "A void recovery counts as a void epoch."
    over: dict[str, Any] = {"voided": [2], "blocked": True, "rotation_needed": True}
    _tells(book, "void_recovery", why, file, (NO,), **over)
    file.append(file.by(R1, file.recover(R1, SIDE)))
    after = everything | {"epoch": 3, "voided": [2], "commits": [_KCS[0], _KCS[2]]}
    _tells(book, "recovered_after_a_void_one", "A valid one with another number ends that.", file, (NO, None), **after)


def _refused_in_files(book: Book) -> None:
    def refuse(name: str, why: str, code: str, file: FileLog, make: Callable[[FileLog], Entry], **more: Any) -> None:
        book.refuse(name, why, code, op="file_take", given=file.given() | {"entry": travelling(make(file)), "received_ms": file.next_ms} | more)

    file = _file(_renewed())
    known = file.registry.known
    before = grants(known, [C1.user, N1.user], (1, 2), file.now.complete, seq=8)
    why = "The rotation grants to the key that was in force before."
    refuse("epoch_to_the_old_key", why, NO, file, lambda f: f.by(C1, f.new_epoch(grants=before)))
    both = tuple(sorted((*f_grants(file), dummy_grant(recoverer(SIDE).id, known.root_id, (2,))), key=lambda grant: grant.to))
    refuse("epoch_to_both_keys", "The old key is granted beside the fresh one.", NO, file, lambda f: f.by(C1, f.new_epoch(grants=both)))
    for name, why, over, code in (
        ("without_the_past", "The fresh key is granted the new epoch only.", {"epochs": (2,)}, NO),
        ("root_as_certificate", "The grant to the fresh key names the root.", {"cert": known.root_id}, "wall"),
    ):
        made = tuple(_but(grant, recoverer(FRESH).id, over) for grant in f_grants(file))
        refuse(f"epoch_{name}", why, code, file, lambda f, made=made: f.by(C1, f.new_epoch(grants=made)))  # type: ignore[misc]
    early = _file(_renewed())
    ahead = tuple(sorted((*before, dummy_grant(recoverer(FRESH).id, known.recovery.key.cert, (1, 2))), key=lambda grant: grant.to))
    why = "W1: a recovery key that is not in force yet at the registry head that the statement names."
    refuse("epoch_to_a_key_to_come", why, "wall", early, lambda f: f.by(C1, f.new_epoch(grants=ahead, rg=head_of(f.registry, 8))))
    done = _file(_renewed())
    done.append(done.by(C1, done.new_epoch()))
    back = grants(known, [C1.user, N1.user], (1, 2, 3), done.now.complete, seq=8)
    why = "A later rotation goes back to the key before."
    refuse("epoch_back_to_the_old_key", why, NO, done, lambda f: f.by(C1, f.new_epoch(grants=back, rg=head_of(f.registry, 8))))
    fresh = dummy_grant(recoverer(FRESH).id, known.recovery.key.cert, (1,))
    why = "A fresh key comes with a rotation, not with a `grant`."
    refuse("grant_to_a_fresh_key", why, NO, file, lambda f: f.by(C1, f.more_grants(grants=(fresh,))))
    old = dummy_grant(recoverer(SIDE).id, known.root_id, (1, 2))
    refuse(
        "grant_to_an_old_key", "The key that was in force before is granted nothing more.", NO, done, lambda f: f.by(C1, f.more_grants(grants=(old,)))
    )
    _refused_recoveries(refuse)


def f_grants(file: FileLog) -> tuple[shapes.Grant, ...]:
    """What the file's next rotation grants."""
    return file.new_epoch().grants


def _but(grant: shapes.Grant, to: bytes, over: dict[str, Any]) -> shapes.Grant:
    if grant.to != to:
        return grant
    return dummy_grant(to, over.get("cert", grant.cert), over.get("epochs", grant.epochs))


def _refused_recoveries(refuse: Callable[..., None]) -> None:
    def by(device: Device, label: str = SIDE, **over: Any) -> Callable[[FileLog], Entry]:
        return lambda f: f.by(device, f.recover(device, label, **over))

    file, log = _file(lost()), lost()
    refuse("recover_without_permit", "The device is not permitted.", NO, file, by(M1, role="navigator"))
    refuse("recover_by_administrator", "An administrator is in no file.", NO, file, by(A1))
    refuse("recover_by_other_side", "W1: a device of the other side.", "no-such-file", file, by(V1))
    refuse("recover_before_permit", "The registry head that it names lies before the permit.", NO, file, by(R1, rg=head_of(log, 13), seq=13))
    log.append(log.close(R1, R1))
    refuse("recover_after_close", "The permit has ended.", NO, _file(log), by(R1))
    log = lost(13)
    log.append(log.permit(A1, R1, (fill("another file", 16),)))
    refuse("recover_another_file", "The permit is for another file.", NO, _file(log), by(R1))
    log = lost(13)
    log.append(log.permit(A1, M1))
    refuse("recover_with_anothers_permit", "The permit is another device's.", NO, _file(log), by(R1))
    log = lost()
    log.append(log.revoke(A1, R1))
    refuse("recover_by_revoked", "The permitted device is revoked.", NO, _file(log), by(R1))
    refuse("recover_in_a_role_not_held", "In a role that the device does not have.", NO, file, by(R1, role="navigator"))
    refuse("recover_in_a_role_not_here", "In a role that changes nobody in such a file.", NO, file, by(R1, role="fund_holder"))
    held = perpetrator(8)
    held.append(held.enrol(R1, A1))
    for device in (C1, N1):
        held.append(held.revoke(A1, device))
    held.append(held.renew(A1, FRESH))
    held.append(held.permit(A1, R1))
    refuse("recover_what_is_held", "A device that holds the file is not revoked.", NO, _file(held), by(R1))
    late = held.copy()
    late.append(late.revoke(A1, N2))
    why = "The last device that holds it was revoked after the registry head that the statement names."
    refuse("recover_what_was_held", why, NO, _file(late), by(R1, rg=head_of(late, 13), seq=13))
    stale = lost(12)
    stale.append(stale.permit(A1, R1))
    refuse("recover_without_fresh_key", "No fresh recovery key is in force.", NO, _file(stale), by(R1))
    done = _file(lost())
    done.append(done.by(R1, done.recover(R1, SIDE)))
    refuse("recover_twice", "A file that was brought back is held again.", NO, done, by(R1))
    refuse("recover_signature", "Another recovery key signed: the fresh one.", NO, file, by(R1, FRESH))
    here = (SVC, file.id, R1.id, file.now.previous)
    for name, why, n, item in (
        ("service", "The recovery key signed for another service.", 0, OTHER_SVC),
        ("log", "The recovery key signed for another file.", 1, fill("another file", 16)),
        ("device", "The recovery key signed for another device.", 2, M1.id),
        ("previous", "The recovery key signed for another place.", 3, bytes(32)),
    ):
        refuse(f"recover_bound_to_another_{name}", why, NO, file, by(R1, bound=(*here[:n], item, *here[n + 1 :])))
    refuse("recover_stale", "It does not follow the file's newest statement.", "stale-statement", file, by(R1, previous=bytes(32)))
    refuse("recover_epoch_skipped", "An epoch number is left out.", "stale-statement", file, lambda f: f.by(R1, _renumbered(f)))
    _refused_recovery_grants(refuse, file)


def _renumbered(file: FileLog) -> shapes.Recover:
    made = file.recover(R1, SIDE)
    return replace(made, epoch=3, grants=tuple(dummy_grant(grant.to, grant.cert, (*grant.epochs[:-1], 3)) for grant in made.grants))


def _refused_recovery_grants(refuse: Callable[..., None], file: FileLog) -> None:
    good, known = file.recover(R1, SIDE).grants, file.registry.known
    v1 = victim().known.devices[V1.id]

    def with_(made: tuple[shapes.Grant, ...]) -> Callable[[FileLog], Entry]:
        return lambda f: f.by(R1, f.recover(R1, SIDE, grants=tuple(sorted(made, key=lambda grant: grant.to))))

    own = dummy_grant(R1.id, known.devices[R1.id].id, (2,))
    cases: tuple[tuple[str, str, str, tuple[shapes.Grant, ...]], ...] = (
        ("across_the_wall", "W1: it grants to a device of the other side.", "wall", (*good, dummy_grant(V1.id, v1.id, (1, 2)))),
        ("to_a_revoked_device", "It grants to a device that was revoked.", NO, (*good, dummy_grant(C1.id, known.devices[C1.id].id, (2,)))),
        ("to_a_colleague", "It grants to somebody who is not in the file.", NO, (*good, dummy_grant(M1.id, known.devices[M1.id].id, (1, 2)))),
        ("without_the_key", "The fresh recovery key has no grant.", NO, tuple(g for g in good if g.to == R1.id)),
        ("without_itself", "The device has no grant itself.", NO, tuple(g for g in good if g.to != R1.id)),
        ("without_the_past", "The device is granted the new epoch only.", NO, tuple(own if g.to == R1.id else g for g in good)),
    )
    for name, why, code, made in cases:
        refuse(f"recover_grants_{name}", why, code, file, with_(made))


def _relations(book: Book) -> None:
    log = _renewed()
    users = sorted((C1.user, M1.user))
    given: dict[str, Any] = {"registry": log.given, "users": users}
    for seq, label, place, why in (
        (8, SIDE, 1, "Before its place the fresh recovery key is nobody's."),
        (9, FRESH, 9, "From its place on it is in the place of the first."),
    ):
        found = membership.recipients(log.known, users, seq)
        assert found[recoverer(label).id][0] == log.entries[place - 1][0].id
        out = [[to, cert, receive] for to, (cert, receive) in sorted(found.items())]
        book.add(f"recipients_{seq}", why, op="recipients", given=given | {"seq": seq}, out=out)
    book.add("fresh", "A statement that names the registry at the fresh key.", op="fresh", given=given | {"seq": 9}, out=None)
    why = "A fresh recovery key came after the registry head that the statement names."
    book.refuse("not_fresh", why, "stale-registry", op="fresh", given=given | {"seq": 8})
    log = lost()
    ended = {"registry": log.given, "users": [R1.user], "seq": 13}
    why = "A permit that came later does not matter."
    book.add("fresh_before_a_permit", why, op="fresh", given=ended, out=None)


def _file_book() -> Book:
    book = Book("recovery", "file", "Files after a fresh recovery key, and files that are brought back.", "7.3, 7.6")
    for seq, (data, _) in enumerate(lost().pairs(), 1):
        book.share(f"registry/{seq}", data)
    book.share("registry of 8", perpetrator(8).given)
    book.share("renewal", _renewed().pairs()[-1][0])
    book.share("registry renewed", _renewed().given)
    book.share("registry lost", lost().given)
    book.share("genesis", _file(lost()).pairs()[0][0])
    for device in (C1, M1):
        book.share(f"receiving key of {device.name}", device.receive.public)
    _renewals(book)
    _recoveries(book)
    _refused_in_files(book)
    _relations(book)
    return book


# --- keys -------------------------------------------------------------------------------------------------------------------


def _keys_book() -> Book:
    book = Book("recovery", "keys", "What the shares of a recovery key come to: 32 bytes, two keys.", "2, 6.3")
    for name, why, secret in (
        ("of_a_side", "The two public keys and the id of a recovery key.", seed(f"receive/recovery/{SIDE}")),
        ("fresh", "A fresh one.", seed(f"receive/recovery/{FRESH}")),
        ("zeros", "A secret of zeros.", bytes(32)),
    ):
        made = keys.RecoverySecret(secret)
        public = {"recovery": made.receive_key.public, "recovery_sign": made.sign_key.public, "id": ids.recovery_id(made.receive_key.public)}
        book.add(name, why, op="recovery_keys", given={"seed": secret}, out=public)
    log = fill("log/log", 16)
    given: dict[str, Any] = {"svc": SVC, "log": log, "device": R1.id}
    out = b"fieldkeep/v1/drill\0" + SVC + log + R1.id + (5).to_bytes(8, "big")
    book.add("drill_bound", "What a recovery key signs in a drill.", op="drill_bound", given=given | {"sq": 5}, out=out)
    previous = fill("previous", 32)
    out = b"fieldkeep/v1/recover\0" + SVC + log + R1.id + previous
    book.add("recover_bound", "What it signs when a file is brought back.", op="recover_bound", given=given | {"previous": previous}, out=out)
    return book


def books() -> list[Book]:
    """Four files: `statement`, `registry`, `file`, `keys`."""
    return [_statement_book(), _registry_book(), _file_book(), _keys_book()]
