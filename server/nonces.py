"""Server nonces: the only freshness of a request, for field clocks are wrong (docs/spec.md §9.1).

    nonce = base64url(random 12 ‖ u64be(issued ms) ‖ HMAC-SHA256(key, side ‖ random ‖ issued)[:16])

The key is new at every start, so a nonce never survives a restart. Only used nonces are remembered, and only while they live. Their time
is a clock's that never goes back: with another, what was forgotten could be used again.
"""

import base64
import binascii
import hmac
import time
from collections.abc import Callable
from typing import Final

from shared_schema import limits
from shared_schema.errors import Refused

_BUCKET_MS: Final = 60_000


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class Nonces:
    """One side's nonces."""

    def __init__(self, side: str, entropy: Callable[[int], bytes], clock: Callable[[], int] = _now_ms) -> None:
        self._side, self._entropy, self._key, self._clock = side.encode(), entropy, entropy(32), clock
        self._used: dict[int, set[bytes]] = {}

    def issue(self) -> str:
        """A fresh nonce."""
        body = self._entropy(12) + self._clock().to_bytes(8, "big")
        return base64.urlsafe_b64encode(body + self._mac(body)).decode()

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, self._side + body, "sha256")[:16]

    def spend(self, nonce: str) -> None:
        """Use a nonce up. Raises Refused `nonce-spent` for one that is forged, too old or used."""
        now_ms = self._clock()
        try:
            raw = base64.b64decode(nonce, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        body, issued = raw[:20], int.from_bytes(raw[12:20], "big")
        if len(raw) != 36 or not hmac.compare_digest(raw[20:], self._mac(body)) or not 0 <= now_ms - issued <= limits.NONCE_MS:
            raise Refused("nonce-spent")
        bucket = self._used.setdefault(issued // _BUCKET_MS, set())
        if body[:12] in bucket:
            raise Refused("nonce-spent")
        bucket.add(body[:12])
        self._forget(now_ms)

    def _forget(self, now_ms: int) -> None:
        oldest = (now_ms - limits.NONCE_MS) // _BUCKET_MS - 1
        for minute in [minute for minute in self._used if minute < oldest]:
            del self._used[minute]
