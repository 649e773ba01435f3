"""What may cross between the working sides: gates, weekly keys, certificates of a side whose registry one does not have (docs/spec.md §15).

Pure, and without anything that decrypts: the server has these rules too. Letters are in sync/letters.py.  Vectors: shared_schema/vectors/parcel/.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from shared_schema import ids, limits
from shared_schema.certificate import Certify, Enrol, Root
from shared_schema.entry import Entry, decode_entry
from shared_schema.errors import Malformed, ProtocolError
from shared_schema.ids import Side
from shared_schema.parcel import Gate, Publication, decode_gate, decode_intake_key
from sync import registry
from sync.registry import Certificate, Registry
from sync.signing import check_receive_key, verify_object

OTHER: Final[Mapping[str, Side]] = {"perpetrator": "victim", "victim": "perpetrator"}


def check_gate(data: bytes, svc: bytes, side: Side, authority: bytes) -> Gate:
    """A gate of `side`, verified under the authority's public key. Raises Malformed."""
    gate = decode_gate(data)
    if gate.sign1.svc != svc or gate.side != side or gate.sign1.kid != ids.authority_id(authority):
        raise Malformed("the gate is of another service, side or authority")
    verify_object(gate.sign1, authority)
    return gate


def check_intake_key(data: bytes, svc: bytes, side: Side, address: bytes, key: bytes, week: int) -> bytes:
    """The X-Wing public key of an address in a week, verified under its address key. Raises Malformed."""
    found = decode_intake_key(data)
    if (found.sign1.svc, found.side, found.address, found.week) != (svc, side, address, week):
        raise Malformed("the key is of another service, side, address or week")
    verify_object(found.sign1, key)
    check_receive_key(found.key)
    return found.key


def check_publication(publication: Publication, svc: bytes, side: Side, address: bytes, week: int) -> dict[int, bytes]:
    """For the server: week -> intake key object. Raises Malformed unless they are this address's, for rising weeks from the present one on, rightly signed."""
    found: dict[int, bytes] = {}
    for data in publication.keys:
        at = decode_intake_key(data).week
        check_intake_key(data, svc, side, address, publication.key, at)
        if not week <= at <= week + limits.INTAKE_WEEKS or at <= max(found, default=-1):
            raise Malformed(f"weeks rise, from {week} to {week + limits.INTAKE_WEEKS}")
        found[at] = data
    return found


def certified(chain: Sequence[bytes], svc: bytes, side: Side, authority: bytes) -> tuple[Registry, Certificate]:
    """The registry that these entries alone make, and the device that the last of them certifies. Raises Malformed.

    Whether that device was revoked meanwhile, the chain cannot say: the pass does, for the moment in which the parcel was taken.
    """
    known, found = _fold(registry.empty_registry(svc, side, authority), chain)
    if len(chain_to(known, found.keys.device)) != len(chain):
        raise Malformed("a chain holds nobody's certificate who did not invite the next")
    return known, found


def also_certified(known: Registry, more: Sequence[bytes]) -> tuple[Registry, Certificate]:
    """The same of a second person, whose chain goes on from that of the first: entries that are in both are in the first one only. Raises Malformed."""
    both, found = _fold(known, more)
    if sum(place > known.seq for place in chain_to(both, found.keys.device)) != len(more):
        raise Malformed("a second chain holds nobody's certificate who did not invite the next")
    return both, found


def _fold(known: Registry, chain: Sequence[bytes]) -> tuple[Registry, Certificate]:
    """A registry with these entries after what it has, and the device that the last of them certifies."""
    last: Entry | None = None
    for data in chain:
        last = decode_entry(data)
        if last.is_envelope or last.log != known.log or last.svc != known.svc or not isinstance(registry.statement_of(last), Root | Certify | Enrol):
            raise Malformed("a chain holds certifying entries of one registry")
        try:
            known = registry.take(known, last, ids.chain_next(known.chains[-1], known.seq + 1, 0, last.id))
        except ProtocolError as error:
            raise Malformed(f"the chain does not certify its sender: {error}") from None
    found = [cert for cert in known.devices.values() if last is not None and cert.id == last.id]
    if not found:
        raise Malformed("a chain does not end with a device's certificate")
    return known, found[0]


def chain_to(known: Registry, device: bytes) -> list[int]:
    """The places of the registry entries that certify a device, in rising order, from the root on."""
    places, at = [], known.devices.get(device)
    while at is not None:
        places.append(at.seq)
        at = known.devices.get(at.issuer)
    return [1, *reversed(places)]
