"""An export that whoever made it changed, and signed once more."""

import json
from pathlib import Path
from typing import Any

from shared_schema import ids
from sync.device.entering.profile import open_session
from sync.device.exports.export_manifest import HANDED_LIST, LIST, SIGNED, manifest
from tests.shell import SECRET


def resigned(town: Any, who: str, out: Path) -> None:
    """What a dishonest maker does: the folders as they are now, signed again."""
    with open_session(town.folder / who, SECRET) as session:
        found = json.loads((out / "to-hand-over/content.json").read_text())
        log = ids.parse(found["file"]["id"])
        for name in ("to-hand-over", "to-keep"):
            there = {str(path.relative_to(out / name)): path.read_bytes() for path in (out / name).rglob("*") if path.is_file()}
            files = {path: data for path, data in there.items() if path not in (LIST, SIGNED)}
            files |= {HANDED_LIST: (out / "to-hand-over" / LIST).read_bytes()} if name == "to-keep" else {}
            for path, data in manifest(session, found, files, session.store.head(log)).items():
                (out / name / path).write_bytes(data)
