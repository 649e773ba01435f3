"""What the three kinds of fuzzing share: drawing inputs, counting what became of them, keeping what broke, and playing it again.

An input is drawn from (seed, kind, target, number) alone, and from what the earlier ones of the same run reached: one seed, one run.
"""

import base64
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, NamedTuple, Protocol

AT_ONCE: Final = 16
_KEPT_EACH: Final = 3  # of one target and one way to break
_NUMBERS: Final = re.compile(r"0x[0-9a-f]+|\d+|'[^']*'")


class Outcome(NamedTuple):
    """What became of an input: `code` it was refused with, "" when it was taken; `place` where that was decided; `broken` what did not hold."""

    code: str = ""
    place: str = ""
    broken: str = ""


class Kind(Protocol):
    """One kind of fuzzing."""

    name: str

    def targets(self) -> Sequence[str]:
        """What is fuzzed, by name."""
        ...

    def make(self, target: str, draw: Random) -> bytes:
        """An input."""
        ...

    def grow(self, target: str, data: bytes) -> None:
        """This input came to a place that none had come to: it is a seed from now on."""
        ...

    def judge(self, batch: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        """What becomes of each."""
        ...

    def settle(self) -> str:
        """What does not hold after all that was judged; "" for nothing."""
        ...


@dataclass(slots=True)
class Broken:
    """An input that broke something."""

    kind: str
    target: str
    why: str
    data: bytes
    path: Path | None = None


@dataclass(slots=True)
class Summary:
    """What a run came to."""

    kind: str
    seed: int
    seconds: float = 0.0
    inputs: Counter[str] = field(default_factory=Counter)
    codes: dict[str, Counter[str]] = field(default_factory=dict)
    places: dict[str, set[str]] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    @property
    def reached(self) -> Counter[str]:
        """How many inputs were refused with each code; "" for those that were taken."""
        return sum(self.codes.values(), Counter())

    def note(self, target: str, data: bytes, outcome: Outcome) -> bool:
        """Count it; True when it came to a new place."""
        self.inputs[target] += 1
        self.codes.setdefault(target, Counter())[outcome.code] += 1
        known = self.places.setdefault(target, set())
        new = outcome.place not in known
        known.add(outcome.place)
        if outcome.broken:
            why = _NUMBERS.sub("…", outcome.broken.splitlines()[0])
            if sum(one.target == target and _NUMBERS.sub("…", one.why.splitlines()[0]) == why for one in self.broken) < _KEPT_EACH:
                self.broken.append(Broken(self.kind, target, outcome.broken, data))
        return new

    def lines(self) -> list[str]:
        """For a person."""
        reached = self.reached
        taken = reached.pop("", 0)
        codes = ", ".join(f"{many} {code}" for code, many in sorted(reached.items()))
        places = sum(len(found) for found in self.places.values())
        return [
            f"{self.kind} (seed {self.seed}): {self.inputs.total()} inputs of {len(self.inputs)} targets in {self.seconds:.0f} s",
            f"  taken {taken}; refused with {len(reached)} codes: {codes or 'none'}",
            f"  {places} places at which they were decided; {len(self.broken)} broken",
            *(f"    {one.target}: {one.why.splitlines()[0]}{f' ({one.path})' if one.path else ''}" for one in self.broken),
        ]

    def table(self) -> list[str]:
        """A line a target."""
        return [
            f"  {target:<58} {self.inputs[target]:>8} inputs {self.codes[target][''] * 100 // self.inputs[target]:>3} % taken "
            f"{len(self.codes[target].keys() - {''}):>2} codes {len(self.places[target]):>4} places"
            for target in self.inputs
        ]


def run(
    kind: Kind, seed: int, *, each: int = 0, minutes: float = 0.0, targets: Sequence[str] = (), say: Callable[[str], None] = lambda _: None
) -> Summary:
    """`each` inputs of every target; or for so many minutes, all targets in turn."""
    summary, began, said = Summary(kind.name, seed), time.monotonic(), time.monotonic()
    wanted, n = list(targets or kind.targets()), 0
    while n < each if each else time.monotonic() - began < minutes * 60:
        size = min(AT_ONCE, each - n) if each else AT_ONCE
        for target in wanted:
            batch = [(target, kind.make(target, Random(f"{seed}/{kind.name}/{target}/{at}"))) for at in range(n, n + size)]
            for (_, data), outcome in zip(batch, kind.judge(batch), strict=True):
                if summary.note(target, data, outcome) and not outcome.broken:
                    kind.grow(target, data)
        n += size
        if time.monotonic() - said > 30:
            said = time.monotonic()
            say(f"{kind.name}: {summary.inputs.total()} inputs, {sum(map(len, summary.places.values()))} places, {len(summary.broken)} broken")
    after = kind.settle()
    if after:
        summary.broken.append(Broken(kind.name, "afterwards", after, b""))
    summary.seconds = time.monotonic() - began
    return summary


def keep(summary: Summary, folder: Path) -> None:
    """Write what broke into files that `--replay` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, one in enumerate(summary.broken):
        one.path = folder / f"{one.kind}-{re.sub(r'[^a-z0-9_.]+', '-', one.target.lower())}-{summary.seed}-{n}.json"
        one.path.write_text(
            json.dumps({"kind": one.kind, "target": one.target, "why": one.why, "input": base64.b64encode(one.data).decode()}, indent=1) + "\n"
        )


def read_kept(path: Path) -> Broken:
    """What a file says that `keep` wrote."""
    said = json.loads(path.read_text())
    return Broken(said["kind"], said["target"], said["why"], base64.b64decode(said["input"]), path)
