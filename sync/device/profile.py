"""A device's folder: `profile.json` (how the passphrase becomes a key) and `store.db` (everything else, sealed). docs/spec.md §13.

One process at a time: a second one waits, then says so.
"""

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from shared_schema.errors import Malformed, ProtocolError, Refused
from shared_schema.shape import as_bytes, as_uint
from sync.device.session import Session
from sync.device.store import Store
from sync.device.wiping import DONE
from sync.keys import passphrase_key

MEMORY_KIB: Final = 65_536
PASSES: Final = 3
LEAST: Final = (47_104, 1)  # OWASP: 46 MiB, one pass. A profile that asks for less was tampered with.
MOST: Final = (1_048_576, 64)
_WAIT_S: Final = 10.0
_NO_GOOD: Final = frozenset({"invitation-spent", "invitation-ended", "invitation-invalid"})  # before anything of this device was taken
MIN_PASSPHRASE: Final = 8
WIPED: Final = "wiped.json"  # what is left of a device that wiped itself: when, why, how much


def now_ms() -> int:
    """This device's clock."""
    return int(time.time() * 1000)


def _begin(folder: Path, passphrase: str) -> None:
    if len(passphrase) < MIN_PASSPHRASE:
        raise Refused("bad-passphrase", f"a passphrase has at least {MIN_PASSPHRASE} characters")
    facts = {"v": 1, "kdf": "argon2id", "memory_kib": MEMORY_KIB, "passes": PASSES, "salt": secrets.token_hex(16)}
    try:
        write_private(folder / "profile.json", json.dumps(facts), new=True)
        (folder / WIPED).unlink(missing_ok=True)
    except FileExistsError:
        raise Refused("not-permitted", f"{folder} already holds a device") from None


def write_private(path: Path, text: str, *, new: bool = False) -> None:
    """Write a file that only its owner may read; on disk when this returns. Raises FileExistsError for a `new` one that is there."""
    flags = os.O_CREAT | os.O_WRONLY | (os.O_EXCL if new else os.O_TRUNC)
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), 0o600)  # it may have been there
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # its name too
    finally:
        os.close(folder)


def _key(folder: Path, passphrase: str) -> bytes:
    try:
        facts = json.loads((folder / "profile.json").read_text(encoding="ascii"))
        v, memory, passes = (as_uint(facts[name], name) for name in ("v", "memory_kib", "passes"))
        salt = as_bytes(bytes.fromhex(facts["salt"]), 16, "salt")
        known = v == 1 and facts["kdf"] == "argon2id"
    except (ValueError, KeyError, TypeError, RecursionError, Malformed):
        raise Refused(
            "no-profile", f"profile.json in {folder} is damaged: bring it back from a copy; the store cannot be opened without it"
        ) from None
    if not known or not (LEAST[0] <= memory <= MOST[0] and LEAST[1] <= passes <= MOST[1]):
        raise Refused("no-profile", "profile.json asks for a way of making keys that is not allowed")
    return passphrase_key(passphrase, salt, memory, passes)


def require_profile(folder: Path) -> None:
    """Raises Refused `no-profile` unless a profile was made in `folder`."""
    if not (folder / "profile.json").exists():
        raise Refused("no-profile", _wiped(folder) or f"there is no enrolled device in {folder}")


def _wiped(folder: Path) -> str:
    """What became of the device that was in this folder, if it wiped itself."""
    try:
        gone = json.loads((folder / WIPED).read_text(encoding="ascii"))
        when = time.strftime("%d %b %Y", time.gmtime(int(gone["at_ms"]) / 1000))
        return f"the device in {folder} was revoked ({gone['reason']}) and wiped itself on {when}: {gone['files']} file(s). Enrol it anew, with a new code"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _end(folder: Path, gone: bytes) -> None:
    """The last of a device that has wiped itself: what it was is kept as a few numbers, and nothing else."""
    write_private(folder / WIPED, gone.decode())
    for path in (*folder.glob("store.db*"), folder / "profile.json"):
        path.unlink(missing_ok=True)


@contextmanager
def open_store(folder: Path, passphrase: str, *, new: bool = False) -> Iterator[Store]:
    """The profile's store, unlocked, for this process only. With `new` a folder without a profile gets one, under the same lock.

    Raises Refused: no-profile, bad-passphrase, busy, storage.
    """
    if new:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    else:
        require_profile(folder)
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _wait_for(lock)
        if new and not (folder / "profile.json").exists():
            _begin(folder, passphrase)
        store = Store(folder / "store.db", _key(folder, passphrase), create=new)
        gone = store.fact(DONE)
        try:
            if gone is None:
                yield store
                return
        finally:
            gone = store.fact(DONE)
            store.close()
            if gone is not None:
                _end(folder, gone)
        require_profile(folder)  # it had been cut short in its end
    finally:
        os.close(lock)


@contextmanager
def new_profile(folder: Path, passphrase: str) -> Iterator[Store]:
    """A store for a device that is to be enrolled. What was made here goes again when the invitation turns out to be no good."""
    fresh = not (folder / "profile.json").exists()
    try:
        with open_store(folder, passphrase, new=True) as store:
            yield store
    except ProtocolError as error:
        if fresh and error.code in _NO_GOOD:
            for path in (*folder.glob("store.db*"), folder / "profile.json", folder / "lock"):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()  # somebody may keep other things in it
        raise


def _wait_for(lock: int) -> None:
    until = time.monotonic() + _WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > until:
                raise Refused("busy", "another fieldkeep command is using this device") from None
            time.sleep(0.05)
        else:
            return


@contextmanager
def open_session(folder: Path, passphrase: str) -> Iterator[Session]:
    """The enrolled device in `folder`, unlocked."""
    with open_store(folder, passphrase) as store:
        yield Session(store, now_ms, secrets.token_bytes)
