"""What the scripted journeys share: records written from a command line, and everything that the perpetrator side has."""

import uuid
from pathlib import Path
from typing import Any

from sync.device.entering import keyring
from tests.canaries import contents, hits
from tests.rawstore import decrypted
from tests.shell import SECRET


def add(shell: Any, profile: str, type_: str, file: str, /, **values: str) -> dict[str, Any]:
    """Add a record that lacks nothing. A name that Python keeps for itself is given with an underscore behind it."""
    words = [word for name, value in values.items() for word in ("--set", f"{name.rstrip('_')}={value}")]
    made: dict[str, Any] = shell.run(profile, "record", "add", type_, "--file", file, *words)
    assert made["missing_to_sign"] == []
    return made


def sign(shell: Any, profile: str, type_: str, file: str, /, **values: str) -> dict[str, Any]:
    """The same, signed; `told` is what partner support will hear of it."""
    made = add(shell, profile, type_, file, **values)
    told: str | None = shell.run(profile, "note", "sign", made["record"])["told"]
    return made | {"told": told}


def types_in(shell: Any, profile: str, file: str) -> list[str]:
    """The types of the records in a file, in order."""
    return sorted(row["type"] for row in shell.run(profile, "record", "list", file)["records"])


def perpetrator_side(shell: Any, *profiles: str) -> list[tuple[str, bytes]]:
    """All that the perpetrator side has: the stores of these phones in the clear, what lies beside them, its database and files on the server."""
    stores = [(name, decrypted(shell.folder / name / "store.db", keyring.unlock(shell.folder / name, SECRET).keys[0])) for name in profiles]
    beside = [one for name in profiles for one in contents(shell.folder / name)]
    server = [(path.name, path.read_bytes()) for path in shell.server.data.iterdir() if path.name.startswith("perpetrator")]
    assert len(server) >= 3
    return stores + beside + server


def exported(shell: Any, path: Path) -> tuple[str, bytes]:
    """What a supervisor is given of the perpetrator side."""
    shell.enrol("Olu", "supervisor_perpetrator", side="oversight")
    shell.run("olu", "audit", "export", "--side", "perpetrator", "--out", str(path))
    return path.name, path.read_bytes()


def named(things: list[tuple[str, bytes]], *words: str) -> set[str]:
    """Those of these words and ids that stand anywhere in `things`, however they are written."""
    found = {word for _, word in hits(things, list(words))}
    ids = {word: uuid.UUID(word) for word in words if len(word) == 36 and word.count("-") == 4}
    return found | {word for word, one in ids.items() if any(one.bytes in data or one.hex.encode() in data for _, data in things)}
