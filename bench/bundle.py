"""How long a bundle takes: `python -m bench.bundle [--pages N] [--purpose P]`. A real device with its encrypted store, and a file that is large enough.

The file is a case of some years: persons, notes of a few hundred words, half of them written twice, contacts, tasks. For subject access every passage
is decided first; the time for that is given by itself. It is not held against any limit: what is printed is what was measured.
"""

import argparse
import random
import tempfile
import zlib
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from bench.host import serve
from bench.team import Team
from sync.change import Op
from sync.device.exports import export_files, exporting, reviewing
from sync.device.session import Session

_WORDS: Final = str.split(
    "he said that work was quiet and the flat is cold so we went through the plan again and looked at what helps when things get loud at home "
    "the next appointment is at the office and he will bring the letter from housing about the arrears and the boiler"
)
_RECORDS_A_PAGE: Final = 1.7  # measured: it only says how much to write


def main() -> None:
    """Write a file, then write it out."""
    parser = argparse.ArgumentParser(prog="python -m bench.bundle", description=__doc__)
    parser.add_argument("--pages", type=int, default=500, help="about how long the document is to be")
    parser.add_argument("--purpose", default="court", help="court, subject_access, handover_elsewhere …")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serve(Path(name)) as server, Team(server, Path(name)) as team:
        sam, ruth = team.enrol_many(2)
        log = team.file([sam, ruth])
        _write(sam, log, int(asked.pages * _RECORDS_A_PAGE))
        team.sync([sam, ruth, sam, ruth])
        _measure(team, ruth, sam, log, asked.purpose, Path(name) / "out")


def _write(session: Session, log: bytes, records: int) -> None:
    draw = random.Random(1)
    session.write_many(log, [(None, "person", [Op("known_as", "set", "Jack", ())])])
    for start in range(0, records, 50):
        made = session.write_many(log, [_record(draw) for _ in range(min(50, records - start))])
        again: list[tuple[bytes | None, str, list[Op]]] = [(one, "case_note", [Op("body", "set", _text(draw, 150), ())]) for one in made[::2]]
        session.write_many(log, again)


def _record(draw: random.Random) -> tuple[None, str, list[Op]]:
    return None, "case_note", [Op("body", "set", _text(draw, 150), ()), Op("work_types", "add", "phone_call", ())]


def _text(draw: random.Random, words: int) -> str:
    said = [draw.choice(_WORDS) for _ in range(words)]
    return " ".join(f"{word}." if n % 12 == 11 else word for n, word in enumerate(said))


def _measure(team: Team, ruth: Session, rose: Session, log: bytes, purpose: str, out: Path) -> None:
    exporting.ask(ruth, log, purpose, "whoever asked")
    team.sync([ruth, rose])
    [request] = exporting.waiting_for(rose)
    began = perf_counter()
    found = reviewing.review(rose, request)
    reviewed = perf_counter() - began
    if found:
        reviewing.decide(rose, request, [one.passage.id.hex() for one in found], "redacted", "bench")
    team.sync([rose])
    began = perf_counter()
    export_files.begin(rose, request)
    team.sync([rose])
    content: dict[str, Any] = export_files.write(rose, request, exporting.on_record(rose, request), out)
    took = perf_counter() - began
    paper = (out / "to-hand-over" / "content.pdf").read_bytes()
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    pages = paper.count(b"/Type /Page\n")
    print(f"{purpose}: {len(content['records'])} records, {pages} pages, {size / 1e6:.1f} MB in all forms, {zlib.crc32(paper):08x}")
    print(f"put on record, written out in all forms, signed: {took:.1f} s; passages looked for once: {reviewed:.1f} s, {len(found)} found")


if __name__ == "__main__":
    main()
