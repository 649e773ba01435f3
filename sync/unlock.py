"""Help with a forgotten passphrase: who may help, boxes, answers (docs/spec.md §13.2 to §13.4).  Vectors: shared_schema/vectors/unlock/.

Pure but for the randomness of HPKE. Its place of the wall: recipients come from the verified registry of the device's own side, and from nowhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from shared_schema import cose, ids, limits, unlock
from shared_schema.errors import BadGrant, Malformed, ProtocolError, Refused
from shared_schema.ids import Side
from shared_schema.roles import can_be_helped, has_content, may_help
from shared_schema.unlock import KEY_BYTES, MOST_KEYS, Answer, Box, Help, Request
from sync import keys
from sync.recovery import proves
from sync.registry import Certificate, Registry
from sync.signing import SigningKey, sign_object, verify_object

_BOX: Final = ids.label("box")
_ANSWER: Final = ids.label("help-answer")


@dataclass(frozen=True, slots=True)
class About:
    """Whose store a box is about: a device, with the entry id of its certificate."""

    svc: bytes
    side: Side
    device: bytes
    cert: bytes

    def info(self, to: bytes) -> bytes:
        """HPKE info of the box of `to`."""
        return _BOX + self.svc + self.side.encode() + b"\0" + self.device + self.cert + to


def about(registry: Registry, device: bytes) -> About:
    """Of a device that this registry certifies. Raises Refused `not-found`."""
    certificate = registry.devices.get(device)
    if certificate is None:
        raise Refused(
            "not-found", f"the {registry.side} side has no such device: it is another side's or service's, or this device has to sync first"
        )
    return About(registry.svc, registry.side, device, certificate.id)


def may_open(registry: Registry, mine: Certificate, helper: Certificate) -> bool:
    """True when a device may have a box of the device `mine`: another one of its person with all of its roles, or one whose roles help each of these."""
    if not helper.acts or helper.keys.device == mine.keys.device or not can_be_helped(registry.side, mine.subject.roles):
        return False
    own = helper.subject.user == mine.subject.user and set(mine.subject.roles) <= set(helper.subject.roles)
    return own or may_help(registry.side, mine.subject.roles, helper.subject.roles)


def recipients(registry: Registry, device: bytes, now_ms: int) -> dict[bytes, bytes]:
    """Recipient -> receiving key, of every box of a device of this side: who may open it and whose certificate has not ended, the person's own devices
    first, then those certified last; and the recovery key in force. Empty for a device that nobody can help.
    """
    mine = registry.devices.get(device)
    if mine is None or not can_be_helped(registry.side, mine.subject.roles):
        return {}
    can = [one for one in registry.devices.values() if may_open(registry, mine, one) and one.subject.until > now_ms]
    can.sort(key=lambda one: (one.subject.user != mine.subject.user, -one.seq))
    found = {one.keys.device: one.keys.receive for one in can[: limits.BOXES_PER_DEVICE - 1]}
    return found | {registry.recovery_id: registry.recovery.key.receive}


def seal_boxes(whose: About, to: Mapping[bytes, bytes], store_keys: tuple[bytes, ...]) -> tuple[Box, ...]:
    """A box with these store keys for each recipient, rising."""
    return tuple(Box(one, keys.seal(public, whose.info(one), b"".join(store_keys))) for one, public in sorted(to.items()))


def open_box(key: keys.ReceivingKey, whose: About, box: Box) -> tuple[bytes, ...]:
    """The store keys in a box. Raises Malformed."""
    try:
        plain = key.open(box.sealed, whose.info(box.to))
    except BadGrant:
        raise Malformed("the box does not open: it is another device's, or it was changed on its way") from None
    if not plain or len(plain) % KEY_BYTES or len(plain) > KEY_BYTES * MOST_KEYS:
        raise Malformed("a box holds one or two store keys")
    return tuple(plain[at : at + KEY_BYTES] for at in range(0, len(plain), KEY_BYTES))


@dataclass(frozen=True, slots=True)
class Helper:
    """Who opens a box: a device, and with `secret` the recovery key whose shares were typed there."""

    svc: bytes
    device: bytes
    sign_key: SigningKey
    receive_key: keys.ReceivingKey
    secret: keys.RecoverySecret | None = None

    @property
    def to(self) -> bytes:
        """Whose box it opens."""
        return self.secret.id if self.secret else self.device

    def answer(self, request: Request, whose: About, at_ms: int) -> bytes:
        """The bytes of an answer. Raises Malformed, WeakKey, Refused `not-permitted` where the request has no box for this helper."""
        box = request.box_for(self.to)
        if box is None:
            raise Refused("not-permitted", "the request has no box for this helper")
        opened = open_box(self.secret.receive_key if self.secret else self.receive_key, whose, box)
        by = self.secret.sign_key.sign(unlock.unlock_bound(self.svc, request.device, request.id)) if self.secret else None
        protected = cose.protected_header(unlock.HELP, self.device, self.svc)
        signed = sign_object(self.sign_key, protected, unlock.help_payload(request.id, request.device, self.to, at_ms, by))
        sealed = keys.seal(request.key, _ANSWER + request.id, unlock.encode_contents(opened, signed))
        return unlock.encode_answer(request.id, sealed)


def open_answer(key: keys.ReceivingKey, request: Request, answer: Answer) -> tuple[tuple[bytes, ...], Help]:
    """What an answer to `request` holds: store keys, and who says to have helped. Raises Malformed, Refused `request-ended` for another request's."""
    if answer.request != request.id:
        raise Refused("request-ended", "this answers another request than the one that waits on this device")
    try:
        contents = unlock.decode_contents(key.open(answer.sealed, _ANSWER + request.id))
    except BadGrant:
        raise Malformed("the answer does not open: it was changed on its way; ask for it again") from None
    return contents.keys, unlock.decode_help(contents.help)


def check_help(help_: Help, request: Request, registry: Registry, device: bytes) -> Certificate | None:
    """Who helped, by the opened device's own registry; None for a device that it does not know, where the recovery shares are what counted.

    Raises Refused `not-permitted` unless it was somebody who had a box, for this request, and may help as far as the registry goes.
    """
    helper = registry.devices.get(help_.sign1.kid)
    try:
        if help_.sign1.svc != registry.svc or (help_.device, help_.request) != (device, request.id) or request.box_for(help_.to) is None:
            raise Malformed("it is not about this request")
        if helper is not None:
            verify_object(help_.sign1, helper.keys.sign)
        if help_.to == help_.sign1.kid:
            if helper is None or help_.by is not None or not may_open(registry, registry.devices[device], helper):
                raise Malformed("its signer may not help this device")
            return helper
        shares = registry.recovery.find(help_.to)
        if shares is None or help_.by is None or not proves(shares, help_.by, unlock.unlock_bound(registry.svc, device, request.id)):
            raise Malformed("no recovery key of this side signed it")
        if helper is not None and not (helper.acts and any_content(helper.subject.roles)):
            raise Malformed("its signer may not use recovery shares")
    except ProtocolError as error:
        raise Refused("not-permitted", f"the answer does not say truly who helped: {error}. Nothing was changed; ring your coordinator") from None
    return helper


def any_content(roles: Iterable[str]) -> bool:
    """True when one of the roles has content."""
    return any(has_content(role) for role in roles)
