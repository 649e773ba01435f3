"""Vectors of help with a forgotten passphrase (docs/spec.md §13): boxes, requests, answers, and the word of who helped."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from shared_schema import cbor, cose, ids, unlock
from sync import keys
from sync.registry import Registry
from sync.signing import SigningKey, sign_object
from tests.vectors.codecs import CODECS
from tests.vectors.generate.kept import Kept
from tests.vectors.generate.world import (
    A1,
    C1,
    F1,
    FAR,
    M1,
    N1,
    N2,
    OTHER_SVC,
    SVC,
    T0,
    V1,
    V2,
    W1,
    Device,
    RegistryLog,
    fill,
    perpetrator,
    receiver,
    recoverer,
    seed,
    victim,
)
from tests.vectors.notation import Book

SIDE: Final = "perpetrator"
ONE: Final = fill("store key/1", 32)
TWO: Final = fill("store key/2", 32)
EPHEMERAL: Final = receiver("locked phone")
LEAD: Final = Device("l1", "Lea", ("therapy_lead",))
THERAPIST: Final = Device("t1", "Tess", ("therapist",))
BOTH: Final = Device("b1", "Bea", ("coordinator", "therapy_lead"))
DESK: Final = Device("d1", "Dot", ("records_officer",))
C2: Final = Device("c2", "Cleo", ("coordinator",))
ADMIN: Final = Device("a3", "Cleo", ("administrator",))
NO: Final = "not-permitted"
RECOVERY: Final = recoverer(SIDE)
_AT: Final = T0 + 90_000


@cache
def _side() -> RegistryLog:
    """Root, a1, c1, n1, n2, m1, f1, a2; then c2, a second device of c1's person, the leads and therapists, an officer, an administrator's own."""
    log = perpetrator(8)
    for device in (C2, LEAD, THERAPIST, BOTH, DESK, ADMIN):
        log.append(log.enrol(device, A1))
    return log


def side(*more: Callable[[RegistryLog], Any]) -> RegistryLog:
    """The side, with more that happened."""
    log = _side().copy()
    for one in more:
        log.append(one(log))
    return log


def cert(device: Device, log: RegistryLog | None = None) -> bytes:
    """The entry id of a device's certificate."""
    known: Registry = (log or side()).known
    return known.devices[device.id].id


def info(device: bytes = N1.id, to: bytes = C1.id, **over: Any) -> bytes:
    """HPKE info of a box, by the book."""
    svc: bytes = over.get("svc", SVC)
    named: bytes = over.get("cert", cert(N1))
    return b"fieldkeep/v1/box\0" + svc + str(over.get("side", SIDE)).encode() + b"\0" + device + named + to


class _Maker:
    """Seals, and keeps what was sealed before."""

    def __init__(self, book: Book) -> None:
        self.book, self.kept = book, Kept(book, apart=True)

    def seal(self, name: str, plain: bytes, bound: bytes, public: bytes) -> bytes:
        return self.kept.sealed(name, [ids.sha256(public), bound, plain], lambda: keys.seal(public, bound, plain))

    def box(self, name: str, plain: bytes = ONE, public: bytes = C1.receive.public, **over: Any) -> bytes:
        return self.seal(name, plain, info(**over), public)

    @property
    def boxes(self) -> list[list[bytes]]:
        """Of n1: for the coordinator and the recovery key."""
        shares = self.box("recovery", ONE, RECOVERY.receive_key.public, to=RECOVERY.id)
        return sorted(([C1.id, self.box("coordinator")], [RECOVERY.id, shares]))

    def request(self, **over: Any) -> bytes:
        """A request of n1."""
        map_ = {"v": 1, "device": N1.id, "key": EPHEMERAL.public, "made": T0, "boxes": self.boxes}
        return cbor.encode(map_ | over)


def word(
    request: bytes,
    helper: Device = C1,
    *,
    to: bytes | None = None,
    by: bytes | None = None,
    key: SigningKey | None = None,
    kid: bytes | None = None,
    svc: bytes = SVC,
    **over: Any,
) -> bytes:
    """What a helper signs; `request` is the request's bytes."""
    payload = {"request": unlock.request_id(request), "device": N1.id, "to": to or helper.id, "at": _AT, "by": by} | over
    return sign_object(key or helper.key, cose.protected_header("fieldkeep-help", kid or helper.id, svc), cbor.encode(payload))


def bound(request: bytes, svc: bytes = SVC, device: bytes = N1.id) -> bytes:
    """What the recovery key signs, by the book."""
    return b"fieldkeep/v1/unlock\0" + svc + device + unlock.request_id(request)


def _boxes(book: Book, make: _Maker) -> None:
    given = {"svc": SVC, "side": SIDE, "device": N1.id, "cert": cert(N1), "to": C1.id}
    book.add("box_info", "What a box is bound to: service, side, device, its certificate, recipient.", op="box_info", given=given, out=info())
    base = given | {"seed": seed("receive/device/c1"), "sealed": make.box("coordinator")}
    book.add("box", "A coordinator's box of a navigator's device.", op="open_box", given=base, out=[ONE])
    two = make.box("two keys", ONE + TWO)
    book.add("box_two_keys", "While a store key is being changed a box holds both.", op="open_box", given=base | {"sealed": two}, out=[ONE, TWO])
    shares = base | {
        "seed": seed("receive/recovery/perpetrator"),
        "to": RECOVERY.id,
        "sealed": make.box("recovery", ONE, RECOVERY.receive_key.public, to=RECOVERY.id),
    }
    book.add("box_recovery", "The box of the side's recovery key.", op="open_box", given=shares, out=[ONE])

    def refuse(name: str, why: str, **over: Any) -> None:
        book.refuse(f"box_{name}", why, "malformed", op="open_box", given=base | over)

    refuse("other_key", "Another receiving key.", seed=seed("receive/device/n2"))
    refuse("other_recipient", "Another recipient's id.", to=N2.id)
    refuse("other_device", "The box is of another device's store.", device=M1.id)
    refuse("other_certificate", "The device has another certificate than it had for whoever made the box.", cert=cert(M1))
    refuse("other_side", "The box was made on another side.", side="victim")
    refuse("other_service", "The box was made in another service.", svc=OTHER_SVC)
    sealed = make.box("coordinator")
    for name, why, at in (
        ("encapsulation_changed", "One bit of the encapsulation was changed.", 0),
        ("key_changed", "One bit of the ciphertext was changed.", 1120),
        ("tag_changed", "One bit of the tag was changed.", 1167),
    ):
        refuse(name, why, sealed=sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :])
    refuse("empty", "No bytes.", sealed=b"")
    refuse("no_key", "A box with nothing in it.", sealed=make.box("no key", b""))
    refuse("key_31", "A key of 31 bytes.", sealed=make.box("31 bytes", ONE[:31]))
    refuse("three_keys", "Three keys.", sealed=make.box("three keys", ONE + TWO + ONE))
    refuse(
        "grant",
        "A grant's info in the place of a box's.",
        sealed=make.seal("as a grant", ONE, b"fieldkeep/v1/grant\0" + info()[17:], C1.receive.public),
    )


def _recipients(book: Book) -> None:
    def tells(name: str, why: str, device: Device, *who: Device, log: RegistryLog | None = None, now: int = T0, recovery: str = SIDE) -> None:
        found = sorted([[one.id, one.receive.public] for one in who] + [[recoverer(recovery).id, recoverer(recovery).receive_key.public]])
        given = {"registry": (log or side()).given, "device": device.id, "now": now}
        book.add(f"recipients_{name}", why, op="box_recipients", given=given, out=found)

    def nobody(name: str, why: str, device: bytes, log: RegistryLog | None = None) -> None:
        given = {"registry": (log or side()).given, "device": device, "now": T0}
        book.add(f"recipients_{name}", why, op="box_recipients", given=given, out=[])

    tells("navigator", "Of a navigator: the coordinators, their other device, and the recovery key.", N1, C1, C2, BOTH, N2)
    tells("coordinator", "Of a coordinator: their own other device, the other coordinators; not their administrator's device.", C1, C2, BOTH)
    tells("fund_holder", "Of a fund holder: the coordinators.", F1, C1, C2, BOTH)
    tells("records_officer", "Of a records officer: the coordinators.", DESK, C1, C2, BOTH)
    tells("therapist", "Of a therapist: the leads; a coordinator may be in no therapy file.", THERAPIST, LEAD, BOTH)
    tells("therapy_lead", "Of a lead: another lead.", LEAD, BOTH)
    tells("two_roles", "Of somebody with two roles: who may help for both, and that is nobody.", BOTH)
    tells("revoked", "A helper who is revoked has no box.", N1, C1, BOTH, N2, log=side(lambda log: log.revoke(A1, C2)))
    tells("suspended", "Nor one who is suspended.", N1, C2, BOTH, N2, log=side(lambda log: log.suspend(N2, C1)))
    back = side(lambda log: log.suspend(N2, C1), lambda log: log.reinstate(C2, C1))
    tells("reinstated", "Who was reinstated has one again.", N1, C1, C2, BOTH, N2, log=back)
    tells("ended", "Whose certificate has ended has none.", N1, now=FAR)
    tells("before_the_end", "In its last moment a certificate counts.", N1, C1, C2, BOTH, N2, now=FAR - 1)
    renewed = side(lambda log: log.renew(A1, "perpetrator/2"))
    tells("renewed", "The recovery key in force, and no earlier one.", N1, C1, C2, BOTH, N2, log=renewed, recovery="perpetrator/2")
    tells("victim", "On the victim side a link worker's coordinator.", V1, V2, log=victim(), recovery="victim")
    nobody("administrator", "Nobody opens an administrator's device: who could would invite in their name.", A1.id)
    nobody("stranger", "A device that this side does not certify.", V1.id)
    nobody("victim_administrator", "Nor that of the other side's administrator.", W1.id, victim())
    crowd = perpetrator(8)
    many = [Device(f"crowd/{n}", f"Coordinator {n}", ("coordinator",)) for n in range(17)]
    for one in many:
        crowd.append(crowd.enrol(one, A1))
    tells("most", "At most fifteen devices: their own other one, and of the coordinators those certified last.", N1, N2, *many[3:], log=crowd)


def _requests(book: Book, make: _Maker) -> None:
    request = make.request()
    for name, challenge in (("digits", "482913"), ("digits_zero", "000000"), ("digits_nine", "999999")):
        number = int.from_bytes(ids.sha256(b"fieldkeep/v1/help-check\0" + unlock.request_id(request) + challenge.encode())[:8], "big")
        out = {"id": ids.sha256(b"fieldkeep/v1/help-request\0" + request), "digits": f"{number % 1_000_000:06}"}
        book.add(
            name,
            "What is read back for the digits that were read out.",
            op="help_digits",
            given={"request": request, "challenge": challenge},
            out=out,
        )
    for name, why, challenge in (
        ("digits_5", "Five digits.", "48291"),
        ("digits_7", "Seven digits.", "4829130"),
        ("digits_letter", "A letter among them.", "48291a"),
        ("digits_sign", "A sign among them.", "+48291"),
        ("digits_other_script", "Digits of another script.", "٤٨٢٩١٣"),
        ("digits_blank", "A blank among them: it is left out before.", "482 13"),
    ):
        book.refuse(name, why, "malformed", op="help_digits", given={"request": request, "challenge": challenge})
    id_ = unlock.request_id(request)
    given = {"svc": SVC, "device": N1.id, "request": id_}
    book.add("unlock_bound", "What a recovery key signs when its shares open a device.", op="unlock_bound", given=given, out=bound(request))


def _answers(book: Book, make: _Maker) -> None:
    request = make.request()
    id_ = unlock.request_id(request)
    signed = word(request)
    bound_to = b"fieldkeep/v1/help-answer\0" + id_
    public, plain = EPHEMERAL.public, cbor.encode({"v": 1, "keys": [ONE], "help": signed})

    def answer(name: str, what: bytes = plain, about: bytes = bound_to, key: bytes = public, **over: Any) -> bytes:
        return cbor.encode({"v": 1, "request": id_, "sealed": make.seal(f"answer {name}", what, about, key)} | over)

    base = {"seed": seed("receive/locked phone"), "request": request, "answer": answer("good")}
    out = {"keys": [ONE], "by": C1.id, "to": C1.id, "at": _AT}
    book.add("answer", "A coordinator's answer.", op="open_answer", given=base, out=out)
    both = cbor.encode({"v": 1, "keys": [ONE, TWO], "help": signed})
    book.add(
        "answer_two_keys",
        "With both keys of a change under way.",
        op="open_answer",
        given=base | {"answer": answer("two", both)},
        out=out | {"keys": [ONE, TWO]},
    )
    other = make.request(made=T0 + 1)

    def refuse(name: str, why: str, code: str = "malformed", **over: Any) -> None:
        book.refuse(f"answer_{name}", why, code, op="open_answer", given=base | over)

    refuse("other_request", "An answer to an earlier request.", "request-ended", request=other)
    renamed = cbor.encode(cbor.decode(base["answer"]) | {"request": unlock.request_id(other)})
    refuse("renamed", "An answer to an earlier request that says it is to this one.", request=other, answer=renamed)
    refuse("other_key", "Sealed to another phone's key.", seed=seed("receive/device/n1"))
    sealed: bytes = cbor.decode(base["answer"])["sealed"]
    changed = cbor.encode({"v": 1, "request": id_, "sealed": sealed[:-1] + bytes((sealed[-1] ^ 1,))})
    refuse("changed", "One bit of the tag was changed.", answer=changed)
    refuse("box_info", "A box's info in the place of an answer's.", answer=answer("as a box", about=info()))
    refuse("no_keys", "No store key.", answer=answer("none", cbor.encode({"v": 1, "keys": [], "help": signed})))
    refuse("three_keys", "Three store keys.", answer=answer("three", cbor.encode({"v": 1, "keys": [ONE, TWO, ONE], "help": signed})))
    refuse("key_31", "A store key of 31 bytes.", answer=answer("short key", cbor.encode({"v": 1, "keys": [ONE[:31]], "help": signed})))
    refuse("no_help", "Nobody says to have helped.", answer=answer("unsigned", cbor.encode({"v": 1, "keys": [ONE], "help": b""})))
    refuse("bare_key", "A store key by itself.", answer=answer("bare", ONE))


def _words(book: Book, make: _Maker) -> None:
    request = make.request()
    shares: dict[str, Any] = {"to": RECOVERY.id, "by": RECOVERY.sign_key.sign(bound(request))}
    base = {"registry": side().given, "request": request, "device": N1.id}

    def good(name: str, why: str, out: bytes | None, help_: bytes, **over: Any) -> None:
        book.add(f"help_{name}", why, op="check_help", given=base | {"help": help_} | over, out=out)

    good("coordinator", "A coordinator who had a box.", C1.id, word(request))
    good("shares", "A colleague at whose device the recovery shares were typed.", M1.id, word(request, M1, **shares))
    stranger = Device("new", "Nia", ("navigator",))
    good("shares_at_a_new_device", "A device that the phone does not know yet: the shares are what counts.", None, word(request, stranger, **shares))
    later = side(lambda log: log.renew(A1, "perpetrator/2")).given
    good(
        "shares_in_force_before", "Shares of the key to which the box was sealed, renewed since.", M1.id, word(request, M1, **shares), registry=later
    )
    own = make.request(boxes=sorted(([N2.id, make.box("own tablet", public=N2.receive.public, to=N2.id)], *make.boxes)))
    good("own_device", "The person's own other device.", N2.id, word(own, N2), request=own)

    def refuse(name: str, why: str, help_: bytes, /, **over: Any) -> None:
        book.refuse(f"help_{name}", why, NO, op="check_help", given=base | {"help": help_} | over)

    refuse("other_request", "Said of another request.", word(make.request(made=T0 + 1)))
    refuse("other_device", "Said of another device.", word(request, device=M1.id))
    refuse("other_service", "Signed for another service.", word(request, svc=OTHER_SVC))
    refuse("no_box", "A coordinator who had no box.", word(request, C2))
    refuse("box_of_another", "One coordinator says that another's box was opened.", word(request, C2, to=C1.id))
    refuse("signed_by_another", "Signed with another device's key.", word(request, key=C2.key))
    refuse("unknown_signer", "A device that is not of this side.", word(request, V2, to=C1.id))
    refuse("revoked", "A helper who is revoked.", word(request), registry=side(lambda log: log.revoke(A1, C1)).given)
    refuse("suspended", "A helper who is suspended.", word(request), registry=side(lambda log: log.suspend(N2, C1)).given)
    odd = make.request(boxes=sorted(([M1.id, make.box("navigator", public=M1.receive.public, to=M1.id)], *make.boxes)))
    refuse("role", "A box that a navigator should never have had.", word(odd, M1), request=odd)
    self_ = make.request(boxes=sorted(([N1.id, make.box("itself", public=N1.receive.public, to=N1.id)], *make.boxes)))
    refuse("itself", "The device itself.", word(self_, N1), request=self_)
    refuse("with_both", "A coordinator's own box, and the signature of a recovery key.", word(request, by=shares["by"]))
    refuse("shares_unsigned", "The recovery key's box, without its signature.", word(request, M1, to=RECOVERY.id))
    wrong = recoverer("victim").sign_key.sign(bound(request))
    refuse("shares_other_key", "Signed with another side's recovery key.", word(request, M1, to=RECOVERY.id, by=wrong))
    for name, why, what in (
        ("request", "another request", bound(make.request(made=T0 + 1))),
        ("device", "another device", bound(request, device=M1.id)),
        ("service", "another service", bound(request, OTHER_SVC)),
        ("label", "a drill", b"fieldkeep/v1/drill\0" + bound(request)[20:]),
    ):
        refuse(f"shares_for_other_{name}", f"The recovery key signed for {why}.", word(request, M1, to=RECOVERY.id, by=RECOVERY.sign_key.sign(what)))
    refuse("shares_at_administrators", "Shares typed at a device of somebody who reads no files.", word(request, A1, **shares))
    refuse("shares_at_revoked", "Shares typed at a revoked device.", word(request, M1, **shares), registry=side(lambda log: log.revoke(A1, M1)).given)


def _objects(book: Book, make: _Maker) -> None:
    """Shapes."""
    request = make.request()
    id_ = unlock.request_id(request)
    payload = {"request": id_, "device": N1.id, "to": C1.id, "at": _AT, "by": None}
    contents = {"v": 1, "keys": [ONE], "help": word(request)}
    sealed = make.seal("answer good", cbor.encode(contents), b"fieldkeep/v1/help-answer\0" + id_, EPHEMERAL.public)
    plain: dict[str, dict[str, Any]] = {
        "help_request": cbor.decode(request), "help_answer": {"v": 1, "request": id_, "sealed": sealed}, "help_contents": contents,
    }  # fmt: skip

    def add(name: str, why: str, codec: str, **over: Any) -> None:
        data = cbor.encode(plain[codec] | over)
        book.add(name, why, codec=codec, value=CODECS[codec].decode(data), bytes=data)

    def signed(name: str, why: str, **over: Any) -> None:
        data = word(request, **over)
        book.add(name, why, codec="help", seed=seed("device/c1"), value=CODECS["help"].decode(data), bytes=data)

    signed("word", "A coordinator says to have helped.")
    signed("word_shares", "With the signature of a recovery key.", to=RECOVERY.id, by=RECOVERY.sign_key.sign(bound(request)))
    add("request", "A navigator's locked device asks.", "help_request")
    add("request_one_box", "One box, with two keys in it.", "help_request", made=0, boxes=[[C1.id, make.box("two keys", ONE + TWO)]])
    add(
        "request_16_boxes",
        "As many boxes as a device may have.",
        "help_request",
        boxes=[[fill("box", 15) + bytes((n,)), bytes(1168)] for n in range(16)],
    )
    add("answer_sealed", "An answer.", "help_answer")
    add("contents_one_key", "What an answer opens to.", "help_contents")
    add("contents_two_keys", "With two keys.", "help_contents", keys=[ONE, TWO])

    def odd(codec: str, name: str, why: str, /, **over: Any) -> None:
        book.refuse(f"{codec}_{name}", why, "malformed", codec=codec, bytes=cbor.encode(plain[codec] | over))

    boxes = plain["help_request"]["boxes"]
    for name, why, over in (
        ("v_2", "Another version.", {"v": 2}),
        ("device_15", "A device id of 15 bytes.", {"device": N1.id[:15]}),
        ("key_32", "A key without its ML-KEM half.", {"key": EPHEMERAL.public[-32:]}),
        ("made_negative", "A time before 1970.", {"made": -1}),
        ("no_boxes", "No box.", {"boxes": []}),
        ("boxes_17", "Too many boxes.", {"boxes": [[fill("box", 15) + bytes((n,)), bytes(1168)] for n in range(17)]}),
        ("boxes_falling", "Boxes that fall.", {"boxes": boxes[::-1]}),
        ("box_twice", "A box twice.", {"boxes": [boxes[0], boxes[0]]}),
        ("box_of_three", "A box with a third item.", {"boxes": [[*boxes[0], 1]]}),
        ("box_to_15", "A recipient of 15 bytes.", {"boxes": [[boxes[0][0][:15], boxes[0][1]]]}),
        ("box_1167", "A box with a byte too few.", {"boxes": [[boxes[0][0], boxes[0][1][:-1]]]}),
        ("box_1232", "A box with room for three keys.", {"boxes": [[boxes[0][0], bytes(1232)]]}),
        ("more", "An unknown key.", {"name": "Nour"}),
    ):
        odd("help_request", name, why, **over)
    odd("help_answer", "v_2", "Another version.", v=2)
    odd("help_answer", "request_16", "A request's id of 16 bytes.", request=id_[:16])
    odd("help_answer", "sealed_text", "A text in the place of bytes.", sealed="x")
    odd("help_contents", "v_2", "Another version.", v=2)
    odd("help_contents", "no_keys", "No store key.", keys=[])
    odd("help_contents", "three_keys", "Three store keys.", keys=[ONE, TWO, ONE])
    odd("help_contents", "help_null", "Nobody's word.", help=None)
    for name, why, over in (
        ("request_16", "A request's id of 16 bytes.", {"request": id_[:16]}),
        ("device_null", "No device.", {"device": None}),
        ("to_15", "A recipient of 15 bytes.", {"to": C1.id[:15]}),
        ("at_text", "A time as text.", {"at": "now"}),
        ("by_63", "A signature of 63 bytes.", {"by": bytes(63)}),
        ("by_empty", "An empty signature in the place of none.", {"by": b""}),
        ("more", "An unknown key.", {"keys": [ONE]}),
    ):
        data = sign_object(C1.key, cose.protected_header("fieldkeep-help", C1.id, SVC), cbor.encode(payload | over))
        book.refuse(f"help_word_{name}", why, "malformed", codec="help", bytes=data)
    data = sign_object(C1.key, cose.protected_header("fieldkeep-letter", C1.id, SVC), cbor.encode(payload))
    book.refuse("help_word_typ", "Another type.", "malformed", codec="help", bytes=data)


def books() -> list[Book]:
    """One file: `help`."""
    about = "Help with a forgotten passphrase: who has a box, boxes, requests, answers, and who says to have helped. Sealed bytes were drawn once and are kept."
    book = Book("unlock", "help", about, "13")
    for log in (side(), victim()):
        for seq, (data, _) in enumerate(log.pairs(), 1):
            book.share(f"{log.side} {seq}", data)
        book.share(f"{log.side} registry", log.given)
    for device in (C1, C2, N1, N2, BOTH, LEAD, V2, M1):
        book.share(f"receiving key of {device.name}", device.receive.public)
    for label in (SIDE, "perpetrator/2", "victim"):
        book.share(f"recovery key of {label}", recoverer(label).receive_key.public)
    book.share("key of the locked phone", EPHEMERAL.public)
    make = _Maker(book)
    book.share("request", make.request())
    book.share("boxes", make.boxes)
    _recipients(book)
    _boxes(book, make)
    _requests(book, make)
    _answers(book, make)
    _words(book, make)
    _objects(book, make)
    return [book]
