"""Vectors of the device's side of a sync: pages, registry pages, checkpoints (docs/spec.md §9.3)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from shared_schema import cbor, certificate, entry, ids
from shared_schema.entry import Entry, Head
from shared_schema.removal import Erase
from tests.vectors.generate import membership, merkle
from tests.vectors.generate.checkpoint import _note as note
from tests.vectors.generate.receipt import signed
from tests.vectors.generate.world import (
    A1,
    C1,
    INC,
    M1,
    N1,
    N2,
    OTHER_INC,
    OTHER_SVC,
    SVC,
    V1,
    FileLog,
    Log,
    RegistryLog,
    enrolment,
    fill,
    head_of,
    invitation,
    perpetrator,
    root,
    signer,
    travelling,
    victim,
)
from tests.vectors.notation import Book

_PART: Final = membership.PART


def _head(log: bytes, head: Head, **over: Any) -> bytes:
    return signed("head", {"log": log, "inc": head.incarnation, "seq": head.seq, "chain": head.chain}, **over)


def _page(log: Log, start: int, **over: Any) -> dict[str, Any]:
    """The page after the first `start` entries, as an honest server makes it."""
    entries = [[[one.cose, list(one.parts)], at, [100 + seq, fill(f"opening/{seq}", 32)]] for seq, (one, at) in enumerate(log.entries, 1)]
    usual = {"log": log.id, "entries": entries[start:], "head": _head(log.id, head_of(log, len(log.entries))), "more": False}
    return usual | over


def _file() -> FileLog:
    """A case: genesis by c1, then envelopes by c1, n1, n2, a rotation by n1, an envelope by c1."""
    file = membership.started()
    for device in (C1, N1, N2):
        file.append(file.envelope(device, 1, [_PART]))
    file.append(file.by(N1, file.new_epoch()))
    file.append(file.envelope(C1, 2, [_PART]))
    return file


def _given(file: FileLog, start: int, page: dict[str, Any], **over: Any) -> dict[str, Any]:
    return file.given(start) | {"page": page} | over


_USER: Final = {C1.id: (C1.user, "coordinator"), N1.id: (N1.user, "navigator"), N2.id: (N2.user, "navigator"), M1.id: (M1.user, ""), V1.id: (b"", "")}


def _out(file: FileLog, start: int, void: dict[int, str] | None = None) -> dict[str, Any]:
    taken = [
        [seq, (void or {}).get(seq), *_USER[one.author]] for seq, (one, _) in enumerate(file.entries, 1) if seq > start
    ]  # fmt: skip
    return {"head": list(head_of(file, len(file.entries))), "taken": taken, "absent": [], "kept": []}


def _pages(book: Book) -> None:
    file = _file()
    for start, why in ((0, "The whole log in one page."), (3, "The rest of a log."), (6, "A page without entries: nothing is new.")):
        book.add(f"page_from_{start}", why, op="take_page", given=_given(file, start, _page(file, start)), out=_out(file, start))
    sent = [file.entries[5][0]]
    page = _page(file, 5)
    page["entries"][0][0] = sent[0].id
    book.add(
        "page_own_entry",
        "An entry that the device has just sent is named by its id.",
        op="take_page",
        given=_given(file, 5, page, sent=[travelling(one) for one in sent]),
        out=_out(file, 5),
    )
    root_40 = fill("root/40", 32)
    roots = [[40, root_40]]
    witnessed = _file()
    witnessed.append(witnessed.envelope(N1, 2, [_PART], ck=entry.Witness(INC, 40, root_40)))
    book.add(
        "page_same_tree",
        "Another device saw the audit tree that this one knows.",
        op="take_page",
        given=_given(witnessed, 6, _page(witnessed, 6), roots=roots),
        out=_out(witnessed, 6),
    )
    for name, why, ck in (
        ("unknown_size", "Another device saw the audit tree at a size that this one has no root of.", entry.Witness(INC, 41, bytes(32))),
        ("other_incarnation", "A checkpoint of another incarnation is not compared.", entry.Witness(OTHER_INC, 40, bytes(32))),
    ):
        grown = _file()
        grown.append(grown.envelope(N1, 2, [_PART], ck=ck))
        book.add(f"page_{name}", why, op="take_page", given=_given(grown, 6, _page(grown, 6), roots=roots), out=_out(grown, 6))
    _void_pages(book)
    _removed_pages(book)
    ahead = replace_registry(_file(), 7)
    ahead.append(ahead.by(C1, ahead.new_epoch(rg=perpetrator(8).known.head)))
    book.add(
        "page_behind",
        "A statement that relies on a registry head which is yet to come: the page is taken again later.",
        op="take_page",
        given=_given(ahead, 6, _page(ahead, 6)),
        out="behind",
    )
    ahead = replace_registry(_file(), 7)
    ahead.append(ahead.by(C1, ahead.new_epoch(rg=perpetrator(8).known.head), svc=OTHER_SVC))
    why = "So it is with one that will be void whatever that head says: nothing is judged before the registry has come."
    book.add("page_behind_and_void", why, op="take_page", given=_given(ahead, 6, _page(ahead, 6)), out="behind")


def replace_registry(file: FileLog, size: int) -> FileLog:
    """The same kind of file on a shorter registry."""
    made = membership.started(size)
    for device in (C1, N1, N2):
        made.append(made.envelope(device, 1, [_PART]))
    made.append(made.by(N1, made.new_epoch()))
    made.append(made.envelope(C1, 2, [_PART]))
    assert len(made.entries) == len(file.entries)
    return made


def _removed_pages(book: Book) -> None:
    """After the file's six entries c1 expunges what n1 wrote, with n1's approval; later the file is erased."""
    file = _file()
    file.append(file.expunction(C1, file.expunge(3, by=N1), fill("exchange/stub", 304)))
    page = _page(file, 0)
    page["entries"][2][0][1] = [None]
    why = "A part that an expunction of the same page removes is absent, and accounted for."
    book.add("page_expunged", why, op="take_page", given=_given(file, 0, page), out=_out(file, 0))
    wrong = _file()
    wrong.append(wrong.expunction(C1, wrong.expunge(3, by=N1, hash=bytes(32)), fill("exchange/stub", 304)))
    why = "An expunction that names another part than is there counts for nothing."
    out = _out(wrong, 0, {7: "not-permitted"})
    book.add("page_expunged_misnamed", why, op="take_page", given=_given(wrong, 0, _page(wrong, 0)), out=out)
    kept = _page(file, 0)
    why = "The server still has that part, in one page with the expunction: it is told, and the page is taken."
    book.add("page_expunged_kept", why, op="take_page", given=_given(file, 0, kept), out=_out(file, 0) | {"kept": [[3, 7]]})
    early = page | {"entries": page["entries"][:4], "head": _head(file.id, head_of(file, 4)), "more": True}
    out = {"head": list(head_of(file, 4)), "taken": _out(file, 0)["taken"][:4], "absent": [[3, 0]], "kept": []}
    book.add(
        "page_before_expunged", "With more to come an absent part may still be accounted for.", op="take_page", given=_given(file, 0, early), out=out
    )
    why = "Who is no member any more is not shown what was expunged since."
    given = _given(file, 0, early | {"more": False}, member=False)
    book.add("page_absent_for_removed", why, op="take_page", given=given, out=out)
    rest = _page(file, 4)
    why = "A later page accounts for what was absent."
    book.add("page_after_absent", why, op="take_page", given=_given(file, 4, rest, absent=[[3, 0]]), out=_out(file, 4))
    gone = "contradiction"
    book.refuse(
        "page_absent_at_the_end",
        "Nothing more comes that could account for it.",
        gone,
        op="take_page",
        given=_given(file, 0, early | {"more": False}),
    )
    other = _page(file, 0)
    other["entries"][3][0][1] = [None]
    book.refuse("page_absent_other", "Another part is absent than the one that was expunged.", gone, op="take_page", given=_given(file, 0, other))
    why = "A part that was absent before is still not accounted for."
    book.refuse("page_still_absent", why, gone, op="take_page", given=_given(file, 7, _page(file, 7), absent=[[2, 0]]))
    _erased_pages(book)


def _erased_pages(book: Book) -> None:
    file = _file()
    file.append(file.by(C1, file.erase(N1)))
    page = _page(file, 0)
    for seq in range(6):
        page["entries"][seq][0] = file.entries[seq][0].id
    ids_ = [[seq, one.id] for seq, (one, _) in enumerate(file.entries[:6], 1)]
    out = {"head": list(head_of(file, 7)), "ids": ids_, "erased": 7}
    book.add("page_erased", "An erased file: ids, and the erasure.", op="take_page", given=_given(file, 0, page), out=out)
    why = "Among ids those of entries that the device has just sent are ids like the others."
    book.add("page_erased_and_sent", why, op="take_page", given=_given(file, 0, page, sent=[travelling(file.entries[5][0])]), out=out)
    named = page | {"entries": [*page["entries"][:6], [file.entries[6][0].id, *page["entries"][6][1:]]]}
    why = "The erasure itself comes by its id to whoever has just sent it."
    book.add("page_erased_by_sender", why, op="take_page", given=_given(file, 0, named, sent=[travelling(file.entries[6][0])]), out=out)
    later = page | {"entries": page["entries"][4:]}
    out = {"head": list(head_of(file, 7)), "ids": ids_[4:], "erased": 7}
    book.add("page_erased_rest", "A device that has some of it takes the rest as ids.", op="take_page", given=_given(file, 4, later), out=out)
    early = page | {"entries": page["entries"][:3], "head": _head(file.id, head_of(file, 3)), "more": True}
    out = {"head": list(head_of(file, 3)), "ids": ids_[:3], "erased": None}
    book.add("page_erased_begun", "With more to come the erasure may still follow.", op="take_page", given=_given(file, 0, early), out=out)

    def refuse(name: str, why: str, given: dict[str, Any]) -> None:
        book.refuse(f"page_erased_{name}", why, "contradiction", op="take_page", given=given)

    refuse("by_nobody", "Ids alone, and nothing more comes.", _given(file, 0, early | {"more": False}))
    mixed = _page(file, 0)
    mixed["entries"][2][0] = file.entries[2][0].id
    refuse("in_part", "One entry by its id alone, among others that are whole.", _given(file, 0, mixed))
    erasures: tuple[tuple[str, str, Callable[[FileLog], Erase]], ...] = (
        ("one_signer", "Nobody approved the erasure.", lambda f: f.erase(None)),
        ("same_person", "Whoever approved it carries it out.", lambda f: f.erase(C1)),
        ("other_file", "It names another file's genesis.", lambda f: f.erase(N1, nonce=bytes(16))),
    )
    for name, why, make in erasures:
        forged = _file()
        forged.append(forged.by(C1, make(forged)))
        refuse(
            name, why, _given(forged, 0, page | {"entries": [*page["entries"][:6], _page(forged, 6)["entries"][0]], "head": _page(forged, 0)["head"]})
        )
    forged = _file()
    forged.registry = perpetrator(9)
    forged.append(forged.by(M1, forged.erase(C1)))
    entries = [*page["entries"][:6], _page(forged, 6)["entries"][0]]
    why = "Its author's device was revoked at the registry head that it names."
    refuse("by_revoked", why, _given(forged, 0, page | {"entries": entries, "head": _page(forged, 0)["head"]}))
    whole = _file()
    whole.append(whole.envelope(C1, 2, [_PART]))
    entries = [*page["entries"][:6], _page(whole, 6)["entries"][0]]
    refuse("not", "What follows the ids is no erasure.", _given(whole, 0, page | {"entries": entries, "head": _page(whole, 0)["head"]}))


def _void_pages(book: Book) -> None:
    voids: tuple[tuple[str, str, str, Callable[[FileLog], Entry]], ...] = (
        ("stranger", "What a stranger wrote has its place and counts for nothing.", "no-standing", lambda f: f.envelope(M1, 2, [_PART])),
        (
            "foreign_seen",
            "Nor is what an entry of another log claims: it speaks of that log.",
            "malformed",
            lambda f: f.envelope(N1, 2, [_PART], log=fill("other log", 16), sn=Head(INC, 3, bytes(32))),
        ),
        ("old_epoch", "So has what was sealed under an old epoch.", "stale-epoch", lambda f: f.envelope(N1, 1, [_PART])),
        ("clone", "So has a number used twice.", "clone-detected", lambda f: f.envelope(C1, 2, [_PART], sq=3)),
        ("other_service", "So has what was signed for another service.", "malformed", lambda f: f.envelope(N1, 2, [_PART], svc=OTHER_SVC)),
    )
    for name, why, code, make in voids:
        file = _file()
        file.append(make(file))
        book.add(f"page_void_{name}", why, op="take_page", given=_given(file, 6, _page(file, 6)), out=_out(file, 6, {7: code}))
    file = _file()
    file.append(file.envelope(V1, 2, [_PART]))
    why = "An author whose certificate has not come yet: the page is taken again after the registry's."
    book.add("page_author_behind", why, op="take_page", given=_given(file, 6, _page(file, 6)), out="behind")
    file = _file()
    file.append(file.envelope(N1, 1, [_PART]))
    file.append(file.envelope(N1, 2, [_PART]))
    book.add(
        "page_after_void",
        "An author's rightly signed void entry counts in that author's own order.",
        op="take_page",
        given=_given(file, 6, _page(file, 6)),
        out=_out(file, 6, {7: "stale-epoch"}),
    )
    file = _file()
    following = file.envelope(C1, 2, [_PART])
    file.append(file.envelope(C1, 2, [_PART], log=fill("other log", 16), sq=9, pv=bytes(32)))
    file.append(following)
    why = "An author's entry of another log, served here, does not count in that author's order here."
    book.add("page_after_foreign", why, op="take_page", given=_given(file, 6, _page(file, 6)), out=_out(file, 6, {7: "malformed"}))


def _refused_pages(book: Book) -> None:
    file = _file()
    head = head_of(file, 6)

    def refuse(name: str, why: str, code: str, start: int, page: dict[str, Any], **over: Any) -> None:
        book.refuse(f"page_{name}", why, code, op="take_page", given=_given(file, start, page, **over))

    def entries(*order: int) -> list[Any]:
        every = _page(file, 0)["entries"]
        return [every[number - 1] for number in order]

    fork = "contradiction"
    forged = _file()
    forged.append(forged.envelope(N1, 2, [_PART], key=C1.key))
    why = "An entry bears a member's id and another's signature: its id does not cover the signature, so this is the server's fault."
    book.refuse("page_forged", why, fork, op="take_page", given=_given(forged, 6, _page(forged, 6)))
    lured = _file()
    lured.append(lured.by(C1, lured.new_epoch(rg=lured.registry.known.head._replace(chain=bytes(32))), svc=OTHER_SVC))
    why = "Nor is a statement that relies on another registry, whatever else is wrong with it."
    book.refuse("page_other_registry_and_void", why, fork, op="take_page", given=_given(lured, 6, _page(lured, 6)))
    refuse("gap", "An entry is left out.", fork, 3, _page(file, 3, entries=entries(4, 6)))
    behind = _file()
    for _ in range(2):
        behind.append(behind.envelope(V1, 2, [_PART]))
    short = _page(behind, 6) | {"entries": _page(behind, 6)["entries"][:1]}
    why = "It ends before its signed head, and that is seen before the reader asks for the certificate of an author."
    book.refuse("page_cut_and_behind", why, fork, op="take_page", given=_given(behind, 6, short))
    refuse("cut", "The page ends before its signed head.", fork, 3, _page(file, 3, entries=entries(4, 5)))
    refuse("repeated", "An entry comes twice.", fork, 3, _page(file, 3, entries=entries(4, 4, 5, 6)))
    refuse(
        "swapped",
        "Two entries are swapped.",
        fork,
        1,
        _page(file, 1, entries=[[pair, file.entries[1][1] + 5, opening] for pair, _, opening in entries(3, 2, 4, 5, 6)]),
    )
    refuse("head_behind", "The signed head is behind what the device has.", fork, 6, _page(file, 6, head=_head(file.id, head_of(file, 5))))
    refuse("head_other_chain", "The signed head has another chain.", fork, 6, _page(file, 6, head=_head(file.id, head._replace(chain=bytes(32)))))
    refuse(
        "head_other_incarnation",
        "The signed head is of another incarnation.",
        fork,
        6,
        _page(file, 6, head=_head(file.id, head._replace(incarnation=OTHER_INC))),
    )
    later = [[pair, at + 1, opening] for pair, at, opening in entries(6)]
    refuse("other_time", "An entry is shown with another time of receipt.", fork, 5, _page(file, 5, entries=later))
    back = [[pair, file.entries[3][1] - 1, opening] for pair, _, opening in entries(5)]
    refuse("time_backwards", "Time runs backwards.", fork, 4, _page(file, 4, entries=back, head=_head(file.id, _backwards(file))))
    broken = [[[b"\xd2", [_PART]], file.entries[5][1], [106, bytes(32)]]]
    refuse("broken_entry", "What is served is no entry.", fork, 5, _page(file, 5, entries=broken))
    swapped = entries(6)[0]
    refuse("other_part", "A part does not match its hash.", fork, 5, _page(file, 5, entries=[[[swapped[0][0], [bytes(304)]], *swapped[1:]]]))
    refuse(
        "absent_part", "A part is absent, and no statement expunged it.", fork, 5, _page(file, 5, entries=[[[swapped[0][0], [None]], *swapped[1:]]])
    )
    refuse(
        "id_not_sent",
        "The page names an entry that the device did not send.",
        fork,
        5,
        _page(file, 5, entries=[[file.entries[5][0].id, *swapped[1:]]]),
    )
    bad = "malformed"
    refuse("head_by_other_key", "The head is signed by another key.", bad, 6, _page(file, 6, head=_head(file.id, head, key="checkpoint/perpetrator")))
    refuse(
        "head_by_other_side",
        "The head is signed by the other side's server key.",
        bad,
        6,
        _page(file, 6, head=_head(file.id, head, key="receipt/victim")),
    )
    refuse("head_other_log", "The head is of another log.", bad, 6, _page(file, 6, head=_head(fill("other log", 16), head)))
    refuse("head_other_service", "The head is for another service.", bad, 6, _page(file, 6, head=_head(file.id, head, svc=OTHER_SVC)))
    refuse("head_other_kid", "The head is signed under another key id.", bad, 6, _page(file, 6, head=_head(file.id, head, kid=C1.id)))
    receipt = signed("receipt", {"log": file.id, "inc": INC, "items": [[file.entries[5][0].id, 6, 0]], "head": [6, head.chain]})
    refuse("head_is_receipt", "A receipt in the place of the head.", bad, 6, _page(file, 6, head=receipt))
    for name, why, over, more in (
        ("fork_seen", "An author saw another log.", {"sn": Head(INC, 3, bytes(32))}, {}),
        ("fork_seen_future", "An author saw an entry that this log does not have.", {"sn": Head(INC, 9, bytes(32))}, {}),
        (
            "fork_tree",
            "Another device was shown another audit tree.",
            {"ck": entry.Witness(INC, 40, bytes(32))},
            {"roots": [[40, fill("root/40", 32)]]},
        ),
    ):
        grown = _file()
        grown.append(grown.envelope(N1, 2, [_PART], **over))
        book.refuse(f"page_{name}", why, fork, op="take_page", given=_given(grown, 6, _page(grown, 6), **more))
    grown = _file()
    grown.append(grown.envelope(M1, 2, [_PART], sn=Head(INC, 3, bytes(32))))
    why = "A stranger's entry is void, and rightly signed: what it saw is evidence all the same."
    book.refuse("page_fork_seen_by_stranger", why, fork, op="take_page", given=_given(grown, 6, _page(grown, 6)))


def _backwards(file: FileLog) -> Head:
    """The head after the fifth entry as a server would sign it that lets time run backwards."""
    head = head_of(file, 4)
    return Head(INC, 5, ids.chain_next(head.chain, 5, file.entries[3][1] - 1, file.entries[4][0].id))


def _registry_pages(book: Book) -> None:
    log = perpetrator(8)

    def given(start: int, page: dict[str, Any]) -> dict[str, Any]:
        return {"registry": perpetrator(start).given, "incarnation": INC, "page": page}

    devices = sorted(log.known.devices)
    for start, why in ((0, "A whole registry: its first entry names the key that signs the head."), (5, "The rest of a registry.")):
        out = {"head": list(head_of(log, 8)), "taken": [[seq, None] for seq in range(start + 1, 9)], "devices": devices}
        book.add(f"registry_from_{start}", why, op="take_registry_page", given=given(start, _page(log, start)), out=out)
    grown = perpetrator(8)
    grown.append(grown.revoke(C1, N1))
    out = {"head": list(head_of(grown, 9)), "taken": [[9, "not-permitted"]], "devices": devices}
    book.add("registry_void", "A void entry of a registry has its place.", op="take_registry_page", given=given(8, _page(grown, 8)), out=out)

    grown = perpetrator(9)
    grown.append(grown.revoke(A1, M1))
    grown.append(grown.revoke(A1, N1))
    out = {"head": list(head_of(grown, 11)), "taken": [[10, "not-permitted"], [11, None]], "devices": devices}
    why = "An author's rightly signed void entry counts in that author's own order."
    book.add("registry_after_void", why, op="take_registry_page", given=given(9, _page(grown, 9)), out=out)

    def refuse(name: str, why: str, code: str, start: int, page: dict[str, Any]) -> None:
        book.refuse(f"registry_{name}", why, code, op="take_registry_page", given=given(start, page))

    refuse("cut", "The page ends before its signed head.", "contradiction", 5, _page(log, 5) | {"entries": _page(log, 5)["entries"][:-1]})
    refuse("gap", "An entry is left out.", "contradiction", 5, _page(log, 5) | {"entries": _page(log, 6)["entries"]})
    refuse("head_behind", "The signed head is behind what the device has.", "contradiction", 8, _page(log, 8, head=_head(log.id, head_of(log, 7))))
    refuse("other_side", "The other side's registry.", "no-service", 0, _other_side(log))
    refuse(
        "head_by_other_key",
        "The head is signed by another key than the root names.",
        "malformed",
        0,
        _page(log, 0, head=_head(log.id, head_of(log, 8), key="receipt/victim")),
    )
    refuse(
        "head_of_file",
        "The head of a file in the place of the registry's.",
        "malformed",
        8,
        _page(log, 8, head=_head(fill("other log", 16), head_of(log, 8))),
    )
    grown, thief = perpetrator(8), replace(N1.keys, device=A1.id, sign=signer("device/thief").public)
    reuse = enrolment(grown.id, C1, invitation("perpetrator", C1, A1), keys=thief, bound=thief)
    grown.append(grown.statement(A1.id, signer("device/thief"), reuse))
    why = "A used invitation under an administrator's id, signed by another key: an author's id is its certified key's."
    refuse("other_key_enrols", why, "contradiction", 8, _page(grown, 8))
    other = signer("another authority")
    pretender = RegistryLog("perpetrator")
    payload = certificate.encode_registry_statement(root("perpetrator", authority=other.public))
    pretender.append(pretender.statement(ids.authority_id(other.public), other, payload))
    refuse("other_authority", "A registry under another authority than the pinned one.", "no-service", 0, _page(pretender, 0))


def _other_side(log: RegistryLog) -> dict[str, Any]:
    """The victim side's registry, passed off as this one."""
    page = _page(victim(), 0)
    return page | {"log": log.id, "head": _head(log.id, head_of(victim(), 4))}


def _checkpoints(book: Book) -> None:
    registry = perpetrator(8).given
    leaves = merkle._LEAVES
    small, large = merkle._root(leaves[:6]), merkle._root(leaves)
    path = merkle._proof(6, leaves)
    good: dict[str, Any] = {"registry": registry, "seen": [INC, 6, small], "note": note(13, large), "path": path}
    book.add("checkpoint_grown", "The tree has grown.", op="take_checkpoint", given=good, out=[INC, 13, large])
    same = good | {"note": note(6, small), "path": []}
    book.add("checkpoint_same", "The tree is the one that was seen.", op="take_checkpoint", given=same, out=[INC, 6, small])
    first = good | {"seen": None, "path": []}
    book.add("checkpoint_first", "The first checkpoint that a device sees.", op="take_checkpoint", given=first, out=[INC, 13, large])
    empty = good | {"seen": [INC, 0, merkle._root([])], "path": []}
    book.add("checkpoint_from_empty", "Every tree contains the empty one.", op="take_checkpoint", given=empty, out=[INC, 13, large])

    def refuse(name: str, why: str, code: str, **over: Any) -> None:
        book.refuse(f"checkpoint_{name}", why, code, op="take_checkpoint", given=good | over)

    refuse("shrunk", "The tree has shrunk.", "contradiction", seen=[INC, 13, large], note=note(6, small), path=path)
    refuse("other_root", "Another tree of the size that was seen.", "contradiction", note=note(6, large), path=[])
    refuse("no_proof", "A grown tree without a proof.", "contradiction", path=[])
    refuse("bad_proof", "A proof from another tree.", "contradiction", path=merkle._proof(5, leaves))
    refuse("other_side", "The other side's checkpoint.", "malformed", note=note(13, large, origin=_origin("victim", INC), key="checkpoint/victim"))
    refuse("other_incarnation", "A checkpoint of another incarnation.", "malformed", note=note(13, large, origin=_origin("perpetrator", OTHER_INC)))
    refuse("by_receipt_key", "A checkpoint signed by the receipt key.", "malformed", note=note(13, large, key="receipt/perpetrator"))
    refuse("broken", "No checkpoint.", "malformed", note="nothing")


def _origin(side: str, incarnation: bytes) -> str:
    return f"fieldkeep/v1/{ids.show(SVC)}/{side}/{ids.show(incarnation)}"


def books() -> list[Book]:
    """One file: `sync`."""
    book = Book("exchange", "sync", "What a device takes from a response, and what it catches.", "9.3")
    for seq, (data, _) in enumerate(perpetrator(9).pairs(), 1):
        book.share(f"registry/{seq}", data)
        book.share(f"registry/{seq} unpacked", cbor.decode(data))
    for size in (9, 8, 7, 5):
        book.share(f"registry of {size}", perpetrator(size).given)
    for seq, (data, _) in enumerate(_file().pairs(), 1):
        book.share(f"file/{seq}", data)
        book.share(f"file/{seq} unpacked", cbor.decode(data))
    _pages(book)
    _refused_pages(book)
    _registry_pages(book)
    _checkpoints(book)
    return [book]
