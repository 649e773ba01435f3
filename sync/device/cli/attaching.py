"""attachment."""

import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared_schema import ids, limits
from shared_schema.errors import Refused
from shared_schema.records import code_list
from sync.device.attaching import attachments
from sync.device.attaching.attachments import ENDINGS, Shown
from sync.device.cli import frame, terminal
from sync.device.cli.frame import FileArg, Json, RecordArg, Yes, command
from sync.device.cli.terminal import emit, emit_json, plain, short, table
from sync.device.exchanging.transport import HttpTransport, SignedRequests
from sync.device.recording import finding, reading
from sync.device.recording.places import BadValue
from sync.device.recording.typed import parse_text
from sync.device.session import Session

attachment = typer.Typer(help="Photographs, receipts and documents: cleaned, sealed and sent when there is a signal.", no_args_is_help=True)
_KINDS: Final = code_list("attachment_kind").codes
_SHOWS: Final = code_list("at_risk").codes
_OPTIONS: Final = {"kind": "--kind", "what": "--what", "taken_on": "--on", "shows": "--shows"}


def _typed(field: str, text: str) -> Any:
    """What was typed for a field; a refusal names the option."""
    try:
        return parse_text("attachment", field, text)
    except BadValue as error:
        raise BadValue(_OPTIONS[field], error.seen, error.wanted) from None


@attachment.command("add")
@command
def attachment_add(
    which: FileArg,
    path: Annotated[Path, typer.Argument(help="The photograph (JPEG, PNG, WebP) or PDF. It stays where it is; delete it there if it should not.")],
    what: Annotated[str, typer.Option(help="What it is, in a few words. The name of the file on your disk is not kept.")],
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(_KINDS)}.")] = "photo",
    to: Annotated[str | None, typer.Option("--to", help="The record that it belongs to: a spend whose receipt it is, a note, an order.")] = None,
    on: Annotated[str | None, typer.Option(help="When it was taken or written, for example 2026-11-20.")] = None,
    shows: Annotated[str | None, typer.Option(help=f"Who can be recognised, commas between: {', '.join(_SHOWS)}.")] = None,
    evidence: Annotated[bool, typer.Option("--evidence", help="Keep the original as it is, with the place and the device in it.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Add a photograph or a document; works offline. Place, device, author and dates are taken out of it first, or it is refused.

    A photograph is made anew from its pixels. A PDF is written anew without its description, scripts, attached files and earlier versions; what its pages show stays.

    Example: fieldkeep attachment add 3fa8 receipt.jpg --what "corner shop, food parcel" --kind receipt --to 9c1e
    """
    from sync.device.attaching import cleaning

    texts = {"kind": kind, "what": what, "taken_on": on, "shows": shows}
    values = {name: _typed(name, text) for name, text in texts.items() if text is not None}
    data = _read(path)
    with terminal.progress("cleaning", quiet=as_json):
        cleaned = cleaning.as_it_is(data) if evidence else cleaning.clean(data)
    if evidence:
        terminal.confirm("Keep the original, with all that it tells of where and with what it was taken?", yes=yes)
    values |= {"cleaned": "no" if evidence else "yes", "evidence": "yes" if evidence else "no"}
    with frame.session() as opened:
        log = finding.find_file(opened, which)
        target = finding.find_record(opened, to, log)[1] if to else None
        made = attachments.add(opened, log, cleaned, values, to=target)
        found = _json(opened, log, attachments.show(opened, log, made)) | {"done": cleaned.done, "to": ids.show(target) if target else None}
    size = f"{len(cleaned.content) / 1_000_000:.1f} MB"
    emit(found, ids.show(made), f"Saved on this device ({cleaned.form}, {size}), {cleaned.done}. It goes out with the next sync.", as_json=as_json)


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(limits.ATTACHMENT_BYTES + 1)


def _json(opened: Session, log: bytes, one: Shown) -> dict[str, Any]:
    manifest = one.manifest
    total = len(manifest.ids) if manifest else 0
    return {
        "record": ids.show(one.record), "file": ids.show(log), **{name: one.values.get(name) for name in ("kind", "what", "taken_on", "cleaned", "evidence", "shows")},
        "by": opened.name_of(one.by), "form": manifest.form if manifest else None, "size": manifest.size if manifest else None,
        "hash": manifest.hash.hex() if manifest else None, "received": one.received, "chunks": total, "unsent": one.unsent,
        "here": one.here, "why": (one.waits.why or None) if one.waits else None, "name": _name(one) if manifest else None,
    }  # fmt: skip


def _name(one: Shown) -> str:
    """What a saved copy is called: nothing of the case is in it."""
    ending = ENDINGS[one.manifest.form] if one.manifest else "bin"
    return f"attachment-{short(one.record)}.{ending}"


def _where(found: dict[str, Any]) -> str:
    if found["size"] is None:
        return "removed"
    if found["received"]:
        return "received" if found["here"] < found["chunks"] else "received, kept here"
    if found["unsent"]:
        return f"on this device, {found['chunks'] - found['unsent']} of {found['chunks']} pieces sent"
    return "on this device, sent, no receipt yet"


@attachment.command("list")
@command
def attachment_list(which: FileArg, as_json: Json = False) -> None:
    """List the attachments of a file: what each is, how large, and whether it has been sent.

    Example: fieldkeep attachment list 3fa8
    """
    with frame.session() as opened:
        log = finding.find_file(opened, which)
        found = [_json(opened, log, one) for one in attachments.list_shown(opened, log)]
        reading.looked(opened, log, kind="attachment")
    if as_json:
        emit_json({"file": ids.show(log), "attachments": found})
        return
    cells = [[one["record"][:8], one["kind"] or "–", one["what"] or "–", one["by"], _size(one), _where(one), one["why"] or ""] for one in found]
    table("Attachments", ["id", "kind", "what", "by", "size", "", "why not sent"], cells)


def _size(one: dict[str, Any]) -> str:
    return "–" if one["size"] is None else f"{one['size'] / 1_000_000:.1f} MB"


@attachment.command("show")
@command
def attachment_show(which: RecordArg, as_json: Json = False) -> None:
    """Show what is known of one attachment. Its content is fetched by `attachment save`.

    Example: fieldkeep attachment show 9c1e
    """
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        found = _json(opened, log, attachments.show(opened, log, target))
        reading.looked(opened, log, record=target)
    if as_json:
        emit_json(found)
        return
    rows = [
        ["kind", plain(found["kind"])],
        ["what", plain(found["what"])],
        ["taken", plain(found["taken_on"])],
        ["by", found["by"]],
        ["size", _size(found)],
    ]
    rows += [["cleaned", plain(found["cleaned"])], ["shows", plain(found["shows"])], ["hash", found["hash"] or "–"], ["", _where(found)]]
    table(f"attachment {short(target)}", ["", ""], rows + ([["why not sent", found["why"]]] if found["why"] else []))


@attachment.command("save")
@command
def attachment_save(
    which: RecordArg,
    out: Annotated[Path | None, typer.Option(help="File or folder to write to; default attachment-ID in the present folder.")] = None,
    thumbnail: Annotated[bool, typer.Option("--thumbnail", help="Only the small picture of it.")] = False,
    as_json: Json = False,
) -> None:
    """Write an attachment to a file of yours, fetching what is not on this device. From then on it is as safe as that file is.

    Example: fieldkeep attachment save 9c1e --out /media/usb
    """
    with frame.session() as opened, _Line(opened) as line:
        log, target = finding.find_record(opened, which)
        shown = attachments.show(opened, log, target)
        with terminal.progress("fetching", quiet=as_json) as advance:
            content = attachments.thumbnail(opened, line, log, target) if thumbnail else attachments.fetch(opened, line, log, target, advance)
        if not content:
            raise Refused("not-found", "this attachment has no small picture")
        reading.looked(opened, log, record=target)
        path = _path(out, f"small-{short(target)}.jpg" if thumbnail else _name(shown))
        _write_new(path, content)
        found = {"record": ids.show(target), "path": str(path), "bytes": len(content), "hash": shown.manifest.hash.hex() if shown.manifest else None}
    emit(
        found,
        str(path),
        f"Written, {len(content) / 1_000_000:.1f} MB. It is not encrypted there: delete it when you have done with it.",
        as_json=as_json,
    )


class _Line:
    """The server, reached only when something is asked of it: what is on this device needs no signal."""

    def __init__(self, opened: Session) -> None:
        self._opened = opened
        self._held: HttpTransport | None = None

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_: object) -> None:
        if self._held is not None:
            self._held.__exit__()

    def __call__(self) -> SignedRequests:
        if self._held is None:
            self._held = HttpTransport(self._opened.identity.server, self._opened.identity.ca)
        return self._held


def _path(out: Path | None, name: str) -> Path:
    return Path(name) if out is None else out / name if out.is_dir() else out


def _write_new(path: Path, content: bytes) -> None:
    """A file that only its owner may read; nothing is overwritten."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused("bad-value", f"{path} is there already: nothing was written over it; give another --out") from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
