"""`python -m tests.fuzz [--minutes N] [--seed S] [--only decoders|routes|differential] [--target NAME] [--keep FOLDER] [--replay FILE]`: for so many minutes
each kind, and what it came to. Ends with status 1 when anything broke; what broke lies in FOLDER, and `--replay` plays one of these files again.
"""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

os.environ["FIELDKEEP_APP"] = "none"

from tests.fuzz.running import keep, read_kept, run


def _decoders() -> Any:
    from tests.fuzz.decoders import Decoders

    return Decoders()


def _differential() -> Any:
    from tests.fuzz.differential import Differential

    return Differential()


def _routes() -> Any:
    from tests.fuzz.routes import Routes

    return Routes()


KINDS: Final[dict[str, Callable[[], Any]]] = {"decoders": _decoders, "differential": _differential, "routes": _routes}


def replay(path: Path) -> int:
    """Judge one kept input once more."""
    one = read_kept(path)
    with closing(KINDS[one.kind]()) as kind:
        [outcome] = kind.judge([(one.target, one.data)])
    holds = f"holds ({outcome.code or 'taken'})"
    print(f"{one.kind}, {one.target}, {len(one.data)} bytes: {outcome.broken or holds}")
    return int(bool(outcome.broken))


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--target", action="append", default=[], help="by the name that the table gives it; repeat")
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"), metavar="FOLDER", help="for what breaks")
    parser.add_argument("--replay", type=Path, metavar="FILE")
    asked = parser.parse_args()
    if asked.replay:
        return replay(asked.replay)
    broken = 0
    for name in [asked.only] if asked.only else KINDS:
        with closing(KINDS[name]()) as kind:
            summary = run(kind, asked.seed, minutes=asked.minutes, targets=asked.target, say=lambda line: print(line, flush=True))
        if summary.broken:
            keep(summary, asked.keep)
        print("\n".join([*summary.table(), *summary.lines()]), flush=True)
        broken += len(summary.broken)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
