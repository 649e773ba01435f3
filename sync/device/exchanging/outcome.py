"""What a sync response brought, for whoever asked (docs/spec.md §9.3)."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Refusal(NamedTuple):
    """An entry that was not taken. `final` when the refusal is signed and was verified, or the log shows the entry as void."""

    log: bytes
    id: bytes
    code: str
    message: str
    final: bool
    statement: bool = False


class Received(NamedTuple):
    """An entry of this device that a verified receipt covers."""

    log: bytes
    id: bytes
    seq: int
    received_ms: int


@dataclass(slots=True)
class Outcome:
    """What one response brought."""

    received: int = 0
    changes: int = 0
    accepted: int = 0
    refused: list[Refusal] = field(default_factory=list)
    contradictions: list[tuple[bytes, str]] = field(default_factory=list)
    holes: int = 0
    receipts: list[Received] = field(default_factory=list)
    more: bool = False
    lost: dict[bytes, int] = field(default_factory=dict)
    """Files of which a server that came back from an older copy does not show all that is here, with how far it says that it has them."""
    shown: set[bytes] = field(default_factory=set)
    """Files of which a page came."""
    exported: set[bytes] = field(default_factory=set)
    """Files in which somebody says that they wrote them out."""
