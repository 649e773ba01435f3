"""Any one value or line of an honest export, changed: it never ends in a trace, and what carries meaning never passes for fine."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from shared_schema.errors import ProtocolError
from sync import audit, wall
from sync.audit import Audited
from sync.device.exports import audit_files
from tests.forging import Exports, Lines, b64, make_exports, unb64

_EACH = 10
# What may change without a word, and why. A supervisor's export has events; a worker's has none.
_MEANS_NOTHING = {
    "made_ms": "the exporter's clock: nobody signs it",
    "authority": "a claim: whoever verifies has the fingerprint from somebody else, and that one counts",
}
_OF_A_WORKER = {
    "leaf": "there is no event to hold it against",
    "salt": "there is no event to hold it against",
    "receipt left out": "an exporter shows the promises that it was given",
    "checkpoint left out": "as are those of its entries' authors, it is one tree that the exporter was shown",
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    return make_exports(tmp_path_factory.mktemp("exports"))


def other_values(draw: random.Random, key: str, value: Any, lines: Lines) -> list[Any]:
    """What may stand there instead: of another type, out of range, a little off, or honest and from another line."""
    found: list[Any] = [None, True, 0.5, -1, -7, 2**53, 2**70, float("inf"), [], {}, "", "x", [value], {"a": value}, "é", "\0"]
    found += [line[key] for line in lines if key in line]
    if type(value) is int:
        found += [value + 1, value - 1, value * 2 + 1, float(value), str(value), draw.randrange(2**53)]
    else:
        at = draw.randrange(len(value) + 1)
        found += [value[:at], value[at:], value[:at] + "A" + value[at:], value.upper(), value.swapcase(), f" {value}", f"{value}\n", f"{value}="]
        found += [_off(draw, value) for _ in range(4)]
    return [one for one in found if (type(one), one) != (type(value), value)]


def _off(draw: random.Random, value: str) -> str:
    """Base64 of bytes with one bit flipped, one byte less or one more; of another text, one character changed."""
    try:
        data = unb64(value)
    except ValueError:
        at = draw.randrange(len(value))
        return f"{value[:at]}{draw.choice('0123456789abcdef-')}{value[at + 1 :]}"
    if not data or draw.random() < 0.3:
        return b64(draw.choice((data[:-1], data[1:], data + b"\0")))
    at = draw.randrange(len(data))
    return b64(data[:at] + bytes((data[at] ^ 1 << draw.randrange(8),)) + data[at + 1 :])


def other_lines(draw: random.Random, n: int, lines: Lines, strange: Lines) -> Iterator[tuple[str, list[str]]]:
    """The file with line `n` left out, repeated, replaced, torn, or with another beside it."""
    texts = [json.dumps(line) for line in lines]
    line, text = lines[n], texts[n]
    kind = next((key for key in ("cose", "head", "receipt", "event", "checkpoint") if key in line), "header")
    yield f"{kind} left out", texts[:n] + texts[n + 1 :]
    yield f"{kind} twice", [*texts, text]
    yield f"{kind} of the other side", [*texts, json.dumps(draw.choice(strange[1:]))]
    at, deep = draw.randrange(len(text)), "[" * 100_000 + "]" * 100_000
    instead = {
        "twice": [f"{text}\n{text}"],
        "replaced": [draw.choice([one for one in texts if one != text])],
        "with more": [json.dumps({**line, "more": 1}), f'{text[:-1]}, "deep": {deep}}}'],
        "with less": [json.dumps({name: line[name] for name in line if name != key}) for key in line],
        "torn": [text[:at], text[at:], text[:at] + draw.choice('"{}[]:,0a\\') + text[at:], f"[{text}]", "", "null", deep],
    }
    for what, others in instead.items():
        for other in others:
            yield f"{kind} {what}", [*texts[:n], other, *texts[n + 1 :]]


def judge(exports: Exports, texts: list[str], beside: Audited) -> Audited | None:
    """What verifying says; None when reading refuses. Raises what is no ProtocolError."""
    path = exports.folder / "mutated.jsonl"
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    try:
        read, _ = audit_files.read_export(path)
    except ProtocolError as error:
        assert error.code == "bad-export"
        assert "line " in str(error) or "cannot be read" in str(error)
        return None
    found = audit.verify_export(read, exports.authority)
    wall.prove_wall([found, beside])
    return found


def unchanged(texts: list[str], lines: Lines) -> bool:
    try:
        return [json.dumps(json.loads(text)) for text in texts] == [json.dumps(line) for line in lines]
    except (ValueError, RecursionError):
        return False


@pytest.mark.parametrize("whose", ["perpetrator", "worker"])
class TestOneChange:
    def check(self, exports: Exports, whose: str, what: str, texts: list[str], beside: Audited) -> None:
        found = judge(exports, texts, beside)
        fine = found is not None and not found.findings and (found.complete or whose == "worker")
        allowed = _MEANS_NOTHING | (_OF_A_WORKER if whose == "worker" else {})
        assert not fine or what in allowed or unchanged(texts, getattr(exports, whose)), f"{what} changed, and all is said to be fine"

    def test_of_a_value(self, exports: Exports, whose: str) -> None:
        lines: Lines = getattr(exports, whose)
        beside = exports.verify(exports.victim)
        for n, line in enumerate(lines):
            for key in line:
                draw = random.Random(f"{n} {key}")
                options = other_values(draw, key, line[key], lines)
                for value in draw.sample(options, _EACH):
                    texts = [json.dumps(line | {key: value} if at == n else line) for at, line in enumerate(lines)]
                    self.check(exports, whose, key, texts, beside)

    def test_of_a_line(self, exports: Exports, whose: str) -> None:
        lines: Lines = getattr(exports, whose)
        beside = exports.verify(exports.victim)
        for n in range(len(lines)):
            for what, texts in other_lines(random.Random(n), n, lines, exports.victim):
                self.check(exports, whose, what, texts, beside)

    def test_of_the_order_says_nothing(self, exports: Exports, whose: str) -> None:
        """But for the entries of one log."""
        first, *lines = getattr(exports, whose)
        others = [line for line in lines if "cose" not in line]
        random.Random(1).shuffle(others)
        beside = exports.verify(exports.victim)
        texts = [json.dumps(line) for line in (first, *others, *(line for line in lines if "cose" in line))]
        found = judge(exports, texts, beside)
        assert found is not None
        assert found.findings == []
        assert found.complete == (whose == "perpetrator")
        backwards = [json.dumps(line) for line in (first, *reversed(lines))]
        found = judge(exports, backwards, beside)
        assert found is not None
        assert found.findings
