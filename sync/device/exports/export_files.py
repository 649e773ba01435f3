"""The folder of an export: what is handed over and what is kept apart from it; written whole or not at all (docs/spec.md §16.3)."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from shared_schema.errors import Refused
from sync.device.entering.private_files import sync_folder, write_private
from sync.device.exports.export_content import content, proof, records_of
from sync.device.exports.export_manifest import HANDED_LIST, LIST, manifest
from sync.device.exports.export_page import note, page
from sync.device.exports.export_tables import tables
from sync.device.exports.exporting import SUBJECT, Request, put_on_record
from sync.device.exports.exports import Exported
from sync.device.exports.reviewing import Reviewed, by_field, kept, require_decided, review
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


def begin(session: Session, request: Request) -> None:
    """Put an export on record, when nothing in it waits for a decision any more. Raises Refused."""
    if request.state == "open" and request.by != session.identity.user:  # else its own refusal says more
        require_decided(review(session, request))
    put_on_record(session, request)


def write(session: Session, request: Request, made: Exported, out: Path) -> dict[str, Any]:
    """Write the export; returns its content. Folders are 0700 and files 0600. Raises OSError, and then nothing is left; Refused while a passage waits."""
    with whole_folder(out) as beside:
        said = records_of(session, request)
        reviewed = review(session, request, said)
        require_decided(reviewed)
        found = content(session, request, made, said, by_field(reviewed))
        handed = _handed(session, request, found)
        _put(beside / HANDED, handed)
        _put(beside / KEPT, _kept(session, request, made, found, reviewed, handed[LIST]))
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


def _handed(session: Session, request: Request, found: dict[str, Any]) -> dict[str, bytes]:
    """What is handed over: the same content in four forms, and its manifest. For the person himself nothing in it counts entries."""
    from sync.device.exports.export_paper import document  # slow to load, and needed by nothing else a command does

    files = {
        "note.txt": note(found).encode(), "content.json": _json(found), "content.html": page(found).encode(),
        "content.pdf": document(found, session.types),
        **{f"csv/{name}": table.encode() for name, table in tables(found, session.types).items()},
    }  # fmt: skip
    head = None if request.purpose == SUBJECT else session.store.head(request.log)
    return files | manifest(session, found, files, head)


def _kept(session: Session, request: Request, made: Exported, found: dict[str, Any], reviewed: list[Reviewed], handed: bytes) -> dict[str, bytes]:
    """What is kept: where it stands in the log, and what was taken out of it."""
    more = ", and never part of what the person receives" if request.purpose == SUBJECT else ""
    files = {
        "note.txt": note(found).encode(), "READ-ME.txt": _KEEP_NOTE.format(more=more).encode(), "places.json": _json(proof(session, request, made)),
        "decisions.json": _json(kept(session, request, reviewed)),
    }  # fmt: skip
    return files | manifest(session, found, files | {HANDED_LIST: handed}, session.store.head(request.log))


def _put(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(mode=0o700)
    for name, data in files.items():
        (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        write_private(folder / name, data, new=True)


def _unfinished(out: Path) -> Path:
    return out.with_name(f"{out.name}.unfinished")


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
