"""`python -m bench [--quick] [--no-peers] [--json FILE] [--chart FILE] [--compare FILE]`: all figures, tables on standard output, progress on standard error.

With `--compare` the exit status is 1 when a ratio became worse than that run's by more than the tolerance.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any, Final

import psutil
import sqlcipher3.dbapi2 as sqlite
import uvloop

from bench import apart, comparing, floors
from bench.end_to_end import EndToEnd
from bench.figures import Figures
from bench.growth import Files, grow_log
from bench.host import PLENTY, durable_postgresql, echo, serve
from bench.peers.catalogue import Peers
from bench.peers.chart import draw
from bench.peers.table import Row, table
from bench.scale import FULL, QUICK, Scale
from bench.server_only import ServerOnly
from bench.team import Team
from tests import database

_PACKAGES: Final = ("cryptography", "httpx", "pyjwt", "sqlalchemy", "starlette", "uvicorn", "uvloop")


def main() -> None:
    """Measure, then print."""
    asked = _arguments()
    figures, scale = Figures(), QUICK if asked.quick else FULL
    began = monotonic()
    peers = Peers(lambda what: _say(began, what)) if asked.peers else None
    rows, found = list[Row](), dict[str, Any]()
    for _ in _run(figures, scale, asked.folder, peers, began):
        rows = peers.rows if peers else []
        found = comparing.report(figures, rows, scale, _machine())
        if asked.json:
            asked.json.parent.mkdir(parents=True, exist_ok=True)
            asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\n".join(figures.table()))
    if peers:
        print("\n" + "\n".join(table(figures, rows, scale.team)))
    if asked.chart:
        draw(found, asked.chart)
    if asked.compare:
        worse = list(comparing.compare(comparing.read(asked.compare), found, asked.tolerance))
        print("\n" + "\n".join(worse or [f"nothing is worse than in {asked.compare} by more than {asked.tolerance:.0%}"]))
        sys.exit(bool(worse))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller load, twice instead of five times")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="only Fieldkeep and the floors; nothing is installed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw how far ahead of its peers Fieldkeep is, or behind (SVG or PNG)")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="say which ratios became worse than in that run, written with --json")
    parser.add_argument("--tolerance", type=float, default=comparing.TOLERANCE, help="share by which a ratio may be worse (default %(default)s)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where databases are made (a real disk, not memory); default: a temporary folder")
    return parser.parse_args()


def _run(figures: Figures, scale: Scale, parent: Path | None, peers: Peers | None, began: float) -> Iterator[None]:
    """After each repetition, and each of the stages that are measured once, what is measured so far can be written."""
    for number in range(1, scale.repetitions + 1):
        figures.note_load()
        _say(began, f"repetition {number} of {scale.repetitions}")
        with tempfile.TemporaryDirectory(dir=parent) as name, echo(Path(name)) as answering:
            floors.measure(figures, Path(name), answering, rows=scale.notes, connections=scale.team)
        with _fresh(parent) as team:
            uvloop.run(ServerOnly(figures, scale, team).run())
        if peers:
            peers.measure(figures, scale, parent)
        with _fresh(parent) as team:
            EndToEnd(figures, scale, team).run()
        _say(began, "on PostgreSQL")
        _run_on_postgresql(figures, scale, parent)
        yield
    _say(began, "growth of a log")
    with ExitStack() as stack:
        teams = [stack.enter_context(_fresh(parent)) for _ in scale.logs]
        uvloop.run(grow_log(figures, teams, scale))
    _say(began, "growth in files")
    with _fresh(parent) as team:
        uvloop.run(Files(figures, scale, team).run())
    yield
    apart.measure(figures, parent, scale.apart, lambda what: _say(began, what))
    _say(began, "done")
    yield


def _run_on_postgresql(figures: Figures, scale: Scale, parent: Path | None) -> None:
    here = figures.among(floors.ON_POSTGRESQL, "on PostgreSQL, ")
    with durable_postgresql(), tempfile.TemporaryDirectory() as name:
        one, other = (database.url_of(Path(name) / which) for which in ("one", "other"))
        floors.measure_postgresql(figures, one, scale.notes)
        with _fresh(parent, one) as team:
            uvloop.run(ServerOnly(here, scale, team).run())
        with _fresh(parent, other) as team:
            EndToEnd(here, scale, team).replicate()


@contextmanager
def _fresh(parent: Path | None, url: str = "") -> Iterator[Team]:
    """A new service on a new server, with its tables in the PostgreSQL database at `url` or in files."""
    settings = {**PLENTY, "FIELDKEEP_DATABASE": url} if url else PLENTY
    with tempfile.TemporaryDirectory(dir=parent) as name, serve(Path(name), settings) as server, Team(server, Path(name)) as team:
        yield team


def _say(began: float, what: str) -> None:
    resident = psutil.Process().memory_info().rss >> 20
    print(f"{monotonic() - began:6.0f} s  load {os.getloadavg()[0]:.1f}  {resident:6,} MB  {what}", file=sys.stderr, flush=True)


def _machine() -> dict[str, Any]:
    return {
        "processors": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite.sqlite_version,
        "packages": {name: version(name) for name in _PACKAGES},
    }


if __name__ == "__main__":
    main()
