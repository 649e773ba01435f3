"""What the vectors of parcels are about: a desk on each side, the liaison file of one case, their keys, and objects with any payload."""

from typing import Any, Final

from shared_schema import cbor, cose, ids
from shared_schema.ids import Side
from sync.keys import ReceivingKey
from sync.signing import SigningKey
from tests.vectors import hpke
from tests.vectors.generate.world import AUTHORITY, C1, SVC, T0, V2, fill, signer

WEEK: Final = (T0 - 345_600_000) // 604_800_000
DESK: Final = ids.file_log(SVC, V2.id, fill("parcel/desk", 16))  # the victim side's
OTHER_DESK: Final = ids.file_log(SVC, C1.id, fill("parcel/other desk", 16))  # the perpetrator side's
LIAISON: Final = ids.file_log(SVC, C1.id, fill("parcel/liaison", 16))  # of a case of the perpetrator side
AUTHORITY_ID: Final = ids.authority_id(AUTHORITY.public)
SIDE_OF: Final[dict[bytes, Side]] = {DESK: "victim", OTHER_DESK: "perpetrator", LIAISON: "perpetrator"}


def address(log: bytes, svc: bytes = SVC) -> bytes:
    """Where parcels for a file go."""
    return ids.sha256(b"fieldkeep/v1/address\0" + svc + SIDE_OF[log].encode() + b"\0" + log)[:16]


def secret(log: bytes, epoch: int = 1) -> bytes:
    """The secret of an epoch of one of these files."""
    return fill(f"parcel/secret/{SIDE_OF[log]}/{log.hex()}/{epoch}", 32)


def derived(name: str, log: bytes, epoch: int, more: bytes = b"", svc: bytes = SVC) -> bytes:
    """32 bytes from an epoch's secret, by the book."""
    return hpke.hkdf(secret(log, epoch), b"", f"fieldkeep/v1/{name}\0".encode() + svc + log + epoch.to_bytes(4, "big") + more, 32)


def address_key(log: bytes, epoch: int = 1) -> SigningKey:
    """A file's address key."""
    return SigningKey(derived("address", log, epoch))


def weekly(log: bytes, week: int = WEEK, epoch: int = 1) -> ReceivingKey:
    """A file's key for the parcels of one week."""
    return ReceivingKey(derived("intake", log, epoch, week.to_bytes(4, "big")))


def signed(typ: str, payload: Any, kid: bytes, key: SigningKey, svc: bytes = SVC, **labels: Any) -> bytes:
    """An object with this payload, rightly signed."""
    header = cose.protected_header(f"fieldkeep-{typ}", kid, svc, labels)
    data = payload if isinstance(payload, bytes) else cbor.encode(payload)
    return cose.assemble(header, data, key.sign(cose.sig_structure(header, data)))


def gate_map(log: bytes = DESK, **over: Any) -> dict[str, Any]:
    """A gate's payload."""
    usual = {"side": SIDE_OF[log], "address": address(log), "key": address_key(log).public, "from": WEEK - 1, "until": WEEK + 51}
    return usual | over


def gate(log: bytes = DESK, *, kid: bytes = AUTHORITY_ID, key: SigningKey = AUTHORITY, svc: bytes = SVC, **over: Any) -> bytes:
    """A gate."""
    return signed("gate", gate_map(log, **over), kid, key, svc)


def intake_map(log: bytes = DESK, week: int = WEEK, epoch: int = 1, **over: Any) -> dict[str, Any]:
    """An intake key's payload."""
    return {"side": SIDE_OF[log], "week": week, "key": weekly(log, week, epoch).public} | over


def intake(log: bytes = DESK, week: int = WEEK, *, kid: bytes | None = None, key: SigningKey | None = None, svc: bytes = SVC, **over: Any) -> bytes:
    """An intake key object."""
    return signed("intake", intake_map(log, week, **over), kid or address(log), key or address_key(log), svc)


def receipt_key(side: str) -> SigningKey:
    """The key under which a side's server signs."""
    return signer(f"receipt/{side}")
