"""Vectors of file statements, and of who is in a file, may write there, and holds which epoch (docs/spec.md §7)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shared_schema import cbor
from shared_schema import membership as shapes
from shared_schema.entry import Entry, Head
from sync import membership
from tests.vectors.codecs import CODECS
from tests.vectors.generate.world import (
    A1,
    C1,
    F1,
    INC,
    M1,
    N1,
    N2,
    NONCE,
    OTHER_SVC,
    V1,
    V2,
    Device,
    FileLog,
    dummy_grant,
    fill,
    grants,
    head_of,
    perpetrator,
    recoverer,
    travelling,
    victim,
)
from tests.vectors.notation import Book

PART = fill("membership/part", 304)
C_AND_N = {C1: "coordinator", N1: "navigator"}


def started(size: int = 8, members: dict[Device, str] | None = None, **over: Any) -> FileLog:
    """A case file with its genesis by c1, on the perpetrator side's registry of `size` entries."""
    file = FileLog(perpetrator(size), C1)
    file.append(file.by(C1, file.genesis(members or C_AND_N, **over)))
    return file


# --- shapes -----------------------------------------------------------------------------------------------------------------


def _shapes() -> Book:
    book = Book(
        "membership", "statement", "The payloads of the file statements; `recover` is in `recovery`. The grants in them open for nobody.", "7"
    )
    file = started(7)
    state = file.now
    both = (1, 2)
    good: dict[str, shapes.FileStatement] = {
        "genesis": file.genesis({C1: "coordinator"}),
        "members": file.members(add={M1: "navigator"}, remove=(N1,), grants=(dummy_grant(C1.id, bytes(32), (2,)),)),
        "epoch": file.new_epoch(grants=(dummy_grant(C1.id, bytes(32), (2,)),)),
        "grant": shapes.MoreGrants((dummy_grant(N2.id, bytes(32), (1,)),), file.registry.known.head, state.previous),
        "admit": shapes.Admit(file.envelope(N1, 1, [PART]).cose, file.registry.known.head, state.previous),
        "refuse": shapes.Refuse(bytes(32), "wrong_file", file.registry.known.head, state.previous),
    }
    more: dict[str, shapes.FileStatement] = {
        "members_add_only": file.members(add={M1: "navigator"}, grants=(dummy_grant(C1.id, bytes(32), (2,)),)),
        "members_remove_only": file.members(remove=(N1,), grants=(dummy_grant(C1.id, bytes(32), (2,)),)),
        "grant_of_two_epochs": shapes.MoreGrants((dummy_grant(N2.id, bytes(32), both),), file.registry.known.head, state.previous),
        "epoch_last": file.new_epoch(epoch=2**32 - 1, grants=(dummy_grant(C1.id, bytes(32), (2**32 - 1,)),)),
        "genesis_rg_at_start": file.genesis({C1: "coordinator"}, rg=Head(INC, 0, bytes(32))),
    }
    for name, statement in (good | more).items():
        data = shapes.encode_file_statement(statement)
        book.add(name, f"The statement {name.replace('_', ' ')}.", codec="file_statement", value=CODECS["file_statement"].decode(data), bytes=data)

    def refuse(name: str, why: str, value: Any) -> None:
        book.refuse(name, why, "malformed", codec="file_statement", bytes=cbor.encode(value))

    maps = {kind: cbor.decode(shapes.encode_file_statement(statement)) for kind, statement in good.items()}
    for kind, map_ in maps.items():
        for key in map_:
            if key != "kind":
                refuse(f"{kind}_{key}_missing", f"The key {key} is missing.", {name: item for name, item in map_.items() if name != key})
        refuse(f"{kind}_unknown_key", "A key that nobody knows.", map_ | {"note": 1})
    genesis, members, epoch, grant = (maps[kind] for kind in ("genesis", "members", "epoch", "grant"))
    one = epoch["grants"][0]
    c1, n1, m1 = sorted((C1.user, N1.user, M1.user))
    two = [[C1.id, bytes(32), [2], one[3]], [N1.id, bytes(32), [2], one[3]]]
    two.sort()
    for name, why, value in (
        ("kind_unknown", "A kind that does not exist.", epoch | {"kind": "rotate"}),
        ("kind_of_a_registry", "A kind of statement that only registries have.", {"kind": "revoke", "device": C1.id, "reason": "lost"}),
        ("kind_missing", "No kind.", {name: item for name, item in epoch.items() if name != "kind"}),
        ("kind_list", "A list in the place of the kind.", epoch | {"kind": ["epoch"]}),
        ("list", "A list in the place of the statement.", list(epoch.values())),
        ("admit_held_map", "What is held stands as a map, not as bytes.", maps["admit"] | {"held": {}}),
        ("admit_with_grants", "An admission grants nothing.", maps["admit"] | {"grants": []}),
        ("refuse_reason_unknown", "A reason that does not exist.", maps["refuse"] | {"reason": "disliked"}),
        ("refuse_id_16", "An id of 16 bytes.", maps["refuse"] | {"id": bytes(16)}),
        ("genesis_with_previous", "A genesis follows no statement.", genesis | {"pr": bytes(32)}),
        ("genesis_epoch_2", "A genesis begins epoch 1.", genesis | {"ep": 2}),
        ("genesis_suite_0", "A suite that does not exist.", genesis | {"suite": 0}),
        ("genesis_suite_2", "A suite that this version does not know.", genesis | {"suite": 2}),
        ("genesis_file_unknown", "A kind of file that does not exist.", genesis | {"file": "diary"}),
        ("genesis_file_list", "A list in the place of the kind of file.", genesis | {"file": ["case"]}),
        ("genesis_side_unknown", "A side that does not exist.", genesis | {"side": "both"}),
        ("genesis_nonce_17", "A nonce of 17 bytes.", genesis | {"nonce": NONCE + b"\0"}),
        ("genesis_no_members", "A file without members.", genesis | {"members": []}),
        ("genesis_members_unordered", "Members out of order.", genesis | {"members": [[n1, "navigator"], [c1, "coordinator"]]}),
        ("genesis_member_twice", "A member twice.", genesis | {"members": [[c1, "coordinator"], [c1, "navigator"]]}),
        ("genesis_member_role", "A role that does not exist.", genesis | {"members": [[c1, "owner"]]}),
        ("genesis_member_bare", "A member without a role.", genesis | {"members": [[c1]]}),
        ("genesis_no_grants", "No grants.", genesis | {"grants": []}),
        ("genesis_kc_31", "A commitment of 31 bytes.", genesis | {"kc": bytes(31)}),
        ("genesis_rg_two_items", "A registry head of two items.", genesis | {"rg": genesis["rg"][:2]}),
        ("members_epoch_1", "A change of people makes a new epoch, 2 at the least.", members | {"ep": 1}),
        ("members_previous_null", "Only a genesis follows no statement.", members | {"pr": None}),
        ("members_nobody", "Nobody is added and nobody removed.", members | {"add": [], "remove": []}),
        ("members_both", "A person is added and removed.", members | {"add": [[n1, "navigator"]], "remove": [n1]}),
        ("members_add_unordered", "Added people out of order.", members | {"add": [[m1, "navigator"], [c1, "navigator"]], "remove": []}),
        ("members_remove_unordered", "Removed people out of order.", members | {"add": [], "remove": [m1, c1]}),
        ("members_remove_twice", "A person is removed twice.", members | {"add": [], "remove": [c1, c1]}),
        ("members_remove_text", "A user id as text.", members | {"add": [], "remove": ["Nour"]}),
        ("epoch_0", "Epochs begin at 1.", epoch | {"ep": 0}),
        ("epoch_1", "A rotation makes epoch 2 at the least.", epoch | {"ep": 1}),
        ("epoch_33_bits", "An epoch has 32 bits.", epoch | {"ep": 2**32}),
        ("epoch_true", "`true` in the place of an epoch.", epoch | {"ep": True}),
        ("epoch_previous_16", "A previous id of 16 bytes.", epoch | {"pr": bytes(16)}),
        ("grants_unordered", "Grants out of the order of their recipients.", epoch | {"grants": two[::-1]}),
        ("grants_twice", "Two grants to one recipient.", epoch | {"grants": [one, one]}),
        ("grants_map", "A map in the place of the list of grants.", epoch | {"grants": {"a": one}}),
        ("grant_three_items", "A grant of three items.", epoch | {"grants": [one[:3]]}),
        ("grant_five_items", "A grant of five items.", epoch | {"grants": [[*one, 0]]}),
        ("grant_to_32", "A recipient of 32 bytes.", epoch | {"grants": [[bytes(32), *one[1:]]]}),
        ("grant_cert_16", "A certificate id of 16 bytes.", epoch | {"grants": [[one[0], bytes(16), *one[2:]]]}),
        ("grant_no_epochs", "A grant of no epoch.", epoch | {"grants": [[*one[:2], [], one[3][:-32]]]}),
        ("grant_epoch_0", "A grant of epoch 0.", epoch | {"grants": [[*one[:2], [0], one[3]]]}),
        ("grant_epochs_falling", "A grant whose epochs fall.", grant | {"grants": [[*one[:2], [2, 1], one[3] + bytes(32)]]}),
        ("grant_epochs_repeated", "A grant that names an epoch twice.", grant | {"grants": [[*one[:2], [1, 1], one[3] + bytes(32)]]}),
        ("grant_sealed_short", "One byte less than one secret, the encapsulation and the tag take.", epoch | {"grants": [[*one[:3], one[3][:-1]]]}),
        ("grant_sealed_long", "One byte more than one secret, the encapsulation and the tag take.", epoch | {"grants": [[*one[:3], one[3] + b"\0"]]}),
        ("grant_sealed_two_secrets", "Two secrets for one epoch.", epoch | {"grants": [[*one[:3], one[3] + bytes(32)]]}),
        ("grant_sealed_one_secret", "One secret for two epochs.", grant | {"grants": [[*one[:2], [1, 2], one[3]]]}),
        ("grant_kind_with_epoch", "A `grant` makes no epoch.", grant | {"ep": 2}),
    ):
        refuse(name, why, value)
    return book


# --- sequences --------------------------------------------------------------------------------------------------------------


def _out(log: FileLog, void: list[str | None], **over: Any) -> dict[str, Any]:
    """What a sequence comes to, said by hand for whatever the case is about and from the genesis for the rest."""
    base = {
        "head": list(head_of(log, len(log.entries))), "void": void, "file": "case", "side": "perpetrator",
        "members": sorted([device.user, role] for device, role in C_AND_N.items()), "ever": sorted((C1.user, N1.user)),
        "epoch": 1, "voided": [], "commits": [[1, fill("kc/1", 32)]], "holders": sorted((C1.id, N1.id, N2.id)), "settled": [],
        "admitted": [], "expunged": [], "holds": [], "approvals": [], "erased": None,
        "previous": log.entries[0][0].id, "recovery": recoverer(log.registry.side).id, "blocked": False, "missing": [], "rotation_needed": False,
    }  # fmt: skip
    assert over.keys() <= base.keys()
    return base | over


def _last(file: FileLog) -> bytes:
    return file.entries[-1][0].id


def _sequences(book: Book) -> None:
    def add(name: str, why: str, file: FileLog, void: list[str | None], **over: Any) -> None:
        book.add(name, why, op="file", given=file.given(), out=_out(file, void, **over))

    ok: list[str | None] = [None]
    kcs = [[epoch, fill(f"kc/{epoch}", 32)] for epoch in (1, 2, 3)]
    file = started()
    add("genesis", "A genesis: everybody whom it names holds epoch 1 on every device.", file, ok)
    file.append(file.envelope(C1, 1, [PART]))
    file.append(file.envelope(N2, 1, [PART]))
    add("envelopes", "Two members write.", file, ok * 3)
    file = started()
    file.append(file.by(N1, file.new_epoch()))
    file.append(file.envelope(N2, 2, [PART]))
    add(
        "rotation",
        "A member rotates; who writes next writes in the new epoch.",
        file,
        ok * 3,
        epoch=2,
        commits=kcs[:2],
        previous=file.entries[1][0].id,
    )
    file = started()
    file.append(file.by(C1, file.members(add={M1: "navigator"})))
    three = {"members": sorted([d.user, r] for d, r in (C_AND_N | {M1: "navigator"}).items()), "ever": sorted((C1.user, N1.user, M1.user))}
    everyone = sorted((C1.id, N1.id, N2.id, M1.id))
    add(
        "newcomer",
        "A newcomer is granted every epoch.",
        file,
        ok * 2,
        epoch=2,
        commits=kcs[:2],
        previous=_last(file),
        holders=everyone,
        **three,
    )
    file.append(file.by(C1, file.members(remove=(N1,))))
    left = sorted([[C1.user, "coordinator"], [M1.user, "navigator"]])
    add(
        "removal", "Who is removed holds nothing of the new epoch, on no device; that they once were a member stays known.", file, ok * 3,
        epoch=3, commits=kcs, previous=_last(file), holders=sorted((C1.id, M1.id)), members=left, ever=three["ever"],
    )  # fmt: skip
    file.append(file.envelope(N1, 2, [PART]))
    file.append(file.envelope(M1, 3, [PART]))
    add(
        "after_removal", "What the removed write is void; what others write stands.", file, [*ok * 3, "no-standing", None],
        epoch=3, commits=kcs, previous=file.entries[2][0].id, holders=sorted((C1.id, M1.id)), members=left, ever=three["ever"],
    )  # fmt: skip
    _late_devices(book, kcs)
    _admissions(book, kcs)
    _admissions_void(book, kcs)
    _voids(book, kcs)
    _other_files(book)


def _late_devices(book: Book, kcs: list[list[Any]]) -> None:
    file = FileLog(perpetrator(8), C1)
    early = file.registry.known
    file.append(file.by(C1, file.genesis(C_AND_N, rg=head_of(file.registry, 4), grants=grants(early, [C1.user, N1.user], (1,), seq=4))))
    out = _out(file, [None], holders=sorted((C1.id, N1.id)), missing=[N2.id])
    why = "A genesis that relied on an older registry head: a device that came later has no grant yet."
    book.add("genesis_old_registry", why, op="file", given=file.given(), out=out)
    granted = file.copy()
    granted.append(granted.by(N1, granted.more_grants()))
    why = "Any member's device grants to the device that had none; the epoch stays."
    book.add("grant_to_late_device", why, op="file", given=granted.given(), out=_out(granted, [None] * 2, previous=_last(granted)))
    file.append(file.by(C1, file.new_epoch()))
    out = _out(file, [None] * 2, epoch=2, commits=kcs[:2], previous=_last(file))
    book.add("rotation_with_late_device", "A rotation grants every epoch to the device that had none.", op="file", given=file.given(), out=out)
    file = FileLog(perpetrator(9), C1)
    members = {C1: "coordinator", M1: "navigator"}
    before = grants(file.registry.known, [C1.user, M1.user], (1,), seq=8)
    file.append(file.by(C1, file.genesis(members, rg=head_of(file.registry, 8), grants=before)))
    rows = {"members": sorted([device.user, role] for device, role in members.items()), "ever": sorted((C1.user, M1.user))}
    out = _out(file, [None], holders=sorted((C1.id, M1.id)), rotation_needed=True, **rows)
    why = "A device was revoked after the registry head that the genesis named: the file has to be rotated."
    book.add("rotation_needed", why, op="file", given=file.given(), out=out)
    file.append(file.by(C1, file.new_epoch()))
    out = _out(file, [None] * 2, holders=[C1.id], epoch=2, commits=kcs[:2], previous=_last(file), **rows)
    book.add("rotation_after_revocation", "A rotation leaves the revoked device out.", op="file", given=file.given(), out=out)


def _without_n1() -> tuple[FileLog, Entry]:
    """A file that N1 was removed from, and what N1 had sealed before it heard of that."""
    file = started()
    late = file.envelope(N1, 1, [PART])
    file.append(file.by(C1, file.members(remove=(N1,))))
    return file, late


def _admissions(book: Book, kcs: list[list[Any]]) -> None:
    file, late = _without_n1()
    other = file.envelope(N2, 1, [PART, PART])
    rows: dict[str, Any] = {"members": [[C1.user, "coordinator"]], "holders": [C1.id], "epoch": 2, "commits": kcs[:2]}

    def tells(name: str, why: str, settled: list[bytes], void: tuple[str | None, ...] = ()) -> None:
        out = _out(
            file,
            [*[None] * (len(file.entries) - len(void)), *void],
            **rows,
            settled=sorted(settled),
            admitted=[late.id],
            previous=next(one.id for one, _ in reversed(file.entries) if not one.is_envelope),
        )
        book.add(name, why, op="file", given=file.given(), out=out)

    file.append(file.admission(C1, late))
    tells("admitted", "A coordinator lets in what a removed member had sealed; it carries the held bytes and their parts.", [late.id])
    file.append(file.by(C1, file.refusal(other)))
    tells("admission_refused", "What is not let in is settled too.", [late.id, other.id])
    file.append(file.admission(C1, other))
    tells("admitted_after_refusal", "Nobody lets in what was refused: void.", [late.id, other.id], ("not-permitted",))
    file.append(file.envelope(C1, 2, [PART]))
    tells(
        "written_after_admissions",
        "Nothing else changes in the file: epoch and people are as they were.",
        [late.id, other.id],
        ("not-permitted", None),
    )


def _admissions_void(book: Book, kcs: list[list[Any]]) -> None:
    rows: dict[str, Any] = {"members": [[C1.user, "coordinator"]], "holders": [C1.id], "epoch": 2, "commits": kcs[:2]}
    for name, why, sn in (
        ("another_chain", "What is admitted claims to have seen another history.", Head(INC, 1, bytes(32))),
        ("a_later_place", "Or one that is longer than the log.", Head(INC, 9, bytes(32))),
    ):
        file, _ = _without_n1()
        file.append(file.admission(C1, file.envelope(N1, 1, [PART], sn=sn)))
        out = _out(file, [None, None, "not-permitted"], **rows, previous=_last(file))
        book.add(f"admitted_with_{name}", why, op="file", given=file.given(), out=out)


def _refused_admissions(book: Book) -> None:
    (file, late), no = _without_n1(), "not-permitted"

    def refuse(name: str, why: str, code: str, make: Make) -> None:
        _refuse(book, file, f"admission_{name}", why, code, make)

    refuse("by_removed", "The author of what is held is no member any more, and admits nothing.", no, lambda f: f.admission(N1, late))
    refuse(
        "stale", "The statement does not follow the log's newest statement.", "stale-statement", lambda f: f.admission(C1, late, previous=bytes(32))
    )
    stranger = file.envelope(M1, 1, [PART])
    refuse("of_a_stranger", "Who wrote it never was a member.", no, lambda f: f.admission(C1, stranger))
    forged = file.envelope(N1, 1, [PART], key=M1.key)
    refuse("of_a_forgery", "What is admitted bears another key's signature.", "malformed", lambda f: f.admission(C1, forged))
    elsewhere = file.envelope(N1, 1, [PART], log=fill("another log", 16))
    refuse("of_another_log", "What is admitted was sealed for another log.", "malformed", lambda f: f.admission(C1, elsewhere))
    foreign = file.envelope(N1, 1, [PART], svc=OTHER_SVC)
    refuse("of_another_service", "What is admitted was sealed for another service.", "malformed", lambda f: f.admission(C1, foreign))
    unknown = file.envelope(N1, 9, [PART])
    refuse("of_an_unknown_epoch", "Its epoch is none of this file.", no, lambda f: f.admission(C1, unknown))
    payload = shapes.encode_file_statement(shapes.Admit(late.cose, file.registry.known.head, file.now.previous))
    why = "An `admit` in a plain statement: it would come without its parts."
    refuse("as_a_statement", why, "malformed", lambda f: f.statement(C1.id, C1.key, payload))
    whole = started()
    theirs = whole.envelope(N2, 1, [PART])
    _refuse(book, whole, "admission_by_navigator", "A navigator admits nothing.", no, lambda f: f.admission(N1, theirs))
    _refuse(book, whole, "refusal_by_navigator", "Nor refuses.", no, lambda f: f.by(N1, f.refusal(theirs)))


def _voids(book: Book, kcs: list[list[Any]]) -> None:
    file = started()
    file.append(file.by(N1, file.members(add={M1: "navigator"})))
    void: list[str | None] = [None, "not-permitted"]
    rows = {"previous": _last(file), "voided": [2], "blocked": True}
    book.add(
        "void_epoch",
        "A void epoch is the previous statement, its number is used, and it blocks writing.",
        op="file",
        given=file.given(),
        out=_out(file, void, **rows),
    )
    blocked = file.copy()
    blocked.append(blocked.envelope(C1, 1, [PART]))
    why = "After a void epoch nobody writes until a valid one."
    book.add("void_epoch_blocks", why, op="file", given=blocked.given(), out=_out(blocked, [*void, "rotate-first"], **rows))
    file.append(file.by(N1, file.new_epoch()))
    file.append(file.envelope(C1, 3, [PART]))
    out = _out(file, [*void, None, None], epoch=3, voided=[2], commits=[kcs[0], kcs[2]], previous=file.entries[2][0].id)
    book.add("after_void_epoch", "The next valid epoch is 3, and only 1 and 3 are granted.", op="file", given=file.given(), out=out)
    file = started()
    stale = file.by(N1, file.new_epoch())
    file.append(file.by(C1, file.new_epoch()))
    file.append(stale)
    out = _out(file, [None, None, "stale-statement"], epoch=2, commits=kcs[:2], previous=_last(file), blocked=True)
    book.add(
        "void_stale_epoch",
        "Of two rotations at once the first stands; the second is void, and still counts as previous.",
        op="file",
        given=file.given(),
        out=out,
    )
    file = started()
    again = file.copy()
    again.append(again.by(C1, again.more_grants(grants=(dummy_grant(N1.id, again.registry.known.devices[N1.id].id, (1,)),))))
    why = "A device that holds the file is granted it once more: what it got before may not open."
    book.add("grant_again", why, op="file", given=again.given(), out=_out(again, [None] * 2, previous=_last(again)))
    file.append(file.by(C1, file.more_grants(grants=(dummy_grant(N1.id, bytes(32), (1,)),))))
    out = _out(file, [None, "wall"], previous=_last(file))
    book.add("void_grant", "A void `grant` is the previous statement and blocks nothing.", op="file", given=file.given(), out=out)


def _other_files(book: Book) -> None:
    file = FileLog(perpetrator(8), F1)
    members = {C1: "coordinator", F1: "fund_holder", N1: "navigator"}
    file.append(file.by(F1, file.genesis(members, file="fund")))
    rows = {"members": sorted([device.user, role] for device, role in members.items()), "ever": sorted((C1.user, F1.user, N1.user))}
    out = _out(file, [None], file="fund", holders=sorted((C1.id, F1.id, N1.id, N2.id)), **rows)
    book.add("fund", "A fund, begun by the fund holder.", op="file", given=file.given(), out=out)
    file = FileLog(victim(), V2)
    victims = {V1: "link_worker", V2: "coordinator"}
    file.append(file.by(V2, file.genesis(victims)))
    rows = {"members": sorted([device.user, role] for device, role in victims.items()), "ever": sorted((V1.user, V2.user))}
    book.add(
        "victim_case",
        "A case of the victim side.",
        op="file",
        given=file.given(),
        out=_out(file, [None], side="victim", holders=sorted((V1.id, V2.id)), **rows),
    )


# --- refusals ---------------------------------------------------------------------------------------------------------------

Make = Callable[[FileLog], Entry]


def _refuse(book: Book, file: FileLog, name: str, why: str, code: str, make: Make, void: list[str | None] | None = None) -> None:
    given = file.given() | {"entry": travelling(make(file)), "received_ms": file.next_ms} | ({"void": void} if void else {})
    book.refuse(name, why, code, op="file_take", given=given)


def _refused_geneses(book: Book) -> None:
    empty = FileLog(perpetrator(8), C1)
    known = empty.registry.known

    def refuse(name: str, why: str, code: str, by: Device = C1, members: dict[Device, str] | None = None, **over: Any) -> None:
        _refuse(book, empty, name, why, code, lambda file: file.by(by, file.genesis(members or C_AND_N, **over)))

    _refuse(
        book,
        empty,
        "genesis_other_nonce",
        "The log id does not follow from creator and nonce.",
        "malformed",
        lambda file: file.by(C1, file.genesis(C_AND_N, nonce=fill("other nonce", 16))),
    )
    refuse("genesis_other_creator", "The log id follows from another creator.", "malformed", by=N1)
    refuse("genesis_other_side", "The file lies on another side than the registry that judges it.", "wall", side="victim")
    refuse("genesis_kind_not_here", "This kind of file does not exist on this side.", "not-permitted", file="intake")
    refuse("genesis_without_author", "The author is no member.", "not-permitted", members={N1: "navigator"})
    refuse(
        "genesis_author_role", "The author gives itself a role that it does not have.", "not-permitted", members={C1: "navigator", N1: "navigator"}
    )
    refuse(
        "genesis_role_may_not_begin",
        "A coordinator may not begin a fund.",
        "not-permitted",
        members={C1: "coordinator", F1: "fund_holder"},
        file="fund",
    )
    refuse(
        "genesis_member_of_other_side",
        "A member has no device on this side.",
        "wall",
        members={C1: "coordinator", V1: "coordinator"},
        grants=grants(known, [C1.user], (1,)),
    )
    refuse(
        "genesis_member_role_not_held",
        "A member is named in a role that they do not have.",
        "not-permitted",
        members={C1: "coordinator", N1: "coordinator"},
    )
    refuse("genesis_member_role_not_here", "A fund holder may not be in a case.", "not-permitted", members={C1: "coordinator", F1: "fund_holder"})
    refuse("genesis_administrator", "An administrator is in no file.", "not-permitted", members={C1: "coordinator", A1: "administrator"})
    refuse("genesis_future_registry", "The registry head is one that the registry has not reached.", "stale-registry", rg=known.head._replace(seq=9))
    refuse("genesis_other_registry", "The registry head is not on this registry's chain.", "stale-registry", rg=known.head._replace(chain=bytes(32)))
    refuse(
        "genesis_before_certificate",
        "The author was not certified at the registry head that it names.",
        "not-permitted",
        rg=head_of(empty.registry, 2),
    )
    _refused_grants(book, "genesis", lambda made: lambda file: file.by(C1, file.genesis(C_AND_N, grants=made)), empty, (1,), (N1, N2, C1))
    revoked = FileLog(perpetrator(9), M1)
    _refuse(
        book,
        revoked,
        "genesis_by_revoked",
        "The author was revoked before the registry head that it names.",
        "not-permitted",
        lambda file: file.by(M1, file.genesis({M1: "navigator", C1: "coordinator"}, grants=grants(file.registry.known, [C1.user], (1,)))),
    )
    _refuse(book, empty, "first_is_envelope", "A file begins with a genesis.", "no-such-file", lambda file: file.envelope(C1, 1, [PART]))
    later = started()
    _refuse(book, empty, "first_is_epoch", "A file begins with a genesis.", "not-permitted", lambda file: file.by(C1, later.new_epoch()))
    _refuse(book, later, "genesis_again", "A file has one genesis.", "not-permitted", lambda file: file.by(C1, file.genesis(C_AND_N)))


def _refused_grants(
    book: Book, kind: str, make: Callable[[tuple[shapes.Grant, ...]], Make], file: FileLog, epochs: tuple[int, ...], who: tuple[Device, ...]
) -> None:
    """W1 and the exact set of grants, for each statement that makes an epoch."""
    known = file.registry.known
    state = file.folded
    complete = state.complete if state else frozenset()
    users = list({device.user: None for device in who})
    good = grants(known, users, epochs, complete)

    def refuse(name: str, why: str, code: str, made: tuple[shapes.Grant, ...]) -> None:
        _refuse(book, file, f"{kind}_{name}", why, code, make(tuple(sorted(made, key=lambda grant: grant.to))))

    def but(device: bytes, **over: Any) -> tuple[shapes.Grant, ...]:
        return tuple(replace(grant, **over) if grant.to == device else grant for grant in good)

    recovery = known.recovery_id
    own = epochs[-1:]
    v1 = victim().known.devices[V1.id]
    refuse("grant_across_the_wall", "W1: a grant to a device of the other side.", "wall", (*good, dummy_grant(V1.id, v1.id, own)))
    refuse(
        "grant_to_nobody",
        "A grant to an id that this registry does not know.",
        "wall",
        (*good, dummy_grant(fill("device/nobody", 16), bytes(32), own)),
    )
    refuse(
        "grant_to_other_recovery",
        "A grant to the other side's recovery key.",
        "wall",
        (*good, dummy_grant(victim().known.recovery_id, victim().known.root_id, own)),
    )
    refuse(
        "grant_to_colleague",
        "A grant to a device of somebody who is no member.",
        "not-permitted",
        (*good, dummy_grant(M1.id, known.devices[M1.id].id, epochs)),
    )
    refuse(
        "grant_to_administrator",
        "A grant to an administrator's device.",
        "not-permitted",
        (*good, dummy_grant(A1.id, known.devices[A1.id].id, epochs)),
    )
    refuse("grant_missing_device", "A member's second device has no grant.", "not-permitted", tuple(grant for grant in good if grant.to != N2.id))
    refuse("grant_missing_recovery", "The side's recovery key has no grant.", "not-permitted", tuple(grant for grant in good if grant.to != recovery))
    refuse("grant_other_certificate", "A grant names another certificate than its recipient's.", "wall", but(N2.id, cert=known.devices[N1.id].id))
    refuse("grant_victim_certificate", "A grant to a member names a certificate of the other side.", "wall", but(N2.id, cert=v1.id))
    refuse("grant_recovery_certificate", "The grant to the recovery key names no root.", "wall", but(recovery, cert=bytes(32)))
    short = dummy_grant(N2.id, known.devices[N2.id].id, (7,))
    refuse("grant_other_epoch", "A grant holds another epoch than the new one.", "not-permitted", but(N2.id, epochs=short.epochs))


def _refused_later(book: Book) -> None:
    file = started()
    known = file.registry.known

    def refuse(name: str, why: str, code: str, make: Make) -> None:
        _refuse(book, file, name, why, code, make)

    no = "not-permitted"
    refuse(
        "epoch_stale",
        "The statement does not follow the log's newest statement.",
        "stale-statement",
        lambda f: f.by(C1, f.new_epoch(previous=bytes(32))),
    )
    refuse(
        "epoch_skipped",
        "An epoch number is left out.",
        "stale-statement",
        lambda f: f.by(C1, f.new_epoch(epoch=3, grants=grants(known, list(f.now.members), (1, 3), f.now.complete))),
    )
    refuse("epoch_by_colleague", "The author is no member.", no, lambda f: f.by(M1, f.new_epoch()))
    refuse("epoch_by_administrator", "An administrator is in no file.", no, lambda f: f.by(A1, f.new_epoch()))
    refuse("epoch_by_other_side", "The author is certified on the other side.", "no-such-file", lambda f: f.by(V1, f.new_epoch()))
    refuse(
        "epoch_signature",
        "The statement bears a member's id and another key's signature.",
        "malformed",
        lambda f: f.by(C1, f.new_epoch(), key=N1.key),
    )
    refuse("epoch_other_service", "The statement is for another service.", "malformed", lambda f: f.by(C1, f.new_epoch(), svc=OTHER_SVC))
    refuse("epoch_other_log", "The statement is for another file.", "malformed", lambda f: f.by(C1, f.new_epoch(), log=fill("other log", 16)))
    refuse("epoch_clone", "The author's number is taken.", "clone-detected", lambda f: f.by(C1, f.new_epoch(), sq=1, pv=None))
    refuse(
        "epoch_future_registry",
        "The registry head is one that the registry has not reached.",
        "stale-registry",
        lambda f: f.by(C1, f.new_epoch(rg=known.head._replace(seq=9))),
    )
    _refused_grants(book, "epoch", lambda made: lambda f: f.by(C1, f.new_epoch(grants=made)), file, (1, 2), (N1, N2, C1))
    all_for_holder = tuple(
        dummy_grant(grant.to, grant.cert, (1, 2)) if grant.to == N2.id else grant
        for grant in grants(known, list(file.now.members), (1, 2), file.now.complete)
    )
    refuse(
        "epoch_old_secret_again",
        "A device that holds the old epochs is granted the new one only.",
        no,
        lambda f: f.by(C1, f.new_epoch(grants=all_for_holder)),
    )
    refuse("members_by_navigator", "A navigator does not change who is in a case.", no, lambda f: f.by(N1, f.members(add={M1: "navigator"})))
    refuse("members_removes_author", "Nobody removes themselves.", no, lambda f: f.by(C1, f.members(remove=(C1,))))
    refuse("members_removes_stranger", "Only members are removed.", no, lambda f: f.by(C1, f.members(remove=(M1,))))
    refuse("members_adds_member", "Only others are added.", no, lambda f: f.by(C1, f.members(add={N1: "navigator"})))
    refuse(
        "members_adds_role_not_held", "Somebody is added in a role that they do not have.", no, lambda f: f.by(C1, f.members(add={M1: "coordinator"}))
    )
    refuse("members_adds_role_not_here", "A fund holder may not be in a case.", no, lambda f: f.by(C1, f.members(add={F1: "fund_holder"})))
    refuse(
        "members_adds_other_side",
        "W1: somebody of the other side is added.",
        "wall",
        lambda f: f.by(C1, f.members(add={V1: "navigator"}, grants=grants(known, list(f.now.members), (1, 2), f.now.complete))),
    )
    newest_only = tuple(
        dummy_grant(M1.id, known.devices[M1.id].id, (2,)) if grant.to == M1.id else grant for grant in file.members(add={M1: "navigator"}).grants
    )
    refuse(
        "members_newcomer_without_past",
        "A newcomer is granted every epoch or none.",
        no,
        lambda f: f.by(C1, f.members(add={M1: "navigator"}, grants=newest_only)),
    )
    kept = grants(known, list(file.now.members), (1, 2), file.now.complete)
    refuse("members_grants_the_removed", "The new epoch is granted to who is removed.", no, lambda f: f.by(C1, f.members(remove=(N1,), grants=kept)))
    _refused_more_grants(book)
    _refused_envelopes(book)
    _refused_admissions(book)


def _refused_more_grants(book: Book) -> None:
    file = FileLog(perpetrator(8), C1)
    known = file.registry.known
    file.append(file.by(C1, file.genesis(C_AND_N, rg=head_of(file.registry, 4), grants=grants(known, [C1.user, N1.user], (1,), seq=4))))
    v1 = victim().known.devices[V1.id]

    def refuse(name: str, why: str, code: str, *made: shapes.Grant, by: Device = C1, **over: Any) -> None:
        _refuse(book, file, f"grant_{name}", why, code, lambda f: f.by(by, f.more_grants(**({"grants": made} if made else {}), **over)))

    refuse("by_stranger", "The author is no member.", "not-permitted", by=M1)
    refuse("by_device_without_grant", "The author's device holds no grant itself.", "not-permitted", by=N2)
    refuse("stale", "The statement does not follow the log's newest statement.", "stale-statement", previous=bytes(32))
    refuse("to_stranger", "The recipient is no member's device.", "not-permitted", dummy_grant(M1.id, known.devices[M1.id].id, (1,)))
    refuse("to_other_side", "W1: the recipient is of the other side.", "wall", dummy_grant(V1.id, v1.id, (1,)))
    refuse("other_certificate", "A grant names another certificate than its recipient's.", "wall", dummy_grant(N2.id, known.devices[N1.id].id, (1,)))
    refuse(
        "other_epochs", "A grant holds an epoch that the file does not have.", "not-permitted", dummy_grant(N2.id, known.devices[N2.id].id, (1, 2))
    )
    early = head_of(file.registry, 4)
    refuse(
        "before_certificate",
        "The recipient was not certified at the registry head that the statement names.",
        "wall",
        dummy_grant(N2.id, known.devices[N2.id].id, (1,)),
        rg=early,
    )


def _refused_envelopes(book: Book) -> None:
    file = started()
    file.append(file.by(C1, file.new_epoch()))

    def refuse(name: str, why: str, code: str, make: Make) -> None:
        _refuse(book, file, f"envelope_{name}", why, code, make)

    refuse("old_epoch", "Sealed under an epoch that is no longer current.", "stale-epoch", lambda f: f.envelope(N1, 1, [PART]))
    refuse("future_epoch", "Sealed under an epoch that does not exist yet.", "stale-epoch", lambda f: f.envelope(N1, 3, [PART]))
    refuse("by_stranger", "The author is no member.", "no-standing", lambda f: f.envelope(M1, 2, [PART]))
    refuse("by_administrator", "An administrator is in no file.", "no-standing", lambda f: f.envelope(A1, 2, [PART]))
    refuse("by_other_side", "The author is certified on the other side.", "no-such-file", lambda f: f.envelope(V1, 2, [PART]))
    refuse("signature", "The envelope bears a member's id and another key's signature.", "malformed", lambda f: f.envelope(N1, 2, [PART], key=N2.key))
    refuse("clone", "The author's number is taken.", "clone-detected", lambda f: f.envelope(C1, 2, [PART], sq=2))
    refuse("other_service", "The envelope is for another service.", "malformed", lambda f: f.envelope(N1, 2, [PART], svc=OTHER_SVC))
    late = FileLog(perpetrator(8), C1)
    early = grants(late.registry.known, [C1.user, N1.user], (1,), seq=4)
    late.append(late.by(C1, late.genesis(C_AND_N, rg=head_of(late.registry, 4), grants=early)))
    _refuse(
        book,
        late,
        "envelope_by_device_without_grant",
        "A member's device that holds no grant of the epoch.",
        "no-standing",
        lambda f: f.envelope(N2, 1, [PART]),
    )
    blocked = started()
    blocked.append(blocked.by(N1, blocked.members(add={M1: "navigator"})))
    _refuse(
        book,
        blocked,
        "envelope_after_void_epoch",
        "After a void epoch nobody writes until a valid one.",
        "rotate-first",
        lambda f: f.envelope(C1, 1, [PART]),
        [None, "not-permitted"],
    )
    _refuse(
        book,
        blocked,
        "epoch_number_of_void",
        "A void epoch's number is not used again.",
        "stale-statement",
        lambda f: f.by(C1, f.new_epoch(epoch=2, grants=grants(f.registry.known, list(f.now.members), (1, 2), f.now.complete))),
        [None, "not-permitted"],
    )


def _registry_relations(book: Book) -> None:
    log = perpetrator(9)
    users = sorted((C1.user, M1.user))
    given = {"registry": log.given, "users": users}
    for seq, why in ((8, "Before the revocation every device counts."), (9, "From the revocation on the revoked device does not.")):
        found = membership.recipients(log.known, users, seq)
        wanted = {C1.id, M1.id, log.known.recovery_id} if seq == 8 else {C1.id, log.known.recovery_id}
        assert found.keys() == wanted
        out = [[to, cert, receive] for to, (cert, receive) in sorted(found.items())]
        book.add(f"recipients_{seq}", why, op="recipients", given=given | {"seq": seq}, out=out)
    log = perpetrator(8)
    log.append(log.suspend(N1, M1))
    found = membership.recipients(log.known, users, 9)
    assert found.keys() == {C1.id, M1.id, log.known.recovery_id}
    out = [[to, cert, receive] for to, (cert, receive) in sorted(found.items())]
    why = "Who is suspended is granted all the same: that may be lifted, and only a revocation rotates."
    book.add("recipients_suspended", why, op="recipients", given={"registry": log.given, "users": users, "seq": 9}, out=out)
    log = perpetrator(9)
    book.add("fresh", "A statement that names the registry at the revocation.", op="fresh", given=given | {"seq": 9}, out=None)
    others = {"registry": log.given, "users": [C1.user], "seq": 2}
    book.add("fresh_for_others", "A revocation that touches no member does not matter.", op="fresh", given=others, out=None)
    book.refuse(
        "not_fresh",
        "A member's device was revoked after the registry head that the statement names.",
        "stale-registry",
        op="fresh",
        given=given | {"seq": 8},
    )


def _judged() -> Book:
    book = Book("membership", "judged", "Files: what a sequence of entries comes to, and which next entry is void.", "7")
    for seq, (data, _) in enumerate(perpetrator(9).pairs(), 1):
        book.share(f"registry/{seq}", data)
    for size in (7, 8, 9):
        book.share(f"registry of {size}", perpetrator(size).given)
    book.share("victim registry", victim().given)
    book.share("genesis", started().pairs()[0][0])
    rotated = started()
    rotated.append(rotated.by(C1, rotated.new_epoch()))
    book.share("rotation by c1", rotated.pairs()[1][0])
    for device in (C1, N2, M1):
        book.share(f"receiving key of {device.name}", device.receive.public)
    _sequences(book)
    _refused_geneses(book)
    _refused_later(book)
    _registry_relations(book)
    return book


def books() -> list[Book]:
    """Two files: `statement`, `judged`."""
    return [_shapes(), _judged()]
