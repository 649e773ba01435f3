"""Sync request and response (docs/spec.md §9.2), as typed values with strict encode and decode.  Vectors: shared_schema/vectors/wire/."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, NamedTuple

from shared_schema import cbor, limits
from shared_schema.entry import Witness, decode_witness
from shared_schema.errors import Malformed, TooLarge, catalogue
from shared_schema.shape import as_blob, as_bytes, as_hash, as_id, as_list, as_map, as_text, as_tuple, as_uint, keys


class Cursor(NamedTuple):
    """How far a device has a log."""

    log: bytes
    seq: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """What a device says of itself; the server stores it for supervisors and trusts none of it."""

    unsent: int = 0
    held: int = 0
    conflicts: int = 0
    oldest_conflict_days: int = 0
    app: str = "unknown"
    claimed_ms: int = 0
    free_mb: int = 0


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """One round trip. `push` are undecoded `[COSE bytes, [part, ...]]` pairs; `prove` are leaf indexes to be proved; `purged` the COSE bytes of what
    the device says that it has purged.
    """

    cursors: tuple[Cursor, ...] = ()
    push: tuple[Any, ...] = ()
    status: Status = field(default_factory=Status)
    checkpoint: Witness | None = None
    prove: tuple[int, ...] = ()
    purged: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one pushed entry. `stored` is the other entry of a `clone-detected`; `signed` a final refusal."""

    id: bytes
    code: str
    message: str = ""
    signed: bytes | None = None
    stored: Any = None


@dataclass(frozen=True, slots=True)
class Opening:
    """Where an `accepted` event stands in the audit tree, and the salt that opens its leaf."""

    id: bytes
    leaf: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One entry of a page; `pair` is the undecoded `[COSE bytes, [part or null, ...]]`."""

    pair: Any
    received_ms: int
    opening: tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of one log after the cursor, ended by a signed head. `more` when the log goes on beyond that head."""

    log: bytes
    entries: tuple[PageEntry, ...]
    head: bytes
    more: bool


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The audit path of leaf `leaf` in the tree of the response's checkpoint."""

    leaf: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SyncResponse:
    """The answer to a sync. `consistency` leads from the request's checkpoint to `checkpoint`. `held` says of each file how many held entries
    wait for the device's person to decide on, `parcels` the number of the newest parcel that came to it.
    """

    answers: tuple[Answer, ...]
    receipts: tuple[bytes, ...]
    openings: tuple[Opening, ...]
    pages: tuple[Page, ...]
    more: bool
    time_ms: int
    checkpoint: str
    consistency: tuple[bytes, ...]
    inclusion: tuple[InclusionProof, ...]
    held: tuple[tuple[bytes, int], ...] = ()
    parcels: tuple[tuple[bytes, int], ...] = ()


_STATUS: Final = keys("unsent", "held", "conflicts", "oldest_conflict_days", "app", "claimed_ms", "free_mb")


_REQUEST: Final = keys("v", "cursors", "push", "status", "checkpoint", "prove", "purged")


def encode_request(request: SyncRequest) -> bytes:
    """The body of `POST /v1/sync`."""
    return cbor.encode(
        {
            "v": 1,
            "cursors": [list(cursor) for cursor in request.cursors],
            "push": list(request.push),
            "status": status_map(request.status),
            "checkpoint": None if request.checkpoint is None else list(request.checkpoint),
            "prove": list(request.prove),
            "purged": list(request.purged),
        }
    )


def decode_request(data: bytes) -> SyncRequest:
    """Parse a sync request. Raises Malformed or TooLarge."""
    map_ = as_map(cbor.decode(data, limits.ITEMS_PER_REQUEST), "request", _REQUEST)
    if map_["v"] != 1 or map_["v"] is True:
        raise Malformed("request version is not 1")
    cursors = tuple(_cursor(item) for item in as_list(map_["cursors"], "cursors"))
    push = tuple(as_list(map_["push"], "push"))
    if len(cursors) > limits.FILES_PER_DEVICE or len(push) > limits.ENTRIES_PER_PUSH:
        raise TooLarge(f"{len(cursors)} cursors and {len(push)} entries, want at most {limits.FILES_PER_DEVICE} and {limits.ENTRIES_PER_PUSH}")
    if len({cursor.log for cursor in cursors}) != len(cursors):
        raise Malformed("a log has two cursors")
    checkpoint = None if map_["checkpoint"] is None else decode_witness(map_["checkpoint"], "checkpoint")
    prove = tuple(as_uint(leaf, "leaf") for leaf in as_list(map_["prove"], "prove", limits.PROOFS_PER_SYNC))
    purged = tuple(as_blob(one, "purged") for one in as_list(map_["purged"], "purged", limits.PURGES_PER_SYNC))
    return SyncRequest(cursors, push, decode_status(map_["status"]), checkpoint, prove, purged)


def _cursor(value: object) -> Cursor:
    items = as_tuple(value, "cursor", 3)
    return Cursor(as_id(items[0], "log"), as_uint(items[1], "seq"), as_hash(items[2], "chain"))


def status_map(status: Status) -> dict[str, Any]:
    """A status as it is encoded."""
    return {name: getattr(status, name) for name in Status.__slots__}


def decode_status(value: object) -> Status:
    """Parse what a device says of itself. Raises Malformed."""
    map_ = as_map(value, "status", _STATUS)
    numbers = {name: as_uint(map_[name], name) for name in _STATUS - {"app"}}
    return Status(app=as_text(map_["app"], "app", 64), **numbers)


def encode_response(response: SyncResponse) -> bytes:
    """The body of the answer to `POST /v1/sync`."""
    return cbor.encode(
        {
            "v": 1,
            "answers": [answer_map(answer) for answer in response.answers],
            "receipts": list(response.receipts),
            "openings": [[opening.id, opening.leaf, opening.salt] for opening in response.openings],
            "pages": [page_map(page) for page in response.pages],
            "more": response.more,
            "time": response.time_ms,
            "checkpoint": response.checkpoint,
            "consistency": list(response.consistency),
            "inclusion": [[proof.leaf, list(proof.path)] for proof in response.inclusion],
            "held": [list(one) for one in response.held],
            "parcels": [list(one) for one in response.parcels],
        }
    )


def answer_map(answer: Answer) -> dict[str, Any]:
    """What became of one entry, as it travels."""
    map_: dict[str, Any] = {"id": answer.id, "code": answer.code}
    if answer.code != "accepted":
        map_ |= {"message": answer.message, "retry": catalogue()[answer.code]["retry"]}
    if answer.signed is not None:
        map_["signed"] = answer.signed
    if answer.stored is not None:
        map_["stored"] = answer.stored
    return map_


def page_map(page: Page) -> dict[str, Any]:
    """A page of one log, as it travels."""
    entries = [[entry.pair, entry.received_ms, list(entry.opening)] for entry in page.entries]
    return {"log": page.log, "entries": entries, "head": page.head, "more": page.more}


def decode_response(data: bytes) -> SyncResponse:
    """Parse a sync response. Raises Malformed."""
    map_ = as_map(
        cbor.decode(data),
        "response",
        keys("v", "answers", "receipts", "openings", "pages", "more", "time", "checkpoint", "consistency", "inclusion", "held", "parcels"),
    )
    if map_["v"] != 1 or map_["v"] is True:
        raise Malformed("response version is not 1")
    return SyncResponse(
        answers=tuple(decode_answer(item) for item in as_list(map_["answers"], "answers")),
        receipts=tuple(as_blob(item, "receipt") for item in as_list(map_["receipts"], "receipts")),
        openings=tuple(_opening(item) for item in as_list(map_["openings"], "openings")),
        pages=tuple(decode_page(item) for item in as_list(map_["pages"], "pages")),
        more=_flag(map_["more"], "more"),
        time_ms=as_uint(map_["time"], "time"),
        checkpoint=as_text(map_["checkpoint"], "checkpoint", 1000),
        consistency=tuple(as_hash(item, "consistency") for item in as_list(map_["consistency"], "consistency", 128)),
        inclusion=tuple(_inclusion(item) for item in as_list(map_["inclusion"], "inclusion", limits.PROOFS_PER_SYNC)),
        held=_counts(map_["held"], "held"),
        parcels=_counts(map_["parcels"], "parcels"),
    )


def _flag(value: object, name: str) -> bool:
    if type(value) is not bool:
        raise Malformed(f"{name} is neither true nor false")
    return value


def decode_answer(value: object, id_bytes: int = 32) -> Answer:
    """What became of one entry, or, with an id of 16 bytes, of one parcel. Raises Malformed."""
    map_ = as_map(value, "answer", keys("id", "code"), keys("message", "retry", "signed", "stored"))
    entry_id, code = as_bytes(map_["id"], id_bytes, "id"), as_text(map_["code"], "code", 40)
    if code == "accepted":
        as_map(map_, "accepted answer", keys("id", "code"))
        return Answer(entry_id, code)
    if code not in catalogue():
        raise Malformed("code is not in the list of errors")
    as_map(map_, "refusal", keys("id", "code", "message", "retry"), keys("signed", "stored"))
    if map_["retry"] != catalogue()[code]["retry"]:
        raise Malformed("retry is not the rule of this code")
    if None in (map_.get("signed", b""), map_.get("stored", b"")):
        raise Malformed("what does not apply is left out")
    signed = as_blob(map_["signed"], "signed") if "signed" in map_ else None
    stored = _stored(map_["stored"]) if "stored" in map_ else None
    return Answer(entry_id, code, as_text(map_["message"], "message", 500), signed, stored)


def _opening(value: object) -> Opening:
    items = as_tuple(value, "opening", 3)
    return Opening(as_hash(items[0], "id"), as_uint(items[1], "leaf"), as_hash(items[2], "salt"))


def decode_page(value: object) -> Page:
    """A page of one log. Raises Malformed."""
    map_ = as_map(value, "page", keys("log", "entries", "head", "more"))
    entries = tuple(_page_entry(item) for item in as_list(map_["entries"], "entries"))
    return Page(as_id(map_["log"], "log"), entries, as_blob(map_["head"], "head"), _flag(map_["more"], "more"))


def _page_entry(value: object) -> PageEntry:
    items = as_tuple(value, "page entry", 3)
    opening = as_tuple(items[2], "opening", 2)
    served = as_hash(items[0], "id") if type(items[0]) is bytes else _stored(items[0])
    return PageEntry(served, as_uint(items[1], "received_ms"), (as_uint(opening[0], "leaf"), as_hash(opening[1], "salt")))


def _stored(value: object) -> list[Any]:
    """A pair as far as an answer's own shape goes: whoever takes it decodes it."""
    pair = as_tuple(value, "entry", 2)
    as_blob(pair[0], "entry")
    as_list(pair[1], "parts")
    return pair


def _counts(value: object, name: str) -> tuple[tuple[bytes, int], ...]:
    """`[log, number]` by rising log."""
    found = [_count(item, name) for item in as_list(value, name, limits.FILES_PER_DEVICE)]
    if any(first[0] >= second[0] for first, second in pairwise(found)):
        raise Malformed(f"{name} is not in rising order of log")
    return tuple(found)


def _count(value: object, name: str) -> tuple[bytes, int]:
    items = as_tuple(value, name, 2)
    return as_id(items[0], "log"), as_uint(items[1], "count", 1)


def _inclusion(value: object) -> InclusionProof:
    items = as_tuple(value, "inclusion", 2)
    return InclusionProof(as_uint(items[0], "leaf"), tuple(as_hash(node, "node") for node in as_list(items[1], "path", 64)))


def encode_purged(rows: Sequence[tuple[int, int, bytes]], *, more: bool) -> bytes:
    """The answer to `GET /v1/purged/{log}`: (number, when it came, COSE) of each device's word."""
    return cbor.encode({"v": 1, "purged": [list(row) for row in rows], "more": more})


def decode_purged(data: bytes) -> tuple[list[tuple[int, int, bytes]], bool]:
    """The devices' words, and whether there are more. Raises Malformed."""
    map_ = as_map(cbor.decode(data), "purged", keys("v", "purged", "more"))
    if map_["v"] != 1 or map_["v"] is True:
        raise Malformed("purged version is not 1")
    return [_purged(item) for item in as_list(map_["purged"], "purged")], _flag(map_["more"], "more")


def _purged(value: object) -> tuple[int, int, bytes]:
    items = as_tuple(value, "purged", 3)
    return as_uint(items[0], "n", 1), as_uint(items[1], "ms"), as_blob(items[2], "purge")
