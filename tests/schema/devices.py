"""Devices of some version of the schemas, without stores: they hold parts as they came, and fold them."""

from typing import Any

from shared_schema import ids
from shared_schema.record_types import Catalogue, RecordType
from sync.change import SIGNED, Change, Op, OpId, decode_part, encode_part
from sync.fold import Occurrence, Record, fold_record
from tests.schema.generator import Generator

LOG = ids.sha256(b"versions")[:16]


class Device:
    """An app of one version: it holds parts as they came, and folds them by its own schemas."""

    def __init__(self, id_: bytes, catalogue: Catalogue) -> None:
        self.id, self.types = id_, catalogue.types
        self.parts: list[tuple[int, bytes, bytes]] = []  # place, author's device, bytes

    def occurrences(self) -> list[Occurrence]:
        return [Occurrence(seq, seq, device, device, "navigator", change) for seq, device, body in self.parts for change in decode_part(body)]

    def record(self, record: bytes) -> Record:
        return fold_record(LOG, record, [one for one in self.occurrences() if one.change.r == record], self.types)

    def version(self, type_: str) -> int:
        return self.types[type_].version if type_ in self.types else 1


def begin(device: Device, type_: RecordType, values: dict[str, Any], c: int, *, sign: bool) -> tuple[bytes, bytes]:
    """The part that begins a record, and its id."""
    ops: list[Op] = []
    for name, value in values.items():
        many = type_.fields[name].merge in ("set", "append")
        ops += [Op(name, "add", one, ()) for one in value] if many else [Op(name, "set", value, ())]
    if sign:
        made = tuple(OpId(device.id, c, i) for i in range(len(ops)))
        ops += [Op("state", "set", "signed", ()), Op(SIGNED, "sign", None, made)]
    record = ids.record_id(LOG, device.id, c)
    return record, encode_part([Change(record, type_.name, type_.version, c, 0, 1, tuple(ops))])


def edit(device: Device, record: Record, generator: Generator, c: int, seen: int) -> bytes | None:
    """A colleague's part: one `latest` field of those that this version knows, named as it stands; None where there is none."""
    type_ = device.types.get(record.type)
    known = [one for one in type_.fields.values() if one.merge == "latest" and one.name in record.registers] if type_ else []
    if type_ is None or not known:
        return None
    field = generator.random.choice(known)
    op = Op(field.name, "set", generator.value(type_.name, field), tuple(record.registers[field.name].live))
    return encode_part([Change(record.id, record.type, device.version(record.type), c, seen, 2, (op,))])
