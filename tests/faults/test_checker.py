"""The checker of histories finds what was planted in one, and imports nothing of the project."""

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults import checker

Line = dict[str, Any]


def line(op: str, device: str, at: float, **more: Any) -> Line:
    return {"device": device, "user": device, "op": op, "start": at, "end": at + 0.5, "ok": True, **more}


def good() -> list[Line]:
    """Ann, Ben and Cat; Cat is removed; Ann and Ben set the shared field at the same time."""
    return [
        line("write", "ann", 1, token="a1", record="1"),
        line("edit", "ann", 2, token="x0", record="s", base=[]),
        line("sync", "ann", 3, unsent=0),
        line("sync", "ben", 4, unsent=0),
        line("read", "ben", 5, tokens=["a1"], live=["x0"]),
        line("edit", "ben", 6, token="x1", record="s", base=["x0"]),
        line("edit", "ann", 6, token="x2", record="s", base=["x0"]),
        line("write", "cat", 6, token="c1", record="2"),
        line("sync", "cat", 7, unsent=0),
        line("write", "cat", 8, token="c2", record="3"),
        line("remove", "ann", 9, who="cat"),
        line("write", "ben", 10, token="b1", record="4"),
        line("read", "ben", 11, tokens=["a1", "b1"], live=["x1"]),
        *(line("final", name, 20, tokens=["a1", "c1", "b1"], live=["x1", "x2"], hash="h", alarms=[]) for name in ("ann", "ben")),
        line("final", "cat", 20, tokens=["c1", "c2"], live=["x0"], hash="other", alarms=["removed"]),
    ]


def final(history: list[Line], name: str) -> Line:
    return next(one for one in history if one["op"] == "final" and one["device"] == name)


PLANTED: dict[str, tuple[Callable[[list[Line]], Any], str]] = {
    "a write is dropped": (lambda h: final(h, "ben")["tokens"].remove("c1"), "does not show it at the end"),
    "a write is doubled": (lambda h: final(h, "ben")["tokens"].append("c1"), "2 times"),
    "two devices differ": (lambda h: final(h, "ben").update(hash="g"), "different states"),
    "an older state is read": (lambda h: h[12].update(tokens=["b1"]), "not any more"),
    "an own write is not read": (lambda h: h[12].update(tokens=["a1"]), "wrote b1"),
    "a word from nowhere": (lambda h: h[12]["tokens"].append("z9"), "nobody had written"),
    "a word before it was written": (lambda h: h[4]["tokens"].append("b1"), "nobody had written"),
    "a concurrent edit is lost": (lambda h: final(h, "ann")["live"].remove("x2"), "lost the value"),
    "a replaced value comes back": (lambda h: final(h, "ann")["live"].append("x0"), "still shows x0"),
    "the removed read on": (lambda h: final(h, "cat")["tokens"].append("b1"), "written after that"),
    "an alarm": (lambda h: final(h, "ann")["alarms"].append("contradiction"), "was alarmed"),
    "nobody looked": (lambda h: h.__delitem__(slice(-3, -1)), "nobody read"),
}


def test_a_good_history() -> None:
    assert checker.check(good()) == []


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(name: str) -> None:
    history = good()
    plant, words = PLANTED[name]
    plant(history)
    assert any(words in one for one in checker.check(history)), checker.check(history)


def test_it_imports_the_standard_library_alone() -> None:
    tree = ast.parse(Path(checker.__file__).read_text(encoding="utf-8"))
    imported = {alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported
    assert imported <= set(sys.stdlib_module_names)
