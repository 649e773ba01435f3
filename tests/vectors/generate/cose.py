"""Vectors of signed objects: the outer shape, the protected header, the signature (docs/spec.md §2)."""

import hashlib
from typing import Any, Final

from shared_schema import cbor, cose, ids
from tests.vectors import edwards
from tests.vectors.codecs import CODECS
from tests.vectors.generate.world import C1, INC, OTHER_SVC, SVC, fill, seed, signer
from tests.vectors.notation import Book

_TYP: Final = "fieldkeep-head"
_SEED: Final = seed("receipt/perpetrator")
_KEY: Final = signer("receipt/perpetrator")
_KID: Final = ids.server_key_id(_KEY.public)
_PAYLOAD: Final = cbor.encode({"log": fill("cose/log", 16), "inc": INC, "seq": 7, "chain": fill("cose/chain", 32)})
_HEADER: Final[dict[Any, Any]] = {1: -19, 4: _KID, 16: _TYP, "v": 1, "svc": SVC}


def _bstr(data: bytes) -> bytes:
    return cbor.encode(data)


def _assemble(header: bytes, payload: bytes = _PAYLOAD, *, key: str = "receipt/perpetrator", context: str = "Signature1") -> bytes:
    """A signed object from the bytes of its header, whatever they are; the signature is right."""
    to_sign = b"\x84" + cbor.encode(context) + _bstr(header) + b"\x40" + _bstr(payload)
    return b"\xd2\x84" + _bstr(header) + b"\xa0" + _bstr(payload) + _bstr(signer(key).sign(to_sign))


def _pairs(pairs: list[tuple[Any, Any]]) -> bytes:
    """A map of these pairs in this order."""
    return bytes((0xA0 | len(pairs),)) + b"".join(cbor.encode(key) + cbor.encode(value) for key, value in pairs)


def _outer(book: Book) -> None:
    good = _assemble(cbor.encode(_HEADER))
    book.add(
        "head", "A signed head: the smallest signed object.", codec="signed_head", seed=_SEED, value=CODECS["signed_head"].decode(good), bytes=good
    )
    header, signature = cbor.encode(_HEADER), good[-64:]
    rest = _bstr(header) + b"\xa0" + _bstr(_PAYLOAD) + _bstr(signature)
    alg_out = b"\xd2\x84" + _bstr(header) + cbor.encode({1: -19}) + _bstr(_PAYLOAD) + _bstr(signature)
    for name, why, data in (
        ("untagged", "The tag is missing.", good[1:]),
        ("tag_in_two_bytes", "Tag 18 in two bytes.", b"\xd8\x12" + good[1:]),
        ("tag_98", "The tag of COSE_Sign, for several signers.", b"\xd8\x62" + good[1:]),
        ("tag_17", "The tag of COSE_Mac0.", b"\xd1" + good[1:]),
        ("tagged_twice", "Two tags.", b"\xd2" + good),
        ("self_described", "The tag of CBOR before the tag of COSE.", b"\xd9\xd9\xf7" + good),
        ("three_items", "The signature is missing.", b"\xd2\x83" + rest[: -len(_bstr(signature))]),
        ("five_items", "A fifth item.", b"\xd2\x85" + rest + b"\xf6"),
        ("indefinite", "A list of indefinite length.", b"\xd2\x9f" + rest + b"\xff"),
        ("long_head", "A list whose length takes a byte of its own.", b"\xd2\x98\x04" + rest),
        ("unprotected_alg", "The unprotected map is not empty.", alg_out),
        ("unprotected_null", "`null` in the place of the unprotected map.", good.replace(b"\xa0" + _bstr(_PAYLOAD), b"\xf6" + _bstr(_PAYLOAD))),
        ("unprotected_list", "A list in the place of the unprotected map.", good.replace(b"\xa0" + _bstr(_PAYLOAD), b"\x80" + _bstr(_PAYLOAD))),
        ("protected_map", "The protected header stands as a map, not as a byte string.", good.replace(_bstr(header), header)),
        ("protected_empty", "The protected header is empty.", _assemble(b"")),
        ("detached", "The payload is detached.", good.replace(_bstr(_PAYLOAD), b"\xf6")),
        ("payload_map", "The payload stands as a map, not as a byte string.", good.replace(_bstr(_PAYLOAD), _PAYLOAD)),
        ("signature_63", "A signature of 63 bytes.", b"\xd2\x84" + rest[:-66] + _bstr(signature[:63])),
        ("signature_65", "A signature of 65 bytes.", b"\xd2\x84" + rest[:-66] + _bstr(signature + b"\0")),
        ("signature_text", "A text in the place of the signature.", good[:-66] + b"\x78\x40" + b"a" * 64),
    ):
        book.refuse(name, why, "malformed", codec="signed_head", bytes=data)


def _headers(book: Book) -> None:
    def changed(**over: Any) -> bytes:
        return _assemble(cbor.encode(_HEADER | over))

    ordered = list(_HEADER.items())
    without = {name: {key: item for key, item in _HEADER.items() if key != name} for name in _HEADER}
    for name, why, data in (
        ("alg_eddsa", "Algorithm -8, the older name that does not say which curve.", _assemble(cbor.encode(_HEADER | {1: -8}))),
        ("alg_es256", "Another algorithm.", _assemble(cbor.encode(_HEADER | {1: -7}))),
        ("alg_text", "The algorithm as a text.", _assemble(cbor.encode(_HEADER | {1: "EdDSA"}))),
        ("alg_missing", "No algorithm.", _assemble(cbor.encode(without[1]))),
        ("kid_missing", "No key id.", _assemble(cbor.encode(without[4]))),
        ("kid_15", "A key id of 15 bytes.", _assemble(cbor.encode(_HEADER | {4: _KID[:15]}))),
        ("kid_text", "A key id as text.", _assemble(cbor.encode(_HEADER | {4: ids.show(_KID)}))),
        ("typ_missing", "No type.", _assemble(cbor.encode(without[16]))),
        ("typ_other", "Another type of signed object.", _assemble(cbor.encode(_HEADER | {16: "fieldkeep-verdict"}))),
        ("typ_case", "The type in capitals.", _assemble(cbor.encode(_HEADER | {16: "Fieldkeep-Head"}))),
        ("typ_longer", "The type with a suffix.", _assemble(cbor.encode(_HEADER | {16: _TYP + "s"}))),
        ("typ_bytes", "The type as a byte string.", _assemble(cbor.encode(_HEADER | {16: _TYP.encode()}))),
        ("v_missing", "No version.", _assemble(cbor.encode(without["v"]))),
        ("v_0", "Version 0.", changed(v=0)),
        ("v_2", "Version 2: a reader does not guess.", changed(v=2)),
        ("v_true", "`true` is not 1.", changed(v=True)),
        ("v_text", "The version as a text.", changed(v="1")),
        ("svc_missing", "No service.", _assemble(cbor.encode(without["svc"]))),
        ("svc_17", "A service id of 17 bytes.", changed(svc=SVC + b"\0")),
        ("svc_null", "`null` in the place of the service.", changed(svc=None)),
        ("unknown_text", "A label that nobody knows.", changed(x=1)),
        ("unknown_crit", "`crit`: there are no extensions to be critical of.", _assemble(cbor.encode(_HEADER | {2: [1]}))),
        ("unknown_iv", "An IV in a signed object.", _assemble(cbor.encode(_HEADER | {5: b"iv"}))),
        ("entry_label", "A label that only entries have.", changed(log=fill("cose/log", 16))),
        ("unordered", "The labels are out of order.", _assemble(_pairs([ordered[1], ordered[0], *ordered[2:]]))),
        ("repeated", "A label twice.", _assemble(_pairs([ordered[0], *ordered]))),
        ("trailing", "A byte after the header map.", _assemble(cbor.encode(_HEADER) + b"\0")),
        ("list", "A list in the place of the header map.", _assemble(cbor.encode(list(_HEADER.values())))),
    ):
        book.refuse(f"header_{name}", why, "malformed", codec="signed_head", bytes=data)


def _signatures(book: Book) -> None:
    good = _assemble(cbor.encode(_HEADER))
    header = cbor.encode(_HEADER)
    to_sign = b"\x84" + cbor.encode("Signature1") + _bstr(header) + b"\x40" + _bstr(_PAYLOAD)
    given = {"bytes": good, "typ": _TYP, "public": _KEY.public}
    out = {"to_sign": to_sign, "id": hashlib.sha256(to_sign).digest()}
    assert edwards.sign(_SEED, to_sign) == (_KEY.public, good[-64:])
    book.add(
        "verified",
        "The signature covers protected header and payload; the object id is the hash of what it covers.",
        op="verify_object",
        given=given,
        out=out,
    )
    mac = _assemble(header, context="MAC0")
    one = _assemble(header, context="Signature")
    aad = b"\x84" + cbor.encode("Signature1") + _bstr(header) + _bstr(b"x") + _bstr(_PAYLOAD)
    other_payload = cbor.encode(cbor.decode(_PAYLOAD) | {"seq": 8})

    def swapped(part: bytes, by: bytes) -> bytes:
        return good.replace(_bstr(part), _bstr(by))

    for name, why, data in (
        ("by_another_key", "Signed by another key.", _assemble(header, key="device/c1")),
        ("context_mac0", "Signed over the structure of a MAC.", mac),
        ("context_signature", "Signed over the structure of COSE_Sign.", one),
        ("external_aad", "Signed with additional data.", good[:-64] + _KEY.sign(aad)),
        ("payload_alone", "Signed over the payload alone.", good[:-64] + _KEY.sign(_PAYLOAD)),
        ("payload_changed", "The payload was changed after signing.", swapped(_PAYLOAD, other_payload)),
        ("kid_changed", "The key id was changed after signing.", swapped(header, cbor.encode(_HEADER | {4: C1.id}))),
        ("svc_changed", "The service was changed after signing.", swapped(header, cbor.encode(_HEADER | {"svc": OTHER_SVC}))),
        ("signature_changed", "One bit of the signature was changed.", good[:-1] + bytes((good[-1] ^ 1,))),
        ("label_unknown", "Rightly signed, with a label that nobody knows.", _assemble(cbor.encode(_HEADER | {"note": 1}))),
        ("alg_es256", "Rightly signed, under the name of another algorithm.", _assemble(cbor.encode(_HEADER | {1: -7}))),
    ):
        book.refuse(name, why, "malformed", op="verify_object", given=given | {"bytes": data})
    weak = edwards.encode(edwards.IDENTITY)
    book.refuse(
        "weak_key",
        "The key is of small order.",
        "malformed",
        op="verify_object",
        given=given | {"public": weak, "bytes": good[:-64] + weak + bytes(32)},
    )


def books() -> list[Book]:
    """Two files: `shape`, with a signed head as the example, and `signature`."""
    shape = Book("cose", "shape", "COSE_Sign1, narrowed: always tagged, nothing unprotected, a closed header. The example is a signed head.", "2")
    _outer(shape)
    _headers(shape)
    signature = Book("cose", "signature", "What the signature covers, and whom it convinces.", "2")
    _signatures(signature)
    assert cose.ALG_ED25519 == -19
    return [shape, signature]
