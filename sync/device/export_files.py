"""The folder of an export: what is handed over and what is kept apart from it; written whole or not at all (docs/spec.md §16.3)."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from shared_schema.errors import Refused
from sync.device.export_content import content, proof
from sync.device.export_page import note, page
from sync.device.exporting import SUBJECT, Request
from sync.device.exports import Exported
from sync.device.private_files import sync_folder, write_private
from sync.device.session import Session

HANDED: Final = "to-hand-over"
KEPT: Final = "to-keep"
_KEEP_NOTE: Final = "What is in this folder shows where each record stands in the log. It is for the service, its auditor and the regulator{more}.\n"


def require_free(out: Path) -> None:
    """Raises Refused where something is there already, or nothing could be put there."""
    if out.exists() or out.is_symlink():
        raise Refused("not-permitted", f"{out} is there already: nothing is overwritten, give another name")
    if _unfinished(out).exists():
        raise Refused("not-permitted", f"{_unfinished(out)} was left by an attempt that was cut short: look at it, and remove it")
    if not out.absolute().parent.is_dir():
        raise Refused("not-found", f"{out.absolute().parent}: there is no such folder")


def write(session: Session, request: Request, made: Exported, out: Path) -> dict[str, Any]:
    """Write the export; returns its content. Folders are 0700 and files 0600. Raises OSError, and then nothing is left."""
    with whole_folder(out) as beside:
        found = content(session, request, made)
        for name in (HANDED, KEPT):
            (beside / name).mkdir(mode=0o700)
            write_private(beside / name / "note.txt", note(found), new=True)
        write_private(beside / HANDED / "content.json", _json(found), new=True)
        write_private(beside / HANDED / "content.html", page(found), new=True)
        more = ", and never part of what the person receives" if request.purpose == SUBJECT else ""
        write_private(beside / KEPT / "READ-ME.txt", _KEEP_NOTE.format(more=more), new=True)
        write_private(beside / KEPT / "places.json", _json(proof(session, request, made)), new=True)
    return found


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out` to write in, which takes its name when all is written; after any error nothing is left. Raises Refused where one is there."""
    require_free(out)
    beside = _unfinished(out)
    try:
        beside.mkdir(mode=0o700)
        yield beside
        beside.rename(out)
        sync_folder(out.absolute().parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _unfinished(out: Path) -> Path:
    return out.with_name(f"{out.name}.unfinished")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
