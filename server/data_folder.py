"""What lies in a server's folder beside its databases: the lock, each side's keys, the setup code (docs/operations/README.md)."""

import fcntl
import json
import os
import secrets
from pathlib import Path

from server.cannot import CannotServe
from server.realm import RealmKeys
from shared_schema import ids
from shared_schema.errors import Malformed


class InUse(CannotServe):
    """Another process serves this data."""


class Regressed(CannotServe):
    """The database does not belong to what lies beside it, or to this release."""


class Damaged(CannotServe):
    """A file of the folder is not what was written there."""


def lock_data(data: Path) -> int:
    """Keep every other process off this data, until the handle that this returns is closed. Raises InUse."""
    handle = os.open(data / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise InUse(f"another fieldkeep serve uses the data in {data.name}") from None
    return handle


def setup_code(data: Path) -> str:
    """The code with which a service is made; made itself when it is first asked for. Raises Damaged."""
    path = data / "setup-code"
    if not path.exists():
        write_private(path, secrets.token_hex(10))
    try:
        return path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        raise Damaged(f"{path.name} is no line of text: put it back from a copy; or delete it, and the next start makes another") from None


def read_keys(path: Path, *, fresh: bool) -> RealmKeys:
    """One side's keys; with `fresh`, made when there are none. Raises Regressed where a database has none, Damaged for a file that is not theirs."""
    if fresh and not path.exists():
        made = {name: secrets.token_hex(32) for name in ("receipt", "checkpoint", "salt")}
        write_private(path, json.dumps({**made, "incarnation": ids.show(secrets.token_bytes(16))}))
    if not path.exists():
        raise Regressed(f"{path.name} is missing: this database belongs to keys that are not here")
    try:
        held = json.loads(path.read_text(encoding="ascii"))
        receipt, checkpoint, salt = (bytes.fromhex(held[name]) for name in ("receipt", "checkpoint", "salt"))
        incarnation = ids.parse(held["incarnation"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, Malformed):
        raise Damaged(f"{path.name} does not hold this side's keys: put it back from the copy that is kept apart from the database") from None
    if {len(receipt), len(checkpoint), len(salt)} != {32}:
        raise Damaged(f"{path.name} holds keys of another size than 32 bytes: put it back from the copy that is kept apart from the database")
    return RealmKeys(receipt, checkpoint, salt, incarnation)


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, whenever the machine stops."""
    beside = path.with_suffix(path.suffix + ".new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
