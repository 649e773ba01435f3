"""Vectors of parcels (docs/spec.md §15): the shapes here; keys and gates in parcel_board.py, senders in parcel_chains.py, letters in
parcel_letters.py."""

from typing import Any, Final

from shared_schema import cbor, ids
from sync.signing import SigningKey
from tests.vectors.codecs import CODECS
from tests.vectors.generate import parcel_board, parcel_chains, parcel_letters
from tests.vectors.generate.parcel_world import (
    AUTHORITY_ID,
    DESK,
    LIAISON,
    WEEK,
    address,
    address_key,
    derived,
    gate,
    gate_map,
    intake,
    intake_map,
    receipt_key,
    signed,
)
from tests.vectors.generate.world import C1, T0, fill, perpetrator, seed
from tests.vectors.notation import Book

_ID: Final = fill("parcel/id", 16)
_MOST_WEEK: Final = 2**32 - 1
_CASE: Final = ids.show(address(LIAISON))
_NOTICE: Final[dict[str, Any]] = {
    "from": "perpetrator", "to": address(DESK), "id": _ID, "kind": "notice", "at": T0, "body": {"case": _CASE, "notice": "contact_made"},
}  # fmt: skip
_PASS: Final[dict[str, Any]] = {"address": address(DESK), "week": WEEK, "id": _ID, "hash": fill("parcel/hash", 32), "ms": T0 + 5}
_PARCEL: Final[dict[str, Any]] = {
    "address": address(DESK), "week": WEEK, "id": _ID, "fixed": False, "root": fill("parcel/root", 32), "sealed": fill("parcel/sealed", 64),
}  # fmt: skip
_SIGNERS: Final[dict[str, tuple[str, bytes, bytes]]] = {  # codec -> typ, kid, the signer's seed
    "gate": ("gate", AUTHORITY_ID, seed("authority")),
    "intake_key": ("intake", address(DESK), derived("address", DESK, 1)),
    "letter": ("letter", C1.id, seed("device/c1")),
    "pass": ("pass", ids.server_key_id(receipt_key("perpetrator").public), seed("receipt/perpetrator")),
}
_SIGNED: Final[dict[str, dict[str, Any]]] = {"gate": gate_map(), "intake_key": intake_map(), "letter": _NOTICE, "pass": _PASS}


def _object(codec: str, payload: Any, **labels: Any) -> bytes:
    typ, kid, by = _SIGNERS[codec]
    return signed(typ, payload, kid, SigningKey(by), **labels)


def _plain() -> dict[str, dict[str, Any]]:
    """Codec -> what travels unsigned."""
    chain = [one.cose for one, _ in perpetrator(3).entries]
    letter = _object("letter", _NOTICE)
    come = [4, T0 + 9, _object("pass", _PASS), _PARCEL]
    return {
        "parcel": _PARCEL,
        "contents": {"v": 1, "letter": letter, "chain": chain, "second": None},
        "publication": {"v": 1, "ep": 1, "key": address_key(DESK).public, "gate": gate(), "keys": [intake(), intake(week=WEEK + 1)]},
        "parcels": {"v": 1, "parcels": [_PARCEL]},
        "come": {"v": 1, "parcels": [come], "more": False},
    }


def _golden(book: Book) -> None:
    def add(name: str, why: str, codec: str, payload: Any) -> None:
        data = _object(codec, payload)
        book.add(name, why, codec=codec, seed=_SIGNERS[codec][2], value=CODECS[codec].decode(data), bytes=data)

    add("gate", "The authority names a desk's address key for 53 weeks, the longest time.", "gate", gate_map())
    add("gate_one_week", "For one week.", "gate", gate_map(until=WEEK - 1))
    add("gate_week_0", "From the first week that has a number.", "gate", gate_map() | {"from": 0, "until": 52})
    add("gate_last_week", "In the last week that a parcel can name.", "gate", gate_map() | {"from": _MOST_WEEK, "until": _MOST_WEEK})
    add("intake_key", "The key of one week.", "intake_key", intake_map())
    add("intake_key_week_0", "The first week that has a number.", "intake_key", intake_map(week=0))
    add("letter", "A notice to the victim side's desk.", "letter", _NOTICE)
    add("letter_empty", "A letter that says nothing but its kind.", "letter", _NOTICE | {"body": {}})
    add(
        "letter_kind_64",
        "A kind of 64 characters. Whether anybody sends such letters is not a question of shape.",
        "letter",
        _NOTICE | {"kind": "k" * 64},
    )
    said = {
        "what": "weapon",
        "at_risk": ["partner", "child"],
        "calls": [{"call": "emergency_999", "at": {"at": "2025-10-09T09:30", "precision": "minute"}}],
        "words": "Förgät inte.",
    }
    add("letter_lists", "Lists and rows in a body.", "letter", _NOTICE | {"kind": "urgent_alert", "body": said})
    add("pass", "The sender's server has taken a parcel.", "pass", _PASS)
    add("pass_earliest", "Week 0, at 0 ms.", "pass", _PASS | {"week": 0, "ms": 0})
    kinds = _plain()
    chain = kinds["contents"]["chain"]
    for name, why, codec, over in (
        ("parcel", "A parcel.", "parcel", {}),
        ("parcel_fixed", "One that was sealed when it was typed.", "parcel", {"fixed": True}),
        ("parcel_last_week", "The last week that has four bytes.", "parcel", {"week": _MOST_WEEK}),
        ("contents", "A letter and the three entries that certify its sender.", "contents", {}),
        ("contents_second", "With somebody's approval, not looked into here, and the entries that certify that person.", "contents",
         {"second": [fill("parcel/approval", 100), chain[:2]]}),
        ("publication", "Keys of two weeks, and the desk's gate.", "publication", {}),
        ("publication_no_gate", "A liaison file has no gate.", "publication", {"gate": None}),
        ("publication_13", "As many weeks as may be published: the present one and twelve.", "publication",
         {"gate": None, "keys": [intake(week=WEEK + n) for n in range(13)]}),
        ("publication_no_keys", "A gate alone, for weeks that are too far ahead to have keys.", "publication", {"keys": []}),
        ("parcels", "A request with one parcel.", "parcels", {}),
        ("parcels_none", "A request with nothing in it.", "parcels", {"parcels": []}),
        ("parcels_any", "What is no parcel is answered by itself; it does not spoil the request.", "parcels", {"parcels": [None, 5, [], {"a": 1}]}),
        ("parcels_64", "As many parcels as one request may have.", "parcels", {"parcels": [_PARCEL] * 64}),
        ("come", "What came to a file. The pass is not looked into here.", "come", {}),
        ("come_nothing", "Nothing came.", "come", {"parcels": []}),
        ("come_more", "There is more to fetch.", "come", {"more": True}),
    ):  # fmt: skip
        data = cbor.encode(kinds[codec] | over)
        book.add(name, why, codec=codec, value=CODECS[codec].decode(data), bytes=data)


def _refused(book: Book) -> None:
    odd: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("gate", "side_unknown", "A side that does not exist.", {"side": "police"}),
        ("gate", "side_bytes", "A side as bytes.", {"side": b"victim"}),
        ("gate", "address_15", "An address of 15 bytes.", {"address": _ID[:15]}),
        ("gate", "address_text", "An address as UUID text.", {"address": ids.show(_ID)}),
        ("gate", "key_31", "A key of 31 bytes.", {"key": bytes(31)}),
        ("gate", "key_1216", "A receiving key in the place of the address key.", {"key": intake_map()["key"]}),
        ("gate", "from_negative", "Weeks begin at 0.", {"from": -1, "until": 3}),
        ("gate", "from_33_bits", "A week that has no four bytes.", {"from": 2**32, "until": 2**32}),
        ("gate", "from_true", "`true` in the place of a week.", {"from": True, "until": 3}),
        ("gate", "until_before_from", "It ends before it begins.", {"until": WEEK - 2}),
        ("gate", "until_54_weeks", "A gate for 54 weeks.", {"until": WEEK + 52}),
        ("gate", "until_null", "A gate without an end.", {"until": None}),
        ("intake_key", "side_null", "No side.", {"side": None}),
        ("intake_key", "week_negative", "Weeks begin at 0.", {"week": -1}),
        ("intake_key", "week_33_bits", "A week that has no four bytes.", {"week": 2**32}),
        ("intake_key", "week_true", "`true` in the place of a week.", {"week": True}),
        ("intake_key", "key_32", "A signing key in the place of the intake key.", {"key": address_key(DESK).public}),
        ("intake_key", "key_1217", "A byte after the key.", {"key": intake_map()["key"] + b"\0"}),
        ("letter", "from_unknown", "A side that does not exist.", {"from": "police"}),
        ("letter", "to_15", "An address of 15 bytes.", {"to": _ID[:15]}),
        ("letter", "to_null", "No address.", {"to": None}),
        ("letter", "id_17", "An id of 17 bytes.", {"id": _ID + b"\0"}),
        ("letter", "kind_empty", "No kind.", {"kind": ""}),
        ("letter", "kind_65", "A kind of 65 characters.", {"kind": "k" * 65}),
        ("letter", "kind_bytes", "A kind as bytes.", {"kind": b"notice"}),
        ("letter", "at_negative", "A time before 1970.", {"at": -1}),
        ("letter", "at_null", "No time.", {"at": None}),
        ("letter", "body_null", "No body.", {"body": None}),
        ("letter", "body_list", "A list in the place of the body.", {"body": ["notice", "contact_made"]}),
        ("letter", "body_integer_key", "A field whose name is a number.", {"body": {1: "contact_made"}}),
        ("pass", "address_32", "An address of 32 bytes.", {"address": bytes(32)}),
        ("pass", "week_negative", "Weeks begin at 0.", {"week": -1}),
        ("pass", "week_33_bits", "A week that has no four bytes.", {"week": 2**32}),
        ("pass", "id_15", "An id of 15 bytes.", {"id": _ID[:15]}),
        ("pass", "hash_16", "A hash of 16 bytes.", {"hash": bytes(16)}),
        ("pass", "ms_negative", "A time before 1970.", {"ms": -1}),
        ("pass", "ms_true", "`true` in the place of a time.", {"ms": True}),
        ("parcel", "address_null", "No address.", {"address": None}),
        ("parcel", "week_negative", "Weeks begin at 0.", {"week": -1}),
        ("parcel", "week_33_bits", "A week that has no four bytes.", {"week": 2**32}),
        ("parcel", "id_32", "An id of 32 bytes.", {"id": bytes(32)}),
        ("parcel", "fixed_null", "`null` in the place of `false`.", {"fixed": None}),
        ("parcel", "fixed_1", "1 in the place of `true`.", {"fixed": 1}),
        ("parcel", "root_16", "A root of 16 bytes.", {"root": bytes(16)}),
        ("parcel", "sealed_text", "Sealed bytes as text.", {"sealed": "00"}),
        ("contents", "v_2", "Another version.", {"v": 2}),
        ("contents", "v_true", "`true` is not 1.", {"v": True}),
        ("contents", "letter_null", "No letter.", {"letter": None}),
        ("contents", "letter_map", "A letter that stands as a map.", {"letter": _NOTICE}),
        ("contents", "chain_null", "No chain.", {"chain": None}),
        ("contents", "chain_map", "A map in the place of the chain.", {"chain": {"a": b""}}),
        ("contents", "chain_entry", "An entry with its list of parts: a chain has COSE bytes alone.", {"chain": [[b"", []]]}),
        ("contents", "chain_17", "More entries than a chain may have.", {"chain": [b""] * 17}),
        ("contents", "second_false", "What is not there is null.", {"second": False}),
        ("contents", "second_alone", "An approval without the entries that certify who gave it.", {"second": [b""]}),
        ("contents", "second_three", "A third thing with the approval.", {"second": [b"", [], []]}),
        ("contents", "second_null", "No approval in the place of one.", {"second": [None, []]}),
        ("contents", "second_chain_17", "More entries than a chain may have.", {"second": [b"", [b""] * 17]}),
        ("publication", "v_0", "Another version.", {"v": 0}),
        ("publication", "v_true", "`true` is not 1.", {"v": True}),
        ("publication", "ep_0", "Epochs begin at 1.", {"ep": 0}),
        ("publication", "ep_text", "An epoch as text.", {"ep": "1"}),
        ("publication", "key_33", "A key of 33 bytes.", {"key": bytes(33)}),
        ("publication", "gate_map", "A gate that stands as a map.", {"gate": gate_map()}),
        ("publication", "gate_false", "What is not there is null.", {"gate": False}),
        ("publication", "keys_null", "No list of keys.", {"keys": None}),
        ("publication", "keys_week", "Keys with their weeks beside them.", {"keys": [[WEEK, b""]]}),
        ("publication", "keys_14", "More weeks than may be published.", {"keys": [b""] * 14}),
        ("parcels", "v_2", "Another version.", {"v": 2}),
        ("parcels", "parcels_map", "One parcel in the place of the list.", {"parcels": _PARCEL}),
        ("come", "v_null", "No version.", {"v": None}),
        ("come", "n_0", "Numbers begin at 1.", {"parcels": [[0, T0, b"", _PARCEL]]}),
        ("come", "three_items", "A parcel without its pass.", {"parcels": [[1, T0, _PARCEL]]}),
        ("come", "time_negative", "A time before 1970.", {"parcels": [[1, -1, b"", _PARCEL]]}),
        ("come", "pass_null", "No pass.", {"parcels": [[1, T0, None, _PARCEL]]}),
        ("come", "parcels_null", "No list.", {"parcels": None}),
        ("come", "parcel_null", "Nothing in the place of the parcel.", {"parcels": [[1, T0, b"", None]]}),
        ("come", "parcel_id_15", "A parcel whose id has 15 bytes.", {"parcels": [[1, T0, b"", _PARCEL | {"id": bytes(15)}]]}),
        ("come", "parcels_257", "More than one answer may hold.", {"parcels": [[n + 1, T0, b"", _PARCEL] for n in range(257)]}),
        ("letter", "body_bytes", "A byte string in a body: it is no JSON.", {"body": {"words": b"x"}}),
        ("letter", "body_key_number", "A map in a body whose key is no text.", {"body": {"words": [{1: "x"}]}}),
        ("come", "more_null", "`null` in the place of `false`.", {"more": None}),
        ("come", "more_0", "0 in the place of `false`.", {"more": 0}),
    )
    kinds = _plain()
    kinds["contents"] |= {"letter": b"letter", "chain": [b"root", b"certificate"]}  # these are not looked into here

    def refuse(codec: str, name: str, why: str, map_: Any, code: str = "malformed") -> None:
        data = _object(codec, map_) if codec in _SIGNERS else cbor.encode(map_)
        book.refuse(f"{codec}_{name}", why, code, codec=codec, bytes=data)

    for codec, good in (_SIGNED | kinds).items():
        for key in good:
            refuse(codec, f"{key}_missing", f"The key {key} is missing.", {name: item for name, item in good.items() if name != key})
        refuse(codec, "unknown_key", "A key that nobody knows.", good | {"note": 1})
        refuse(codec, "list", "A list in the place of the map.", list(good.values()))
    for codec, name, why, over in odd:
        refuse(codec, name, why, (_SIGNED | kinds)[codec] | over)
    for codec, good in _SIGNED.items():
        typ, kid, by = _SIGNERS[codec]
        signer, data = SigningKey(by), cbor.encode(good)
        for name, why, made in (
            ("kid_15", "A key id of 15 bytes.", signed(typ, data, kid[:15], signer)),
            ("log", "A header label that only entries have.", signed(typ, data, kid, signer, log=DESK)),
            ("version_2", "Another version in the header.", signed(typ, data, kid, signer, v=2)),
            ("payload_longer", "A byte after the payload's map.", signed(typ, data + b"\0", kid, signer)),
            ("empty_payload", "No payload.", signed(typ, b"", kid, signer)),
        ):
            book.refuse(f"{codec}_{name}", why, "malformed", codec=codec, bytes=made)
    refuse("parcel", "too_large", "A byte more than a parcel may have.", _PARCEL | {"sealed": bytes(524_289)}, "too-large")
    refuse("parcels", "65", "One parcel more than one request may have.", kinds["parcels"] | {"parcels": [0] * 65}, "too-large")


def _objects() -> Book:
    book = Book("parcel", "objects", "The objects around parcels and the bodies that carry them. In shape they are all rightly signed.", "15")
    for number, (one, _) in enumerate(perpetrator(3).entries, 1):
        book.share(f"registry/{number}", one.cose)
    book.share("intake key", intake_map()["key"])
    book.share("gate", gate())
    for n in range(13):
        book.share(f"intake/{n}", intake(week=WEEK + n))
    book.share("parcel", _PARCEL)
    _golden(book)
    _refused(book)
    return book


def books() -> list[Book]:
    """Six files: `objects`, `board`, `chains`, and three of letters."""
    return [_objects(), parcel_board.book(), parcel_chains.book(), *parcel_letters.books()]
