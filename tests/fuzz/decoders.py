"""Every decoder of the Python side, given damaged input: it returns what is written as the very same bytes, or raises its one typed error.

Nothing else may come out, and no input may cost more time or memory than what is stated here. Which functions are decoders is found by rule (`found`);
one without a target, and without a reason to have none, fails tests/fuzz/test_decoders.py.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from shared_schema import cbor
from shared_schema.errors import ProtocolError, catalogue
from tests.fuzz.decided import decided_at
from tests.fuzz.mutating import MOST_BYTES, Mutate
from tests.fuzz.running import Outcome

ROOMS: Final = ("shared_schema", "sync", "server")
RULE: Final = re.compile(r"(decode|parse|open|read|load)(_\w+)?$")
PARSERS: Final = frozenset({"loads", "DictReader", "b64decode", "urlsafe_b64decode", "unescape", "fromhex"})
"""What takes bytes or text apart, by the name under which it is called; with `open` of the modules below."""
OPENERS: Final = frozenset({"tarfile", "pikepdf", "Image", "zipfile"})
SECONDS: Final = 1.0
SECONDS_PER_BYTE: Final = 20e-6
MEMORY: Final = 1 << 20
MEMORY_PER_BYTE: Final = 160
_GROWN: Final = 200
_MOST_SEED: Final = 80_000


@dataclass(frozen=True, slots=True)
class Target:
    """A decoder as it is fuzzed. `decode` takes bytes, whatever the decoder takes; `again` writes what came out as bytes, where that is one form alone.
    `errors` are all that it may raise; of a ProtocolError the code is in errors.json. `bounded` is false where a library decides about memory.
    """

    name: str
    decode: Callable[[bytes], Any]
    seeds: Callable[[], Sequence[bytes]]
    mutate: Mutate
    again: Callable[[Any, bytes], bytes] | None = None
    errors: tuple[type[Exception], ...] = (ProtocolError,)
    bounded: bool = True
    weight: int = 1
    """How many of the others' inputs one of its own takes the time of."""


def modules() -> Iterator[str]:
    """The modules of the rooms that read what comes from outside."""
    for room in ROOMS:
        package = importlib.import_module(room)
        for found in pkgutil.walk_packages(package.__path__, f"{room}."):
            if ".migrations" not in found.name:
                yield found.name


def found() -> set[str]:
    """Every public function that is called as decoders are, as module.name."""
    names = set()
    for name in modules():
        for called, what in vars(importlib.import_module(name)).items():
            if RULE.match(called) and inspect.isfunction(inspect.unwrap(what) if callable(what) else what) and what.__module__ == name:
                names.add(f"{name}.{called}")
    return names


def parsing() -> set[str]:
    """Every module that takes bytes or text apart by itself, whatever its functions are called."""
    names = set()
    for name in modules():
        path = Path(str(importlib.import_module(name).__file__))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                if (
                    node.func.attr in PARSERS
                    or (node.func.attr == "open" and owner in OPENERS)
                    or (owner, node.func.attr) in (("cbor", "decode"), ("csv", "reader"))
                ):
                    names.add(name)
    return names


class Decoders:
    """Fuzzing of decoders, one by one."""

    name = "decoders"

    def __init__(self, targets: Sequence[Target] = ()) -> None:
        from tests.fuzz.targets import TARGETS

        self._targets: Mapping[str, Target] = {one.name: one for one in targets or TARGETS}
        self._seeds: dict[str, list[bytes]] = {}
        self._warm: set[str] = set()
        self.most_per_byte = 0.0

    def targets(self) -> Sequence[str]:
        """By module and name."""
        return list(self._targets)

    def _pool(self, target: str) -> list[bytes]:
        if target not in self._seeds:
            self._seeds[target] = [seed for seed in self._targets[target].seeds() if len(seed) <= _MOST_SEED]
            assert self._seeds[target], f"{target} has no seeds"
        return self._seeds[target]

    def make(self, target: str, draw: Random) -> bytes:
        """From good input, or from what earlier inputs reached."""
        pool = self._pool(target)
        return self._targets[target].mutate(draw.choice(pool), pool, draw)[:MOST_BYTES]

    def grow(self, target: str, data: bytes) -> None:
        """Kept while there is room."""
        pool = self._pool(target)
        if len(pool) < _GROWN + len(self._targets[target].seeds()) and len(data) <= _MOST_SEED:
            pool.append(data)

    def judge(self, batch: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        """One after the other."""
        return [self._judge(self._targets[target], data) for target, data in batch]

    def _judge(self, target: Target, data: bytes) -> Outcome:
        if target.name not in self._warm:  # what is cached once for all is nobody's input
            self._warm.add(target.name)
            for seed in self._pool(target.name)[:20]:
                self._try(target, seed)
        tracemalloc.start(1)
        began = time.thread_time()
        try:
            outcome = self._try(target, data)
            took, peak = time.thread_time() - began, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        if outcome.broken:
            return outcome
        if target.bounded:
            self.most_per_byte = max(self.most_per_byte, (peak - MEMORY) / max(len(data), 1))
            if peak > MEMORY + MEMORY_PER_BYTE * len(data):
                return outcome._replace(broken=f"{peak} bytes of memory for {len(data)} bytes, want at most {MEMORY_PER_BYTE} a byte and {MEMORY}")
        if took > (SECONDS + SECONDS_PER_BYTE * len(data)) * target.weight:
            return outcome._replace(broken=f"{took:.2f} s for {len(data)} bytes")
        return outcome

    @staticmethod
    def _try(target: Target, data: bytes) -> Outcome:
        try:
            value = target.decode(data)
        except target.errors as error:
            code = error.code if isinstance(error, ProtocolError) else type(error).__name__
            unknown = isinstance(error, ProtocolError) and code not in catalogue()
            said = str(error)
            broken = f"a code that there is not: {code}" if unknown else "" if 0 < len(said) <= 2000 else f"a message of {len(said)} characters"
            return Outcome(code, decided_at(error), broken)
        except Exception as error:
            return Outcome("", "wrong", f"{type(error).__name__}: {str(error)[:300]} at {decided_at(error)}")
        if target.again is not None:
            try:
                again = target.again(value, data)
            except Exception as error:
                return Outcome("", "wrong", f"taken, and cannot be written: {type(error).__name__}: {str(error)[:300]}")
            if again != data:
                return Outcome("", "wrong", f"taken, and written as other bytes: {again[:200].hex()}")
        return Outcome("", "taken")

    def settle(self) -> str:
        """Nothing has changed anywhere."""
        return ""

    def close(self) -> None:
        """Nothing is open."""


@cache
def vectors(codec: str) -> tuple[bytes, ...]:
    """The bytes of a codec's cases, good and bad."""
    from tests.fuzz.differential import seeds

    return tuple(seeds()[f"codec {codec}"])


def value_of(data: bytes) -> Any:
    """What a decoder of decoded values is given: only what is no CBOR at all is refused before it."""
    return cbor.decode(data)
