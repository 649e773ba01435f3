"""Export files: JSON Lines, one object a line, that anybody can read and check (docs/spec.md §10.3).

The first line says whose logs they are; then lines with `log` and `seq` (an entry; of an erased file its id alone), `head`, `receipt`, `event` or `checkpoint`.
Byte strings are base64. No part of an envelope is ever in an export.
"""

import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from shared_schema import cbor, ids
from shared_schema.cbor import MAX_INT
from shared_schema.checkpoint import MAX_NOTE
from shared_schema.devices import Heard, decode_devices
from shared_schema.errors import Malformed, Refused
from shared_schema.ids import Side
from shared_schema.receipt import decode_signed_head
from shared_schema.shape import as_blob, as_hash, as_id, as_list, as_map, as_text, as_tuple, as_uint, keys
from sync.audit import Export, ExportedEntry
from sync.device.session import Session

FORMAT: Final = "fieldkeep-export"
Get = Callable[[str], bytes]
K = TypeVar("K")
V = TypeVar("V")
_LOGS: Final = keys("v", "svc", "side", "registry", "authority", "logs", "events", "checkpoint")
_HEADER: Final = keys("format", "v", "svc", "side", "authority", "registry", "made_ms")
_FINGERPRINT: Final = re.compile("[0-9a-f]{64}")
_PLACE: Final = keys("log", "seq", "received_ms", "chain", "leaf", "salt")
_ID_BYTES: Final = 32  # no signed object is as short as that


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def from_store(session: Session) -> Export:
    """What this device itself has: the logs of its own files and its registry."""
    store = session.store
    logs = {
        log: tuple(
            ExportedEntry(row.seq, row.received_ms, row.cose, row.chain, row.leaf, id=b"" if row.cose else row.id) for row in store.entries(log)
        )
        for log, seq, *_ in store.logs()
        if seq
    }
    heads = tuple(head for *_, head, _ in store.logs() if head is not None)
    newest = store.newest_checkpoint()
    ends = {log: seq for log, seq, *_ in store.logs()}
    receipts = tuple(receipt for log, seq, receipt in store.receipts() if seq <= ends.get(log, 0))  # of what has come, not of what is promised
    return Export(session.identity.svc, session.identity.side, logs, heads, receipts, newest[2] if newest else "")


def from_server(get: Get, side: str, svc: bytes, progress: Callable[[int, int], None] = lambda _done, _of: None) -> Export:
    """All logs and events of `side`, as a supervisor of service `svc` may fetch them. `get` fetches one path, signed.

    Raises Malformed for any answer that is none, and what `get` raises.
    """
    listed = as_map(cbor.decode(get(f"/v1/audit/{side}/logs")), "logs", _LOGS)
    as_uint(listed["v"], "v", 1, 1)
    if (listed["svc"], listed["side"], listed["registry"]) != (svc, side, ids.registry_log(svc, side)):
        raise Malformed("the answer is of another service or side")
    as_hash(listed["authority"], "authority")
    logs: dict[bytes, tuple[ExportedEntry, ...]] = {}
    heads = []
    rows = as_list(listed["logs"], "logs")
    for done, row in enumerate(rows):
        log, kind, head = as_tuple(row, "log", 3)
        as_text(kind, "kind")
        signed = decode_signed_head(as_blob(head, "head"))
        if signed.log != as_id(log, "log") or log in logs:
            raise Malformed("a log is listed twice, or with the head of another")
        heads.append(head)
        logs[log] = tuple(_fetch_log(get, side, log, signed.head.seq))
        progress(done + 1, len(rows))
    events = dict(_fetch_events(get, side, as_uint(listed["events"], "events")))
    return Export(svc, ids.side(side), logs, tuple(heads), (), as_text(listed["checkpoint"], "checkpoint", MAX_NOTE), events)


def registry_from_server(get: Get, side: str, svc: bytes) -> Export:
    """The registry of `side` alone, as it is now: enough to say whose each device is."""
    log = ids.registry_log(svc, side)
    return Export(svc, ids.side(side), {log: tuple(_fetch_log(get, side, log, MAX_INT))}, (), (), "")


def heard_from_server(get: Get, side: str) -> tuple[tuple[Heard, ...], int]:
    """What the devices of `side` said of themselves, and the server's clock."""
    return decode_devices(get(f"/v1/audit/{side}/devices"))


def _fetch_log(get: Get, side: str, log: bytes, end: int) -> Iterator[ExportedEntry]:
    """The entries up to `end`, or as many as there are."""
    after = 0
    while after < end:
        page = as_map(cbor.decode(get(f"/v1/audit/{side}/log/{ids.show(log)}?after={after}")), "page", keys("entries"))
        rows = as_list(page["entries"], "entries")
        for row in rows:
            seq, received_ms, cose, chain, leaf, salt = as_tuple(row, "entry", 6)
            if as_uint(seq, "seq") <= after:
                raise Malformed("a page of the log does not go on where the one before ended")
            after, received_ms, leaf = seq, as_uint(received_ms, "received_ms"), as_uint(leaf, "leaf")
            erased = len(as_blob(cose, "cose")) == _ID_BYTES
            entry = ExportedEntry(
                seq, received_ms, b"" if erased else cose, as_hash(chain, "chain"), leaf, as_hash(salt, "salt"), cose if erased else b""
            )
            if seq <= end:
                yield entry
        if not rows:
            return


def _fetch_events(get: Get, side: str, end: int) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    """The events below number `end`, or as many as there are."""
    first = 0
    while first < end:
        page = as_map(cbor.decode(get(f"/v1/audit/{side}/events?from={first}")), "page", keys("events", "size"))
        as_uint(page["size"], "size")
        rows = as_list(page["events"], "events")
        for row in rows:
            n, salt, event = as_tuple(row, "event", 3)
            if as_uint(n, "n") < first:
                raise Malformed("a page of events does not go on where the one before ended")
            first, opened = n + 1, (as_hash(salt, "salt"), as_blob(event, "event"))
            if n < end:
                yield n, opened
        if not rows:
            return


def write_export(export: Export, path: Path, authority: bytes, made_ms: int) -> int:
    """Write an export file, readable by its owner only; returns how many lines. Whole or not at all: a full disk leaves what was there."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise Refused("bad-value", f"{path.name} is there and is no file")
    if not path.parent.is_dir():
        raise Refused("not-found", f"{path.parent}: there is no such folder to write into")
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    lines = 0
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as stream:
            for line in _lines(export, authority, made_ms):
                stream.write(json.dumps(line, separators=(",", ":")) + "\n")
                lines += 1
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return lines


def _lines(export: Export, authority: bytes, made_ms: int) -> Iterator[dict[str, Any]]:
    yield {
        "format": FORMAT, "v": 1, "svc": ids.show(export.svc), "side": export.side, "authority": authority.hex(),
        "registry": ids.show(ids.registry_log(export.svc, export.side)), "made_ms": made_ms,
    }  # fmt: skip
    for log, entries in export.logs.items():
        for one in entries:
            yield {
                "log": ids.show(log), "seq": one.seq, "received_ms": one.received_ms, "chain": _b64(one.chain), "leaf": one.leaf,
                "salt": _b64(one.salt), **({"cose": _b64(one.cose)} if one.cose else {"id": _b64(one.id)}),
            }  # fmt: skip
    for head in export.heads:
        yield {"head": _b64(head)}
    for receipt in export.receipts:
        yield {"receipt": _b64(receipt)}
    for n, (salt, event) in export.events.items():
        yield {"event": _b64(event), "n": n, "salt": _b64(salt)}
    if export.checkpoint:
        yield {"checkpoint": export.checkpoint}


def read_export(path: Path) -> tuple[Export, bytes]:
    """An export file, and the authority fingerprint that it claims. Raises Refused `bad-export` naming the line, `not-found` where there is no file."""
    lines = _ascii(path).removesuffix("\n").split("\n")
    read, at = _Read(), 1
    try:
        svc, side, authority = _header(_line(lines[0]))
        for at, line in enumerate(lines[1:], 2):  # noqa: B007  # the handler below names it
            read.take(_line(line))
    except (ValueError, RecursionError, Malformed) as error:
        why = str(error) if isinstance(error, Malformed) else "it is no JSON"
        raise Refused("bad-export", f"line {at} of {path.name} is no line of a fieldkeep-export: {why}") from None
    logs = {log: tuple(rows) for log, rows in read.logs.items()}
    return Export(svc, side, logs, tuple(read.heads.values()), tuple(read.receipts), read.checkpoint, read.events), authority


def _ascii(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise Refused("not-found", f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise Refused("bad-export", f"{path} is a folder; want an export file") from None
    except OSError as error:
        raise Refused("bad-export", f"{path} cannot be read: {error.strerror or 'the disk does not say why'}") from None
    except UnicodeDecodeError:
        raise Refused("bad-export", f"{path} is no export file: it holds more than plain letters and signs") from None


class _Read:
    """What the lines after the first have said so far. Nothing is said twice."""

    def __init__(self) -> None:
        self.logs: dict[bytes, list[ExportedEntry]] = {}
        self.heads: dict[bytes, bytes] = {}
        self.receipts: dict[bytes, None] = {}
        self.events: dict[int, tuple[bytes, bytes]] = {}
        self.checkpoint = ""

    def take(self, line: dict[str, Any]) -> None:
        """Raises Malformed."""
        if "cose" in line or "id" in line:
            log, entry = _entry(line)
            self.logs.setdefault(log, []).append(entry)
        elif "head" in line:
            head = _blob(as_map(line, "head", keys("head"))["head"], "head")
            _once(self.heads, decode_signed_head(head).log, head, "head of this log")
        elif "receipt" in line:
            _once(self.receipts, _blob(as_map(line, "receipt", keys("receipt"))["receipt"], "receipt"), None, "line with this receipt")
        elif "event" in line:
            as_map(line, "event", keys("event", "n", "salt"))
            opened = as_hash(_blob(line["salt"], "salt"), "salt"), _blob(line["event"], "event")
            _once(self.events, as_uint(line["n"], "n"), opened, "event of this number")
        else:
            as_map(line, "line", keys("checkpoint"))
            if self.checkpoint:
                raise Malformed("it is a second checkpoint")
            self.checkpoint = as_text(line["checkpoint"], "checkpoint", MAX_NOTE)


def _once(taken: dict[K, V], key: K, value: V, what: str) -> None:
    if key in taken:
        raise Malformed(f"it is a second {what}")
    taken[key] = value


def _line(text: str) -> dict[str, Any]:
    """One line's object. Raises Malformed, ValueError, RecursionError."""
    value = json.loads(text, object_pairs_hook=_object)
    if type(value) is not dict:
        raise Malformed("it is no object")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("it has a key twice")
    return found


def _header(line: dict[str, Any]) -> tuple[bytes, Side, bytes]:
    if line.get("format") != FORMAT:
        raise Malformed(f"the format is not {FORMAT}")
    if type(line.get("v")) is not int or line["v"] != 1:
        raise Malformed("the version is not 1")
    as_map(line, "header", _HEADER)
    svc, side = _id(line["svc"], "svc"), ids.side(line["side"])
    if _id(line["registry"], "registry") != ids.registry_log(svc, side):
        raise Malformed("the registry is of another service or side")
    as_uint(line["made_ms"], "made_ms")
    if not _FINGERPRINT.fullmatch(as_text(line["authority"], "authority")):
        raise Malformed("authority is not 64 hex digits")
    return svc, side, bytes.fromhex(line["authority"])


def _entry(line: dict[str, Any]) -> tuple[bytes, ExportedEntry]:
    as_map(line, "entry", _PLACE | keys("cose" if "cose" in line else "id"))
    leaf, salt = as_uint(line["leaf"], "leaf", -1), _blob(line["salt"], "salt")
    if salt:
        as_hash(salt, "salt")
    seq, received_ms = as_uint(line["seq"], "seq", 1), as_uint(line["received_ms"], "received_ms")
    chain = as_hash(_blob(line["chain"], "chain"), "chain")
    if "id" in line:
        return _id(line["log"], "log"), ExportedEntry(seq, received_ms, b"", chain, leaf, salt, as_hash(_blob(line["id"], "id"), "id"))
    cose = _blob(line["cose"], "cose")
    if not cose:
        raise Malformed("cose is empty")
    return _id(line["log"], "log"), ExportedEntry(seq, received_ms, cose, chain, leaf, salt)


def _id(value: object, name: str) -> bytes:
    return ids.parse(as_text(value, name))


def _blob(value: object, name: str) -> bytes:
    """Bytes from base64 in its one form. Raises Malformed."""
    if type(value) is not str:
        raise Malformed(f"{name} is not a text")
    try:
        data = base64.b64decode(value, validate=True)
    except ValueError:
        raise Malformed(f"{name} is not base64") from None
    if _b64(data) != value:
        raise Malformed(f"{name} is not base64 in its one form")
    return data
