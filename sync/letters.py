"""Letters: sealed to a file of the other side, opened by whoever holds that file (docs/spec.md §15.1, §15.3, §15.4).

Pure.  Vectors: shared_schema/vectors/parcel/.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import cose, ids, limits
from shared_schema.approval import Approval, act_hash, decode_approval
from shared_schema.errors import Malformed, ProtocolError, Refused
from shared_schema.ids import Side
from shared_schema.parcel import (
    GATE,
    INTAKE,
    LETTER,
    Contents,
    Letter,
    Parcel,
    address_of,
    decode_contents,
    decode_letter,
    decode_pass,
    encode_contents,
    gate_payload,
    intake_key_payload,
    letter_payload,
)
from shared_schema.roles import leads_letter, may_send, takes_two
from sync.approval import check_approval, sign_approval
from sync.keys import ReceivingKey, address_seed, context, intake_seed, seal
from sync.parcel import OTHER, also_certified, certified
from sync.registry import Certificate, Registry
from sync.sealing import padded_size
from sync.signing import SigningKey, sign_object, verify_object

_PARCEL: Final = ids.label("parcel")
_FILLER: Final = ids.label("filler")


@dataclass(frozen=True, slots=True)
class FileKeys:
    """What a file that can receive parcels has in one epoch: its address, its address key, and a seed for each week."""

    svc: bytes
    side: Side
    log: bytes
    epoch: int
    secret: bytes

    @property
    def address(self) -> bytes:
        """Where parcels for it go."""
        return address_of(self.svc, self.side, self.log)

    @property
    def address_key(self) -> SigningKey:
        """The key that signs its weekly keys."""
        return SigningKey(address_seed(self.secret, self._ctx))

    def week(self, week: int) -> ReceivingKey:
        """The key to which parcels of a week are sealed."""
        return ReceivingKey(intake_seed(self.secret, self._ctx, week))

    @property
    def _ctx(self) -> bytes:
        return context(self.svc, self.log, self.epoch)

    def publish(self, first: int, last: int, address_key: SigningKey) -> tuple[bytes, ...]:
        """The intake key objects of the weeks `first` to `last`, as COSE bytes, signed by this epoch's address key or an earlier one's."""
        header = cose.protected_header(INTAKE, self.address, self.svc)
        return tuple(sign_object(address_key, header, intake_key_payload(self.side, week, self.week(week).public)) for week in range(first, last + 1))


def sign_gate(authority: SigningKey, svc: bytes, side: Side, address: bytes, key: bytes, first: int, last: int) -> bytes:
    """A gate, signed by the authority."""
    return sign_object(authority, cose.protected_header(GATE, ids.authority_id(authority.public), svc), gate_payload(side, address, key, first, last))


def sign_letter(
    key: SigningKey, device: bytes, svc: bytes, side: Side, to: bytes, letter_id: bytes, kind: str, at: int, body: Mapping[str, Any]
) -> bytes:
    """A letter, signed by its sender's device."""
    return sign_object(key, cose.protected_header(LETTER, device, svc), letter_payload(side, to, letter_id, kind, at, body))


def letter_act(to: bytes, letter_id: bytes, kind: str, body: Mapping[str, Any]) -> bytes:
    """What an approval of a letter names: the hash of where it goes, its id, and every word of it."""
    return act_hash({"kind": "letter", "to": to, "id": letter_id, "letter": kind, "body": dict(body)})


def approve_letter(
    key: SigningKey, device: bytes, svc: bytes, side: Side, to: bytes, letter_id: bytes, kind: str, body: Mapping[str, Any], until: int
) -> Approval:
    """One person's word for a letter that another person will send."""
    return sign_approval(key, device, svc, side, to, "letter", letter_act(to, letter_id, kind, body), until)


def room(side: str, size: int) -> int:
    """The padded size of what is sealed: from the victim side always the same. Raises Refused `bad-value` for what does not go in."""
    padded = _padded(side, size)
    if padded is None:
        raise Refused("bad-value", f"a letter of {size} bytes is too long: say it in fewer words")
    return padded


def _padded(side: str, size: int) -> int | None:
    """None for what does not go in."""
    padded = max(limits.PARCEL_ROOM, padded_size(size))
    return padded if padded <= (limits.PARCEL_ROOM if side == "victim" else limits.PARCEL_BYTES - 4_096) else None


def info(svc: bytes, side: str, address: bytes, week: int, letter_id: bytes, root: bytes) -> bytes:
    """HPKE info of a parcel from `side`."""
    return _PARCEL + svc + side.encode() + b"\0" + address + week.to_bytes(4, "big") + letter_id + root


def seal_parcel(
    contents: Contents, *, svc: bytes, side: Side, address: bytes, week: int, key: bytes, letter_id: bytes, root: bytes, fixed: bool
) -> Parcel:
    """Seal a letter to an intake key. Randomness is the library's own."""
    plain = encode_contents(contents)
    size = len(plain) + 4
    padded = len(plain).to_bytes(4, "big") + plain + bytes(room(side, size) - size)
    return Parcel(address, week, letter_id, fixed, root, seal(key, info(svc, side, address, week, letter_id, root), padded))


@dataclass(frozen=True, slots=True)
class Opened:
    """A letter that may be taken, who sent it, when the sender's side took it, and who approved it where it takes two people."""

    letter: Letter
    sender: Certificate
    passed_ms: int
    second: Certificate | None = None


def open_parcel(parcel: Parcel, passed: bytes, candidates: Sequence[FileKeys], file: str, authority: bytes) -> Opened:
    """Open and judge a parcel that came to a file of kind `file`; `candidates` are the file's keys by epoch, `authority` the pinned fingerprint.

    Raises Malformed or Refused for what is not to be taken.
    """
    here = candidates[0]
    side = OTHER[here.side]
    plain = _opened(parcel, candidates, side)
    contents = decode_contents(plain)
    known, sender = certified(contents.chain, here.svc, side, authority)
    stamp = decode_pass(passed)
    verify_object(stamp.sign1, known.require_root().receipt)
    said = (stamp.sign1.svc, stamp.sign1.kid, stamp.address, stamp.week, stamp.id, stamp.hash)
    if said != (here.svc, ids.server_key_id(known.require_root().receipt), parcel.address, parcel.week, parcel.id, ids.sha256(parcel.sealed)):
        raise Malformed("the pass is not about this parcel")
    letter = decode_letter(contents.letter)
    if letter.sign1.kid != sender.keys.device or (letter.sign1.svc, letter.side, letter.to, letter.id) != (here.svc, side, here.address, parcel.id):
        raise Malformed("the letter is by another device, or of another service, side, address or id")
    verify_object(letter.sign1, sender.keys.sign)
    if parcel.root != known.root_id or parcel.address != here.address:
        raise Malformed("the parcel names another side or address than its letter")
    if not may_send(letter.kind, side, file, sender.subject.roles):
        raise Refused("not-permitted", f"no {' or '.join(sender.subject.roles)} of the {side} side sends a {letter.kind} to such a file")
    return Opened(letter, sender, stamp.ms, _second(contents, letter, sender, known, file, stamp.ms))


def _second(contents: Contents, letter: Letter, sender: Certificate, known: Registry, file: str, passed_ms: int) -> Certificate | None:
    """Whoever approved a letter that takes two people. Raises Refused `not-approved`, Malformed."""
    two = takes_two(letter.kind, letter.side, letter.body)
    if contents.second is None:
        if two:
            raise Refused("not-approved", "such a letter takes two people: nobody has approved it")
        return None
    if not two:
        raise Malformed("a letter that one person sends has a second person's approval")
    data, more = contents.second
    both, found = also_certified(known, more)
    act = letter_act(letter.to, letter.id, letter.kind, letter.body)
    approver = check_approval(decode_approval(data), letter.to, "letter", act, both, both.seq, passed_ms)
    if approver.keys.device != found.keys.device:
        raise Malformed("the second chain certifies another device than the one that approved")
    check_pair(letter.kind, letter.side, file, sender, approver)
    return approver


def check_pair(kind: str, side: Side, file: str, sender: Certificate, approver: Certificate) -> None:
    """That these two people may send such a letter together. Raises Refused `not-approved`."""
    if approver.subject.user == sender.subject.user:
        raise Refused("not-approved", "this takes two people: whoever approved it sends it")
    both = (sender.subject.roles, approver.subject.roles)
    if not all(may_send(kind, side, file, roles) for roles in both):
        raise Refused("not-approved", "of the two, one may not send such a letter")
    if not any(leads_letter(kind, side, roles) for roles in both):
        raise Refused("not-approved", "of the two who send such a letter, one is a coordinator")


def _opened(parcel: Parcel, candidates: Sequence[FileKeys], side: Side) -> bytes:
    """The plaintext, under the key of whichever epoch it was sealed to. Raises Malformed."""
    for keys in candidates:
        about = info(keys.svc, side, parcel.address, parcel.week, parcel.id, parcel.root)
        try:
            padded = keys.week(parcel.week).open(parcel.sealed, about)
        except ProtocolError:
            continue
        size = int.from_bytes(padded[:4], "big") + 4
        if size > len(padded) or len(padded) != _padded(side, size) or padded.count(0, size) != len(padded) - size:
            raise Malformed("the parcel's padding is not right")
        return padded[4:size]
    raise Malformed("the parcel does not open under any key of this file")


def filler_id(first_secret: bytes, address: bytes, week: int) -> bytes:
    """The id of a week's filler to an address, from the secret of the desk's epoch 1: whichever device sends it, it is taken once."""
    return ids.sha256(_FILLER + first_secret + address + week.to_bytes(4, "big"))[:16]
