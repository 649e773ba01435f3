"""Vectors of keys and bare signatures: which public keys are refused, and which signatures hold (docs/spec.md §2)."""

from typing import Final

from tests.vectors import edwards
from tests.vectors.edwards import BASE, L, P, challenge, encode, expand, times
from tests.vectors.generate.world import fill, receiver, seed, signer
from tests.vectors.notation import Book

_Y8: Final = edwards.torsion()[1]
_U8A: Final = 325606250916557431795983626356110631294008115727848805560023387167927233504
_U8B: Final = 39382357235489614581723060781553021112529911719440698176882885853963445705823
_RFC8032: Final = (
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", ""),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82"),
)


def _y(value: int, sign: int = 0) -> bytes:
    return (value | sign << 255).to_bytes(32, "little")


def _sign_keys(book: Book) -> None:
    for name in ("a", "b"):
        book.add(f"sign_key_{name}", "A key like any other.", op="check_sign_key", given={"key": signer(f"keys/{name}").public}, out=None)
    mixed = edwards.add(times(expand(seed("keys/a"))[0], BASE), edwards.torsion())
    book.add(
        "sign_key_mixed_order",
        "A point with a part of small order is itself not of small order: it is taken.",
        op="check_sign_key",
        given={"key": encode(mixed)},
        out=None,
    )
    for name, why, key in (
        ("identity", "The identity: one signature under it fits every message.", _y(1)),
        ("identity_signed", "The identity with the sign bit set.", _y(1, 1)),
        ("order_2", "The point of order 2.", _y(P - 1)),
        ("order_2_signed", "The point of order 2 with the sign bit set.", _y(P - 1, 1)),
        ("order_4", "A point of order 4.", _y(0)),
        ("order_4_signed", "The other point of order 4.", _y(0, 1)),
        ("order_8_a", "A point of order 8.", _y(_Y8)),
        ("order_8_b", "A point of order 8.", _y(_Y8, 1)),
        ("order_8_c", "A point of order 8.", _y(P - _Y8)),
        ("order_8_d", "A point of order 8.", _y(P - _Y8, 1)),
        ("order_4_as_p", "A point of order 4, with p in the place of 0.", _y(P)),
        ("order_4_as_p_signed", "The other point of order 4, with p in the place of 0.", _y(P, 1)),
        ("identity_as_p_plus_1", "The identity, with p+1 in the place of 1.", _y(P + 1)),
        ("identity_as_p_plus_1_signed", "The identity, with p+1 in the place of 1, and the sign bit set.", _y(P + 1, 1)),
        ("y_p_plus_2", "y = p+2 in the place of 2: not canonical.", _y(P + 2)),
        ("y_p_plus_3", "y = p+3 in the place of 3: not canonical, and a point of large order.", _y(P + 3)),
        ("y_p_plus_3_signed", "y = p+3 in the place of 3, with the sign bit set.", _y(P + 3, 1)),
        ("y_last", "y = 2^255-1: not canonical.", _y(2**255 - 1)),
        ("ones", "All bits set.", b"\xff" * 32),
        ("short", "31 bytes.", signer("keys/a").public[:31]),
        ("long", "33 bytes.", signer("keys/a").public + b"\0"),
        ("empty", "No bytes.", b""),
    ):
        book.refuse(f"sign_key_{name}", why, "weak-key", op="check_sign_key", given={"key": key})


def _receive_keys(book: Book) -> None:
    good = receiver("keys/a").public
    kem = good[:1184]
    book.add("receive_key", "An X-Wing key like any other.", op="check_receive_key", given={"key": good}, out=None)
    u9 = (9).to_bytes(32, "little")
    book.add("receive_key_base", "The base point, u = 9.", op="check_receive_key", given={"key": kem + u9}, out=None)
    for name, why, half in (
        ("zero", "u = 0, of order 4.", _y(0)),
        ("one", "u = 1, of order 4.", _y(1)),
        ("minus_one", "u = p-1, of order 4 on the twist.", _y(P - 1)),
        ("order_8_a", "A point of order 8.", _y(_U8A)),
        ("order_8_b", "A point of order 8.", _y(_U8B)),
        ("p", "u = p in the place of 0.", _y(P)),
        ("p_plus_1", "u = p+1 in the place of 1.", _y(P + 1)),
        ("p_plus_9", "u = p+9 in the place of 9: not canonical, and a point of large order.", _y(P + 9)),
        ("last", "u = 2^255-1: not canonical.", _y(2**255 - 1)),
        ("top_bit", "A good key with bit 255 set, which X25519 would drop.", _y(int.from_bytes(good[-32:], "little"), 1)),
        ("zero_top_bit", "u = 0 with bit 255 set.", _y(0, 1)),
        ("order_8_a_top_bit", "A point of order 8 with bit 255 set.", _y(_U8A, 1)),
        ("order_8_b_top_bit", "A point of order 8 with bit 255 set.", _y(_U8B, 1)),
    ):
        book.refuse(f"receive_key_{name}", why, "weak-key", op="check_receive_key", given={"key": kem + half})
    for name, why, key in (("short", "1,215 bytes: the first is missing.", good[1:]), ("long", "1,217 bytes.", b"\0" + good)):
        book.refuse(f"receive_key_{name}", why, "weak-key", op="check_receive_key", given={"key": key})
    for name, why, three in (
        ("kem_even", "An even coefficient of the ML-KEM half is 3,329: nobody could grant to this key.", b"\x01\x0d\x00"),
        ("kem_odd", "An odd coefficient of the ML-KEM half is 3,329.", b"\x00\x10\xd0"),
    ):
        book.refuse(f"receive_key_{name}", why, "weak-key", op="check_receive_key", given={"key": good[:1149] + three + good[1152:]})


def _signatures(book: Book) -> None:
    for number, (secret, message) in enumerate(_RFC8032, 1):
        data = bytes.fromhex(message)
        public, signature = edwards.sign(bytes.fromhex(secret), data)
        given = {"seed": bytes.fromhex(secret), "data": data}
        book.add(f"rfc8032_test_{number}", "RFC 8032, section 7.1.", op="sign", given=given, out={"public": public, "signature": signature})
    data = b"fieldkeep"
    public, signature = edwards.sign(seed("keys/a"), data)
    given = {"public": public, "signature": signature, "data": data}
    book.add("signature", "A signature holds.", op="verify", given=given, out=None)

    def refuse(name: str, why: str, **over: bytes) -> None:
        book.refuse(f"signature_{name}", why, "malformed", op="verify", given=given | over)

    s = int.from_bytes(signature[32:], "little")
    refuse("other_data", "One bit of the data differs.", data=b"fieldkeeq")
    refuse("other_key", "The signature is by another key.", public=signer("keys/b").public)
    refuse("r_changed", "One bit of R differs.", signature=bytes((signature[0] ^ 1,)) + signature[1:])
    refuse("s_changed", "One bit of S differs.", signature=signature[:32] + bytes((signature[32] ^ 1,)) + signature[33:])
    refuse("s_plus_l", "S + L in the place of S: a second signature out of a first one.", signature=signature[:32] + (s + L).to_bytes(32, "little"))
    refuse("short", "63 bytes.", signature=signature[:63])
    refuse("long", "65 bytes.", signature=signature + b"\0")
    refuse("empty", "No signature.", signature=b"")
    refuse("zero", "64 zero bytes.", signature=bytes(64))
    identity = encode(edwards.IDENTITY)
    refuse("weak_key", "Under the identity this signature fits every message.", public=identity, signature=identity + bytes(32))
    _odd_signatures(book)


def _odd_signatures(book: Book) -> None:
    """What only the signer can make: the readers of one log have to agree on it, or some hold an entry that is void for others."""
    scalar, _ = expand(seed("keys/a"))
    public = encode(times(scalar, BASE))
    data = b"fieldkeep"

    def with_r(r: bytes) -> dict[str, bytes]:
        s = challenge(r, public, data) * scalar % L
        return {"public": public, "signature": r + s.to_bytes(32, "little"), "data": data}

    book.add("signature_r_identity", "R is the identity: the equation holds as it stands.", op="verify", given=with_r(_y(1)), out=None)
    book.refuse("signature_r_identity_signed", "R is the identity with the sign bit set.", "malformed", op="verify", given=with_r(_y(1, 1)))
    book.refuse("signature_r_p_plus_1", "R is the identity, with p+1 in the place of 1.", "malformed", op="verify", given=with_r(_y(P + 1)))
    mixed = encode(edwards.add(times(scalar, BASE), edwards.torsion()))
    nonce = int.from_bytes(fill("keys/nonce", 32), "little") % L
    r = encode(times(nonce, BASE))
    found: dict[bool, bytes] = {}
    for number in range(1000):
        data = b"fieldkeep %d" % number
        found.setdefault(challenge(r, mixed, data) % 8 == 0, data)
    for plain, data in sorted(found.items()):
        s = (nonce + challenge(r, mixed, data) * scalar) % L
        given = {"public": mixed, "signature": r + s.to_bytes(32, "little"), "data": data}
        if plain:
            book.add(
                "signature_mixed_key", "A key with a part of small order, and the equation holds as it stands.", op="verify", given=given, out=None
            )
        else:
            why = "The equation holds only when both sides are multiplied by 8: it is checked without that factor."
            book.refuse("signature_cofactored", why, "malformed", op="verify", given=given)


def books() -> list[Book]:
    """One file: `public`."""
    book = Book("keys", "public", "Public keys that prove nothing are refused; signatures are checked strictly and without the cofactor.", "2")
    _sign_keys(book)
    _receive_keys(book)
    _signatures(book)
    return [book]
