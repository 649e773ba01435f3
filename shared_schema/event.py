"""Audit event: what happened on one side, as its audit log holds it (docs/spec.md §10.1). Shape only."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from shared_schema import cbor
from shared_schema.entry import decode_witness
from shared_schema.errors import Malformed
from shared_schema.shape import as_hash, as_id, as_map, as_text, as_uint

Check = Callable[[object, str], object]


def _seq(value: object, name: str) -> int:
    return as_uint(value, name, 1)


def _flag(value: object, name: str) -> bool:
    if type(value) is not bool:
        raise Malformed(f"{name} is neither true nor false")
    return value


def _log_if_known(value: object, name: str) -> bytes | None:
    return None if value is None else as_id(value, name)


def _what(value: object, name: str) -> str:
    if value != "logs":
        raise Malformed(f"{name} is not logs")
    return "logs"


def _before(value: object, name: str) -> object:
    return None if value is None else decode_witness(value, name)


_KINDS: Final[Mapping[str, Mapping[str, Check]]] = {
    "accepted": {"log": as_id, "id": as_hash, "seq": _seq, "ms": as_uint, "author": as_id, "chain": as_hash, "void": _flag},
    "refused": {"log": _log_if_known, "id": as_hash, "author": as_id, "code": as_text},
    "delivered": {"device": as_id, "log": as_id, "from": as_uint, "to": _seq, "ms": as_uint},
    "reviewed": {"device": as_id, "log": _log_if_known, "from": as_uint, "to": _seq, "ms": as_uint},
    "published": {"device": as_id, "log": as_id, "from": as_uint, "to": as_uint, "ms": as_uint},
    "sent": {"device": as_id, "address": as_id, "id": as_id, "ms": as_uint},
    "came": {"log": as_id, "n": _seq, "ms": as_uint},
    "shown": {"device": as_id, "log": as_id, "from": as_uint, "to": _seq, "ms": as_uint},
    "purged": {"device": as_id, "log": as_id, "id": as_hash, "ms": as_uint},
    "fetched": {"device": as_id, "log": as_id, "id": as_hash, "ms": as_uint},
    "restored": {"before": _before, "ms": as_uint},
    "export": {"by": as_id, "what": _what, "ms": as_uint},
}
_KEYS: Final = {kind: frozenset(("e", *fields)) for kind, fields in _KINDS.items()}


def decode_event(data: bytes) -> dict[str, Any]:
    """An event of a known kind, with exactly its keys. Raises Malformed."""
    value = cbor.decode(data)
    kind = value.get("e") if type(value) is dict else None
    if type(kind) is not str or kind not in _KINDS:
        raise Malformed(f"an audit event is one of {', '.join(_KINDS)}")
    event = as_map(value, kind, _KEYS[kind])
    for name, check in _KINDS[kind].items():
        check(event[name], name)
    return event
