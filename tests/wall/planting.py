"""A canary of its own for every field that may stand on the victim side, and how it is found again.

Words carry it in a stem, days in four months of 1903 in which nothing else happens, ids and hashes in their first bytes, and numbers in nine digits.
Codes, and a yes or no, carry none.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final, NamedTuple

from shared_schema import cbor, ids
from shared_schema.records import Field, RecordType, code_list, record_types
from sync.change import Op
from sync.device.recording.places import BadValue
from sync.device.recording.values import check_value
from sync.device.session import Session
from tests.canaries import encodings

IN_FILES: Final = "zqfieldcanary"  # typed on the victim side
TAKEN: Final = "zqtakencanary"  # what a navigator was told of her
NAMES: Final = "zqnamecanary"  # of the victim side's people, devices and organisations
CROSSING: Final = "zqcrosscanary"  # in what goes over: for the other side's devices, and for nobody between
_DAYS: Final = tuple(f"1903-{month:02d}-" for month in (1, 2, 3, 4))
_IDS: Final = bytes.fromhex("ca4a21e0ca4a4ca4ba4a")
_NUMBERS: Final = 731_900_000
_NOT_TYPED: Final = frozenset({"att", "attachments", "refs"})


@dataclass(slots=True)
class Planted:
    """What was written where: `words` by field, each found again in the store of whoever wrote it. `numbers` carry a canary of nine digits."""

    stem: str
    words: dict[str, str] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    """Fields that can carry none."""

    def value(self, name: str, spec: Field) -> Any:
        """A whole value for a field: a list of members for a set, of rows for a list; None for what nobody types."""
        if spec.kind == "list":
            cells = {cell: self.value(f"{name}.{cell}", one) for cell, one in spec.cells.items() if one.kind not in _NOT_TYPED}
            return [{cell: value for cell, value in cells.items() if value is not None}]
        if spec.kind in _NOT_TYPED or spec.codes == "record_state":
            return None
        value = self._one(name, spec)
        return [value] if spec.merge == "set" else value

    def _one(self, name: str, spec: Field) -> Any:
        number = len(self.words) + len(self.numbers)
        tail = secrets.token_hex(6)
        match spec.kind:
            case "text" | "long":
                return self._keep(name, f"{self.stem}-{number:03d}-{tail}")
            case "date" | "when":
                day = self._keep(name, f"{_DAYS[number // 28 % 4]}{number % 28 + 1:02d}")
                return day if spec.kind == "date" else {"at": day, "precision": "day"}
            case "user" | "users" | "ref" | "random_id":
                return self._keep(name, self.id())
            case "hash":
                return self._keep(name, (_IDS + secrets.token_bytes(22)).hex())
            case "int" | "minutes" | "pence":
                return self._number(name)
            case "code" | "codes":
                self.plain.append(name)
                return code_list(spec.codes).codes[0]
            case "yn":
                self.plain.append(name)
                return "yes"
        raise AssertionError(f"no way to plant a {spec.kind}")

    @staticmethod
    def id() -> str:
        """An id with a canary."""
        return ids.show(_IDS + secrets.token_bytes(6))

    def replaced(self, word: str) -> str:
        """An id in place of a word: what some fields of text take is one."""
        name = next(name for name, one in self.words.items() if one == word)
        return self._keep(name, self.id())

    def _number(self, name: str) -> int:
        self.numbers.append(_NUMBERS + len(self.numbers))
        return self.numbers[-1]

    def _keep(self, name: str, word: str) -> str:
        self.words[name] = word
        return word

    def needles(self) -> Iterator["Needle"]:
        """What to look for, in every way in which it may be written down: what the canaries of a kind begin with."""
        words = self.words.values()
        stems = [self.stem, *(day for day in _DAYS if any(word.startswith(day) for word in words))]
        if any(word.startswith(_IDS.hex()[:8]) for word in words):
            stems += [_IDS.hex()[:16], ids.show(_IDS + bytes(6))[:19]]
            yield Needle("an id", _IDS)
        yield from (Needle(stem, way) for stem in stems for way in encodings(stem))
        for way in (str.encode, _hex, _wide, _cbor) if self.numbers else ():
            whole = tuple(way(str(number)) for number in self.numbers)
            same = takewhile(lambda pair: pair[0] == pair[1], zip(min(whole), max(whole), strict=True))
            yield Needle("a number", bytes(one for one, _ in same), whole)


class Needle(NamedTuple):
    """Bytes that are looked for. With `whole` they only begin what counts as found."""

    of: str
    data: bytes
    whole: tuple[bytes, ...] = ()

    def is_in(self, data: bytes) -> bool:
        return self.data in data and (not self.whole or any(one in data for one in self.whole))


def _hex(number: str) -> bytes:
    return number.encode().hex().encode()


def _wide(number: str) -> bytes:
    return number.encode("utf-16-le")


def _cbor(number: str) -> bytes:
    return cbor.encode(int(number))


def types_of(file: str, side: str = "victim") -> list[RecordType]:
    """The record types that may stand in such a file."""
    return [type_ for type_ in record_types().values() if side in type_.files.get(file, ())]


def write(session: Session, log: bytes, file: str, type_: RecordType, planted: Planted) -> int:
    """A record with every field that may stand there; how many there are. A number that is too large for its field stays small, and carries nothing."""
    ops: list[Op] = []
    for name, spec in type_.fields.items():
        if not spec.stands_in(file, session.identity.side):
            continue
        value = planted.value(f"{file}/{type_.name}.{name}", spec)
        value = _fitting(type_.name, name, value, planted)
        if value is None:
            continue
        several = value if spec.merge in ("set", "append") else None
        ops += [Op(name, "add", one, ()) for one in several] if several is not None else [Op(name, "set", value, ())]
    session.write(log, None, type_.name, ops)
    return len(ops)


def _fitting(type_: str, name: str, value: Any, planted: Planted) -> Any:
    """The value as the field takes it."""
    if value is None:
        return None
    try:
        check_value(type_, name, value)
    except BadValue:
        value = _otherwise(value, planted)
        check_value(type_, name, value)
    return value


def _otherwise(value: Any, planted: Planted) -> Any:
    """Small numbers, and ids in the place of words."""
    match value:
        case str() if value.startswith(planted.stem):
            return planted.replaced(value)
        case int():
            if value in planted.numbers:
                planted.numbers.remove(value)
            return 3
        case list():
            return [_otherwise(one, planted) for one in value]
        case dict():
            return {name: _otherwise(one, planted) for name, one in value.items()}
    return value


def found_in(things: list[tuple[str, bytes]], needles: Iterable[Needle]) -> list[tuple[str, str]]:
    """(artefact, canary) of every hit."""
    wanted = list(dict.fromkeys(needles))
    return [(name, needle.of) for name, data in things for needle in wanted if needle.is_in(data)]
