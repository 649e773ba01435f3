"""Vectors of cover traffic: turned on and off in a registry, and what a day's envelope is made of (docs/spec.md §6.1, §9.7)."""

from typing import Any, Final

from shared_schema import cbor
from shared_schema.certificate import CoverTraffic, encode_registry_statement
from sync.change import Change, Op, encode_part
from tests.vectors.codecs import CODECS
from tests.vectors.generate.world import A1, A2, C1, N1, RegistryLog, fill, perpetrator, travelling
from tests.vectors.notation import Book

_NO: Final = "not-permitted"
_SIZES: Final = (256, 256, 512, 512, 1024, 1024, 2048, 2048, 4096, 4096)


def _turn(log: RegistryLog, author: Any, hour: int | None) -> Any:
    return log.statement(author.id, author.key, encode_registry_statement(CoverTraffic(hour)))


def _statements(book: Book) -> None:
    for name, hour in (("midnight", 0), ("evening", 18), ("last_hour", 23), ("off", None)):
        data = encode_registry_statement(CoverTraffic(hour))
        value = CODECS["registry_statement"].decode(data)
        book.add(f"statement_{name}", "The statement.", codec="registry_statement", value=value, bytes=data)
    good: dict[str, Any] = {"kind": "cover_traffic", "hour": 18}
    for name, why, value in (
        ("hour_24", "There is no such hour.", good | {"hour": 24}),
        ("hour_negative", "There is no such hour.", good | {"hour": -1}),
        ("hour_text", "A text in the place of the hour.", good | {"hour": "18"}),
        ("hour_true", "A boolean in the place of the hour.", good | {"hour": True}),
        ("hour_missing", "No hour.", {"kind": "cover_traffic"}),
        ("unknown_key", "A key that nobody knows.", good | {"size": 4096}),
    ):
        book.refuse(f"statement_{name}", why, "malformed", codec="registry_statement", bytes=cbor.encode(value))


def _registries(book: Book) -> None:
    log = perpetrator(8)

    def tells(name: str, why: str, hour: int | None, *void: str | None) -> None:
        out = {"void": [*[None] * (len(log.entries) - len(void)), *void], "hour": hour}
        book.add(name, why, op="cover_hour", given=log.given, out=out)

    tells("none", "There is none at first.", None)
    log.append(_turn(log, A1, 18))
    tells("on", "An administrator turns it on.", 18)
    log.append(_turn(log, A2, 18))
    tells("on_again", "It is so already.", 18, _NO)
    log.append(_turn(log, A2, 4))
    tells("another_hour", "The last that stands is in force.", 4, _NO, None)
    log.append(_turn(log, A1, None))
    tells("off", "It is turned off.", None, _NO, None, None)

    def refuse(name: str, why: str, make: Any) -> None:
        before = perpetrator(8)
        given = before.given | {"entry": travelling(make(before)), "received_ms": before.next_ms}
        book.refuse(name, why, _NO, op="registry_take", given=given)

    refuse("by_worker", "A navigator turns nothing on.", lambda log: _turn(log, N1, 18))
    refuse("by_coordinator", "Nor does a coordinator.", lambda log: _turn(log, C1, 18))
    refuse("by_authority", "Nor the authority.", lambda log: log.by_authority(CoverTraffic(18)))
    refuse("off_already", "It is off already.", lambda log: _turn(log, A1, None))


def _cover(size: int) -> bytes:
    """The plaintext that pads to `size` and is one byte string of zeros, by trying."""
    return next(data for n in range(size) if len(data := cbor.encode(bytes(n))) == size - 4)


def _envelopes(book: Book) -> None:
    def add(name: str, why: str, said: list[bytes], out: list[bytes]) -> None:
        book.add(name, why, op="cover_parts", given={"plaintexts": said}, out=out)

    day = [_cover(size) for size in _SIZES]
    short, longer, large = b"a" * 252, b"b" * 253, b"c" * 4_092
    larger = b"d" * 4_093
    add("nothing_to_say", "Cover alone.", [], day)
    add("one_short", "What there is to say stands in the first part of its size.", [short], [short, *day[1:]])
    add("two_sizes", "Each in its size.", [longer, short], [short, day[1], longer, *day[3:]])
    add("two_of_one_size", "In the order in which they are given.", [short, b"e"], [short, b"e", *day[2:]])
    add("last", "The largest that has a part.", [large], [*day[:8], large, day[9]])
    add("beyond", "What is larger stands behind.", [larger, short], [short, *day[1:], larger])
    for name, sizes, fit in (
        ("fits_none", [], True),
        ("fits_all", [252, 252, 508, 508, 1020, 1020, 2044, 2044, 4092, 4092], True),
        ("fits_two_of_one_size", [1, 252], True),
        ("fits_no_third", [1, 2, 3], False),
        ("fits_no_third_large", [4092, 4000, 3000], False),
        ("fits_any_number_of_larger", [4093, 5000, 6000], True),
    ):
        book.add(name, "Whether parts of these lengths go into one day's envelope.", op="cover_fits", given={"sizes": sizes}, out=fit)


def _reading(book: Book) -> None:
    change = Change(fill("record", 16), "case_note", 1, 1, 0, 1_700_000_000_000, (Op("body", "set", "Seen.", ()),))
    said = encode_part([change])
    book.add("read_changes", "A part that says something.", op="read_part", given={"plaintext": said}, out=[CODECS["part"].decode(said)[0]])
    for name, data in (("smallest", _cover(256)), ("largest", _cover(4096)), ("one_zero", b"\x41\0"), ("empty", b"\x40")):
        book.add(f"read_cover_{name}", "A byte string of zeros says nothing.", op="read_part", given={"plaintext": data}, out=[])

    def refuse(name: str, why: str, data: bytes) -> None:
        book.refuse(name, why, "malformed", op="read_part", given={"plaintext": data})

    refuse("read_byte", "A byte string with a byte that is none.", cbor.encode(bytes(9) + b"\x01"))
    refuse("read_long_head", "A head that is not the shortest.", b"\x58\x01\0")
    refuse("read_more", "A byte after it.", b"\x41\0\0")
    refuse("read_less", "A byte less than it says.", b"\x42\0")
    refuse("read_indefinite", "A byte string in pieces.", b"\x5f\x41\0\xff")
    refuse("read_text", "A text of zeros.", b"\x61\0")
    refuse("read_nothing", "No bytes.", b"")
    refuse("read_no_changes", "An empty list.", b"\x80")


def books() -> list[Book]:
    """This topic's files."""
    made = Book("cover", "cover", "Cover traffic: its statement, a registry with it, a day's envelope, and parts that say nothing.", "4, 6.1, 9.7")
    _statements(made)
    _registries(made)
    _envelopes(made)
    _reading(made)
    return [made]
