"""How much is done: in full, and with --quick."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scale:
    """`name` says which; `notes` for W1 and W2, `singles` pushed one by one, `rounds` of deltas, a `team` of devices, sizes of logs and numbers of files, `apart` requests about each thing."""

    name: str
    repetitions: int
    notes: int
    singles: int
    rounds: int
    team: int
    logs: tuple[int, ...]
    files: tuple[int, ...]
    rotated_files: int
    rotated_devices: int
    apart: int


FULL: Final = Scale("full", 5, 10_000, 2_000, 50, 50, (100, 1_000, 10_000, 100_000), (10, 100, 1_000), 40, 50, 10_000)
QUICK: Final = Scale("quick", 2, 1_000, 200, 10, 10, (100, 1_000), (10, 100), 4, 4, 500)
