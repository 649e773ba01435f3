"""A side's logs as they were exported, and what an auditor makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shared_schema.certificate import Root
from shared_schema.entry import Witness
from shared_schema.errors import Malformed
from shared_schema.ids import Side
from shared_schema.membership import FileStatement
from sync import membership
from sync.membership import FileState
from sync.registry import Registry


class ExportedEntry(NamedTuple):
    """One entry without its parts. `chain`, `leaf` and `salt` are what the exporter said of it; leaf is -1 when it said nothing. Of an entry of an
    erased file there is only the `id`, and no `cose`.
    """

    seq: int
    received_ms: int
    cose: bytes
    chain: bytes
    leaf: int = -1
    salt: bytes = b""
    id: bytes = b""


@dataclass(frozen=True, slots=True)
class Export:
    """One side's logs as exported. `events` maps leaf index to (salt, event); empty when the exporter may not see them."""

    svc: bytes
    side: Side
    logs: Mapping[bytes, tuple[ExportedEntry, ...]]
    heads: tuple[bytes, ...] = ()
    receipts: tuple[bytes, ...] = ()
    checkpoint: str = ""
    events: Mapping[int, tuple[bytes, bytes]] = field(default_factory=dict)


class Leaf(NamedTuple):
    """An event at its place in the audit tree. What an entry of an erased file was accepted as is known but for its author: `event` is empty."""

    n: int
    salt: bytes
    event: bytes


class Finding(NamedTuple):
    """Something that is wrong."""

    code: str
    log: bytes
    seq: int
    text: str


class Removed(NamedTuple):
    """What a statement removed: part `part` of the envelope at `at` (0: of one that was held), or with part None the whole file. `devices` may have had
    it; of those `purged` said that they have no more of it.
    """

    log: bytes
    seq: int
    id: bytes
    reason: str
    at: int
    part: int | None
    devices: frozenset[bytes]
    purged: set[bytes]


@dataclass(slots=True)
class Audited:
    """The outcome: findings, what was counted, and the folded registry and files for further questions.

    `notices` are events that a person should know of and that prove no fault. `leaves` is 0 when the export has no events: then
    nothing is said about the audit tree. `named` are the logs and fetching devices that the tree names, each with the first such event.
    `removed` are the parts and files that have gone, each with the statement that says so.
    `beyond` counts events that are not in the tree: nobody vouches for them. `as_of_ms` is the time of the newest event that is, 0 without any.
    """

    side: Side
    findings: list[Finding] = field(default_factory=list)
    notices: list[Finding] = field(default_factory=list)
    entries: int = 0
    receipts: int = 0
    leaves: int = 0
    voids: int = 0
    registry: Registry | None = None
    files: dict[bytes, FileState] = field(default_factory=dict)
    statements: list[tuple[bytes, int, FileStatement]] = field(default_factory=list)
    chains: dict[bytes, list[bytes]] = field(default_factory=dict)
    witnessed: list[tuple[bytes, int, Witness]] = field(default_factory=list)
    events: dict[tuple[bytes, int], Leaf] = field(default_factory=dict)
    named: dict[tuple[str, bytes], int] = field(default_factory=dict)
    items: dict[tuple[bytes, int], tuple[bytes, int]] = field(default_factory=dict)
    removed: dict[tuple[bytes, bytes], Removed] = field(default_factory=dict)
    tree_size: int = 0
    beyond: int = 0
    as_of_ms: int = 0

    @property
    def living(self) -> list[FileState]:
        """The files that were not erased."""
        return [file for file in self.files.values() if file.erased is None]

    @property
    def regranted(self) -> int:
        """How many of the files are granted to the recovery key in force."""
        return sum(self.registry is not None and file.recovery == self.registry.recovery_id for file in self.living)

    @property
    def unrotated(self) -> list[bytes]:
        """The files that a revoked device, or a recovery key that is no longer in force, still holds: nothing is taken into them."""
        known = self.registry
        return [log for log, file in self.files.items() if known is not None and (file.blocked or membership.rotation_needed(file, known))]

    @property
    def complete(self) -> bool:
        """True when it is proved that the export has every log of the side: the tree holds every event that it has."""
        return bool(self.leaves) and not self.beyond

    @property
    def root(self) -> tuple[Registry, Root]:
        """The registry and the server's keys. Raises Malformed without them."""
        if self.registry is None:
            raise Malformed("no registry")
        return self.registry, self.registry.require_root()

    def has_gone(self, log: bytes, at: int, part: int) -> bool:
        """True when a statement says that this part was expunged."""
        return any((one.log, one.at, one.part) == (log, at, part) for one in self.removed.values())

    def add(self, code: str, log: bytes, seq: int, text: str) -> None:
        """Count a finding."""
        self.findings.append(Finding(code, log, seq, text))
