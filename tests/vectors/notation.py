"""The notation of the vector files: JSON that carries byte strings, maps with integer keys and shared values.

`shared_schema/vectors/README.md` describes it. A Python value here is an int, str, bool, None, bytes, list or dict of these.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import shared_schema

FOLDER = Path(shared_schema.__file__).parent / "vectors"
_RESERVED = frozenset({"hex", "join", "map", "shared", "utf16"})
_RUN = re.compile(rb"(.)\1{255,}", re.DOTALL)
_WIDTH = 150


def to_json(value: Any, names: Mapping[str, str] | None = None) -> Any:
    """The notation of `value`. `names` maps the dumped notation of a shared value to its name."""
    written = _to_json(value, names or {})
    name = (names or {}).get(dump(written)) if isinstance(value, bytes | list | tuple | dict) else None
    return written if name is None else {"shared": name}


def _to_json(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, bytes):
        return _bytes(value)
    if isinstance(value, list | tuple):
        return [to_json(item, names) for item in value]
    if isinstance(value, dict):
        if all(type(key) is str and not _is_broken(key) for key in value) and not _RESERVED & value.keys():
            return {key: to_json(item, names) for key, item in value.items()}
        return {
            "map": [[to_json(key), to_json(value[key], names)] for key in sorted(value, key=lambda key: (isinstance(key, str), len(str(key)), key))]
        }
    if isinstance(value, str) and _is_broken(value):
        return {"utf16": [int.from_bytes(pair, "big") for pair in _pairs(value.encode("utf-16-be", "surrogatepass"))]}
    if value is None or type(value) in (int, str, bool):
        return value
    raise TypeError(f"a {type(value).__name__} has no notation")


def _is_broken(text: str) -> bool:
    """True for a text with half of a surrogate pair, which many JSON readers refuse or change."""
    return any("\ud800" <= char <= "\udfff" for char in text)


def _pairs(data: bytes) -> list[bytes]:
    return [data[i : i + 2] for i in range(0, len(data), 2)]


def _bytes(value: bytes) -> Any:
    pieces: list[Any] = []
    end = 0
    for run in _RUN.finditer(value):
        if run.start() > end:
            pieces.append({"hex": value[end : run.start()].hex()})
        pieces.append({"hex": run[1].hex(), "times": len(run[0])})
        end = run.end()
    if end < len(value) or not pieces:
        pieces.append({"hex": value[end:].hex()})
    return pieces[0] if len(pieces) == 1 else {"join": pieces}


def from_json(written: Any, shared: Mapping[str, Any] | None = None) -> Any:
    """The value of a notation. `shared` are the file's shared values, read already."""
    if isinstance(written, list):
        return [from_json(item, shared) for item in written]
    if not isinstance(written, dict):
        return written
    if written.keys() == {"hex"}:
        return bytes.fromhex(written["hex"])
    if written.keys() == {"hex", "times"}:
        return bytes.fromhex(written["hex"]) * int(written["times"])
    if written.keys() == {"join"}:
        return b"".join(from_json(piece) for piece in written["join"])
    if written.keys() == {"shared"}:
        return (shared or {})[written["shared"]]
    if written.keys() == {"utf16"}:
        return b"".join(unit.to_bytes(2, "big") for unit in written["utf16"]).decode("utf-16-be", "surrogatepass")
    if written.keys() == {"map"}:
        return {from_json(key): from_json(item, shared) for key, item in written["map"]}
    return {key: from_json(item, shared) for key, item in written.items()}


def dump(written: Any) -> str:
    """One text per notation, whatever the order of an object's members: for comparing. `true` and `1` differ in it."""
    return json.dumps(written, sort_keys=True)


def same(first: Any, second: Any) -> bool:
    """True when two values are equal in type and content. The order of a map's keys does not count."""
    return dump(to_json(first)) == dump(to_json(second))


def pretty(written: Any, depth: int = 0) -> str:
    """JSON text: what fits stays on one line."""
    line = json.dumps(written)
    if len(line) + depth <= _WIDTH or not isinstance(written, list | dict) or not written:
        return line
    inner, end = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(written, list):
        return "[" + inner + ("," + inner).join(pretty(item, depth + 1) for item in written) + end + "]"
    members = (f"{json.dumps(key)}: {pretty(item, depth + 1)}" for key, item in written.items())
    return "{" + inner + ("," + inner).join(members) + end + "}"


@dataclass(frozen=True)
class Case:
    """One case of one file; `body` holds its values, read."""

    file: str
    name: str
    why: str
    body: dict[str, Any]

    @property
    def code(self) -> str:
        """The error that must come; empty for a golden case."""
        return str(self.body.get("code", ""))

    def __str__(self) -> str:
        return f"{self.file}/{self.name}"


_MEMBERS = ("name", "why", "codec", "op", "seed", "bytes", "text", "value", "in", "out", "code")


def _ordered(case: dict[str, Any]) -> dict[str, Any]:
    if "given" in case:
        case["in"] = case.pop("given")
    assert case.keys() <= set(_MEMBERS), case.keys()
    return {name: case[name] for name in _MEMBERS if name in case}


@dataclass
class Book:
    """One vector file while it is written. `share` gives a value a name under which the cases refer to it."""

    topic: str
    name: str
    about: str
    spec: str
    shared: dict[str, Any] = field(default_factory=dict)
    golden: list[dict[str, Any]] = field(default_factory=list)
    must_refuse: list[dict[str, Any]] = field(default_factory=list)

    def share(self, name: str, value: Any) -> Any:
        """Name `value`; wherever it comes up in the file, its name stands in its place."""
        assert name not in self.shared or same(self.shared[name], value), name
        self.shared[name] = value
        return value

    def add(self, name: str, why: str, **body: Any) -> None:
        """A golden case; `given` is written as `in`."""
        self.golden.append(_ordered({"name": name, "why": why, **body}))

    def refuse(self, name: str, why: str, code: str, **body: Any) -> None:
        """A must-refuse case."""
        self.must_refuse.append(_ordered({"name": name, "why": why, **body, "code": code}))

    def text(self) -> str:
        """The file."""
        names: dict[str, str] = {}
        shared: dict[str, Any] = {}
        for name, value in self.shared.items():  # a shared value may refer to those before it
            shared[name] = to_json(value, names)
            names[dump(shared[name])] = name
            names[dump(_to_json(value, names))] = name
        whole = {
            "vectors": 1,
            "topic": self.topic,
            "spec": self.spec,
            "about": self.about,
            "shared": shared,
            "golden": [to_json(case, names) for case in self.golden],
            "must_refuse": [to_json(case, names) for case in self.must_refuse],
        }
        return pretty(whole) + "\n"


def read(path: Path) -> tuple[list[Case], list[Case]]:
    """The golden and the must-refuse cases of a file."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    shared: dict[str, Any] = {}
    for name, written in whole["shared"].items():
        shared[name] = from_json(written, shared)
    file = f"{path.parent.name}/{path.stem}"
    golden, refused = (
        [Case(file, case["name"], case["why"], {key: from_json(item, shared) for key, item in case.items()}) for case in whole[kind]]
        for kind in ("golden", "must_refuse")
    )
    return golden, refused


@cache
def everything() -> tuple[list[Case], list[Case]]:
    """All golden and all must-refuse cases."""
    golden: list[Case] = []
    refused: list[Case] = []
    for path in sorted(FOLDER.glob("*/*.json")):
        more_golden, more_refused = read(path)
        golden += more_golden
        refused += more_refused
    return golden, refused
