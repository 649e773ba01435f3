"""Vectors of sealing: padding, keys and parts (docs/spec.md §4)."""

from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared_schema import entry, ids
from tests.vectors.generate.world import C1, N1, NONCE, OTHER_SVC, SVC, FileLog, fill, perpetrator, secret
from tests.vectors.hpke import hkdf
from tests.vectors.notation import Book

_LOG: Final = ids.file_log(SVC, C1.id, NONCE)
_STEPS: Final = (256, 512, 1024, 2048, 4096)


def _padme(size: int) -> int:
    """PADMÉ as its paper has it, with the steps below it."""
    for step in _STEPS:
        if size <= step:
            return step
    e = size.bit_length() - 1
    s = e.bit_length()
    mask = (1 << (e - s)) - 1
    return (size + mask) & ~mask


def _pad(plain: bytes) -> bytes:
    padded = len(plain).to_bytes(4, "big") + plain
    return padded + bytes(_padme(len(padded)) - len(padded))


def _seal(given: dict[str, Any], padded: bytes, index: int, total: int, salt: bytes) -> bytes:
    """One part from its padded plaintext, by the book."""
    ctx = given["svc"] + given["log"] + given["epoch"].to_bytes(4, "big")
    info = b"fieldkeep/v1/part\0" + ctx + given["author"] + given["sq"].to_bytes(8, "big") + index.to_bytes(4, "big")
    okm = hkdf(given["secret"], salt, info, 44)
    aad = given["protected"] + index.to_bytes(4, "big") + total.to_bytes(4, "big")
    return salt + AESGCM(okm[:32]).encrypt(okm[32:], padded, aad)


def _base() -> dict[str, Any]:
    log = FileLog(perpetrator(8), C1)
    protected = entry.entry_header(entry.ENVELOPE, epoch=1, **log.header(C1.id))
    return {"secret": secret(1), "svc": SVC, "log": _LOG, "epoch": 1, "author": C1.id, "sq": 1, "protected": protected}


def _padding(book: Book) -> None:
    sizes = (
        4,
        5,
        255,
        256,
        257,
        512,
        513,
        1024,
        1025,
        2048,
        2049,
        4096,
        4097,
        4352,
        4353,
        5000,
        8191,
        8192,
        8193,
        65535,
        65536,
        65537,
        100_000,
        1_000_000,
        1_048_576,
    )
    for size in sizes:
        why = "Steps up to 4,096, then PADME: at most 12 % more." if size < 4097 else "PADME beyond 4,096."
        book.add(f"padded_{size}", why, op="padded_size", given={"size": size}, out=_padme(size))


def _sealed(book: Book, base: dict[str, Any]) -> None:
    def add(name: str, why: str, plaintexts: list[bytes], **over: Any) -> None:
        given = base | over | {"plaintexts": plaintexts, "salts": [fill(f"salt/{name}/{i}", 32) for i in range(len(plaintexts))]}
        parts = [_seal(given, _pad(plain), i, len(plaintexts), given["salts"][i]) for i, plain in enumerate(plaintexts)]
        book.add(f"seal_{name}", why, op="seal", given=given, out=parts)

    add("one", "One part.", [b"a part"])
    add("three", "Three parts: each has its index and the number of all in its key and its additional data.", [b"a", b"b", b"c"])
    add("equal", "Two equal plaintexts give two different parts.", [b"same", b"same"])
    add("empty", "A plaintext of no bytes.", [b""])
    add("252", "The longest plaintext in 256 bytes.", [bytes(range(252))])
    add("253", "One byte more takes 512.", [bytes(range(253))])
    add("4092", "The longest plaintext in 4,096 bytes.", [b"x" * 4092])
    add("4093", "One byte more takes 4,352.", [b"x" * 4093])
    add("zeros", "A plaintext that ends in zeros keeps them.", [b"z" + bytes(100)])
    add("epoch_last", "The last epoch and the largest number.", [b"late"], epoch=2**32 - 1, sq=2**53 - 1)


def _refused(book: Book, base: dict[str, Any]) -> None:
    salts = [fill(f"salt/refused/{i}", 32) for i in range(2)]
    parts = [_seal(base, _pad(plain), i, 2, salts[i]) for i, plain in enumerate((b"first", b"second"))]
    given = base | {"part": parts[0], "index": 0, "total": 2}
    book.add("open", "A part opens.", op="open", given=given, out=b"first")
    book.add("open_second", "The second part opens.", op="open", given=given | {"part": parts[1], "index": 1}, out=b"second")

    def refuse(name: str, why: str, **over: Any) -> None:
        book.refuse(name, why, "malformed", op="open", given=given | over)

    protected = base["protected"]
    part = parts[0]
    refuse("other_secret", "Another epoch secret.", secret=secret(2))
    refuse("other_service", "Another service.", svc=OTHER_SVC)
    refuse("other_log", "Another log.", log=fill("other log", 16))
    refuse("other_epoch", "Another epoch number.", epoch=2)
    refuse("other_author", "Another author.", author=N1.id)
    refuse("other_sq", "Another number of the author's.", sq=2)
    refuse("other_header", "One bit of the protected header differs.", protected=protected[:-1] + bytes((protected[-1] ^ 1,)))
    refuse("header_longer", "A byte after the protected header.", protected=protected + b"\0")
    refuse("header_empty", "No protected header.", protected=b"")
    refuse("other_index", "The part stands at another place.", index=1)
    refuse("moved", "The second part in the place of the first.", part=parts[1])
    refuse("other_total", "A part of an envelope with one part more.", total=3)
    refuse("total_cut", "A part of an envelope with one part less.", total=1)
    refuse("salt_changed", "One bit of the salt was changed.", part=bytes((part[0] ^ 1,)) + part[1:])
    refuse("text_changed", "One bit of the ciphertext was changed.", part=part[:40] + bytes((part[40] ^ 1,)) + part[41:])
    refuse("tag_changed", "One bit of the tag was changed.", part=part[:-1] + bytes((part[-1] ^ 1,)))
    refuse("salt_alone", "Nothing after the salt.", part=part[:32])
    refuse("empty", "No bytes.", part=b"")
    refuse("part_of_absent_salt", "The salt was left out.", part=part[32:])
    salt = fill("salt/padding", 32)

    def padded(name: str, why: str, data: bytes) -> None:
        refuse(name, why, part=_seal(base, data, 0, 2, salt))

    plain = b"first"
    right = _pad(plain)
    padded("padding_not_zero", "The last byte of the padding is not zero.", right[:-1] + b"\1")
    padded("padding_not_zero_at_first", "The first byte of the padding is not zero.", right[:9] + b"\1" + right[10:])
    padded("padding_too_long", "Padded to 512 where 256 is enough: sizes would tell who sealed.", right + bytes(256))
    padded("padding_missing", "Not padded.", right[:9])
    padded("padding_one_short", "Padded to 255.", right[:-1])
    padded("length_beyond_end", "The length goes beyond the end.", (253).to_bytes(4, "big") + right[4:])
    padded("length_absurd", "A length of 2^32-1.", b"\xff" * 4 + right[4:])
    padded("length_little_endian", "The length is written the other way round.", len(plain).to_bytes(4, "little") + right[4:])
    padded("without_length", "Less than the length itself.", b"\0\0\0")
    padded("without_text", "Nothing was sealed.", b"")


def books() -> list[Book]:
    """One file: `part`."""
    book = Book("sealing", "part", "Padding, part keys, and parts that open or do not.", "4")
    base = _base()
    book.share("protected", base["protected"])
    _padding(book)
    _sealed(book, base)
    _refused(book, base)
    return [book]
