"""Quotas in memory, per side: requests a minute, bytes and deliveries a day for each device; unsigned requests a minute for each address."""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from server.settings import Settings
from shared_schema import limits
from shared_schema.errors import Refused

MINUTE_MS = 60_000
DAY_MS = 86_400_000


_MOST_KEYS: Final = 100_000


@dataclass(slots=True)
class Window:
    """How much each key has used in the current window, of at most 100,000 keys."""

    length_ms: int
    most: int
    start_ms: int = 0
    used: dict[bytes, int] = field(default_factory=dict)

    def take(self, key: bytes, amount: int, now_ms: int) -> None:
        """Use `amount`. Raises Refused `quota` when that is more than the window holds."""
        start_ms = now_ms - now_ms % self.length_ms
        if start_ms != self.start_ms:
            self.start_ms, self.used = start_ms, {}
        used = self.used.get(key)
        if used is None and len(self.used) >= _MOST_KEYS:
            raise Refused("quota", "too many ask at once")
        used = (used or 0) + amount
        if used > self.most:
            raise Refused("quota", f"{used} in this window, want at most {self.most}")
        self.used[key] = used


class UnderWay:
    """How many requests of each device are under way: the body of each is in memory."""

    def __init__(self) -> None:
        self._held = Counter[bytes]()

    @contextmanager
    def one(self, device: bytes) -> Iterator[None]:
        """One more, for as long as the context is open. Raises Refused `quota` when there are enough."""
        if self._held[device] >= limits.REQUESTS_PER_DEVICE:
            raise Refused("quota", f"want at most {limits.REQUESTS_PER_DEVICE} requests at once")
        self._held[device] += 1
        try:
            yield
        finally:
            self._held[device] -= 1
            if not self._held[device]:
                del self._held[device]


@lru_cache(maxsize=4096)
def address_key(host: str) -> bytes:
    """What an address is counted by: of IPv6 its network (/64), for whoever has one of these addresses has them all."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return b""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return address.packed[:8]


@dataclass(slots=True)
class Quotas:
    """One side's quotas."""

    requests: Window
    push_bytes: Window
    deliveries: Window
    files: Window
    statements: Window
    parcels: Window
    unsigned: Window
    chunks: Window
    claims: Window
    chunk_bytes_per_file: int


def make_quotas(settings: Settings) -> Quotas:
    """Quotas with nothing used."""
    return Quotas(
        Window(MINUTE_MS, settings.requests_per_minute),
        Window(DAY_MS, settings.push_bytes_per_day),
        Window(DAY_MS, settings.deliveries_per_day),
        Window(DAY_MS, settings.files_per_day),
        Window(DAY_MS, settings.statements_per_day),
        Window(DAY_MS, settings.parcels_per_day),
        Window(MINUTE_MS, settings.unsigned_per_minute),
        Window(DAY_MS, settings.chunk_bytes_per_day),
        Window(DAY_MS, settings.chunks_claimed_per_day),
        settings.chunk_bytes_per_file,
    )
