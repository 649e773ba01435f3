"""Vectors of letters: parcels that open or do not (docs/spec.md §15.3, §15.4)."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared_schema import cbor, ids
from sync import keys
from sync.signing import SigningKey
from tests.vectors.generate.kept import Kept
from tests.vectors.generate.parcel_chains import CHAINS, M2, V3, V4, V5, sender
from tests.vectors.generate.parcel_world import DESK, LIAISON, OTHER_DESK, SIDE_OF, WEEK, address, receipt_key, secret, signed, weekly
from tests.vectors.generate.world import A1, C1, F1, N1, OTHER_SVC, PINNED, SVC, T0, V1, V2, Device, fill, signer
from tests.vectors.notation import Book

_OTHER: Final = {"perpetrator": "victim", "victim": "perpetrator"}
_KIND_OF: Final[dict[bytes, str]] = {DESK: "intake", OTHER_DESK: "intake", LIAISON: "liaison"}
_CASE: Final = ids.show(address(LIAISON))
_ROOM: Final = 16_384


@dataclass(frozen=True)
class Draft:
    """A parcel before it is sealed: what its letter says, and whatever else of it may be odd."""

    sender: Device = C1
    to: bytes = DESK
    kind: str = "notice"
    body: dict[str, Any] = field(default_factory=lambda: {"case": _CASE, "notice": "contact_made"})
    letter: dict[str, Any] = field(default_factory=dict)  # of its payload, other values
    kid: bytes | None = None
    sign_key: SigningKey | None = None
    svc: bytes = SVC
    chain: tuple[bytes, ...] | None = None
    root: bytes | None = None
    outer: bytes | None = None  # the address that the parcel names
    epoch: int = 1
    week: int = WEEK  # in whose key it is sealed
    second: Any = None  # as the contents have it

    @property
    def side(self) -> str:
        """The sender's."""
        return _OTHER[SIDE_OF[self.to]]

    @property
    def id(self) -> bytes:
        """Of the letter."""
        return fill(f"parcel/letter/{self.sender.name}/{self.kind}", 16)

    @property
    def named(self) -> bytes:
        """The root that the parcel names."""
        return self.root or CHAINS[self.side].root

    @property
    def address(self) -> bytes:
        """The address that the parcel names."""
        return self.outer or address(self.to)

    @property
    def info(self) -> bytes:
        """HPKE info, by the book."""
        about = self.address + WEEK.to_bytes(4, "big") + self.id + self.named
        return b"fieldkeep/v1/parcel\0" + SVC + self.side.encode() + b"\0" + about

    @property
    def contents(self) -> dict[str, Any]:
        """What is sealed."""
        payload = {"from": self.side, "to": address(self.to), "id": self.id, "kind": self.kind, "at": T0 - 60_000, "body": self.body}
        letter = signed("letter", payload | self.letter, self.kid or self.sender.id, self.sign_key or self.sender.key, self.svc)
        chain = CHAINS[self.side].of(self.sender) if self.chain is None else self.chain
        return {"v": 1, "letter": letter, "chain": list(chain), "second": self.second}


def padded(plain: bytes, size: int = _ROOM) -> bytes:
    """The plaintext of an HPKE message, in a size that the caller knows to be right or wrong."""
    whole = len(plain).to_bytes(4, "big") + plain
    assert len(whole) <= size, len(whole)
    return whole.ljust(size, b"\0")


class _Post:
    """Seals drafts, keeps what was sealed before, and makes the cases of `open_parcel`."""

    def __init__(self, book: Book) -> None:
        self.book, self.kept = book, Kept(book, apart=True)

    def parcel(self, name: str, draft: Draft, plain: bytes | None = None) -> dict[str, Any]:
        """The parcel of a draft; `plain` in the place of its padded contents."""
        whole = padded(cbor.encode(draft.contents)) if plain is None else plain
        public = weekly(draft.to, draft.week, draft.epoch).public
        sealed = self.kept.sealed(name, [ids.sha256(public), draft.info, ids.sha256(whole)], lambda: keys.seal(public, draft.info, whole))
        return {"address": draft.address, "week": WEEK, "id": draft.id, "fixed": False, "root": draft.named, "sealed": sealed}

    def given(self, draft: Draft, parcel: dict[str, Any], **over: Any) -> dict[str, Any]:
        """What a reader has: the file, its secrets, the parcel, and a pass for exactly that parcel."""
        usual = {
            "svc": SVC, "side": SIDE_OF[draft.to], "log": draft.to, "file": _KIND_OF[draft.to], "secrets": [[1, secret(draft.to)]], "pinned": PINNED,
            "parcel": parcel, "pass": passed(parcel, draft.side),
        }  # fmt: skip
        return usual | over

    def opens(self, name: str, why: str, draft: Draft, parcel: dict[str, Any], **over: Any) -> None:
        """A golden case."""
        letter = {"kind": draft.kind, "at": T0 - 60_000, "body": draft.body}
        out = {"letter": letter, "sender": sender(CHAINS[draft.side].certificate(draft.sender), draft.sender), "passed_ms": T0 + 5}
        self.book.add(f"open_{name}", why, op="open_parcel", given=self.given(draft, parcel, **over), out=out)

    def refuse(self, name: str, why: str, draft: Draft, parcel: dict[str, Any], code: str = "malformed", **over: Any) -> None:
        """A must-refuse case."""
        self.book.refuse(f"open_{name}", why, code, op="open_parcel", given=self.given(draft, parcel, **over))


def passed(
    parcel: dict[str, Any], side: str, *, typ: str = "pass", kid: bytes | None = None, key: SigningKey | None = None, svc: bytes = SVC, **over: Any
) -> bytes:
    """The pass of a side's server for a parcel, with anything in it replaced."""
    payload = {"address": parcel["address"], "week": parcel["week"], "id": parcel["id"], "hash": ids.sha256(parcel["sealed"]), "ms": T0 + 5}
    right = receipt_key(side)
    return signed(typ, payload | over, kid or ids.server_key_id(right.public), key or right, svc)


_FREE: Final = {
    "word": "instruction", "free_text": "Ring Ruth before you go.", "from": "2025-10-13", "until": "2025-10-26", "ring_first": "coordinator",
}  # fmt: skip
_DAY: Final = 86_400_000


def _act(draft: Draft, **over: Any) -> bytes:
    """What an approval of a letter names, by the book."""
    act = {"kind": "letter", "to": address(draft.to), "id": draft.id, "letter": draft.kind, "body": draft.body} | over
    return ids.sha256(b"fieldkeep/v1/act\0" + cbor.encode(act))


def _approved(draft: Draft, by: Device = V2, *, key: SigningKey | None = None, svc: bytes = SVC, **over: Any) -> bytes:
    """Somebody's approval of a draft."""
    usual = {"side": draft.side, "log": address(draft.to), "kind": "letter", "act": _act(draft), "until": T0 + 7 * _DAY}
    return signed("approval", usual | over, by.id, key or by.key, svc)


def _free(**over: Any) -> Draft:
    """An instruction in somebody's own words, by v1, a link worker; v2, a coordinator, has approved it."""
    draft = replace(Draft(V1, LIAISON, "instruction", _FREE), **over)
    return draft if "second" in over else replace(draft, second=[_approved(draft), [CHAINS["victim"].of(V2)[-1]]])


def _two_people(post: _Post) -> None:
    """Letters that take two people."""
    good = _free()
    sealed = post.parcel("free_text", good)
    letter = {"kind": good.kind, "at": T0 - 60_000, "body": good.body}
    v1, v2 = (sender(CHAINS["victim"].certificate(device), device) for device in (V1, V2))
    out = {"letter": letter, "sender": v1, "passed_ms": T0 + 5, "second": v2}
    why = "An instruction in somebody's own words: a link worker sends what a coordinator approved."
    post.book.add("open_free_text", why, op="open_parcel", given=post.given(good, sealed), out=out)
    back = _free(sender=V2, second=None)
    back = replace(back, second=[_approved(back, V1), [CHAINS["victim"].of(V1)[-1]]])
    why = "A coordinator sends what a link worker approved."
    given = post.given(back, post.parcel("free_text_back", back))
    post.book.add("open_free_text_back", why, op="open_parcel", given=given, out=out | {"sender": v2, "second": v1})

    own = _free(second=None)
    v1_last, v2_last = (CHAINS["victim"].of(device)[-1] for device in (V1, V2))
    closed = {name: value for name, value in _FREE.items() if name != "free_text"} | {"say": ["no_home_visits"]}
    alone = replace(own, body=closed)
    chain = CHAINS["victim"].of
    for name, code, why, second in (
        ("alone", "not-approved", "Nobody has approved it.", None),
        ("same_device", "malformed", "Approved by the device that sends it.", [_approved(own, V1), [v1_last]]),
        ("other_words", "not-approved", "Approved were other words.", [_approved(own, act=_act(own, body=_FREE | {"free_text": "Go at once."})), [v2_last]]),
        ("other_letter", "not-approved", "Approved was a letter with another id.", [_approved(own, act=_act(own, id=bytes(16))), [v2_last]]),
        ("other_address", "not-approved", "The approval is for another address.", [_approved(own, log=address(OTHER_DESK)), [v2_last]]),
        ("other_kind", "not-approved", "The approval is of another kind of act.", [_approved(own, kind="erase"), [v2_last]]),
        ("ended", "not-approved", "The approval ended before the letter was taken.", [_approved(own, until=T0 + 4), [v2_last]]),
        ("too_long", "not-approved", "For longer than an approval may be.", [_approved(own, until=T0 + 6 + 14 * _DAY), [v2_last]]),
        ("other_service", "not-approved", "The approval is of another service.", [_approved(own, svc=OTHER_SVC), [v2_last]]),
        ("same_person", "not-approved", "Approved by another device of the person who sends it.", [_approved(own, V3), [chain(V3)[-1]]]),
        ("role", "not-approved", "Approved by a fund holder, who sends no instructions.", [_approved(own, V4), [chain(V4)[-1]]]),
        ("no_lead", "not-approved", "By two link workers: one of the two is a coordinator.", [_approved(own, V5), [chain(V5)[-1]]]),
        ("forged", "malformed", "The approval is by another key, under the coordinator's id.", [_approved(own, key=V1.key), [v2_last]]),
        ("chain_of_other", "malformed", "The second chain certifies the sender again, and not whoever approved.", [_approved(own), [v1_last]]),
        ("chain_whole", "malformed", "The second chain begins again with the root.", [_approved(own), list(chain(V2))]),
        ("chain_empty", "malformed", "Nothing certifies whoever approved.", [_approved(own), []]),
    ):  # fmt: skip
        draft = replace(own, second=second)
        post.refuse(f"free_text_{name}", why, draft, post.parcel(f"free_text_{name}", draft), code)
    draft = replace(alone, second=[_approved(alone), [v2_last]])
    post.refuse("closed_list_by_two", "What one person sends has a second one's approval.", draft, post.parcel("closed_list_by_two", draft))


def _golden(post: _Post) -> None:
    notice = Draft()
    sealed = post.parcel("notice", notice)
    post.opens("notice", "From a coordinator to the victim side's desk.", notice, sealed)
    secrets = [[2, secret(DESK, 2)], [1, secret(DESK)]]
    post.opens("older_epoch", "Sealed before the desk's keys were changed: the newest epoch is tried first.", notice, sealed, secrets=secrets)
    post.opens("fixed", "Marked as one that cannot be sealed again: that is for the sender's server to judge.", notice, sealed | {"fixed": True})
    instruction = Draft(V1, LIAISON, "instruction", {"word": "instruction", "say": ["no_home_visits"], "from": "2025-10-13", "until": "2025-10-26"})
    post.opens("instruction", "From a link worker to the liaison file of a case.", instruction, post.parcel("instruction", instruction))
    alert = Draft(F1, DESK, "urgent_alert", {"what": "weapon", "at_risk": ["partner"], "words": "He has said so twice."})
    post.opens("alert", "From a fund holder: urgent alerts may come from any role with content.", alert, post.parcel("alert", alert))
    part = Draft(V2, OTHER_DESK, "referral", {"referral_source": "matac", "names": "Jack", "victim_details_held": "yes"})
    post.opens("referral", "The other side's part of a referral, to its desk.", part, post.parcel("referral", part))
    back = Draft(V1, OTHER_DESK, "urgent_alert", {"what": "worker_in_danger", "words": "w" * 8_000})
    spare = _ROOM - 4 - len(cbor.encode(back.contents))
    back = replace(back, body=back.body | {"words": "w" * (8_000 + spare)})
    assert len(padded(cbor.encode(back.contents))) == len(cbor.encode(back.contents)) + 4
    post.opens("full", "From the victim side, as long as a letter may be: no byte of padding.", back, post.parcel("full", back))
    long = Draft(N1, DESK, "referral_intake", {"words": "w" * 11_000})
    plain = cbor.encode(long.contents)
    assert _ROOM < len(plain) + 4 <= 19_456
    post.opens(
        "long", "Longer than 16,384 bytes: from the perpetrator side padded by PADMÉ.", long, post.parcel("long", long, padded(plain, _padme(plain)))
    )
    late = Draft(M2)
    post.opens("two_invitations", "The sender was invited by somebody who was invited: four entries certify him.", late, post.parcel("late", late))


def _padme(plain: bytes) -> int:
    """PADMÉ, from its definition: for sizes of 2^14 to 2^15 the size rounded up to a multiple of 2^(14-4)."""
    return -(-(len(plain) + 4) // 1024) * 1024


def _wrapping(post: _Post) -> None:
    """What is wrong outside the letter: keys, the parcel's own fields, padding, the pass."""
    notice = Draft()
    good = post.parcel("notice", notice)
    sealed: bytes = good["sealed"]
    readers: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("other_secret", "The reader's file has another secret.", {"secrets": [[1, secret(DESK, 2)]]}),
        ("other_epoch", "The same secret, as that of another epoch.", {"secrets": [[2, secret(DESK)]]}),
        ("other_log", "Read as if it had come to another file.", {"log": fill("parcel/no such log", 16)}),
        ("other_authority", "The reader has pinned another authority.", {"pinned": ids.fingerprint(signer("stranger").public)}),
        ("pass_none", "No pass.", {"pass": b""}),
        ("pass_letter", "An object of another type that says the same.", {"pass": passed(good, "perpetrator", typ="letter")}),
    )
    for name, why, over in readers:
        post.refuse(name, why, notice, good, **over)
    parcels: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("address_changed", "The parcel names another address.", {"address": address(LIAISON)}),
        ("week_changed", "The parcel names another week.", {"week": WEEK - 1}),
        ("id_changed", "The parcel names another id.", {"id": fill("parcel/other id", 16)}),
        ("root_changed", "The parcel names another root.", {"root": CHAINS["victim"].root}),
        ("tag_changed", "One bit of the tag was changed.", {"sealed": sealed[:-1] + bytes((sealed[-1] ^ 1,))}),
        ("encapsulation_alone", "Nothing after the encapsulation.", {"sealed": sealed[:1120]}),
        ("encapsulation_cut", "A byte of the encapsulation is missing.", {"sealed": sealed[:1119]}),
        ("empty", "No bytes.", {"sealed": b""}),
    )
    for name, why, over in parcels:
        post.refuse(name, why, notice, good | over)
    stranger = signer("stranger")
    passes: tuple[tuple[str, str, bytes], ...] = (
        ("other_address", "The pass is for another address.", passed(good, "perpetrator", address=address(LIAISON))),
        ("other_week", "The pass is for another week.", passed(good, "perpetrator", week=WEEK - 1)),
        ("other_id", "The pass is for another id.", passed(good, "perpetrator", id=fill("parcel/other id", 16))),
        ("other_hash", "The pass is for other sealed bytes.", passed(good, "perpetrator", hash=ids.sha256(sealed[:-1]))),
        ("other_service", "The pass was signed for another service.", passed(good, "perpetrator", svc=OTHER_SVC)),
        ("other_kid", "The pass is by the right key, under another id.", passed(good, "perpetrator", kid=C1.id)),
        (
            "by_readers_side",
            "The pass is by the receipt key of the reader's side, under the id of the sender's.",
            passed(good, "perpetrator", key=receipt_key("victim")),
        ),
        ("by_stranger", "The pass is by another key, under the receipt key's id.", passed(good, "perpetrator", key=stranger)),
        ("by_sender", "The pass is by the sender's device, under the receipt key's id.", passed(good, "perpetrator", key=C1.key)),
        ("by_checkpoint_key", "The pass is by the side's checkpoint key.", passed(good, "perpetrator", key=signer("checkpoint/perpetrator"))),
    )
    for name, why, data in passes:
        odd: dict[str, Any] = {"pass": data}
        post.refuse(f"pass_{name}", why, notice, good, **odd)
    plain = cbor.encode(notice.contents)
    right = padded(plain)
    for name, why, whole in (
        ("padding_not_zero", "The last byte of the padding is not zero.", right[:-1] + b"\1"),
        ("padding_17408", "Padded to a size that a longer letter would have.", padded(plain, 17_408)),
        ("padding_short", "A byte of padding is missing.", right[:-1]),
        ("length_beyond_end", "The length goes beyond the end.", (_ROOM - 3).to_bytes(4, "big") + right[4:]),
        ("length_cut", "No length.", b"\0\0\0"),
        ("length_0", "A length of 0: nothing is there.", bytes(_ROOM)),
        ("plain_longer", "A byte after the contents.", padded(plain + b"\0")),
        ("plain_v_2", "Contents of another version.", padded(cbor.encode(notice.contents | {"v": 2}))),
    ):
        post.refuse(name, why, notice, post.parcel(name, notice, whole))


def _saying(post: _Post) -> None:
    """What is wrong with the letter, with who certifies its sender, or with what the sender may send."""
    notice = Draft()
    good = post.parcel("notice", notice)
    post.refuse("to_liaison_file", "A notice is for a desk.", notice, good, "not-permitted", file="liaison")
    post.refuse("to_case_file", "No letter is for a case file.", notice, good, "not-permitted", file="case")
    chains = CHAINS["perpetrator"]
    odd: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("week_of_key", "malformed", "Sealed to the key of another week than the parcel names.", {"week": WEEK - 1}),
        ("from_readers_side", "malformed", "The letter says that it is from the reader's side.", {"letter": {"from": "victim"}}),
        ("letter_to_other", "malformed", "The letter is for another address than the parcel.", {"letter": {"to": address(OTHER_DESK)}}),
        ("letter_id", "malformed", "The letter has another id than the parcel.", {"letter": {"id": fill("parcel/other id", 16)}}),
        ("letter_service", "malformed", "The letter was signed for another service.", {"svc": OTHER_SVC}),
        ("letter_kid", "malformed", "The letter is by the sender's key, under another device's id.", {"kid": N1.id}),
        ("letter_by_other", "malformed", "The letter is by another device's key, under the sender's id.", {"sign_key": N1.key}),
        ("chain_of_other", "malformed", "The chain certifies another device.", {"chain": chains.of(N1)}),
        ("chain_without_root", "malformed", "The chain has no root.", {"chain": chains.of(C1)[1:]}),
        ("root_of_other", "malformed", "The parcel names another root than the chain has, inside and outside.", {"root": CHAINS["victim"].root}),
        ("address_of_other", "malformed", "The parcel names another address than the letter, inside and outside.", {"outer": address(OTHER_DESK)}),
        ("kind_unknown", "not-permitted", "Nobody sends such a letter.", {"kind": "plan"}),
        ("kind_of_other_side", "not-permitted", "Only the victim side sends instructions.", {"kind": "instruction"}),
        ("role", "not-permitted", "A fund holder sends no notices.", {"sender": F1}),
    )
    for name, code, why, over in odd:
        draft = replace(notice, **over)
        post.refuse(name, why, draft, post.parcel(name, draft), code)
    part = Draft(V1, OTHER_DESK, "referral", {"referral_source": "matac"})
    post.refuse("referral_role", "A link worker gives no referrals.", part, post.parcel("referral_role", part), "not-permitted")
    administrator = replace(notice, sender=A1, kind="urgent_alert", body={"what": "weapon"})
    why = "An administrator, who has no content, sends nothing."
    post.refuse("role_without_content", why, administrator, post.parcel("administrator", administrator), "not-permitted")


def _sizes_and_info(book: Book) -> None:
    for side, size, room in (
        ("victim", 4, _ROOM), ("victim", _ROOM, _ROOM), ("perpetrator", 4, _ROOM), ("perpetrator", _ROOM, _ROOM), ("perpetrator", _ROOM + 1, 17_408),
        ("perpetrator", 17_408, 17_408), ("perpetrator", 17_409, 18_432), ("perpetrator", 32_769, 34_816), ("perpetrator", 507_905, 516_096),
        ("perpetrator", 516_096, 516_096),
    ):  # fmt: skip
        why = "The length's four bytes are counted."
        book.add(f"room_{side}_{size}", why, op="room", given={"side": side, "size": size}, out=room)
    for side, size in (("victim", _ROOM + 1), ("victim", 20_000), ("perpetrator", 516_097), ("perpetrator", 1 << 20)):
        book.refuse(f"room_{side}_{size}", "It does not go in.", "bad-value", op="room", given={"side": side, "size": size})
    root = CHAINS["perpetrator"].root
    for week in (0, WEEK, 2**32 - 1):
        about = {"address": address(DESK), "week": week, "id": fill("parcel/id", 16), "root": root}
        out = b"fieldkeep/v1/parcel\0" + SVC + b"perpetrator\0" + address(DESK) + week.to_bytes(4, "big") + fill("parcel/id", 16) + root
        book.add(f"info_{week}", "What a parcel is bound to.", op="parcel_info", given={"svc": SVC, "from": "perpetrator", **about}, out=out)
    out = b"fieldkeep/v1/parcel\0" + SVC + b"victim\0" + address(LIAISON) + WEEK.to_bytes(4, "big") + fill("parcel/id", 16) + CHAINS["victim"].root
    about = {"address": address(LIAISON), "week": WEEK, "id": fill("parcel/id", 16), "root": CHAINS["victim"].root}
    book.add("info_from_victim", "From the victim side.", op="parcel_info", given={"svc": SVC, "from": "victim", **about}, out=out)


def books() -> list[Book]:
    """What is sealed, by whom, and what a reader takes of it."""
    letters = _begun("letters", "Parcels that open, and what is wrong outside a letter.", "15.3, 15.4")
    _sizes_and_info(letters.book)
    _golden(letters)
    _wrapping(letters)
    saying = _begun("saying", "What is wrong with a letter, with who certifies its sender, or with what the sender may send.", "15.4")
    _saying(saying)
    second = _begun("second", "Letters that take two people.", "15.4, 15.6")
    _two_people(second)
    return [letters.book, saying.book, second.book]


def _begun(name: str, about: str, spec: str) -> _Post:
    made = Book("parcel", name, f"{about} Their bytes were drawn once and are kept.", spec)
    for side, chains in CHAINS.items():
        for entry, data in chains.entries.items():
            made.share(f"{side}/{entry}", data)
    return _Post(made)
