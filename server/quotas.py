"""Quotas in memory, per side: requests a minute, bytes and deliveries a day for each device; unsigned requests a minute for each address."""

from dataclasses import dataclass, field

from server.settings import Settings
from shared_schema.errors import Refused

MINUTE_MS = 60_000
DAY_MS = 86_400_000


@dataclass(slots=True)
class Window:
    """How much was used in each current window: (window start, used) by key."""

    length_ms: int
    most: int
    used: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def take(self, key: bytes, amount: int, now_ms: int) -> None:
        """Use `amount`. Raises Refused `quota` when that is more than the window holds."""
        start = now_ms - now_ms % self.length_ms
        began, used = self.used.get(key, (start, 0))
        if began != start:
            used = 0
        if used + amount > self.most:
            raise Refused("quota", f"{used + amount} in this window, want at most {self.most}")
        if len(self.used) > 100_000:
            self.used = {other: value for other, value in self.used.items() if value[0] == start}
        self.used[key] = (start, used + amount)


@dataclass(slots=True)
class Quotas:
    """One side's quotas."""

    requests: Window
    push_bytes: Window
    deliveries: Window
    files: Window
    unsigned: Window


def make_quotas(settings: Settings) -> Quotas:
    """Quotas with nothing used."""
    return Quotas(
        Window(MINUTE_MS, settings.requests_per_minute),
        Window(DAY_MS, settings.push_bytes_per_day),
        Window(DAY_MS, settings.deliveries_per_day),
        Window(DAY_MS, settings.files_per_day),
        Window(MINUTE_MS, settings.unsigned_per_minute),
    )
