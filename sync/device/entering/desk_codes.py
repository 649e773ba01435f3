"""Two codes that people carry between a desk and the authority: what to sign, and what was signed. Both are public (docs/spec.md §15.1)."""

from dataclasses import dataclass
from typing import Final

from shared_schema import cbor, ids
from shared_schema.ids import Side
from shared_schema.parcel import decode_gate
from shared_schema.shape import as_bytes, as_id, as_map, keys
from sync.device.entering.codes import decode_code_bytes, encode_code

REQUEST_PREFIX: Final = "fieldkeep-desk1:"
GATE_PREFIX: Final = "fieldkeep-gate1:"


@dataclass(frozen=True, slots=True)
class DeskRequest:
    """The desk and the address key for which a gate is asked."""

    svc: bytes
    side: Side
    address: bytes
    key: bytes

    def text(self) -> str:
        """`fieldkeep-desk1:` and base64url."""
        return encode_code(REQUEST_PREFIX, cbor.encode({"svc": self.svc, "side": self.side, "address": self.address, "key": self.key}))


def decode_desk_request(text: str) -> DeskRequest:
    """Parse a request; blanks and line breaks are left out. Raises Malformed."""
    map_ = as_map(
        cbor.decode(decode_code_bytes(REQUEST_PREFIX, text, "a desk's request", "copy it again")),
        "desk request",
        keys("svc", "side", "address", "key"),
    )
    return DeskRequest(as_id(map_["svc"], "svc"), ids.side(map_["side"]), as_id(map_["address"], "address"), as_bytes(map_["key"], 32, "key"))


def gate_code(gate: bytes) -> str:
    """`fieldkeep-gate1:` and base64url of a gate's COSE bytes."""
    return encode_code(GATE_PREFIX, gate)


def decode_gate_code(text: str) -> bytes:
    """The COSE bytes of a gate. Raises Malformed."""
    raw = decode_code_bytes(GATE_PREFIX, text, "a gate's code", "copy it again")
    decode_gate(raw)
    return raw
