"""One hash over all records of a log, by which devices with equal grants and heads find that they hold the same (I2)."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared_schema import cbor, ids
from sync.change import FieldKey
from sync.fold.model import Live, Record


def state_hash(records: Mapping[bytes, Record]) -> bytes:
    """One hash over all live sets, signatures and hidden marks: equal on devices with equal grants and heads (I2)."""
    digest = [_record_digest(records[key]) for key in sorted(records)]
    return ids.sha256(b"".join(digest))


def _record_digest(record: Record) -> bytes:
    fields = sorted(
        ((cbor.encode(_key(key)), register) for key, register in record.registers.items() if register.live or register.proposals),
        key=lambda pair: pair[0],
    )
    body = [[cbor.Raw(key), [_ops(register.live.values()), _ops(register.proposals)]] for key, register in fields]
    signed = [[list(signature.id), [list(op) for op in signature.signs]] for signature in record.signatures]
    return cbor.encode([record.id, record.type, record.version, body, signed, record.hidden])


def _ops(live: Iterable[Live]) -> list[Any]:
    return [[list(op.id), cbor.Raw(cbor.encode(op.value))] for op in sorted(live, key=lambda op: op.id)]


def _key(key: FieldKey) -> Any:
    return key if isinstance(key, str) else [key.list, list(key.row), key.cell]
