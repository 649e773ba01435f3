"""`python -m tests.faults WHAT [--count N] [--minutes M] [--seed S] [--json FILE]`: the big counts, a table on standard output.

WHAT is one of the names below, or `all`. Ends with status 1 when anything was found broken.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.faults.network import Lines
    from tests.faults.power import Cuts
    from tests.faults.storage import Failures

os.environ["FIELDKEEP_APP"] = "none"

Rows = list[tuple[str, str]]


def _server_kills(count: int, _minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.server_kills import run

    found = run(count, seed)
    starts = sorted(found.starts_ms)
    return [
        ("kills of the server under load", f"{found.kills}"),
        ("and while it was starting", f"{found.while_starting}"),
        ("acknowledged entries, all of them there", f"{found.acknowledged}"),
        ("sent again, for no answer had come", f"{found.sent_again}"),
        ("a start, median and longest", f"{starts[len(starts) // 2]:.0f} ms, {starts[-1]:.0f} ms"),
        ("the data folder at the end", f"{found.bytes / 1e6:.1f} MB"),
        ("it took", f"{found.seconds:.0f} s"),
    ], found.broken


def _device_kills(count: int, _minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.device_kills import run

    found = run(count, seed)
    return [
        ("kills of a device that types and syncs", f"{found.kills}"),
        ("words said to be saved, all of them shown, once", f"{found.typed}"),
        ("entries with a receipt, all of them in the log", f"{found.receipts}"),
        ("words without a receipt at the moment of a kill", f"{found.unsent_when_killed}"),
        ("it took", f"{found.seconds:.0f} s"),
    ], found.broken


def _power_server(count: int, _minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.power import cut_server
    from tests.faults.recording import record_server

    with tempfile.TemporaryDirectory() as name:
        day = record_server(Path(name), 150)
        return _cuts("a server's", cut_server(day.calls, day.data, count, seed, day.statements))


def _power_device(count: int, _minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.power import cut_device
    from tests.faults.recording import record_device

    with tempfile.TemporaryDirectory() as name:
        typed = record_device(Path(name), 12.0)
        return _cuts("a device's", cut_device(typed.calls, typed.folder, typed.start, typed.key, typed.log, count, seed))


def _history(count: int, minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.history import run

    found = run(minutes, count, seed)
    return [
        ("devices, by the command line alone", f"{found.devices}"),
        ("minutes", f"{found.minutes:.1f}"),
        ("commands in the history", ", ".join(f"{n} {op}" for op, n in sorted(found.commands.items()))),
        ("of them refused", ", ".join(f"{n} {code}" for code, n in sorted(found.refused.items())) or "none"),
        ("kills of the server", f"{found.kills}"),
        ("connections, cut at some byte, pieces of answers lost", f"{found.connections}, {found.cut}, {found.answers_lost}"),
        ("a command, median", f"{found.command_ms:.0f} ms"),
    ], found.broken


def _failures(what: str, found: "Failures") -> tuple[Rows, list[str]]:
    return [
        (what, f"{found.tried}"),
        ("of them met by a request or a command", f"{found.met}"),
        ("times that /readyz said so", f"{found.not_ready}"),
        ("refused with", ", ".join(f"{n} {code}" for code, n in sorted(found.refusals.items())) or "none"),
        ("notes typed or saved, all of them there, once", f"{found.kept}"),
        ("it took", f"{found.seconds:.0f} s"),
    ], found.broken


def _disk_server(count: int, _minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.storage import fail_server

    return _failures("failures of a server's disk, from the nth call on", fail_server(count, seed))


def _disk_device(count: int, _minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.storage import fail_device

    return _failures("failures of a device's disk, from the nth call on", fail_device(count, seed))


def _disk_full(count: int, _minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.storage import fill_server

    return _failures("times that a server's disk was full", fill_server(count, seed))


def _lines(count: int, _minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.network import run_lines

    return _network("rounds of three devices on bad lines", run_lines(count, seed))


def _clocks(count: int, _minutes: float, seed: int) -> tuple[Rows, list[str]]:
    from tests.faults.network import run_clocks

    return _network("jumps of the server's clock by up to two days", run_clocks(count, seed))


def _network(what: str, found: "Lines") -> tuple[Rows, list[str]]:
    return [
        (what, f"{found.rounds}"),
        ("syncs, and of them offline", f"{found.syncs}, {found.offline}"),
        ("connections cut at a byte, pieces of answers lost", f"{found.cuts}, {found.lost_answers}"),
        ("notes typed, all of them everywhere, once", f"{found.typed}"),
        ("it took", f"{found.seconds:.0f} s"),
    ], found.broken


def _cuts(whose: str, found: "Cuts") -> tuple[Rows, list[str]]:
    whole = [("of them opened as a whole service", f"{found.whole}")] if found.whole else []
    return [
        (f"states of {whose} disk after a power cut", f"{found.cuts}"),
        *whole,
        ("recorded steps between which they lie", f"{found.steps}"),
        ("promises made by the end", f"{found.promises}"),
        ("it took", f"{found.seconds:.0f} s"),
    ], found.broken


RUNS: Final[dict[str, tuple[Callable[[int, float, int], tuple[Rows, list[str]]], int]]] = {
    "server-kills": (_server_kills, 1000),
    "device-kills": (_device_kills, 1000),
    "power-server": (_power_server, 10_000),
    "power-device": (_power_device, 4000),
    "disk-server": (_disk_server, 200),
    "disk-device": (_disk_device, 60),
    "disk-full": (_disk_full, 10),
    "lines": (_lines, 40),
    "clocks": (_clocks, 200),
    "history": (_history, 20),
}


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("what", choices=[*RUNS, "all"])
    parser.add_argument("--count", type=int, help="how many kills, cuts or errors; by default the number of docs/faults.md")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the history")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    asked = parser.parse_args()
    results: dict[str, Any] = {}
    for name in RUNS if asked.what == "all" else [asked.what]:
        work, count = RUNS[name]
        rows, broken = work(asked.count or count, asked.minutes, asked.seed)
        results[name] = {"seed": asked.seed, "figures": dict(rows), "broken": broken}
        print(f"\n{name} (seed {asked.seed})")
        print("\n".join(f"  {what:<48} {figure}" for what, figure in [*rows, ("found broken", str(len(broken)))]))
        print("\n".join(f"    {one}" for one in broken[:20]), flush=True)
        if asked.json:
            asked.json.write_text(json.dumps(results, indent=2))
    return int(any(one["broken"] for one in results.values()))


if __name__ == "__main__":
    sys.exit(main())
