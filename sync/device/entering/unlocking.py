"""A forgotten passphrase, on the locked device: a request for help, the digits that are read back, and the answer (docs/spec.md §13.4).

The new passphrase is chosen with the request, and the request's key is kept under it: so an answer opens nothing for whoever has a copy of the folder.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared_schema import ids, limits, unlock
from shared_schema.errors import Malformed, Refused
from shared_schema.shape import as_uint
from shared_schema.unlock import Request
from sync import unlock as rules
from sync.device.entering import helping, keyring
from sync.device.entering.codes import decode_code_bytes, encode_code
from sync.device.entering.keyring import Entropy, Keyring, Lock, Locked
from sync.device.entering.private_files import replace_private
from sync.device.entering.profile import REQUEST, try_keys
from sync.device.session import Session
from sync.keys import NONCE_BYTES, ReceivingKey, unwrap, wrap
from sync.registry import Certificate

REQUEST_PREFIX: Final = "fieldkeep-help1:"
ANSWER_PREFIX: Final = "fieldkeep-answer1:"
_PENDING: Final = ids.label("help-pending")
_SEED_BYTES: Final = 32
Clock = Callable[[], int]


def request_text(data: bytes) -> str:
    """A request as one line of text."""
    return encode_code(REQUEST_PREFIX, data)


def answer_text(data: bytes) -> str:
    """An answer as one line of text."""
    return encode_code(ANSWER_PREFIX, data)


def read_request(text: str) -> Request:
    """Raises Malformed: one wrong character is enough."""
    return unlock.decode_request(decode_code_bytes(REQUEST_PREFIX, text, "a request for help", "send it again, whole, best as a file"))


def read_answer(text: str) -> unlock.Answer:
    """Raises Malformed."""
    return unlock.decode_answer(decode_code_bytes(ANSWER_PREFIX, text, "an answer", "it is still good: copy it again"))


@dataclass(frozen=True, slots=True)
class Pending:
    """The request that waits on this device. `wrapped` is the seed of its key, under the new passphrase."""

    data: bytes
    lock: Lock
    wrapped: bytes

    @property
    def request(self) -> Request:
        """What was sent."""
        return unlock.decode_request(self.data)

    @property
    def bound(self) -> bytes:
        """What is authenticated beside the seed."""
        return self.lock.bound(_PENDING) + self.request.id


def require_help(folder: Path) -> Locked:
    """The locked profile. Raises Refused `not-found` when nobody can help to open it."""
    locked = keyring.read(folder)
    if not locked.boxes:
        text = "nobody can help to open this device: it never synced since it can be helped, or nobody may (an administrator's, a supervisor's)"
        raise Refused("not-found", f"{text}. What is lost, and what comes back: fieldkeep device forgotten --nobody")
    return locked


def begin(folder: Path, passphrase: str, now_ms: int, entropy: Entropy) -> bytes:
    """Make a request, in the place of an earlier one; it waits for an hour. `passphrase` is the new one. The caller has the folder's lock.

    Raises Refused `not-found` when nobody can help, `bad-passphrase`, `no-profile`.
    """
    locked = require_help(folder)
    keyring.check_passphrase(passphrase)
    seed, lock = entropy(_SEED_BYTES), Lock(entropy(16))
    data = unlock.encode_request(locked.device, ReceivingKey(seed).public, now_ms, locked.boxes)
    pending = Pending(data, lock, b"")
    wrapped = wrap(lock.key(passphrase), entropy(NONCE_BYTES), seed, pending.bound)
    replace_private(folder / REQUEST, json.dumps({"v": 1, **lock.facts(), "wrapped": wrapped.hex(), "request": data.hex()}))
    return data


def waiting(folder: Path, now_ms: int) -> Pending:
    """The request that waits. Raises Refused `request-ended` when there is none, or its hour is over."""
    try:
        facts: dict[str, Any] = json.loads((folder / REQUEST).read_text(encoding="ascii"))
        as_uint(facts["v"], "v", 1, 1)
        pending = Pending(bytes.fromhex(facts["request"]), keyring.read_lock(facts), bytes.fromhex(facts["wrapped"]))
        made = pending.request.made
    except (OSError, ValueError, KeyError, TypeError, RecursionError, Malformed):
        raise Refused("request-ended", "no request for help waits on this device: make one with `fieldkeep device forgotten`") from None
    if not 0 <= now_ms - made <= limits.HELP_MS:
        raise Refused("request-ended", "the request was made more than an hour ago: make another with `fieldkeep device forgotten`")
    return pending


@dataclass(frozen=True, slots=True)
class Opened:
    """A device that is open again. `by` is who helped, None where it does not know the device at which the recovery shares were typed."""

    session: Session
    by: Certificate | None
    shares: bool
    at_ms: int


def finish(folder: Path, answer: unlock.Answer, passphrase: str, now_ms: Clock, entropy: Entropy) -> Opened:
    """Open the store with an answer, under the new passphrase from now on and with a new store key. The caller has the folder's lock, and closes it.

    Until the passphrase is changed, in one write, nothing is; cut short before that, the same answer may be given again. Raises Refused:
    request-ended, bad-passphrase, not-permitted, storage; Malformed; OSError.
    """
    pending = waiting(folder, now_ms())
    own = pending.lock.key(passphrase)
    try:
        seed = unwrap(own, pending.wrapped, pending.bound)
    except Refused:
        raise Refused("bad-passphrase", "this is not the new passphrase that was chosen when the request was made") from None
    request = pending.request
    keys, help_ = rules.open_answer(ReceivingKey(seed), request, answer)
    store = try_keys(folder, keys)
    if store is None:
        if _is_open_to(folder, passphrase):
            raise Refused("request-ended", "the new passphrase is in force already: go on with `fieldkeep sync`")
        raise Refused("storage", f"what the box held does not open this store: were store.db and {keyring.NAME} brought back from different copies?")
    try:
        session = Session(store, now_ms, entropy)
        by = rules.check_help(help_, request, session.registry, session.identity.device)
        shares = help_.to != help_.sign1.kid
        opened = Opened(session, by, shares, help_.at)
        session.alarm(None, None, helping.helped(request), _told(opened, request))
        locked = keyring.read(folder)
        store.keyring = Keyring(folder, pending.lock, own, (store.key,), locked.boxes, locked.device)
        wanted = rules.recipients(session.registry, session.identity.device, helping.server_ms(session))
        helping.renew_key(session, store.keyring, wanted)
        (folder / REQUEST).unlink(missing_ok=True)
    except BaseException:
        store.close()
        raise
    return opened


def _is_open_to(folder: Path, passphrase: str) -> bool:
    try:
        keyring.unlock(folder, passphrase)
    except Refused:
        return False
    return True


def _told(opened: Opened, request: Request) -> str:
    who = f"{opened.by.subject.name} ({opened.by.keys.label})" if opened.by else "somebody"
    how = " with recovery shares" if opened.shares else ""
    return f"{who} helped{how} to open this device, whose passphrase was forgotten (request {request.id.hex()[:8]}). If you did not ask for that, ring your coordinator at once"
