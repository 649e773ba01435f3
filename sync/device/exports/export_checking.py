"""Checking an export: that its files are those of its manifest, and, with an audit export, whose it is and that the log says the same (docs/spec.md §16.5)."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared_schema import ids
from shared_schema.entry import decode_entry_alone
from shared_schema.errors import Malformed, ProtocolError, Refused
from shared_schema.manifest import Manifest
from sync import audit as rules
from sync.audit import Export
from sync.device.exports import export_manifest, export_proof
from sync.device.exports.export_files import HANDED, KEPT
from sync.registry import Registry
from sync.signing import verify_object


def unchanged(folder: Path) -> dict[str, Any]:
    """The manifest of what is handed over, when nothing in the folder was changed since; `folder` is the export's, or the one that was handed over.

    Raises Refused `bad-export` that names the first file that is not as it was.
    """
    if not (folder / HANDED).is_dir():
        return export_manifest.check(folder)[0]
    listed, _ = export_manifest.check(folder / HANDED, f"{HANDED}/")
    export_manifest.check(folder / KEPT, f"{KEPT}/")
    return listed


def against(folder: Path, read: Export, authority: bytes) -> list[str]:
    """What is wrong with an unchanged export, held against an audit export. Raises Refused `bad-export` for what is no export."""
    try:
        handed, kept = export_manifest.check(folder / HANDED, f"{HANDED}/"), export_manifest.check(folder / KEPT, f"{KEPT}/")
        heads = tuple(base64.b64decode(listed["head"], validate=True) for listed, _ in (handed, kept) if listed["head"] is not None)
        audited = rules.verify_export(replace(read, heads=(*read.heads, *heads)), authority)
        if audited.findings:
            return ["the audit export does not verify, or the log's head in the manifest is none of it: fieldkeep audit verify says more"]
        if audited.registry is None:
            return ["the audit export has no registry"]
        places = json.loads((folder / KEPT / "places.json").read_text(encoding="utf-8"))
        log, seq = ids.parse(places["log"]), places["on_record"]["seq"]
        row = next((row for row in read.logs.get(log, ()) if row.seq == seq), None)
        sealed = decode_entry_alone(row.cose).sealed if row is not None and row.cose else None
        author = sealed.author if sealed is not None else b""
        signed = [text for _, one in (handed, kept) if (text := _signature(one, audited.registry, author))]
        return [*signed, *export_proof.check(folder, read, audited.registry)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("bad-export", f"{folder} holds no export that could be checked: {type(error).__name__}") from None


def _signature(one: Manifest, registry: Registry, author: bytes) -> str:
    """What is wrong with a manifest's signature, "" for nothing: it is that of the device that put the export on record."""
    certificate = registry.devices.get(one.by)
    if certificate is None or one.by != author or one.svc != registry.svc:
        return "the manifest was not signed by the device that put the export on record"
    try:
        verify_object(one.sign1, certificate.keys.sign)
    except (Malformed, ProtocolError):
        return "the manifest's signature does not verify"
    return ""
