"""A device's folder: `profile.json` (the store's key, wrapped) and `store.db` (everything else, sealed). docs/spec.md §13.

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

from shared_schema.errors import ProtocolError, Refused
from sync.device.entering import keyring
from sync.device.entering.keyring import Keyring
from sync.device.entering.private_files import replace_private
from sync.device.people.wiping import DONE
from sync.device.session import Session
from sync.device.storage.store import Store

REQUEST: Final = "request.json"  # a request for help that waits for its answer: sync/device/entering/unlocking.py
_WAIT_S: Final = 10.0
_NO_GOOD: Final = frozenset({"invitation-spent", "invitation-ended", "invitation-invalid"})  # before anything of this device was taken
WIPED: Final = "wiped.json"  # what is left of a device that wiped itself: when, why, how much


def now_ms() -> int:
    """This device's clock."""
    return int(time.time() * 1000)


def require_profile(folder: Path) -> None:
    """Raises Refused `no-profile` unless a profile was made in `folder`."""
    if not (folder / keyring.NAME).exists():
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
    replace_private(folder / WIPED, gone.decode())
    for path in (*folder.glob("store.db*"), *folder.glob(f"{keyring.NAME}*"), folder / REQUEST):
        path.unlink(missing_ok=True)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """A profile's folder, for this process only. Raises Refused `busy`."""
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _wait_for(lock)
        yield
    finally:
        os.close(lock)


@contextmanager
def open_store(folder: Path, passphrase: str, *, new: bool = False) -> Iterator[Store]:
    """The profile's store, unlocked, for this process only. With `new` a folder without a profile gets one, under the same lock.

    Raises Refused: no-profile, bad-passphrase, busy, storage.
    """
    if new:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    else:
        require_profile(folder)
    with locked_folder(folder):
        if new and not (folder / keyring.NAME).exists():
            keyring.create(folder, passphrase, secrets.token_bytes)
            (folder / WIPED).unlink(missing_ok=True)
        ring = keyring.unlock(folder, passphrase)
        store = _open(folder, ring, create=new)
        gone = store.fact(DONE)
        try:
            if gone is None and ring.outdated:
                ring.upgrade(store, passphrase, secrets.token_bytes)
            with contextlib.suppress(OSError):  # a full disk: both keys stay
                ring.settle(store, secrets.token_bytes)
                (folder / REQUEST).unlink(missing_ok=True)  # whoever has the passphrase needs no help
            if gone is None:
                yield store
                return
        finally:
            gone = store.fact(DONE)
            store.close()
            if gone is not None:
                _end(folder, gone)
        require_profile(folder)  # it had been cut short in its end


def _open(folder: Path, ring: Keyring, *, create: bool) -> Store:
    store = try_keys(folder, ring.keys, create=create)
    if store is None:
        if ring.outdated:
            raise Refused("bad-passphrase", f"the passphrase does not open {folder / 'store.db'}, or that is no store of a device")
        text = f"store.db in {folder} is not the store that {keyring.NAME} there has the key of: bring both back from one copy"
        raise Refused("storage", text)
    store.keyring = ring
    return store


def try_keys(folder: Path, keys: tuple[bytes, ...], *, create: bool = False) -> Store | None:
    """The store in a folder, opened with the first of these keys that does; None when none does. Raises Refused `storage`."""
    for key in keys:
        try:
            return Store(folder / "store.db", key, create=create)
        except Refused as error:
            if error.code != "bad-passphrase":
                raise
    return None


@contextmanager
def new_profile(folder: Path, passphrase: str) -> Iterator[Store]:
    """A store for a device that is to be enrolled. What was made here goes again when the invitation turns out to be no good."""
    fresh = not (folder / keyring.NAME).exists()
    try:
        with open_store(folder, passphrase, new=True) as store:
            yield store
    except ProtocolError as error:
        if fresh and error.code in _NO_GOOD:
            for path in (*folder.glob("store.db*"), *folder.glob(f"{keyring.NAME}*"), folder / "lock"):
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
