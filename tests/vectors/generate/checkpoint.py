"""Vectors of audit checkpoints (docs/spec.md §10.2; C2SP signed-note and tlog-checkpoint)."""

import base64
import hashlib
from typing import Any, Final

from shared_schema import ids
from tests.vectors import edwards
from tests.vectors.generate.world import INC, OTHER_INC, OTHER_SVC, SVC, fill, seed, signer
from tests.vectors.notation import Book

_SEED: Final = seed("checkpoint/perpetrator")
_PUBLIC: Final = signer("checkpoint/perpetrator").public
_ORIGIN: Final = f"fieldkeep/v1/{ids.show(SVC)}/perpetrator/{ids.show(INC)}"
_ROOT: Final = fill("checkpoint/root", 32)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _key_hash(origin: str = _ORIGIN, public: bytes = _PUBLIC) -> bytes:
    return hashlib.sha256(origin.encode() + b"\n\x01" + public).digest()[:4]


def _note(
    size: Any = 7, root: bytes | str = _ROOT, *, origin: str = _ORIGIN, key: str = "checkpoint/perpetrator", key_hash: bytes | None = None
) -> str:
    """A rightly signed note."""
    text = f"{origin}\n{size}\n{root if isinstance(root, str) else _b64(root)}\n"
    signature = signer(key).sign(text.encode())
    return f"{text}\n\u2014 {origin} {_b64((key_hash or _key_hash(origin, signer(key).public)) + signature)}\n"


def _golden(book: Book) -> None:
    for name, why, size, root in (
        ("seven", "A checkpoint of seven leaves.", 7, _ROOT),
        ("empty_tree", "A checkpoint of the empty tree.", 0, hashlib.sha256(b"").digest()),
        ("largest", "The largest size.", 2**53 - 1, bytes(32)),
    ):
        text = f"{_ORIGIN}\n{size}\n{_b64(root)}\n"
        public, signature = edwards.sign(_SEED, text.encode())
        assert public == _PUBLIC
        note = f"{text}\n\u2014 {_ORIGIN} {_b64(_key_hash() + signature)}\n"
        value = {"origin": _ORIGIN, "size": size, "root": root, "key_hash": _key_hash(), "signature": signature}
        book.add(name, why, codec="checkpoint", value=value, text=note)
        given = {"seed": _SEED, "svc": SVC, "side": "perpetrator", "incarnation": INC, "size": size, "root": root}
        book.add(f"sign_{name}", why, op="sign_checkpoint", given=given, out=note)
        book.add(f"verify_{name}", why, op="verify_checkpoint", given={"text": note, "origin": _ORIGIN, "public": _PUBLIC}, out=None)
    given = {"svc": SVC, "side": "perpetrator", "incarnation": INC}
    book.add("origin", "A tree's name: service, side and incarnation.", op="origin", given=given, out=_ORIGIN)
    book.add("key_hash", "A key's four bytes in a signature line.", op="key_hash", given={"origin": _ORIGIN, "key": _PUBLIC}, out=_key_hash())


def _refused(book: Book) -> None:
    good = _note()
    lines = good.split("\n")
    signature = lines[4].rpartition(" ")[2]
    root = lines[2]

    def refuse(name: str, why: str, text: str) -> None:
        assert text != good
        book.refuse(name, why, "malformed", codec="checkpoint", text=text)

    def swapped(line: int, by: str) -> str:
        return "\n".join([*lines[:line], by, *lines[line + 1 :]])

    for name, why, size in (
        ("size_leading_zero", "A size with a leading zero.", "07"),
        ("size_plus", "A size with a sign.", "+7"),
        ("size_negative", "A negative size.", "-7"),
        ("size_space", "A size with a space.", " 7"),
        ("size_hex", "A size that is not decimal.", "0x7"),
        ("size_underscore", "A size with an underscore.", "1_000"),
        ("size_empty", "No size.", ""),
        ("size_other_digits", "Digits of another script.", "\u0667"),
        ("size_superscript", "A superscript digit.", "\u00b2"),
        ("size_beyond_largest", "2^53.", 2**53),
        ("size_fraction", "A size that is no integer.", "7.0"),
    ):
        refuse(name, why, _note(size))
    for name, why, text in (
        ("root_31", "A root of 31 bytes.", _b64(_ROOT[:31])),
        ("root_33", "A root of 33 bytes.", _b64(_ROOT + b"\0")),
        ("root_hex", "A root in hexadecimal.", _ROOT.hex()),
        ("root_unpadded", "A root without its padding.", root.rstrip("=")),
        ("root_url_alphabet", "A root in the alphabet of URLs.", base64.urlsafe_b64encode(b"\xff" * 32).decode()),
        ("root_loose_bits", "A root whose last character has bits that mean nothing.", root[:-2] + chr(ord(root[-2]) + 1) + "="),
        ("root_space", "A space inside the root.", root[:10] + " " + root[10:]),
    ):
        refuse(name, why, _note(root=text))
    for name, why, text in (
        ("extra_line", "An extension line: there are none.", _note(root=root + "\nextension")),
        ("two_signatures", "Two signature lines.", good + lines[4] + "\n"),
        ("no_signature", "No signature line.", "\n".join(lines[:4]) + "\n"),
        ("no_empty_line", "The empty line is missing.", "\n".join([*lines[:3], *lines[4:]])),
        ("no_last_newline", "The last line end is missing.", good[:-1]),
        ("crlf", "Line ends of another system.", good.replace("\n", "\r\n")),
        ("hyphen", "A hyphen in the place of the dash.", swapped(4, "-" + lines[4][1:])),
        ("no_dash", "No dash.", swapped(4, lines[4][2:])),
        ("two_spaces", "Two spaces before the signature.", swapped(4, lines[4].replace(f" {signature}", f"  {signature}"))),
        ("other_name", "The signature line names another origin.", swapped(4, lines[4].replace("perpetrator", "victim"))),
        ("no_origin", "No origin, and none in the signature line.", _note(origin="")),
        ("signature_67", "A signature that is one byte short.", swapped(4, lines[4].replace(signature, _b64(base64.b64decode(signature)[:-1])))),
        ("signature_69", "A signature with a byte after it.", swapped(4, lines[4].replace(signature, _b64(base64.b64decode(signature) + b"\0")))),
        ("signature_hex", "A signature in hexadecimal.", swapped(4, lines[4].replace(signature, base64.b64decode(signature).hex()))),
        ("leading_newline", "A line end before it.", "\n" + good),
        ("too_long", "A note of more than 1,000 characters.", _note(origin="o" * 900)),
        ("empty", "No text.", ""),
    ):
        refuse(name, why, text)
    given = {"text": good, "origin": _ORIGIN, "public": _PUBLIC}
    other_side = f"fieldkeep/v1/{ids.show(SVC)}/victim/{ids.show(INC)}"
    for name, why, over in (
        ("by_other_key", "Signed by another key.", {"text": _note(key="receipt/perpetrator")}),
        ("key_hash", "The key's four bytes are another key's.", {"text": _note(key_hash=_key_hash(public=signer("receipt/perpetrator").public))}),
        ("key_hash_claimed", "Signed by another key under this key's four bytes.", {"text": _note(key="receipt/perpetrator", key_hash=_key_hash())}),
        ("other_side", "The checkpoint of another side.", {"text": _note(origin=other_side)}),
        (
            "other_side_claimed",
            "The checkpoint of another side by the same key, under this side's four bytes.",
            {"text": _note(origin=other_side, key_hash=_key_hash())},
        ),
        ("other_service", "The checkpoint of another service.", {"text": _note(origin=_ORIGIN.replace(ids.show(SVC), ids.show(OTHER_SVC)))}),
        ("other_incarnation", "The checkpoint of another incarnation.", {"text": _note(origin=_ORIGIN.replace(ids.show(INC), ids.show(OTHER_INC)))}),
        ("size_changed", "The size was changed after signing.", {"text": swapped(1, "8")}),
        ("root_changed", "The root was changed after signing.", {"text": swapped(2, _b64(bytes(32)))}),
        (
            "signature_changed",
            "One bit of the signature was changed.",
            {"text": swapped(4, lines[4].replace(signature, _b64(_flipped(base64.b64decode(signature)))))},
        ),
        ("weak_key", "The key is of small order.", {"public": edwards.encode(edwards.IDENTITY), "text": _weak()}),
    ):
        book.refuse(f"verify_{name}", why, "malformed", op="verify_checkpoint", given=given | over)


def _flipped(signature: bytes) -> bytes:
    return signature[:-1] + bytes((signature[-1] ^ 1,))


def _weak() -> str:
    public = edwards.encode(edwards.IDENTITY)
    return f"{_ORIGIN}\n7\n{_b64(_ROOT)}\n\n\u2014 {_ORIGIN} {_b64(_key_hash(public=public) + public + bytes(32))}\n"


def books() -> list[Book]:
    """One file: `note`."""
    book = Book("checkpoint", "note", "Checkpoints: signed notes with exactly one signature.", "10.2")
    _golden(book)
    _refused(book)
    return [book]
