"""`profile.json`: the store's key, wrapped under a passphrase, and the boxes of who may help when it is forgotten (docs/spec.md §13.1).

The file is replaced as a whole or not at all, and what is in memory follows what is on disk. A store key that comes into use stands in it first,
beside the old one: so a process may end anywhere, and the passphrase, and every box, opens what there is.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from shared_schema import ids
from shared_schema.errors import Malformed, Refused
from shared_schema.shape import as_bytes, as_id, as_list, as_tuple, as_uint
from shared_schema.unlock import KEY_BYTES, MOST_KEYS, Box, check_sealed
from sync.device.entering.private_files import replace_private
from sync.keys import NONCE_BYTES, passphrase_key, unwrap, wrap

MEMORY_KIB: Final = 65_536
PASSES: Final = 3
LEAST: Final = (47_104, 1)  # OWASP: 46 MiB, one pass. A profile that asks for less was tampered with.
MOST: Final = (1_048_576, 64)
MIN_PASSPHRASE: Final = 8
NAME: Final = "profile.json"
VERSION: Final = 2
_SALT_BYTES: Final = 16
_TAG_BYTES: Final = 16
_PROFILE: Final = ids.label("profile")
Entropy = Callable[[int], bytes]
Seal = Callable[[tuple[bytes, ...]], tuple[Box, ...]]


class Rekeyable(Protocol):
    """A store whose key can be changed."""

    key: bytes

    def rekey(self, key: bytes) -> bool:
        """Encrypt it all anew; False where that failed, and it is as it was."""
        ...


@dataclass(frozen=True, slots=True)
class Lock:
    """How a passphrase becomes a key: Argon2id's salt (16 bytes), memory in KiB, passes."""

    salt: bytes
    memory_kib: int = MEMORY_KIB
    passes: int = PASSES

    def key(self, passphrase: str) -> bytes:
        """32 bytes. Takes a tenth of a second and more."""
        return passphrase_key(passphrase, self.salt, self.memory_kib, self.passes)

    def bound(self, label: bytes) -> bytes:
        """What is authenticated beside that which is wrapped under the key."""
        return label + self.salt + self.memory_kib.to_bytes(4, "big") + self.passes.to_bytes(4, "big")

    def facts(self) -> dict[str, Any]:
        """As they stand in a file."""
        return {"kdf": "argon2id", "memory_kib": self.memory_kib, "passes": self.passes, "salt": self.salt.hex()}


def read_lock(facts: dict[str, Any]) -> Lock:
    """Raises ValueError, KeyError, TypeError, Malformed; Refused `no-profile` for a way that is not allowed."""
    memory, passes = (as_uint(facts[name], name) for name in ("memory_kib", "passes"))
    salt = as_bytes(bytes.fromhex(facts["salt"]), _SALT_BYTES, "salt")
    if facts["kdf"] != "argon2id" or not (LEAST[0] <= memory <= MOST[0] and LEAST[1] <= passes <= MOST[1]):
        raise Refused("no-profile", f"{NAME} asks for a way of making keys that is not allowed")
    return Lock(salt, memory, passes)


@dataclass(frozen=True, slots=True)
class Locked:
    """`profile.json` as it is read without the passphrase. `wrapped` is empty in version 1; `device` until the device has one."""

    lock: Lock
    wrapped: bytes
    device: bytes
    boxes: tuple[Box, ...]


def read(folder: Path) -> Locked:
    """Raises Refused `no-profile` for one that is damaged. Damaged boxes alone are none: the next sync makes them again."""
    try:
        facts = json.loads((folder / NAME).read_text(encoding="ascii"))
        version = as_uint(facts["v"], "v", 1)
        lock = read_lock(facts)
        if version > VERSION:
            raise Refused("no-profile", f"{NAME} in {folder} is of version {version}, want {VERSION}: install a newer fieldkeep")
        wrapped = bytes.fromhex(facts["wrapped"]) if version == VERSION else b""
        if version == VERSION and len(wrapped) not in {NONCE_BYTES + KEY_BYTES * count + _TAG_BYTES for count in range(1, MOST_KEYS + 1)}:
            raise Malformed("wrapped holds one or two store keys")
    except (ValueError, KeyError, TypeError, RecursionError, Malformed):
        raise Refused("no-profile", f"{NAME} in {folder} is damaged: bring it back from a copy; the store cannot be opened without it") from None
    device, boxes = _read_boxes(facts)
    return Locked(lock, wrapped, device, boxes)


def _read_boxes(facts: dict[str, Any]) -> tuple[bytes, tuple[Box, ...]]:
    try:
        pairs = [as_tuple(pair, "box", 2) for pair in as_list(facts["boxes"], "boxes")]
        boxes = tuple(Box(as_id(bytes.fromhex(to), "to"), check_sealed(bytes.fromhex(sealed))) for to, sealed in pairs)
        return as_id(bytes.fromhex(facts["device"]), "device"), boxes
    except (ValueError, KeyError, TypeError, Malformed):
        return b"", ()


class Keyring:
    """An unlocked `profile.json`. `keys` are the store keys that it holds: one, or while a change is under way the one in use and the one to come."""

    def __init__(self, folder: Path, lock: Lock, own: bytes, keys: tuple[bytes, ...], boxes: tuple[Box, ...] = (), device: bytes = b"") -> None:
        self._folder, self._lock, self._own = folder, lock, own
        self.keys, self.boxes, self.device = keys, boxes, device
        self.outdated = False  # True of a version 1, whose store key is the passphrase's own

    def _write(self, entropy: Entropy, lock: Lock, own: bytes, keys: tuple[bytes, ...], boxes: tuple[Box, ...], device: bytes) -> None:
        wrapped = wrap(own, entropy(NONCE_BYTES), b"".join(keys), lock.bound(_PROFILE))
        facts: dict[str, Any] = {"v": VERSION, **lock.facts(), "wrapped": wrapped.hex()}
        if boxes:
            facts |= {"device": device.hex(), "boxes": [[box.to.hex(), box.sealed.hex()] for box in boxes]}
        replace_private(self._folder / NAME, json.dumps(facts))
        self._lock, self._own = lock, own  # from here on it is so
        self.keys, self.boxes, self.device, self.outdated = keys, boxes, device, False

    def save(self, entropy: Entropy) -> None:
        """Put it on disk as it is: of a new one."""
        self._write(entropy, self._lock, self._own, self.keys, self.boxes, self.device)

    def change_passphrase(self, passphrase: str, entropy: Entropy) -> None:
        """Wrap the same store keys under another passphrase. The store is not touched. Raises OSError: then nothing has changed."""
        lock = Lock(entropy(_SALT_BYTES))
        self._write(entropy, lock, lock.key(check_passphrase(passphrase)), self.keys, self.boxes, self.device)

    def put_boxes(self, device: bytes, seal: Seal, entropy: Entropy) -> None:
        """Make the boxes anew. Raises OSError."""
        self._write(entropy, self._lock, self._own, self.keys, seal(self.keys), device)

    def change_key(self, store: Rekeyable, device: bytes, seal: Seal, entropy: Entropy) -> bool:
        """Give the store a fresh key, and everybody in `seal` a box with it. False where the disk did not take all of it: then both keys are kept, and
        `settle` tries again. Raises OSError: then nothing has changed.
        """
        both = (store.key, entropy(KEY_BYTES))
        self._write(entropy, self._lock, self._own, both, seal(both), device)
        try:
            return self.settle(store, entropy, seal)
        except OSError:
            return False

    def settle(self, store: Rekeyable, entropy: Entropy, seal: Seal | None = None) -> bool:
        """End a change of keys that was begun: the store has the newer one, and nothing holds the older. Boxes that hold both stay unless `seal` is
        given.
        """
        if len(self.keys) > 1:
            if store.key != self.keys[-1] and not store.rekey(self.keys[-1]):
                return False
            self._write(entropy, self._lock, self._own, self.keys[-1:], seal(self.keys[-1:]) if seal else self.boxes, self.device)
        return True

    def upgrade(self, store: Rekeyable, passphrase: str, entropy: Entropy) -> None:
        """From version 1, where the store's key was Argon2id of the passphrase itself: another salt, and a store key that says nothing of the passphrase.
        What the disk does not take is tried again at the next opening.
        """
        with suppress(OSError):
            lock, both = Lock(entropy(_SALT_BYTES)), (store.key, entropy(KEY_BYTES))
            self._write(entropy, lock, lock.key(passphrase), both, (), b"")
            self.settle(store, entropy)


def create(folder: Path, passphrase: str, entropy: Entropy) -> None:
    """Make a new profile's file; the caller holds the folder's lock, and has seen that there is none. Raises Refused `bad-passphrase`."""
    lock = Lock(entropy(_SALT_BYTES))
    Keyring(folder, lock, lock.key(check_passphrase(passphrase)), (entropy(KEY_BYTES),)).save(entropy)


def check_passphrase(passphrase: str) -> str:
    """The passphrase. Raises Refused `bad-passphrase` for one that is too short."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise Refused("bad-passphrase", f"a passphrase has at least {MIN_PASSPHRASE} characters")
    return passphrase


def unlock(folder: Path, passphrase: str) -> Keyring:
    """Raises Refused: no-profile, bad-passphrase. Of a version 1 only the store can say whether the passphrase is right."""
    locked = read(folder)
    own = locked.lock.key(passphrase)
    if not locked.wrapped:
        ring = Keyring(folder, locked.lock, own, (own,))
        ring.outdated = True
        return ring
    try:
        plain = unwrap(own, locked.wrapped, locked.lock.bound(_PROFILE))
    except Refused:
        raise Refused("bad-passphrase", f"the passphrase does not open {folder}, or {NAME} there was changed") from None
    held = tuple(plain[at : at + KEY_BYTES] for at in range(0, len(plain), KEY_BYTES))
    return Keyring(folder, locked.lock, own, held, locked.boxes, locked.device)
