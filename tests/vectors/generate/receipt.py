"""Vectors of what the server signs: receipts, heads, verdicts (docs/spec.md §9.3)."""

from typing import Any, Final

from shared_schema import cbor, cose, ids
from tests.vectors.codecs import CODECS
from tests.vectors.generate.world import C1, INC, OTHER_INC, OTHER_SVC, SVC, T0, fill, perpetrator, seed, signer
from tests.vectors.notation import Book

_LOG: Final = fill("receipt/log", 16)
_IDS: Final = [fill(f"receipt/id/{number}", 32) for number in range(3)]
_CHAIN: Final = fill("receipt/chain", 32)
_SEED: Final = seed("receipt/perpetrator")
_KID: Final = ids.server_key_id(signer("receipt/perpetrator").public)
_RECEIPT: Final[dict[str, Any]] = {"log": _LOG, "inc": INC, "items": [[_IDS[0], 4, T0], [_IDS[1], 6, T0 + 5]], "head": [6, _CHAIN]}
_HEAD: Final[dict[str, Any]] = {"log": _LOG, "inc": INC, "seq": 6, "chain": _CHAIN}
_VERDICT: Final[dict[str, Any]] = {"log": _LOG, "inc": INC, "id": _IDS[0], "author": C1.id, "sq": 3, "code": "stale-epoch"}
_FINAL: Final = ("malformed", "too-large", "stale-epoch", "stale-statement", "stale-registry", "old-incarnation", "rotate-first", "person-full")


def signed(typ: str, payload: Any, *, kid: bytes = _KID, svc: bytes = SVC, key: str = "receipt/perpetrator") -> bytes:
    """An object of the server's with this payload, rightly signed."""
    header = cose.protected_header(f"fieldkeep-{typ}", kid, svc)
    data = cbor.encode(payload)
    return cose.assemble(header, data, signer(key).sign(cose.sig_structure(header, data)))


def _golden(book: Book) -> None:
    def add(name: str, why: str, typ: str, payload: Any) -> None:
        codec = "signed_head" if typ == "head" else typ
        data = signed(typ, payload)
        book.add(name, why, codec=codec, seed=_SEED, value=CODECS[codec].decode(data), bytes=data)

    add("receipt", "Two entries have their places.", "receipt", _RECEIPT)
    add("receipt_one", "One entry.", "receipt", _RECEIPT | {"items": _RECEIPT["items"][:1]})
    add("receipt_head_beyond", "The head may be beyond the last item.", "receipt", _RECEIPT | {"head": [9, _CHAIN]})
    add("receipt_first_place", "The first place of a log.", "receipt", _RECEIPT | {"items": [[_IDS[2], 1, 0]], "head": [1, _CHAIN]})
    add("receipt_same_millisecond", "Two entries received in one millisecond.", "receipt", _RECEIPT | {"items": [[_IDS[0], 4, T0], [_IDS[1], 5, T0]]})
    add("head", "A log's head.", "head", _HEAD)
    add("head_empty_log", "The head of a log with nothing in it.", "head", _HEAD | {"seq": 0, "chain": ids.chain_start(_LOG)})
    for code in _FINAL:
        add(f"verdict_{code}", "A final refusal.", "verdict", _VERDICT | {"code": code})
    registry = perpetrator(8).given
    book.add(
        "check_receipt",
        "A receipt by the key that the registry names.",
        op="check_receipt",
        given={"registry": registry, "bytes": signed("receipt", _RECEIPT)},
        out=None,
    )
    book.add(
        "check_verdict",
        "A verdict by the key that the registry names.",
        op="check_verdict",
        given={"registry": registry, "bytes": signed("verdict", _VERDICT)},
        out=None,
    )


def _shapes(book: Book) -> None:
    def refuse(typ: str, name: str, why: str, payload: Any) -> None:
        codec = "signed_head" if typ == "head" else typ
        book.refuse(f"{typ}_{name}", why, "malformed", codec=codec, bytes=signed(typ, payload))

    for typ, good in (("receipt", _RECEIPT), ("head", _HEAD), ("verdict", _VERDICT)):
        for key in good:
            refuse(typ, f"{key}_missing", f"The key {key} is missing.", {name: item for name, item in good.items() if name != key})
        refuse(typ, "unknown_key", "A key that nobody knows.", good | {"note": 1})
        refuse(typ, "list", "A list in the place of the payload.", list(good.values()))
        refuse(typ, "log_32", "A log id of 32 bytes.", good | {"log": bytes(32)})
        refuse(typ, "inc_null", "No incarnation.", good | {"inc": None})
    first, second = _RECEIPT["items"]
    odd: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("no_items", "A receipt for nothing.", {"items": []}),
        ("items_falling", "Items out of order.", {"items": [second, first]}),
        ("items_same_place", "Two items at one place.", {"items": [second, [_IDS[0], 6, T0]]}),
        ("item_beyond_head", "An item beyond the head.", {"head": [5, _CHAIN]}),
        ("item_place_0", "Places begin at 1.", {"items": [[_IDS[0], 0, T0]]}),
        ("item_two", "An item of two.", {"items": [first[:2]]}),
        ("item_four", "An item of four.", {"items": [[*first, 0]]}),
        ("item_id_16", "An entry id of 16 bytes.", {"items": [[bytes(16), 4, T0]]}),
        ("item_time_null", "An item without a time.", {"items": [[_IDS[0], 4, None]]}),
        ("items_map", "A map in the place of the items.", {"items": {"a": first}}),
        ("head_three", "A head of three items.", {"head": [6, _CHAIN, T0]}),
        ("head_chain_31", "A chain of 31 bytes.", {"head": [6, _CHAIN[:31]]}),
        ("head_seq_text", "A head's place as text.", {"head": ["6", _CHAIN]}),
    )
    for name, why, over in odd:
        refuse("receipt", name, why, _RECEIPT | over)
    refuse("head", "seq_negative", "A negative place.", _HEAD | {"seq": -1})
    refuse("head", "seq_true", "`true` in the place of a place.", _HEAD | {"seq": True})
    refuse("head", "chain_text", "A chain as text.", _HEAD | {"chain": "c" * 32})
    changes: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("code_unknown", "A code that does not exist.", {"code": "nope"}),
        ("code_accepted", "What is accepted gets a receipt, not a verdict.", {"code": "accepted"}),
        ("code_not_final", "A refusal that is not final is not signed.", {"code": "no-standing"}),
        ("code_clone", "Nor is the detection of a clone.", {"code": "clone-detected"}),
        ("code_list", "A list in the place of a code.", {"code": ["stale-epoch"]}),
        ("id_16", "An entry id of 16 bytes.", {"id": bytes(16)}),
        ("author_text", "An author as text.", {"author": ids.show(C1.id)}),
        ("sq_0", "The count begins at 1.", {"sq": 0}),
    )
    for name, why, over in changes:
        refuse("verdict", name, why, _VERDICT | over)


def _judged(book: Book) -> None:
    registry = perpetrator(8).given
    for typ, payload in (("receipt", _RECEIPT), ("verdict", _VERDICT)):

        def refuse(name: str, why: str, data: bytes, op: str = f"check_{typ}", typ: str = typ) -> None:
            book.refuse(f"check_{typ}_{name}", why, "malformed", op=op, given={"registry": registry, "bytes": data})

        refuse("by_other_key", "Signed by another key.", signed(typ, payload, key="checkpoint/perpetrator"))
        refuse(
            "by_other_side",
            "Signed by the other side's server key, under its id.",
            signed(typ, payload, key="receipt/victim", kid=ids.server_key_id(signer("receipt/victim").public)),
        )
        refuse("by_device", "Signed by a device.", signed(typ, payload, key="device/c1", kid=C1.id))
        refuse("other_service", "Signed for another service.", signed(typ, payload, svc=OTHER_SVC))
        refuse("other_kid", "Signed by the right key under another id.", signed(typ, payload, kid=C1.id))
        refuse("other_incarnation", "Signed for another incarnation.", signed(typ, payload | {"inc": OTHER_INC}))


def books() -> list[Book]:
    """One file: `server`."""
    book = Book("receipt", "server", "Receipts, signed heads and signed refusals. In shape they are all rightly signed.", "9.3")
    for seq, (data, _) in enumerate(perpetrator(8).pairs(), 1):
        book.share(f"registry/{seq}", data)
    book.share("registry", perpetrator(8).given)
    _golden(book)
    _shapes(book)
    _judged(book)
    return [book]
