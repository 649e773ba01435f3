"""Vectors of ids, labels and the hashes that name things (docs/spec.md §1-§3, §5)."""

import hashlib
from typing import Any, Final

from tests.vectors.generate.world import AUTHORITY, C1, INC, NONCE, SVC, T0, fill, receiver, signer
from tests.vectors.notation import Book

_LOG: Final = fill("ids/log", 16)


def _hash(label: str, *pieces: bytes) -> bytes:
    """H(L(label) ‖ pieces), said once more here so that the code under test does not vouch for itself."""
    return hashlib.sha256(b"fieldkeep/v1/" + label.encode() + b"\0" + b"".join(pieces)).digest()


def _chains(log: bytes, entries: list[list[Any]]) -> list[bytes]:
    chains = [_hash("log", log)]
    for seq, (received_ms, entry_id) in enumerate(entries, 1):
        chains.append(_hash("chain", chains[-1], seq.to_bytes(8, "big"), received_ms.to_bytes(8, "big"), entry_id))
    return chains


def _uuids() -> Book:
    book = Book("ids", "uuid", "Ids as text: 16 bytes as a lower-case UUID, in its canonical form only.", "1")
    for name, why, data in (
        ("random", "An id.", fill("an id", 16)),
        ("zero", "No bit is special: version and variant are not looked at.", bytes(16)),
        ("ones", "All bits set.", b"\xff" * 16),
        ("leading_zeros", "Leading zeros are written.", bytes(15) + b"\x01"),
    ):
        text = data.hex()
        text = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
        book.add(name, why, codec="uuid", value=data, text=text)
    good = "0195a1b2-c3d4-4e5f-8a9b-0c1d2e3f4a5b"
    for name, why, text in (
        ("upper_case", "An upper-case letter.", good.replace("a", "A", 1)),
        ("without_hyphens", "The hyphens are missing.", good.replace("-", "")),
        ("braces", "The text is in braces.", "{" + good + "}"),
        ("urn", "The text is a URN.", "urn:uuid:" + good),
        ("leading_space", "A space before it.", " " + good),
        ("trailing_newline", "A line end after it.", good + "\n"),
        ("hyphen_moved", "A hyphen in another place.", "0195a1b2c-3d4-4e5f-8a9b-0c1d2e3f4a5b"),
        ("not_hex", "A letter that is no hexadecimal digit.", good.replace("f", "g")),
        ("other_digits", "A digit of another script.", good.replace("0", "٠", 1)),
        ("plus_sign", "A sign in the place of a digit.", "+" + good[1:]),
        ("underscore", "An underscore in the place of a digit.", good[:2] + "_" + good[3:]),
        ("empty", "No text.", ""),
    ):
        book.refuse(name, why, "malformed", codec="uuid", text=text)
    return book


def _derived() -> Book:
    book = Book("ids", "derived", "Labels, derived ids and the chain of a log.", "1-3, 5")
    for name in ("log", "chain", "registry"):
        book.add(f"label_{name}", "A label is ASCII and ends with a zero byte.", op="label", given={"name": name}, out=_hash_input(name))
    for side in ("perpetrator", "victim", "oversight"):
        book.add(
            f"registry_{side}",
            "A side's registry has an id that follows from service and side.",
            op="registry_log",
            given={"svc": SVC, "side": side},
            out=_hash("registry", SVC, side.encode())[:16],
        )
    book.add(
        "file_log",
        "A file's id follows from service, creating device and nonce.",
        op="file_log",
        given={"svc": SVC, "creator": C1.id, "nonce": NONCE},
        out=_hash("file", SVC, C1.id, NONCE)[:16],
    )
    for name, c in (("first", 1), ("second", 2), ("late", 2**32), ("last", 2**53 - 1)):
        book.add(
            f"record_{name}",
            "A record's id follows from log, device and the counter of the change that creates it.",
            op="record_id",
            given={"log": _LOG, "device": C1.id, "c": c},
            out=_hash("record", _LOG, C1.id, c.to_bytes(8, "big"))[:16],
        )
    public, server, recovery = AUTHORITY.public, signer("receipt/perpetrator").public, receiver("recovery/perpetrator").public
    for op, label, key, size in (
        ("fingerprint", "authority", public, 32),
        ("authority_id", "authority", public, 16),
        ("server_key_id", "server-key", server, 16),
        ("recovery_id", "recovery", recovery, 16),
    ):
        book.add(op, "A key's id is a hash under a label of its own.", op=op, given={"key": key}, out=_hash(label, key)[:size])
    entries: list[list[Any]] = [[T0 + n * 1000, fill(f"entry id/{n}", 32)] for n in range(4)]
    entries[2][0] = entries[1][0]
    for size, why in ((0, "chain[0] of an empty log."), (1, "One entry."), (4, "Four entries, two of them received in the same millisecond.")):
        book.add(f"chain_{size}", why, op="chain", given={"log": _LOG, "entries": entries[:size]}, out=_chains(_LOG, entries[:size]))
    book.add(
        "chain_time_zero",
        "Times are 64 bits wide: 0 and 2^53-1.",
        op="chain",
        given={"log": INC, "entries": [[0, bytes(32)], [2**53 - 1, b"\xff" * 32]]},
        out=_chains(INC, [[0, bytes(32)], [2**53 - 1, b"\xff" * 32]]),
    )
    return book


def _hash_input(name: str) -> bytes:
    return b"fieldkeep/v1/" + name.encode() + b"\0"


def books() -> list[Book]:
    """Two files: `uuid`, `derived`."""
    return [_uuids(), _derived()]
