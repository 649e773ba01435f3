"""What a server has promised, kept outside it: every receipt and every checkpoint that anybody was given, and whether it still holds.

It knows the wire (docs/spec.md §3, §9.2, §9.3, §10.2) and nothing of the project's code: CBOR, SHA-256 and Ed25519 are libraries'. What it keeps is a
file of JSON Lines, written as it comes. What it finds broken is a list of sentences; an empty one is the only good answer.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.independent_verifier import label, sha, take_apart


@dataclass
class View:
    """A log as it was served, from its beginning."""

    ids: list[bytes] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    chains: list[bytes] = field(default_factory=list)

    @property
    def place(self) -> tuple[int, bytes]:
        """How far, and the chain there."""
        return len(self.ids), self.chains[-1]


class Ledger:
    """The promises of one side of one server. `receipt` and `checkpoint` are its public keys."""

    def __init__(self, path: Path, receipt: bytes, checkpoint: bytes) -> None:
        self._file = path.open("a", encoding="ascii")
        self._receipt, self._checkpoint = Ed25519PublicKey.from_public_bytes(receipt), Ed25519PublicKey.from_public_bytes(checkpoint)
        self.promised: dict[bytes, dict[bytes, tuple[int, int]]] = {}
        self.heads: dict[bytes, dict[int, bytes]] = {}
        self.roots: dict[int, bytes] = {}
        self.newest: tuple[bytes, int, bytes] | None = None
        self.views: dict[bytes, View] = {}
        self.broken: list[str] = []

    def close(self) -> None:
        """Close its file."""
        self._file.close()

    def _keep(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()

    def _signed(self, cose: bytes, key: Ed25519PublicKey, typ: str) -> Any:
        protected, _, payload, signature = cbor2.loads(cose).value
        try:
            key.verify(signature, cbor2.dumps(["Signature1", protected, b"", payload], canonical=True))
        except InvalidSignature:
            self.broken.append(f"a {typ} whose signature is not the server's")
        return cbor2.loads(payload)

    # --- what is promised ------------------------------------------------------------------------------------------------

    def take(self, answer: bytes) -> None:
        """An answer to a sync that has arrived: its receipts, and the checkpoint."""
        found = cbor2.loads(answer)
        for cose in found["receipts"]:
            self.take_receipt(cose)
        self._take_checkpoint(found["checkpoint"])

    def take_receipt(self, cose: bytes) -> None:
        """A receipt that has arrived."""
        said = self._signed(cose, self._receipt, "receipt")
        log, (seq, chain) = said["log"], said["head"]
        known, heads = self.promised.setdefault(log, {}), self.heads.setdefault(log, {})
        for entry, place, received_ms in said["items"]:
            if known.setdefault(entry, (place, received_ms)) != (place, received_ms):
                self.broken.append(f"entry {entry.hex()[:8]} was promised place {known[entry]}, and then {place, received_ms}")
        if heads.setdefault(seq, chain) != chain:
            self.broken.append(f"two receipts name two chains at place {seq}")
        self._keep({"log": log.hex(), "items": [[one[0].hex(), one[1], one[2]] for one in said["items"]], "head": [seq, chain.hex()]})

    def _take_checkpoint(self, note: str) -> None:
        size, root, incarnation = self._read(note)
        if self.roots.setdefault(size, root) != root:
            self.broken.append(f"two checkpoints of size {size} have two roots")
        if self.newest is None or size > self.newest[1]:
            self.newest = (incarnation, size, root)
            self._keep({"size": size, "root": root.hex()})

    def _read(self, note: str) -> tuple[int, bytes, bytes]:
        text, _, signature = note.partition("\n\n")
        origin, size, root = text.split("\n")
        try:
            self._checkpoint.verify(base64.b64decode(signature.split(" ")[2])[4:], f"{text}\n".encode())
        except InvalidSignature:
            self.broken.append("a checkpoint whose signature is not the server's")
        return int(size), base64.b64decode(root), bytes.fromhex(origin.split("/")[-1].replace("-", ""))

    # --- whether it holds ------------------------------------------------------------------------------------------------

    def judge_tree(self, answer: bytes) -> None:
        """An answer to a request that named `newest` as its checkpoint: the tree has only grown."""
        found = cbor2.loads(answer)
        size, root, _ = self._read(found["checkpoint"])
        if self.newest is None:
            return
        _, had, was = self.newest
        if size < had:
            self.broken.append(f"the audit tree has {size} leaves, and had {had}")
        elif had and not consistent(had, size, was, root, found["consistency"]):
            self.broken.append(f"the audit tree of {size} leaves does not go on from that of {had}")

    def judge(self, log: bytes, pages: Iterable[Any]) -> View:
        """A log that was just served from its beginning: all that was promised of it is there, once, at its place, and nothing has changed."""
        view, authors, at = View(chains=[sha(label("log"), log)]), dict[bytes, tuple[int, bytes | None]](), f"log {log.hex()[:8]}"
        for page in pages:
            for (cose, *_), received_ms, _ in page["entries"]:
                header, _, entry = take_apart(cose)
                author, (sq, last) = header[4], authors.get(header[4], (0, None))
                if (header["sq"], header["pv"]) != (sq + 1, last):
                    self.broken.append(f"{at}: number {header['sq']} of an author follows its number {sq}")
                authors[author] = (header["sq"], entry)
                seq, time = len(view.ids) + 1, received_ms.to_bytes(8, "big")
                view.chains.append(sha(label("chain"), view.chains[-1], seq.to_bytes(8, "big"), time, entry))
                view.ids.append(entry)
                view.times.append(received_ms)
            head = self._signed(page["head"], self._receipt, "head")
            if (head["seq"], head["chain"]) != view.place:
                self.broken.append(f"{at}: the page ends at {view.place[0]}, its signed head says {head['seq']}, or another chain")
        self._compare(at, log, view)
        self.views[log] = view
        return view

    def _compare(self, at: str, log: bytes, view: View) -> None:
        if len(set(view.ids)) != len(view.ids):
            self.broken.append(f"{at}: an entry stands there twice")
        for entry, (seq, received_ms) in self.promised.get(log, {}).items():
            if seq > len(view.ids) or (view.ids[seq - 1], view.times[seq - 1]) != (entry, received_ms):
                self.broken.append(f"{at}: what was acknowledged at place {seq} is not there")
        for seq, chain in self.heads.get(log, {}).items():
            if seq >= len(view.chains) or view.chains[seq] != chain:
                self.broken.append(f"{at}: the chain at place {seq} is not the one that was acknowledged")
        before = self.views.get(log)
        if before is not None and view.chains[: len(before.chains)] != before.chains:
            self.broken.append(f"{at}: what was served up to place {before.place[0]} is not served again")


def consistent(old: int, new: int, was: bytes, now: bytes, path: list[bytes]) -> bool:
    """RFC 6962 §2.1.4.2 (as RFC 9162 says it): whether the tree of `old` leaves is the beginning of that of `new`."""
    if old == new:
        return was == now and not path
    if not path:
        return False
    hashes = list(path) if old & (old - 1) else [was, *path]
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = hashes[0]
    for one in hashes[1:]:
        if not last:
            return False
        if at & 1 or at == last:
            first, second = sha(b"\1", one, first), sha(b"\1", one, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = sha(b"\1", second, one)
        at, last = at >> 1, last >> 1
    return not last and (first, second) == (was, now)
