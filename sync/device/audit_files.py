"""Export files: JSON Lines, one object a line, that anybody can read and check (docs/spec.md §10.3).

The first line says whose logs they are; then lines with `log` and `seq` (an entry), `head`, `receipt`, `event` or `checkpoint`.
Byte strings are base64. No part of an envelope is ever in an export.
"""

import base64
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from shared_schema import cbor, ids
from shared_schema.errors import Malformed, Refused
from shared_schema.receipt import decode_signed_head
from shared_schema.shape import as_blob, as_list, as_map, as_tuple, as_uint, keys
from sync.audit import Export, ExportedEntry
from sync.device.session import Session

FORMAT: Final = "fieldkeep-export"
Get = Callable[[str], bytes]
_LOGS: Final = keys("v", "svc", "side", "registry", "authority", "logs", "events", "checkpoint")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def from_store(session: Session) -> Export:
    """What this device itself has: the logs of its own files and its registry."""
    store = session.store
    logs = {
        log: tuple(ExportedEntry(row.seq, row.received_ms, row.cose, row.chain, row.leaf) for row in store.entries(log))
        for log, seq, *_ in store.logs()
        if seq
    }
    heads = tuple(head for *_, head, _ in store.logs() if head is not None)
    newest = store.newest_checkpoint()
    ends = {log: seq for log, seq, *_ in store.logs()}
    receipts = tuple(receipt for log, seq, receipt in store.receipts() if seq <= ends.get(log, 0))  # of what has come, not of what is promised
    return Export(session.identity.svc, session.identity.side, logs, heads, receipts, newest[2] if newest else "")


def from_server(get: Get, side: str, progress: Callable[[int, int], None] = lambda _done, _of: None) -> Export:
    """All logs and events of `side`, as a supervisor may fetch them. `get` fetches one path, signed."""
    listed = as_map(cbor.decode(get(f"/v1/audit/{side}/logs")), "logs", _LOGS)
    logs: dict[bytes, tuple[ExportedEntry, ...]] = {}
    heads = []
    rows = as_list(listed["logs"], "logs")
    for done, row in enumerate(rows):
        log, _kind, head = as_tuple(row, "log", 3)
        heads.append(head)
        end = decode_signed_head(head).head.seq
        logs[log] = tuple(one for one in _fetch_log(get, side, log) if one.seq <= end)
        progress(done + 1, len(rows))
    events = {n: event for n, event in _fetch_events(get, side) if n < listed["events"]}
    return Export(listed["svc"], ids.side(listed["side"]), logs, tuple(heads), (), listed["checkpoint"], events)


def _fetch_log(get: Get, side: str, log: bytes) -> Iterator[ExportedEntry]:
    after = 0
    while True:
        page = as_map(cbor.decode(get(f"/v1/audit/{side}/log/{ids.show(log)}?after={after}")), "page", keys("entries"))
        rows = as_list(page["entries"], "entries")
        for row in rows:
            seq, received_ms, cose, chain, leaf, salt = as_tuple(row, "entry", 6)
            if as_uint(seq, "seq") <= after:
                raise Malformed("a page of the log does not go on where the one before ended")
            yield ExportedEntry(seq, received_ms, as_blob(cose, "cose"), as_blob(chain, "chain"), leaf, salt)
            after = seq
        if not rows:
            return


def _fetch_events(get: Get, side: str) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    first = 0
    while True:
        page = as_map(cbor.decode(get(f"/v1/audit/{side}/events?from={first}")), "page", keys("events", "size"))
        rows = as_list(page["events"], "events")
        for row in rows:
            n, salt, event = as_tuple(row, "event", 3)
            if as_uint(n, "n") < first:
                raise Malformed("a page of events does not go on where the one before ended")
            yield n, (as_blob(salt, "salt"), as_blob(event, "event"))
            first = n + 1
        if not rows:
            return


def write_export(export: Export, path: Path, authority: bytes, made_ms: int) -> int:
    """Write an export file, readable by its owner only; returns how many lines. Whole or not at all: a full disk leaves what was there."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise Refused("bad-value", f"{path.name} is there and is no file")
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
                "salt": _b64(one.salt), "cose": _b64(one.cose),
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
    """An export file, and the authority fingerprint that it claims. Raises Refused `bad-export` naming the line."""
    logs: dict[bytes, list[ExportedEntry]] = {}
    heads, receipts, events, checkpoint = [], [], {}, ""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("bad-export", f"{path.name} cannot be read: {type(error).__name__}") from None
    at = 1
    try:
        first = json.loads(lines[0])
        if first["format"] != FORMAT or first["v"] != 1:
            raise Malformed("not a fieldkeep-export of version 1")
        svc, side, authority = ids.parse(first["svc"]), ids.side(first["side"]), bytes.fromhex(first["authority"])
        for at, line in enumerate(lines[1:], 2):  # noqa: B007  # the handler below names it
            value = json.loads(line)
            if "cose" in value:
                logs.setdefault(ids.parse(value["log"]), []).append(_entry(value))
            elif "head" in value:
                heads.append(base64.b64decode(value["head"], validate=True))
            elif "receipt" in value:
                receipts.append(base64.b64decode(value["receipt"], validate=True))
            elif "event" in value:
                events[int(value["n"])] = (base64.b64decode(value["salt"], validate=True), base64.b64decode(value["event"], validate=True))
            else:
                checkpoint = str(value["checkpoint"])
    except (ValueError, KeyError, IndexError, TypeError, Malformed):
        raise Refused("bad-export", f"line {at} of {path.name} is no line of a fieldkeep-export") from None
    return Export(svc, side, {log: tuple(rows) for log, rows in logs.items()}, tuple(heads), tuple(receipts), checkpoint, events), authority


def _entry(value: dict[str, Any]) -> ExportedEntry:
    decoded = [base64.b64decode(value[name], validate=True) for name in ("cose", "chain", "salt")]
    return ExportedEntry(int(value["seq"]), int(value["received_ms"]), decoded[0], decoded[1], int(value["leaf"]), decoded[2])
