"""`python -m bench.load_model [--costs FILE] [--vcpu-hour 0.04] [--gb-month 0.10] [--object-gb-month 0.02]`: what a service of a given number of workers
needs, from unit costs (bench/unit_costs.py writes the file) and from the assumptions below. docs/scale.md shows what it prints, and where the figures are from.

Prices are assumptions of whoever runs it, not facts: no currency is meant but one's own.
"""

import argparse
import json
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

SIZES: Final = (50, 1_000, 3_000, 12_000)


@dataclass(frozen=True, slots=True)
class Work:
    """What one worker does. `files` is how many there are for each after three years, of cases that were closed too. `busiest` is the share of a day's work that falls into its busiest hour, `room` how much more the machines can than that hour needs."""

    days_a_year: int = 220
    hours_a_day: float = 8.0
    entries_a_day: float = 15.0
    others_pulls: float = 3.0
    idle_syncs_a_day: float = 40.0
    devices: float = 2.0
    files: float = 120.0
    photo_mb_a_week: float = 2.0
    busiest: float = 0.2
    room: float = 3.0


@dataclass(frozen=True, slots=True)
class Unit:
    """Milliseconds of processor (server and database together), bytes and megabytes, on one engine."""

    push_ms: float
    pull_ms: float
    idle_ms: float
    entry_bytes: float
    log_bytes: float
    stream_mb: float
    base_mb: float
    file_bytes: float


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a processor for an hour, and of a gigabyte for a month, of a database's disk and of an object store."""

    vcpu_hour: float
    gb_month: float
    object_gb_month: float


@dataclass(frozen=True, slots=True)
class Needs:
    """Of a number of workers: at the busiest hour, after a year, and in money."""

    workers: int
    entries_a_second: float
    requests_a_second: float
    processors: float
    memory_gb: float
    rows_gb_a_year: float
    photos_gb_a_year: float
    log_gb_a_day: float
    money_a_month: float


def unit(costs: dict[str, float]) -> Unit:
    """From what was measured. A pull of something new is what a push and a pull took together, without the push; never less than one of nothing."""

    def both(name: str) -> float:
        return costs[f"{name}: server, ms of processor"] + costs[f"{name}: database, ms of processor"]

    push, idle = both("push, note of 1,024 characters"), both("pull, nothing new")
    return Unit(
        push_ms=push,
        pull_ms=max(idle, both("a note pushed, and pulled by another") - push),
        idle_ms=idle,
        entry_bytes=costs["note of 1,024 characters: bytes together"],
        log_bytes=costs["push, note of 1,024 characters: bytes of write-ahead log"],
        stream_mb=costs["stream: MB of memory"],
        base_mb=costs["server at the start: MB of memory"],
        file_bytes=costs["a file: bytes of memory"],
    )


def needs(workers: int, of: Unit, work: Work, prices: Prices) -> Needs:
    """What that many workers need."""
    hour = work.busiest / 3600 * workers  # of what one worker does in a day, into a second of the busiest hour
    entries, idle = work.entries_a_day * hour, work.idle_syncs_a_day * hour
    pulls = entries * work.others_pulls
    streams = workers * work.devices
    busy = (entries * of.push_ms + pulls * of.pull_ms + idle * of.idle_ms) / 1e3
    processors = max(1.0, busy * work.room)
    a_year = work.entries_a_day * work.days_a_year * workers
    rows, photos = a_year * of.entry_bytes / 1e9, work.photo_mb_a_week * work.days_a_year / 5 * workers / 1e3
    return Needs(
        workers=workers,
        entries_a_second=entries,
        requests_a_second=entries + pulls + idle,
        processors=processors,
        memory_gb=(of.base_mb * ceil(processors) + streams * of.stream_mb) / 1e3 + ceil(processors) * workers * work.files * of.file_bytes / 1e9,
        rows_gb_a_year=rows,
        photos_gb_a_year=photos,
        log_gb_a_day=work.entries_a_day * workers * of.log_bytes / 1e9,
        money_a_month=processors * 730 * prices.vcpu_hour + rows * prices.gb_month + photos * prices.object_gb_month,
    )


def table(costs: dict[str, dict[str, float]], work: Work, prices: Prices) -> list[str]:
    """The rows of docs/scale.md."""
    found = [
        "| workers | on | entries/s | requests/s | vCPU | memory, GB | rows, GB a year | photographs, GB a year | WAL, GB a day | money a month, first year |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for workers in SIZES:
        for engine, one in costs.items():
            need = needs(workers, unit(one), work, prices)
            wal = f"{need.log_gb_a_day:.3f}" if need.log_gb_a_day else "–"
            found.append(
                f"| {workers:,} | {engine} | {need.entries_a_second:.2f} | {need.requests_a_second:.1f} | {need.processors:.1f} | {need.memory_gb:.2f} "
                f"| {need.rows_gb_a_year:.1f} | {need.photos_gb_a_year:,.0f} | {wal} | {need.money_a_month:,.0f} |"
            )
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.load_model", description=__doc__)
    parser.add_argument("--costs", type=Path, default=Path("bench/unit_costs.json"), help="written by bench.unit_costs (default %(default)s)")
    for name, price in (("vcpu-hour", 0.04), ("gb-month", 0.10), ("object-gb-month", 0.02)):
        parser.add_argument(f"--{name}", type=float, default=price, help="assumed price (default %(default)s)")
    for name, value in (("entries-a-day", 15.0), ("photo-mb-a-week", 2.0), ("idle-syncs-a-day", 40.0)):
        parser.add_argument(f"--{name}", type=float, default=value, help="of one worker (default %(default)s)")
    asked = parser.parse_args()
    costs = json.loads(asked.costs.read_text(encoding="utf-8"))["costs"]
    work = Work(entries_a_day=asked.entries_a_day, photo_mb_a_week=asked.photo_mb_a_week, idle_syncs_a_day=asked.idle_syncs_a_day)
    print("\n".join(table(costs, work, Prices(asked.vcpu_hour, asked.gb_month, asked.object_gb_month))))


if __name__ == "__main__":
    main()
