"""What the server signs: receipt, head, verdict (docs/spec.md §9.3).  Vectors: shared_schema/vectors/receipt/.

All three are COSE_Sign1 under the server's receipt key. Shape only; the signature is checked in sync/signing.py.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from shared_schema import cbor, cose
from shared_schema.entry import Head
from shared_schema.errors import Malformed, catalogue
from shared_schema.shape import as_hash, as_id, as_list, as_map, as_tuple, as_uint, keys

RECEIPT: Final = "fieldkeep-receipt"
HEAD: Final = "fieldkeep-head"
VERDICT: Final = "fieldkeep-verdict"


class Item(NamedTuple):
    """One accepted entry's place."""

    id: bytes
    seq: int
    received_ms: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """These entries of `log` have these places for ever; the log's head was then `(seq, chain)`."""

    log: bytes
    incarnation: bytes
    items: tuple[Item, ...]
    seq: int
    chain: bytes
    sign1: cose.Sign1


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The server vouches that `log` has `chain` at `seq`."""

    log: bytes
    head: Head
    sign1: cose.Sign1


@dataclass(frozen=True, slots=True)
class Verdict:
    """A final refusal of the entry `id`."""

    log: bytes
    incarnation: bytes
    id: bytes
    author: bytes
    sq: int
    code: str
    sign1: cose.Sign1


def receipt_payload(log: bytes, incarnation: bytes, items: list[Item], seq: int, chain: bytes) -> bytes:
    """The payload of a `fieldkeep-receipt`."""
    return cbor.encode({"log": log, "inc": incarnation, "items": [list(item) for item in items], "head": [seq, chain]})


def head_payload(log: bytes, head: Head) -> bytes:
    """The payload of a `fieldkeep-head`."""
    return cbor.encode({"log": log, "inc": head.incarnation, "seq": head.seq, "chain": head.chain})


def verdict_payload(log: bytes, incarnation: bytes, entry_id: bytes, author: bytes, sq: int, code: str) -> bytes:
    """The payload of a `fieldkeep-verdict`."""
    return cbor.encode({"log": log, "inc": incarnation, "id": entry_id, "author": author, "sq": sq, "code": code})


def decode_receipt(data: bytes) -> Receipt:
    """A receipt from its COSE bytes. Raises Malformed."""
    sign1 = cose.decode(data, RECEIPT)
    map_ = as_map(cbor.decode(sign1.payload), "receipt", keys("log", "inc", "items", "head"))
    items = tuple(_item(item) for item in as_list(map_["items"], "items"))
    head = as_tuple(map_["head"], "head", 2)
    seqs = [item.seq for item in items]
    if not items or seqs != sorted(set(seqs)) or seqs[-1] > as_uint(head[0], "seq"):
        raise Malformed("a receipt's items do not rise up to its head")
    return Receipt(as_id(map_["log"], "log"), as_id(map_["inc"], "inc"), items, head[0], as_hash(head[1], "chain"), sign1)


def _item(value: object) -> Item:
    items = as_tuple(value, "item", 3)
    return Item(as_hash(items[0], "id"), as_uint(items[1], "seq", 1), as_uint(items[2], "received_ms"))


def decode_signed_head(data: bytes) -> SignedHead:
    """A signed head from its COSE bytes. Raises Malformed."""
    sign1 = cose.decode(data, HEAD)
    map_ = as_map(cbor.decode(sign1.payload), "head", keys("log", "inc", "seq", "chain"))
    head = Head(as_id(map_["inc"], "inc"), as_uint(map_["seq"], "seq"), as_hash(map_["chain"], "chain"))
    return SignedHead(as_id(map_["log"], "log"), head, sign1)


def decode_verdict(data: bytes) -> Verdict:
    """A signed refusal from its COSE bytes. Raises Malformed."""
    sign1 = cose.decode(data, VERDICT)
    map_ = as_map(cbor.decode(sign1.payload), "verdict", keys("log", "inc", "id", "author", "sq", "code"))
    code = map_["code"]
    if type(code) is not str or not catalogue().get(code, {}).get("final"):
        raise Malformed("code is not a final refusal")
    return Verdict(
        as_id(map_["log"], "log"),
        as_id(map_["inc"], "inc"),
        as_hash(map_["id"], "id"),
        as_id(map_["author"], "author"),
        as_uint(map_["sq"], "sq", 1),
        code,
        sign1,
    )
