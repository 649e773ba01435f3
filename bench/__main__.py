"""`python -m bench [--quick] [--json FILE] [--folder DIR]`: all figures, a table on standard output, progress on standard error."""

import argparse
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

import sqlcipher3.dbapi2 as sqlite
import uvloop

from bench import apart, floors
from bench.end_to_end import EndToEnd
from bench.figures import Figures
from bench.growth import Files, grow_log
from bench.host import echo, serve
from bench.scale import FULL, QUICK, Scale
from bench.server_only import ServerOnly
from bench.team import Team

_PACKAGES: Final = ("cryptography", "httpx", "pyjwt", "sqlalchemy", "starlette", "uvicorn", "uvloop")


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller load, under a minute on an idle machine")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where databases are made (a real disk, not memory); default: a temporary folder")
    asked = parser.parse_args()
    figures = Figures()
    _run(figures, QUICK if asked.quick else FULL, asked.folder)
    print("\n".join(figures.table()))
    if asked.json:
        figures.write(asked.json, _machine())


def _run(figures: Figures, scale: Scale, parent: Path | None) -> None:
    began = monotonic()
    for number in range(1, scale.repetitions + 1):
        figures.note_load()
        _say(began, f"repetition {number} of {scale.repetitions}")
        with tempfile.TemporaryDirectory(dir=parent) as name, echo(Path(name)) as answering:
            floors.measure(figures, Path(name), answering, rows=scale.notes, connections=scale.team)
        with _fresh(parent) as team:
            uvloop.run(ServerOnly(figures, scale, team).run())
        with _fresh(parent) as team:
            EndToEnd(figures, scale, team).run()
    _say(began, "growth of a log")
    with ExitStack() as stack:
        teams = [stack.enter_context(_fresh(parent)) for _ in scale.logs]
        uvloop.run(grow_log(figures, teams, scale))
    _say(began, "growth in files")
    with _fresh(parent) as team:
        uvloop.run(Files(figures, scale, team).run())
    apart.measure(figures, parent, scale.apart, lambda what: _say(began, what))
    _say(began, "done")


@contextmanager
def _fresh(parent: Path | None) -> Iterator[Team]:
    """A new service on a new server."""
    with tempfile.TemporaryDirectory(dir=parent) as name, serve(Path(name)) as server, Team(server, Path(name)) as team:
        yield team


def _say(began: float, what: str) -> None:
    print(f"{monotonic() - began:6.0f} s  load {os.getloadavg()[0]:.1f}  {what}", file=sys.stderr, flush=True)


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
