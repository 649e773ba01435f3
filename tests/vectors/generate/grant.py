"""Vectors of receiving keys and grants (docs/spec.md §7.3).

HPKE draws its own randomness, so sealed bytes are made once: while what goes into a grant stays the same, the bytes that the file
holds already are kept. Removing the file, or changing what goes in, makes new ones.
"""

from typing import Any, Final

from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite

from shared_schema import ids
from sync import keys, sealing
from tests.vectors.generate.kept import Kept
from tests.vectors.generate.world import C1, N1, NONCE, OTHER_SVC, SVC, fill, receiver, secret, seed
from tests.vectors.notation import Book

_LOG: Final = ids.file_log(SVC, C1.id, NONCE)
_RECOVERY: Final = receiver("recovery/perpetrator")
_TO: Final = N1.id
_PUBLIC: Final = N1.receive.public
_SEED: Final = seed("receive/device/n1")
_XWING_SEED: Final = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")  # the draft's first test vector


class _Sealer:
    """Seals, or keeps what was sealed from the same input."""

    def __init__(self, book: Book) -> None:
        self.kept = Kept(book)

    def seal(
        self, name: str, secrets: list[bytes], *, public: bytes = _PUBLIC, info: bytes | None = None, suite: Suite | None = None, tag: str = ""
    ) -> bytes:
        """KEM output ‖ ciphertext, from the file where the input is unchanged."""
        bound = _info() if info is None else info

        def make() -> bytes:
            if suite is None:
                return keys.seal_secrets(public, bound, secrets)
            kem = keys._public(public)
            assert isinstance(kem, MLKEM768X25519PublicKey)
            return suite.encrypt(b"".join(secrets), kem, info=bound)

        return self.kept.sealed(name, [ids.sha256(public), bound, secrets, tag], make)


def _info(epoch: int = 1, **over: bytes) -> bytes:
    return keys.grant_info(over.get("svc", SVC), over.get("log", _LOG), epoch, over.get("granter", C1.id), over.get("to", _TO))


def _kc(epoch: int, value: bytes, log: bytes = _LOG) -> list[Any]:
    return [epoch, sealing.commitment(value, keys.context(SVC, log, epoch))]


def _keys_and_info(book: Book) -> None:
    why = "draft-connolly-cfrg-xwing-kem, appendix C, first vector."
    book.add("xwing_draft", why, op="receiving_key", given={"seed": _XWING_SEED}, out=keys.ReceivingKey(_XWING_SEED).public)
    book.add("receiving_key", "A device's key from its seed.", op="receiving_key", given={"seed": _SEED}, out=_PUBLIC)
    book.add("receiving_key_zero_seed", "A seed of zeros.", op="receiving_key", given={"seed": bytes(32)}, out=keys.ReceivingKey(bytes(32)).public)
    for epoch in (1, 2**32 - 1):
        out = b"fieldkeep/v1/grant\0" + SVC + _LOG + epoch.to_bytes(4, "big") + C1.id + _TO
        given = {"svc": SVC, "log": _LOG, "epoch": epoch, "granter": C1.id, "to": _TO}
        book.add(f"info_{epoch}", "What a grant is bound to: service, log, newest epoch, granter, recipient.", op="grant_info", given=given, out=out)
    for epoch in (1, 2, 2**32 - 1):
        given = {"secret": secret(1), "svc": SVC, "log": _LOG, "epoch": epoch}
        out = sealing.commitment(secret(1), SVC + _LOG + epoch.to_bytes(4, "big"))
        book.add(f"commitment_{epoch}", "What an epoch statement says of its secret.", op="commitment", given=given, out=out)


def _grants(book: Book) -> None:
    sealer = _Sealer(book)
    one, two, three = (secret(epoch) for epoch in (1, 2, 3))
    first = sealer.seal("first", [one])
    many = sealer.seal("three epochs", [one, two, three], info=_info(3))
    base = {
        "seed": _SEED, "svc": SVC, "log": _LOG, "granter": C1.id, "to": _TO, "epochs": [1], "sealed": first, "commits": [_kc(1, one)], "held": [],
    }  # fmt: skip
    commits = [_kc(1, one), _kc(2, two), _kc(3, three)]
    book.add("first_epoch", "A grant of one epoch.", op="grant_open", given=base, out=[[1, one]])
    every = base | {"epochs": [1, 2, 3], "sealed": many, "commits": commits}
    book.add(
        "three_epochs", "A newcomer's grant of every epoch, bound to the newest.", op="grant_open", given=every, out=[[1, one], [2, two], [3, three]]
    )
    last = sealer.seal("third epoch", [three], info=_info(3))
    held = [[1, one], [2, two]]
    book.add(
        "rotation",
        "A rotation's grant to a device that holds the earlier epochs.",
        op="grant_open",
        given=base | {"epochs": [3], "sealed": last, "commits": commits, "held": held},
        out=[[3, three]],
    )
    again = base | {"held": [[1, one]]}
    book.add("again", "The secret that the device holds already.", op="grant_open", given=again, out=[[1, one]])
    recovery_id = ids.recovery_id(_RECOVERY.public)
    for_recovery = sealer.seal("recovery", [one], public=_RECOVERY.public, info=_info(to=recovery_id))
    given = base | {"seed": seed("receive/recovery/perpetrator"), "to": recovery_id, "sealed": for_recovery}
    book.add("recovery", "A grant to the side's recovery key.", op="grant_open", given=given, out=[[1, one]])
    gap = base | {"epochs": [1, 3], "sealed": sealer.seal("after a void epoch", [one, three], info=_info(3)), "commits": [commits[0], commits[2]]}
    book.add("after_void_epoch", "A void epoch has no secret.", op="grant_open", given=gap, out=[[1, one], [3, three]])

    def refuse(name: str, why: str, **over: Any) -> None:
        book.refuse(name, why, "bad-grant", op="grant_open", given=base | over)

    refuse("other_recipient_key", "Another receiving key.", seed=seed("receive/device/n2"))
    refuse("other_recipient", "Another recipient's id.", to=C1.id)
    refuse("other_granter", "The statement that carries the grant is by another device.", granter=N1.id)
    refuse("other_log", "The grant was made for another file.", log=fill("other log", 16), commits=[_kc(1, one, fill("other log", 16))])
    refuse(
        "other_service",
        "The grant was made for another service.",
        svc=OTHER_SVC,
        commits=[[1, sealing.commitment(one, keys.context(OTHER_SVC, _LOG, 1))]],
    )
    refuse("other_epoch", "The grant was made for epoch 1 and is stated as one of epoch 2.", epochs=[2], commits=[_kc(2, one)])
    for name, why, at in (
        ("kem_changed", "One bit of the ML-KEM encapsulation was changed.", 0),
        ("kem_end_changed", "The last bit of the ML-KEM encapsulation was changed.", 1087),
        ("dh_changed", "One bit of the X25519 encapsulation was changed.", 1088),
        ("secret_changed", "One bit of the ciphertext was changed.", 1120),
        ("tag_changed", "One bit of the tag was changed.", 1167),
    ):
        refuse(name, why, sealed=first[:at] + bytes((first[at] ^ 1,)) + first[at + 1 :])
    refuse(
        "dh_zero",
        "The X25519 encapsulation is a point of small order: the shared secret would be zero.",
        sealed=first[:1088] + bytes(32) + first[1120:],
    )
    refuse(
        "dh_top_bit",
        "Bit 255 of the X25519 encapsulation is set: X25519 drops it, the hash does not.",
        sealed=first[:1119] + bytes((first[1119] ^ 0x80,)) + first[1120:],
    )
    refuse("empty", "No bytes.", sealed=b"")
    refuse("kem_alone", "Nothing after the encapsulation.", sealed=first[:1120])
    refuse("one_secret_too_few", "One secret for two epochs.", epochs=[1, 3], sealed=last, commits=[_kc(1, three), _kc(3, three)])
    refuse("one_secret_too_many", "Two secrets for one epoch.", sealed=sealer.seal("two secrets", [one, two]))
    refuse("secret_of_31_bytes", "A secret of 31 bytes.", sealed=sealer.seal("31 bytes", [one[:31]]))
    refuse(
        "secrets_swapped",
        "The secrets stand in another order than the epochs.",
        epochs=[1, 2],
        sealed=sealer.seal("swapped", [two, one], info=_info(2)),
        commits=commits[:2],
    )
    refuse("other_secret", "The secret does not match the epoch's commitment.", commits=[_kc(1, two)])
    refuse("other_commitment_epoch", "The commitment was made for another epoch.", commits=[[1, _kc(2, one)[1]]])
    refuse("other_commitment_log", "The commitment was made for another file.", commits=[[1, _kc(1, one, fill("other log", 16))[1]]])
    refuse("epoch_without_commitment", "The file has no such epoch.", commits=[])
    refuse("held_other_secret", "The device holds another secret of this epoch.", held=[[1, two]])
    used = {"epochs": [3], "sealed": sealer.seal("used before", [one], info=_info(3)), "commits": [_kc(1, one), _kc(3, one)]}
    refuse("secret_of_earlier_epoch", "A rotation to a secret that was used before.", held=[[1, one]], **used)
    twice = {"epochs": [1, 2], "sealed": sealer.seal("twice", [one, one], info=_info(2)), "commits": [_kc(1, one), _kc(2, one)]}
    refuse("secret_twice", "Two epochs of one grant have one secret.", **twice)
    zero = bytes(32)
    refuse("zero_secret", "A secret of zeros.", sealed=sealer.seal("zero", [zero]), commits=[_kc(1, zero)])
    other = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    refuse("other_aead", "Sealed with ChaCha20-Poly1305.", sealed=sealer.seal("other aead", [one], suite=other, tag="chacha20-poly1305"))
    other = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA512, AEAD.AES_256_GCM)
    refuse("other_kdf", "Sealed with HKDF-SHA512.", sealed=sealer.seal("other kdf", [one], suite=other, tag="hkdf-sha512"))
    refuse("empty_info", "Sealed with an empty info.", sealed=sealer.seal("empty info", [one], info=b""))


def books() -> list[Book]:
    """One file: `grant`."""
    book = Book("grant", "grant", "X-Wing keys from seeds, and HPKE grants that open or do not. Their bytes were drawn once and are kept.", "7.3")
    _keys_and_info(book)
    _grants(book)
    return [book]
