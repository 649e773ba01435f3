"""Vectors of the encoding (docs/spec.md §1)."""

from typing import Any, Final

from shared_schema import cbor
from tests.vectors.notation import Book

_MAX: Final = 2**53 - 1


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def _nested_maps(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = {"a": value}
    return value


_VALUES: Final[tuple[tuple[str, str, Any], ...]] = (
    ("zero", "The smallest head.", 0),
    ("twenty_three", "The last integer inside the first byte.", 23),
    ("twenty_four", "The first integer with one byte of argument.", 24),
    ("byte_full", "The last integer with one byte of argument.", 255),
    ("two_bytes", "The first integer with two bytes of argument.", 256),
    ("two_bytes_full", "The last integer with two bytes of argument.", 65535),
    ("four_bytes", "The first integer with four bytes of argument.", 65536),
    ("four_bytes_full", "The last integer with four bytes of argument.", 2**32 - 1),
    ("eight_bytes", "The first integer with eight bytes of argument.", 2**32),
    ("largest", "The largest integer, 2^53-1.", _MAX),
    ("minus_one", "The negative integer nearest to zero.", -1),
    ("minus_twenty_four", "The last negative integer inside the first byte.", -24),
    ("minus_twenty_five", "The first negative integer with one byte of argument.", -25),
    ("minus_256", "The last negative integer with one byte of argument.", -256),
    ("minus_four_bytes", "A negative integer with four bytes of argument.", -(2**32)),
    ("smallest", "The smallest integer, -(2^53-1).", -_MAX),
    ("false", "A boolean.", False),
    ("true", "A boolean.", True),
    ("null", "Nothing.", None),
    ("empty_bytes", "A byte string of no bytes.", b""),
    ("bytes_23", "The longest byte string whose length lies in the first byte.", bytes(range(23))),
    ("bytes_24", "A byte string whose length takes a byte of its own.", bytes(range(24))),
    ("bytes_300", "A byte string whose length takes two bytes.", bytes(300)),
    ("empty_text", "A text of no characters.", ""),
    ("text_ascii", "A text.", "Signature1"),
    ("text_two_bytes", "Letters of two bytes: the length counts bytes.", "Zoë"),
    ("text_astral", "A character beyond the basic plane: four bytes, two UTF-16 units.", "🦊"),
    ("text_unnormalised", "A decoder does not normalise: e and a combining accent stay two characters.", "e\u0301"),
    ("text_nul", "A text may hold any character, U+0000 too.", "a\0b"),
    ("text_last_character", "The last code point.", "\U0010ffff"),
    ("text_byte_order_mark", "A decoder does not drop a leading U+FEFF.", "\ufeffa"),
    ("empty_list", "A list of no items.", []),
    ("list_24", "A list whose length takes a byte of its own.", list(range(24))),
    ("list_mixed", "All kinds in one list.", [1, -1, b"\1", "a", [], {}, True, False, None]),
    ("empty_map", "A map of no pairs.", {}),
    ("map_text_keys", "Shorter keys come first, then the order of their bytes.", {"b": 1, "a": 2, "aa": 3, "": 4}),
    ("map_integer_keys", "Integer keys come before text keys.", {0: "a", 4: b"b", 23: None, "a": 1}),
    ("map_one_and_text_one", "The integer 1 and the text 1 are two keys.", {1: "integer", "1": "text"}),
    ("map_key_proto", "A key that some languages treat as special is a key like others.", {"__proto__": 1, "constructor": 2, "toString": 3}),
    ("map_numeric_text_keys", "Text keys that look like numbers keep the order of their bytes.", {"9": 1, "10": 2, "2": 3}),
    ("map_keys_beyond_ascii", "Keys are ordered by their UTF-8 bytes, not by UTF-16 units.", {"\uffee": 1, "\U0001f98a": 2, "zz": 3}),
    ("map_long_key", "A key whose length takes a byte of its own.", {"k" * 24: 1, "l": 2}),
    ("map_24", "A map whose length takes a byte of its own.", {f"{i:02}": i for i in range(24)}),
    ("depth_16", "Sixteen lists inside one another: the deepest nesting.", _nested(16)),
    ("depth_16_maps", "Sixteen maps inside one another.", _nested_maps(16)),
)

_BYTES: Final[tuple[tuple[str, str, str], ...]] = (
    ("nothing", "No item at all.", ""),
    ("zero_in_two_bytes", "0 in two bytes: a head must be the shortest.", "1800"),
    ("twenty_three_in_two_bytes", "23 in two bytes.", "1817"),
    ("byte_in_three_bytes", "255 in three bytes.", "1900ff"),
    ("two_bytes_in_five", "65535 in five bytes.", "1a0000ffff"),
    ("four_bytes_in_nine", "2^32-1 in nine bytes.", "1b00000000ffffffff"),
    ("minus_one_in_two_bytes", "-1 in two bytes.", "3800"),
    ("length_of_bytes_in_two", "A byte string of one byte whose length takes two.", "580100"),
    ("length_of_text_in_three", "A text of one character whose length takes three bytes.", "79000161"),
    ("length_of_list_in_two", "An empty list whose length takes two bytes.", "9800"),
    ("length_of_map_in_two", "An empty map whose length takes two bytes.", "b800"),
    ("beyond_largest", "2^53: doubles hold no integer above it exactly.", "1b0020000000000000"),
    ("beyond_smallest", "-(2^53).", "3b001fffffffffffff"),
    ("largest_uint64", "2^64-1.", "1bffffffffffffffff"),
    ("smallest_nint64", "-(2^64).", "3bffffffffffffffff"),
    ("float_16", "A half-precision float.", "f90000"),
    ("float_32", "A single-precision float.", "fa00000000"),
    ("float_64", "A double-precision float.", "fb3ff0000000000000"),
    ("float_nan", "Not a number.", "f97e00"),
    ("undefined", "`undefined` has no place here.", "f7"),
    ("simple_0", "A simple value inside the first byte.", "e0"),
    ("simple_32", "A simple value of two bytes.", "f820"),
    ("simple_false_in_two_bytes", "`false` as a simple value of two bytes.", "f814"),
    ("break_alone", "A break without an indefinite item.", "ff"),
    ("tag_0", "A tag.", "c074323032352d30312d30315430303a30303a30305a"),
    ("tag_cose_sign1", "The tag of a signed object has its place before one, and nowhere inside.", "d280"),
    ("tag_bignum", "A bignum.", "c2420100"),
    ("tag_self_described", "The tag that says: this is CBOR.", "d9d9f700"),
    ("indefinite_bytes", "A byte string of indefinite length.", "5f4101ff"),
    ("indefinite_text", "A text of indefinite length.", "7f6161ff"),
    ("indefinite_list", "A list of indefinite length.", "9f00ff"),
    ("indefinite_map", "A map of indefinite length.", "bf616100ff"),
    ("reserved_28", "A reserved additional value.", "1c"),
    ("reserved_29", "A reserved additional value.", "3d"),
    ("reserved_30", "A reserved additional value.", "5e"),
    ("indefinite_integer", "An integer of indefinite length does not exist.", "1f"),
    ("text_not_utf8", "A byte that no UTF-8 text begins with.", "61ff"),
    ("text_cut_character", "The first byte of a character without the second.", "61c3"),
    ("text_surrogate", "A surrogate written in UTF-8.", "63eda080"),
    ("text_surrogate_pair", "A character beyond the basic plane as two surrogates (CESU-8).", "66eda0beedb98a"),
    ("text_overlong", "A slash in two bytes.", "62c0af"),
    ("text_beyond_unicode", "A code point after the last one.", "64f4908080"),
    ("map_unordered", "Keys out of order.", "a2616200616100"),
    ("map_integers_after_text", "An integer key after a text key.", "a26161000000"),
    ("map_length_order", "A longer key before a shorter one.", "a262616100616200"),
    ("map_repeated", "One key twice.", "a2616100616101"),
    ("map_repeated_integer", "One integer key twice.", "a201000101"),
    ("map_key_24", "An integer key above 23.", "a1181800"),
    ("map_key_negative", "A negative key.", "a12000"),
    ("map_key_bytes", "A byte string as a key.", "a1416100"),
    ("map_key_null", "`null` as a key.", "a1f600"),
    ("map_key_true", "A boolean as a key.", "a1f500"),
    ("map_key_list", "A list as a key.", "a18000"),
    ("map_key_long_head", "A key whose head is longer than needed.", "a178016100"),
    ("map_odd", "A key without its value.", "a16161"),
    ("bytes_longer_than_input", "A byte string that announces more than there is.", "4201"),
    ("bytes_absurd", "A byte string that announces 2^63 bytes.", "5b8000000000000000"),
    ("list_absurd", "A list that announces 2^32 items.", "9b0000000100000000"),
    ("map_absurd", "A map that announces 2^32 pairs.", "bb0000000100000000"),
    ("depth_17", "Seventeen lists inside one another.", "81" * 17 + "00"),
    ("depth_17_empty", "Seventeen lists of which the innermost is empty.", "81" * 16 + "80"),
    ("depth_17_maps", "Seventeen maps inside one another.", "a16161" * 17 + "00"),
    ("depth_100000", "A hundred thousand lists inside one another: an error, not an exhausted stack.", "81" * 100_000),
    ("two_items", "A second item after the first.", "0000"),
    ("item_then_break", "A break after the item.", "80ff"),
)

_UNENCODABLE: Final[tuple[tuple[str, str, Any], ...]] = (
    ("encode_beyond_largest", "An encoder refuses 2^53.", 2**53),
    ("encode_beyond_smallest", "An encoder refuses -(2^53).", -(2**53)),
    ("encode_depth_17", "An encoder refuses a seventeenth level.", _nested(17)),
    ("encode_depth_17_maps", "An encoder refuses a seventeenth level of maps.", _nested_maps(17)),
    ("encode_key_24", "An encoder refuses an integer key above 23.", {24: 0}),
    ("encode_key_negative", "An encoder refuses a negative key.", {-1: 0}),
    ("encode_key_surrogate", "An encoder refuses half of a surrogate pair in a key.", {"\ud83e": 0}),
    ("encode_surrogate", "An encoder refuses half of a surrogate pair.", "\ud83e"),
)


def books() -> list[Book]:
    """One file: the codec `cbor`."""
    book = Book("cbor", "codec", "Deterministic CBOR, narrowed: one encoding for each value, everything else refused.", "1")
    for name, why, value in _VALUES:
        book.add(name, why, codec="cbor", value=value, bytes=cbor.encode(value))
    for name, why, data in _BYTES:
        book.refuse(name, why, "malformed", codec="cbor", bytes=bytes.fromhex(data))
    for name, why, value in _UNENCODABLE:
        book.refuse(name, why, "malformed", codec="cbor", value=value)
    return [book]
