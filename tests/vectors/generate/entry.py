"""Vectors of entries: header labels, parts, limits (docs/spec.md §2, §3)."""

import hashlib
from typing import Any, Final

from shared_schema import cbor
from tests.vectors.codecs import CODECS
from tests.vectors.generate.world import C1, INC, NO_CK, SVC, T0, fill, seed, signer
from tests.vectors.notation import Book

_LOG: Final = fill("entry/log", 16)
_SEED: Final = seed("device/c1")
_PARTS: Final = [fill("entry/part/0", 304), fill("entry/part/1", 304)]
_STATEMENT: Final = cbor.encode({"kind": "revoke", "device": fill("device/m1", 16), "reason": "lost"})


def _hashes(parts: list[bytes]) -> bytes:
    return cbor.encode([hashlib.sha256(part).digest() for part in parts])


def _header(typ: str, **over: Any) -> dict[Any, Any]:
    header: dict[Any, Any] = {
        1: -19, 4: C1.id, 16: f"fieldkeep-{typ}", "v": 1, "svc": SVC, "log": _LOG, "sq": 2, "pv": fill("entry/pv", 32),
        "sn": [INC, 5, fill("entry/chain", 32)], "ck": [INC, 40, fill("entry/root", 32)],
    }  # fmt: skip
    if typ in ("envelope", "expunction"):
        header["ep"] = 3
    header |= over
    return {name: item for name, item in header.items() if item is not ...}


def _pair(header: dict[Any, Any], payload: bytes, parts: Any) -> bytes:
    protected = cbor.encode(header)
    to_sign = b"\x84" + cbor.encode("Signature1") + cbor.encode(protected) + b"\x40" + cbor.encode(payload)
    signature = signer("device/c1").sign(to_sign)
    data = b"\xd2\x84" + cbor.encode(protected) + b"\xa0" + cbor.encode(payload) + cbor.encode(signature)
    return cbor.encode([data, parts])


def _envelope(parts: Any = _PARTS, payload: bytes | None = None, **over: Any) -> bytes:
    return _pair(_header("envelope", **over), _hashes(_PARTS) if payload is None else payload, parts)


def _statement(parts: Any = (), payload: bytes = _STATEMENT, **over: Any) -> bytes:
    return _pair(_header("statement", **over), payload, parts)


def _admission(parts: Any = _PARTS, **over: Any) -> bytes:
    carried, _ = cbor.decode(_envelope())
    payload = {"kind": "admit", "rg": [INC, 1, fill("entry/chain/0", 32)], "pr": fill("entry/pv", 32), "held": carried} | over
    return _pair(_header("admission"), cbor.encode({name: item for name, item in payload.items() if item is not ...}), parts)


def _expunction(parts: Any = _PARTS[:1], payload: dict[str, Any] | None = None, **over: Any) -> bytes:
    usual = {"kind": "expunge", "stub": hashlib.sha256(_PARTS[0]).digest()}
    return _pair(_header("expunction", **over), cbor.encode(usual if payload is None else payload), parts)


def _golden(book: Book) -> None:
    first: dict[str, Any] = {"sq": 1, "pv": None, "sn": [INC, 0, fill("entry/chain/0", 32)], "ck": list(NO_CK)}
    for name, why, data in (
        ("envelope", "An envelope of two parts.", _envelope()),
        ("envelope_first", "An author's first entry: pv is null, nothing applied, no checkpoint seen.", _envelope(**first)),
        ("envelope_one_part", "An envelope of one part.", _envelope(_PARTS[:1], _hashes(_PARTS[:1]))),
        (
            "envelope_absent_part",
            "A part that is not there (expunged, or not asked for) is null; its hash stands for it.",
            _envelope([_PARTS[0], None]),
        ),
        (
            "envelope_empty_part",
            "A part of no bytes has its hash like any other; that it does not open is another matter.",
            _envelope([b""], _hashes([b""])),
        ),
        ("envelope_epoch_last", "The last epoch, 2^32-1.", _envelope(ep=2**32 - 1)),
        ("envelope_numbers_last", "The largest numbers.", _envelope(sq=2**53 - 1, sn=[INC, 2**53 - 1, bytes(32)], ck=[INC, 2**53 - 1, bytes(32)])),
        ("envelope_1024_parts", "As many parts as there may be.", _envelope([None] * 1024, cbor.encode([bytes(32)] * 1024))),
        ("statement", "A statement has no parts.", _statement()),
        ("admission", "An admission has the parts of the envelope that it carries.", _admission()),
        ("admission_absent_part", "One of them is not there.", _admission([None, _PARTS[1]])),
        ("expunction", "An expunction has one part, the stub; it does not look into the rest of its payload.", _expunction()),
        ("expunction_absent_part", "Without it.", _expunction([None])),
        ("statement_first", "An author's first entry.", _statement(**first)),
        (
            "statement_any_payload",
            "An entry does not look into a statement's payload: that is for the statement's own decoder.",
            _statement(payload=b""),
        ),
    ):
        book.add(name, why, codec="entry", seed=_SEED, value=CODECS["entry"].decode(data), bytes=data)
    root = b"fieldkeep-envelope".ljust(32, b".")
    data = _statement(**(first | {"ck": [INC, 40, root]}))
    book.add(
        "statement_named_in_ck",
        "The type stands under label 16; the same text in another place means nothing.",
        codec="entry",
        seed=_SEED,
        value=_value(data),
        bytes=data,
    )


def _value(data: bytes) -> dict[str, Any]:
    """The value of a statement, read by hand."""
    sign1, parts = cbor.decode(data)
    protected, _, payload, signature = cbor.decode(sign1[1:])
    header = cbor.decode(protected)
    to_sign = cbor.encode(["Signature1", protected, b"", payload])
    shown = {"typ": header[16], "kid": header[4]} | {name: item for name, item in header.items() if name not in (1, 4, 16, "v")}
    return {"header": shown, "payload": payload, "signature": signature, "id": hashlib.sha256(to_sign).digest(), "parts": parts}


def _shape(book: Book) -> None:
    def refuse(name: str, why: str, data: bytes, code: str = "malformed") -> None:
        book.refuse(name, why, code, codec="entry", bytes=data)

    for label in ("log", "sq", "pv", "sn", "ck", "ep"):
        without: dict[str, Any] = {label: ...}
        refuse(f"{label}_missing", f"The label {label} is missing.", _envelope(**without))
    no_epoch: dict[str, Any] = {"ep": ...}
    refuse("expunction_without_ep", "An expunction names the epoch of its stub.", _expunction(**no_epoch))
    refuse("expunction_without_part", "An expunction without its stub.", _expunction([]))
    refuse("expunction_two_parts", "An expunction with two parts.", _expunction(_PARTS))
    refuse("expunction_other_part", "The stub does not match its hash.", _expunction(_PARTS[1:]))
    refuse("expunction_no_hash", "An expunction that names no stub.", _expunction(payload={"kind": "expunge"}))
    refuse("expunction_list", "A list in the place of an expunction's payload.", _pair(_header("expunction"), cbor.encode([]), _PARTS[:1]))
    refuse("statement_with_ep", "A statement has no epoch.", _statement(ep=3))
    refuse("unknown_label", "A label that nobody knows.", _envelope(nb=1))
    refuse("log_15", "A log id of 15 bytes.", _envelope(log=_LOG[:15]))
    refuse("log_text", "A log id as text.", _envelope(log=_LOG.hex()[:16]))
    refuse("sq_0", "The count begins at 1.", _envelope(sq=0))
    refuse("sq_negative", "A negative count.", _envelope(sq=-2))
    refuse("sq_true", "`true` in the place of a number.", _envelope(sq=True))
    refuse("sq_bytes", "A byte string in the place of a number.", _envelope(sq=b"\2"))
    refuse("pv_at_first", "The first entry follows none.", _envelope(sq=1))
    refuse("pv_null_later", "The second entry follows the first.", _envelope(pv=None))
    refuse("pv_31", "A previous id of 31 bytes.", _envelope(pv=bytes(31)))
    refuse("sn_two_items", "A head of two items.", _envelope(sn=[INC, 5]))
    refuse("sn_four_items", "A head of four items.", _envelope(sn=[INC, 5, bytes(32), T0]))
    refuse("sn_null", "`null` in the place of a head.", _envelope(sn=None))
    refuse("sn_incarnation_32", "An incarnation of 32 bytes.", _envelope(sn=[INC + INC, 5, bytes(32)]))
    refuse("sn_seq_negative", "A negative place.", _envelope(sn=[INC, -1, bytes(32)]))
    refuse("sn_chain_16", "A chain of 16 bytes.", _envelope(sn=[INC, 5, bytes(16)]))
    refuse("ck_two_items", "A checkpoint of two items.", _envelope(ck=[INC, 40]))
    refuse("ck_size_text", "A tree size as text.", _envelope(ck=[INC, "40", bytes(32)]))
    refuse("ck_root_empty", "A root of no bytes.", _envelope(ck=[INC, 0, b""]))
    refuse("ep_0", "Epochs begin at 1.", _envelope(ep=0))
    refuse("ep_33_bits", "An epoch has 32 bits.", _envelope(ep=2**32))
    refuse("ep_null", "`null` in the place of an epoch.", _envelope(ep=None))
    refuse("admission_without_held", "An admission that carries nothing.", _admission(held=...))
    refuse("admission_of_a_statement", "An admission that carries a statement.", _admission(held=cbor.decode(_statement())[0]))
    refuse("admission_of_an_admission", "An admission that carries an admission.", _admission(held=cbor.decode(_admission())[0]))
    refuse("admission_without_parts", "The parts of what it carries did not come.", _admission([]))
    refuse("admission_other_part", "A part that is not the one that was held.", _admission([_PARTS[0], _PARTS[0]]))
    refuse("admission_text", "What it carries is text.", _admission(held="envelope"))
    refuse(
        "admission_with_epoch",
        "An admission has no epoch of its own.",
        _pair(_header("admission", ep=3), cbor.decode(cbor.decode(_admission())[0][1:])[2], _PARTS),
    )
    refuse("typ_head", "A signed object that is no entry.", _pair(_header("statement") | {16: "fieldkeep-head"}, _STATEMENT, []))
    refuse("payload_empty_list", "An envelope of no parts.", _envelope([], cbor.encode([])))
    refuse("payload_map", "A map in the place of the list of hashes.", _envelope(payload=cbor.encode({})))
    refuse("payload_not_cbor", "A payload that is no CBOR.", _envelope(payload=b"\xff"))
    refuse("payload_trailing", "A byte after the list of hashes.", _envelope(payload=_hashes(_PARTS) + b"\0"))
    refuse("payload_hash_31", "A part hash of 31 bytes.", _envelope([_PARTS[0], None], cbor.encode([hashlib.sha256(_PARTS[0]).digest(), bytes(31)])))
    refuse("part_missing", "Fewer parts than hashes.", _envelope(_PARTS[:1]))
    refuse("part_more", "More parts than hashes.", _envelope([*_PARTS, b""]))
    refuse("part_changed", "A part that does not match its hash.", _envelope([_PARTS[0], _PARTS[1][:-1] + b"\0"]))
    refuse("parts_swapped", "The parts in another order.", _envelope(_PARTS[::-1]))
    refuse("part_text", "A text in the place of a part.", _envelope([_PARTS[0], "part"]))
    refuse("parts_null", "`null` in the place of the list of parts.", _envelope(None))
    refuse("statement_with_part", "A statement with a part.", _statement([b"part"]))
    refuse("statement_with_null_part", "A statement with an absent part.", _statement([None]))
    good = cbor.decode(_envelope())
    refuse("pair_of_one", "The list of parts is missing.", cbor.encode(good[:1]))
    refuse("pair_of_three", "A third item.", cbor.encode([*good, None]))
    refuse("pair_swapped", "The parts before the signed object.", cbor.encode(good[::-1]))
    refuse("bare", "The signed object alone.", good[0])
    refuse("parts_1025", "One part more than there may be.", _envelope([None] * 1025, cbor.encode([bytes(32)] * 1025)), "too-large")
    refuse(
        "parts_1025_of_1024",
        "1,025 parts for 1,024 hashes: the limit is looked at first.",
        _envelope([None] * 1025, cbor.encode([bytes(32)] * 1024)),
        "too-large",
    )
    refuse(
        "parts_1025_of_text",
        "1,025 parts that are none: how many they are is looked at before what they are.",
        _envelope(["part"] * 1025, cbor.encode([bytes(32)] * 1024)),
        "too-large",
    )
    refuse(
        "three_mib_of_nothing",
        "More than 3 MiB that are no signed object: the size is looked at first.",
        cbor.encode([bytes(3 * 2**20 + 1), []]),
        "too-large",
    )
    big = bytes(2**20)
    refuse("one_mib", "An entry above 1 MiB, its signed object included.", _envelope([big], _hashes([big])), "too-large")


def _ids(book: Book) -> None:
    data = _envelope()
    sign1 = cbor.decode(data)[0]
    protected, _, payload, signature = cbor.decode(sign1[1:])
    to_sign = b"\x84" + cbor.encode("Signature1") + cbor.encode(protected) + b"\x40" + cbor.encode(payload)
    out = {"to_sign": to_sign, "id": hashlib.sha256(to_sign).digest()}
    book.add("id", "An entry's id is the hash of what its signature covers.", op="object_id", given={"entry": data}, out=out)
    other = sign1[:-64] + bytes(64)
    assert other[-64:] != signature
    why = "Another signature does not change the id."
    book.add("id_whatever_the_signature", why, op="object_id", given={"entry": cbor.encode([other, _PARTS])}, out=out)


def books() -> list[Book]:
    """One file: `entry`."""
    book = Book("entry", "entry", "Entries as they travel: CBOR `[COSE bytes, [part or null, ...]]`. All are rightly signed.", "2, 3")
    book.share("no_hash", bytes(32))
    _golden(book)
    _shape(book)
    _ids(book)
    return [book]
