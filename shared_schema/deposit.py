"""Handing in work after one's place was lost, and looking at what was handed in (docs/spec.md §9.5).  Vectors: shared_schema/vectors/wire/."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from shared_schema import cbor, limits
from shared_schema.errors import Malformed, TooLarge
from shared_schema.shape import as_blob, as_list, as_tuple, as_uint, versioned
from shared_schema.wire import Answer, Page, answer_map, decode_answer, decode_page, page_map


class Deposit(NamedTuple):
    """Undecoded pairs `[COSE bytes, [part, ...]]`, and how far the device has its registry."""

    push: tuple[Any, ...]
    registry: int


class Deposited(NamedTuple):
    """What became of each entry, in order, and the receipts of those that had been accepted before. `pages` is the registry's next page, up to the
    revocation of a device that has not seen its own; else none.
    """

    answers: tuple[Answer, ...]
    receipts: tuple[bytes, ...]
    pages: tuple[Page, ...] = ()


class HeldEntry(NamedTuple):
    """One held entry: its number within the file's holding area, when it came, and the undecoded `[COSE bytes, [part, ...]]`."""

    n: int
    held_ms: int
    pair: Any


def encode_deposit(deposit: Deposit) -> bytes:
    """The body of `POST /v1/deposit`."""
    return cbor.encode({"v": 1, "push": list(deposit.push), "registry": deposit.registry})


def decode_deposit(data: bytes) -> Deposit:
    """Parse a deposit. Raises Malformed or TooLarge."""
    map_ = versioned(cbor.decode(data, limits.ITEMS_PER_REQUEST), "deposit", "push", "registry")
    push = tuple(as_list(map_["push"], "push"))
    if len(push) > limits.ENTRIES_PER_PUSH:
        raise TooLarge(f"{len(push)} entries, want at most {limits.ENTRIES_PER_PUSH}")
    return Deposit(push, as_uint(map_["registry"], "registry"))


def encode_deposited(deposited: Deposited) -> bytes:
    """The answer to `POST /v1/deposit`."""
    return cbor.encode(
        {
            "v": 1,
            "answers": [answer_map(answer) for answer in deposited.answers],
            "receipts": list(deposited.receipts),
            "pages": [page_map(page) for page in deposited.pages],
        }
    )


def decode_deposited(data: bytes) -> Deposited:
    """Parse the answer to a deposit. Raises Malformed."""
    map_ = versioned(cbor.decode(data), "deposited", "answers", "receipts", "pages")
    answers = tuple(decode_answer(item) for item in as_list(map_["answers"], "answers"))
    pages = tuple(decode_page(item) for item in as_list(map_["pages"], "pages", 1))
    return Deposited(answers, tuple(as_blob(item, "receipt") for item in as_list(map_["receipts"], "receipts")), pages)


def encode_held(held: Sequence[HeldEntry], *, more: bool) -> bytes:
    """The answer to `GET /v1/held/{log}`."""
    return cbor.encode({"v": 1, "held": [list(one) for one in held], "more": more})


def decode_held(data: bytes) -> tuple[tuple[HeldEntry, ...], bool]:
    """What is held, and whether more is. Raises Malformed."""
    map_ = versioned(cbor.decode(data), "held", "held", "more")
    if type(map_["more"]) is not bool:
        raise Malformed("more is neither true nor false")
    return tuple(_held(item) for item in as_list(map_["held"], "held")), map_["more"]


def _held(value: object) -> HeldEntry:
    items = as_tuple(value, "held entry", 3)
    return HeldEntry(as_uint(items[0], "n", 1), as_uint(items[1], "held_ms"), items[2])
