"""The manifest of an export's folder: which files belong to it, signed by the device that wrote them (docs/spec.md §16.5)."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from shared_schema import cose, ids
from shared_schema.errors import Malformed, Refused
from shared_schema.manifest import MANIFEST, Manifest, decode_manifest, manifest_payload
from sync.device.session import Session
from sync.signing import sign_object

FORMAT: Final = "fieldkeep-export-manifest"
LIST: Final = "manifest.json"
SIGNED: Final = "manifest.cose"
HANDED_LIST: Final = f"../to-hand-over/{LIST}"
"""How what is kept names the manifest of what is handed over."""
_KEYS: Final = {"format", "v", "number", "purpose", "to", "side", "service", "file", "device", "exported_by", "exported_ms", "head", "files"}


def manifest(session: Session, found: dict[str, Any], files: Mapping[str, bytes], head: bytes | None) -> dict[str, bytes]:
    """The two files that vouch for these others."""
    me = session.identity
    listed = {
        "format": FORMAT, "v": 1, "number": found["number"], "purpose": found["purpose"], "to": found["to"], "side": me.side, "service": ids.show(me.svc),
        "file": found["file"]["id"], "device": ids.show(me.device), "exported_by": found["exported_by"], "exported_ms": found["exported_ms"],
        "head": base64.b64encode(head).decode() if head is not None else None,
        "files": [{"name": name, "bytes": len(data), "sha256": ids.sha256(data).hex()} for name, data in sorted(files.items())],
    }  # fmt: skip
    text = (json.dumps(listed, ensure_ascii=False, indent=1) + "\n").encode()
    signed = sign_object(session.sign_key, cose.protected_header(MANIFEST, me.device, me.svc), manifest_payload(found["number"], ids.sha256(text)))
    return {LIST: text, SIGNED: signed}


def check(folder: Path, named: str = "") -> tuple[dict[str, Any], Manifest]:
    """What a manifest says, when all files of its folder are as it says; whose device signed it is not looked at. `named` is what the folder is called.

    Raises Refused `bad-export` that names the first file that is not.
    """
    data = _bytes(folder / LIST, f"{named}{LIST}")
    listed = _listed(data, f"{named}{LIST}")
    try:
        signed = decode_manifest(_bytes(folder / SIGNED, f"{named}{SIGNED}"))
    except Malformed as error:
        raise Refused("bad-export", f"{named}{SIGNED} is no signature: {error}") from None
    if signed.hash != ids.sha256(data) or signed.number != listed["number"]:
        raise Refused("bad-export", f"{named}{LIST} is not the one that was signed")
    for one in listed["files"]:
        _require_same(folder, one, named)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    more = sorted(there - {one["name"] for one in listed["files"]} - {LIST, SIGNED})
    if more:
        raise Refused("bad-export", f"{named}{more[0]} is not in the manifest: it was put there afterwards")
    return listed, signed


def _listed(data: bytes, named: str) -> dict[str, Any]:
    try:
        listed = json.loads(data)
        whole = listed.keys() == _KEYS and (listed["format"], listed["v"]) == (FORMAT, 1) and all(map(_is_file, listed["files"]))
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        whole = False
    if not whole:
        raise Refused("bad-export", f"{named} is no manifest of an export")
    found: dict[str, Any] = listed
    return found


def _is_file(one: Any) -> bool:
    if one.keys() != {"name", "bytes", "sha256"} or type(one["name"]) is not str or type(one["bytes"]) is not int or type(one["sha256"]) is not str:
        return False
    parts = one["name"].split("/")
    return one["name"] == HANDED_LIST or not any(part in ("", ".", "..") for part in parts)


def _require_same(folder: Path, one: dict[str, Any], named: str) -> None:
    data = _bytes(folder / one["name"], f"{named}{one['name']}")
    if len(data) != one["bytes"] or ids.sha256(data).hex() != one["sha256"]:
        raise Refused("bad-export", f"{named}{one['name']} is not the file that the manifest names: it was changed, or exchanged")


def _bytes(path: Path, named: str) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise Refused("bad-export", f"{named} is missing, or no plain file")
    return path.read_bytes()
