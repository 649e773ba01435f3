"""Good input, damaged: bits, lengths, heads, integer sizes, nesting, order and repeats of keys, parts of one input in another. Seeded, and small.

Whoever draws with the same `Random` from the same pool gets the same damage: a run is its seed.
"""

import copy
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final

from tests.fuzz import tree
from tests.fuzz.tree import Node

MOST_BYTES: Final = 300_000
_INTEGERS: Final = (
    *(0, 1, 2, 22, 23, 24, 25, 127, 128, 255, 256, 257, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**48),
    *(2**53 - 2, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1),
)
_LENGTHS: Final = (0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 199, 200, 201, 255, 256, 1024, 1215, 1216, 1217, 4096, 4097, 20_000)
_SIMPLE: Final = tuple(
    bytes.fromhex(one)
    for one in (
        *("f4", "f5", "f6", "f7", "f818", "f8ff", "f815", "f93c00", "f97e00", "fa3f800000", "fb3ff0000000000000", "fb4330000000000000"),
        *("c000", "c101", "c249ffffffffffffffffff", "d2", "d81800", "5f4100ff", "7f6161ff", "9f00ff", "bf616100ff", "ff", "1c", "5d", "fc"),
        *("1800", "190001", "1a00000001", "1b0000000000000001", "3800", "5800", "7800", "9800", "b800", "1bffffffffffffffff"),
        *("3bffffffffffffffff", "5bffffffffffffffff", "7bffffffffffffffff", "9bffffffffffffffff", "bbffffffffffffffff", "9a7fffffff"),
        *("20", "40", "60", "80", "a0", "a10000", "a12000", "a1410000", "a1f500", "a2616100616101", "a2616200616100", "a26161000000"),
    )
)
_TEXTS: Final = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in (
        *("", "a", "\x00", "\ufeff", "\ud800", "\udfff", "\U0001f642", "e\u0301", "\u00e9", "\u202e", "\u2028", "__proto__", "constructor", "v"),
        *("kind", "_signed", "_deleted", "_x", "A" * 64, "A" * 65, "A" * 200, "A" * 201, "\U0001f642" * 64, "\U0001f642" * 65, "\U0001f642" * 200),
        *("\U0001f642" * 201, "\u00e9" * 200, "perpetrator", "victim", "oversight", "nobody", "accepted", "malformed", "0", "-1", "1e9", "NaN"),
    )
)
_NOT_UTF8: Final = (
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\xf8\x88\x80\x80\x80",
    b"a\x80",
    b"\xc1\xbf",
    b"\xf0\x80\x80\x80",
)
_DEPTHS: Final = (1, 2, 14, 15, 16, 17, 18, 64, 999, 5000, 60_000)

Mutate = Callable[[bytes, Sequence[bytes], Random], bytes]


# --- any bytes -------------------------------------------------------------------------------------------------------------


def damage_bytes(data: bytes, pool: Sequence[bytes], draw: Random) -> bytes:
    """One small thing changed, whatever the bytes mean."""
    at = draw.randrange(len(data) + 1)
    end = min(len(data), at + draw.choice((1, 1, 2, 4, 8, 16, 32, 64, 256)))
    match draw.randrange(11):
        case 0 | 1:
            return data[:at] + bytes([(data[at] if at < len(data) else 0) ^ (1 << draw.randrange(8))]) + data[at + 1 :]
        case 2:
            return (
                data[:at]
                + bytes([draw.choice((0, 1, 0x17, 0x18, 0x1B, 0x20, 0x40, 0x5F, 0x60, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xD2, 0xF6, 0xFF))])
                + data[at + 1 :]
            )
        case 3:
            return data[:at] + draw.choice(_SIMPLE) + data[end:]
        case 4:
            return data[:at] + data[end:]
        case 5:
            return data[:at] + data[at:end] * draw.choice((2, 2, 3, 20)) + data[end:]
        case 6:
            return data[:at]
        case 7:
            return data + draw.choice((b"\0", b"\n", b"\xff", b"\xf6", data[:end], draw.randbytes(draw.choice((1, 16, 64)))))
        case 8:
            other = draw.choice(pool) if pool else data
            cut = draw.randrange(len(other) + 1)
            return data[:at] + other[cut : cut + draw.choice((4, 32, 256, 1 << 20))]
        case 9:
            return data[:at] + tree.nested(draw.choice(_DEPTHS), b"\x00", draw) + data[at:]
        case _:
            return data[:at] + draw.randbytes(end - at) + data[end:]


# --- CBOR ------------------------------------------------------------------------------------------------------------------


def damage_cbor(data: bytes, pool: Sequence[bytes], draw: Random) -> bytes:
    """One to three things changed in the tree; the lengths around them are right, as a rule."""
    root = tree.parse(data)
    if root is None or draw.random() < 0.15:
        return damage_bytes(data, pool, draw)
    donor = tree.parse(draw.choice(pool)) if pool and draw.random() < 0.5 else None
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        nodes = list(root.walk())
        _damage_node(draw.choice(nodes), nodes if donor is None else list(donor.walk()), draw)
    return tree.whole(root)


def _damage_node(node: Node, others: Sequence[Node], draw: Random) -> None:
    common = draw.randrange(10)
    if common == 0:
        node.raw = draw.choice(_SIMPLE)
    elif common == 1:
        _become(node, draw.choice(others))
    elif common == 2:
        alike = [one for one in others if one.major == node.major and one is not node]
        if alike:
            _become(node, draw.choice(alike))
    elif common == 3:
        node.raw = tree.nested(draw.choice(_DEPTHS), node.encode(), draw)
    elif common == 4:
        _damage_head(node, draw)
    elif node.major in (0, 1):
        _damage_integer(node, draw)
    elif node.major == 2:
        _damage_string(node, others, draw)
    elif node.major == 3:
        _damage_text(node, others, draw)
    elif node.major in (4, 5):
        _damage_kids(node, others, draw)
    else:
        node.raw = draw.choice((b"\xf4", b"\xf5", b"\xf6", b"\x00", b"\x01", b"\xf7", b"\xf97e00"))


def _become(node: Node, other: Node) -> None:
    made = other.copy()
    for name in Node.__slots__:
        setattr(node, name, getattr(made, name))


def _damage_head(node: Node, draw: Random) -> None:
    """A head that is longer than needed, or declares something else than there is."""
    true = node.argument if node.major in (0, 1) else len(node.data) if node.inner is None else len(node.inner.encode())
    true = len(node.kids) // max(node.major - 3, 1) if node.major in (4, 5) else true
    match draw.randrange(4):
        case 0:
            node.wide = draw.choice((24, 25, 26, 27))
        case 1:
            node.says = max(0, true + draw.choice((-2, -1, 1, 2)))
        case 2:
            node.says = draw.choice(_INTEGERS)
        case _:
            node.raw = bytes([node.major << 5 | draw.choice((28, 29, 30, 31))]) + node.encode()[1:] + b"\xff" * draw.randrange(2)


def _damage_integer(node: Node, draw: Random) -> None:
    if draw.randrange(3):
        node.argument = draw.choice(_INTEGERS)
    else:
        node.argument = max(0, node.argument + draw.choice((-1, 1, 1 << draw.randrange(54))))
    if not draw.randrange(6):
        node.major = 1 - node.major


def _damage_string(node: Node, others: Sequence[Node], draw: Random) -> None:
    data = node.data if node.inner is None else node.before + node.inner.encode()
    node.inner = None
    kind = draw.randrange(6)
    if kind == 0 and data:
        at = draw.randrange(len(data))
        data = data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]
    elif kind == 1:
        data = (data * 2 or b"\0")[: len(data) + draw.choice((-1, 1, 2))] if data else b"\0"
    elif kind == 2:
        data = bytes(draw.choice(_LENGTHS))
    elif kind == 3:
        data = draw.choice((bytes(len(data)), b"\xff" * len(data), draw.randbytes(len(data))))
    elif kind == 4:
        data = damage_bytes(data, (), draw)
    else:
        data = draw.choice(others).encode()
    node.data = data


def _damage_text(node: Node, others: Sequence[Node], draw: Random) -> None:
    kind = draw.randrange(5)
    if kind == 0:
        node.data = draw.choice(_TEXTS)
    elif kind == 1:
        node.data += draw.choice(_NOT_UTF8)
    elif kind == 2:
        node.data = node.data.swapcase()
    elif kind == 3:
        texts = [one.data for one in others if one.major == 3]
        node.data = draw.choice(texts) if texts else b""
    else:
        at = draw.randrange(len(node.data) + 1)
        node.data = node.data[:at] + draw.choice(_TEXTS) + node.data[at:]


def _damage_kids(node: Node, others: Sequence[Node], draw: Random) -> None:
    """What a list or a map holds: fewer, more, twice, in another order. Of a map, pairs or single keys."""
    step = 1 if node.major == 4 or not draw.randrange(8) else 2
    groups = [node.kids[at : at + step] for at in range(0, len(node.kids), step)]
    at = draw.randrange(len(groups)) if groups else 0
    other = draw.randrange(len(groups)) if groups else 0
    match draw.randrange(7):
        case 0:
            del groups[at : at + 1]
        case 1 if groups:
            groups.insert(other, [kid.copy() for kid in groups[at]])
        case 2 if groups:
            groups[at], groups[other] = groups[other], groups[at]
        case 3:
            groups.reverse()
        case 4:
            groups.insert(at, [draw.choice(others).copy() for _ in range(step)])
        case 5 if groups:
            groups *= draw.choice((2, 3, 20, 200)) if len(groups) < 50 else 2
        case _:
            draw.shuffle(groups)
    node.kids = [kid for group in groups for kid in group]
    if node.major == 5 and draw.random() < 0.6:  # in their order again: the shape is odd, the encoding is not
        pairs = sorted((node.kids[at : at + 2] for at in range(0, len(node.kids) - 1, 2)), key=lambda pair: pair[0].encode())
        node.kids = [kid for pair in pairs for kid in pair]


# --- text, and JSON in it --------------------------------------------------------------------------------------------------

_SIGNS: Final = (
    *(
        "",
        " ",
        "\n",
        "\r",
        "\t",
        "\0",
        "\x1c",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ud800",
        "\u0660",
        "\u00b2",
        "=",
        "-",
        "_",
        "/",
        "+",
        ".",
        ",",
        ";",
        '"',
        "'",
    ),
    *(
        "0",
        "9" * 400,
        "9" * 5000,
        "1e999",
        "-0",
        "NaN",
        "Infinity",
        "true",
        "null",
        "[",
        "{",
        "]",
        "}",
        "[" * 3000,
        '{"a":' * 3000,
        "A",
        "\U0001f642",
    ),
    *(
        "\\u0000",
        "\\ud800",
        "é",
        "ﬁ",
        "Ⅷ",
        "2024-02-30",
        "0001-01-01",
        "9999-12-31",
        "99999-01-01",
        "../",
        "%00",
        "%ff",
        "&#0;",
        "&#x110000;",
        "=" * 9,
    ),
)


def _text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # cut within a character
        return data.decode("latin-1")


def damage_text(data: bytes, pool: Sequence[bytes], draw: Random) -> bytes:
    """One to three things changed in a text."""
    text = _text_of(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        at = draw.randrange(len(text) + 1)
        end = min(len(text), at + draw.choice((0, 1, 1, 2, 8, 40)))
        kind = draw.randrange(8)
        if kind == 0:
            text = text[:at] + draw.choice(_SIGNS) + text[end:]
        elif kind == 1:
            text = text[:at] + text[end:]
        elif kind == 2:
            text = text[:at] + text[at:end] * 2 + text[end:]
        elif kind == 3:
            text = text[:at]
        elif kind == 4:
            text = text[:at] + text[at:end].swapcase() + text[end:]
        elif kind == 5:
            other = _text_of(draw.choice(pool)) if pool else text
            cut = draw.randrange(len(other) + 1)
            text = text[:at] + other[cut : cut + draw.choice((4, 40, 4000))]
        elif kind == 6:
            lines = text.split("\n")
            first, second = draw.randrange(len(lines)), draw.randrange(len(lines))
            lines[first], lines[second] = lines[second], lines[first]
            text = "\n".join(lines) if draw.randrange(2) else "\n".join(lines[:first] + lines[second : second + 1] + lines[first:])
        else:
            text = text[:at] + chr(draw.choice((draw.randrange(128), draw.randrange(0x300), draw.randrange(0x110000)))) + text[end:]
    return text.encode("utf-8", "surrogatepass")


_ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**64, 10**30, 1.0, 1.5, 1e300, float("inf"), float("nan"), "", "0", "x", "\ud800", "\0", "é" * 300),
    *([], {}, [[]], [None], {"": None}, ["x"], {"a": {}}, "00" * 16, "00" * 32, "AAAA", "2024-01-01", "__proto__"),
)


def damage_json(data: bytes, pool: Sequence[bytes], draw: Random) -> bytes:
    """One to three values changed in a JSON document, or in one of its lines; now and then what it is written in."""
    if draw.random() < 0.25:
        return damage_text(data, pool, draw)
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    try:
        value = json.loads(data if data[:1] == b"{" and len(lines) < 2 else lines[at])
        at = at if len(lines) > 1 else -1
    except ValueError:
        try:
            value, at = json.loads(data), -1
        except ValueError:
            return damage_text(data, pool, draw)
    holder = [value]
    for _ in range(draw.choice((1, 1, 2, 3))):
        _damage_json(holder, pool, draw)
    try:
        made = json.dumps(holder[0], ensure_ascii=draw.randrange(4) != 0, separators=(",", ":")).encode("utf-8", "surrogatepass")
    except RecursionError:
        return damage_text(data, pool, draw)
    if not draw.randrange(12) and made[:1] == b"{" and len(made) > 2:  # a key twice
        made = made[:-1] + b"," + made[1:]
    return made if at < 0 else b"\n".join([*lines[:at], made, *lines[at + 1 :]])


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a document, as (what holds it, its key)."""
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        one = stack.pop()
        inner = list(one.items()) if isinstance(one, dict) else list(enumerate(one)) if isinstance(one, list) else []
        found += [(one, key) for key, _ in inner]
        stack += [item for _, item in inner]
    return found


def _damage_json(holder: list[Any], pool: Sequence[bytes], draw: Random) -> None:
    places = _places(holder)
    within, key = draw.choice(places)
    kind = draw.randrange(8)
    if kind == 0:
        within[key] = copy.deepcopy(draw.choice(_ODD))
    elif kind == 1 and within is not holder:
        del within[key]
    elif kind == 2:
        other, name = draw.choice(places)
        with suppress(RecursionError):
            within[key] = copy.deepcopy(other[name])
    elif kind == 3:
        for _ in range(draw.choice((1, 2, 40, 400))):
            within[key] = [within[key]] if draw.randrange(2) else {"a": within[key]}
    elif kind == 4 and isinstance(within[key], int | float):
        within[key] = draw.choice(_INTEGERS) * draw.choice((1, -1))
    elif kind == 4 and isinstance(within[key], str):
        within[key] = damage_text(within[key].encode("utf-8", "surrogatepass"), (), draw).decode("utf-8", "surrogatepass")
    elif kind == 5 and isinstance(within, dict):
        within[draw.choice(("x", "", "v", "kind", "__proto__", str(key) + "x"))] = copy.deepcopy(draw.choice(_ODD))
    elif kind == 6 and isinstance(within[key], list):
        within[key] = within[key] * draw.choice((2, 2, 50)) or [copy.deepcopy(draw.choice(_ODD))]
    elif pool:
        try:
            donors = _places([json.loads(draw.choice(pool))])
        except ValueError:
            return
        other, name = draw.choice(donors)
        within[key] = other[name]
