"""Help with a forgotten passphrase, on devices that are open: the boxes of one's own store, and answers to a colleague's request (docs/spec.md §13).

Who helps sees whose device it is, never what is in it.
"""

from dataclasses import dataclass
from typing import Final

from shared_schema import cbor, ids, limits, unlock
from shared_schema.certificate import Revoke, Suspend
from shared_schema.entry import Entry
from shared_schema.errors import Refused
from shared_schema.unlock import DIGITS, Box, Request
from sync import registry as registry_rules
from sync import unlock as rules
from sync.device.entering.keyring import Keyring
from sync.device.session import Session, entry_of
from sync.device.storage.database import SqlError
from sync.keys import RecoverySecret
from sync.registry import Certificate
from sync.unlock import Helper

_SEALED: Final = "boxes"  # the fact that says who has a box, and what profile.json held then
_CHALLENGE: Final = "challenge:"  # with a request's id in hex: the digits that were read out for it, and when
_DAY_MS: Final = 86_400_000
_LATELY_MS: Final = 30 * _DAY_MS


# --- the boxes of one's own store ---------------------------------------------------------------------------------------------


def tend(session: Session) -> None:
    """Have a box for everybody who may help, as this device's registry has them now, and for nobody else. After each sync.

    Whoever has none any more may have kept an old one, in a copy of this folder: the store gets another key.
    """
    ring = session.store.keyring
    if ring is None or not session.certified:
        return
    wanted = rules.recipients(session.registry, session.identity.device, server_ms(session))
    had, sealed = _sealed(session)
    had |= {box.to for box in ring.boxes}  # a process may have ended between the two
    try:
        if had - wanted.keys():
            renew_key(session, ring, wanted)
        elif (had != wanted.keys() or sealed != _digest(ring) or len(ring.keys) > 1) and ring.settle(session.store, session.entropy):
            _put(session, ring, wanted)
    except (OSError, SqlError) as error:  # what was synced is synced
        session.alarm(None, None, "storage", f"help with a forgotten passphrase could not be prepared on this device: {error}")


def renew_key(session: Session, ring: Keyring, wanted: dict[bytes, bytes]) -> None:
    """Give the store another key, and these recipients a box with it; nobody else has one from then on. Raises OSError."""
    whose = rules.about(session.registry, session.identity.device)

    def seal(keys: tuple[bytes, ...]) -> tuple[Box, ...]:
        return rules.seal_boxes(whose, wanted, keys)

    if ring.change_key(session.store, whose.device, seal, session.entropy):
        _remember(session, ring, wanted)


def _put(session: Session, ring: Keyring, wanted: dict[bytes, bytes]) -> None:
    whose = rules.about(session.registry, session.identity.device)
    ring.put_boxes(whose.device, lambda keys: rules.seal_boxes(whose, wanted, keys), session.entropy)
    _remember(session, ring, wanted)


def _remember(session: Session, ring: Keyring, wanted: dict[bytes, bytes]) -> None:
    session.store.set_fact(_SEALED, cbor.encode({"to": sorted(wanted), "sealed": _digest(ring)}))


def _sealed(session: Session) -> tuple[set[bytes], bytes]:
    raw = session.store.fact(_SEALED)
    if raw is None:
        return set(), b""
    held = cbor.decode(raw)
    return set(held["to"]), held["sealed"]


def _digest(ring: Keyring) -> bytes:
    return ids.sha256(cbor.encode([ring.device, [list(box) for box in ring.boxes]]))


def who_can(session: Session) -> list[str]:
    """The names of who can help to open this device should its passphrase be forgotten; "recovery shares" is the last of them."""
    known, boxes = session.registry, session.store.keyring.boxes if session.store.keyring else ()
    names = sorted({known.devices[box.to].subject.name for box in boxes if box.to in known.devices})
    return names + ["recovery shares" for box in boxes if known.recovery.find(box.to)]


def server_ms(session: Session) -> int:
    """The server's time, as far as this device can tell."""
    return session.now_ms() + session.clock_offset()


# --- a colleague's request ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose locked device asks, and what a helper has to know before they answer."""

    request: Request
    certificate: Certificate
    warnings: tuple[str, ...]


def judge(session: Session, request: Request, secret: RecoverySecret | None = None, *, shares: bool = False) -> Asked:
    """Whether this device may answer a request, by its registry: as a helper, or with `shares` of a recovery key (`secret`, once they were typed).

    Raises Refused: no-standing, not-found, not-permitted.
    """
    known, me = session.registry, session.identity
    if not session.certified:
        raise Refused("no-standing", "this device does not stand in its registry: it cannot help")
    whose = rules.about(known, request.device)
    target, mine = known.devices[whose.device], known.devices[me.device]
    name = f"{target.subject.name}'s {target.keys.label}"
    if request.device == me.device:
        raise Refused("not-permitted", "this is the very device that asks: somebody else helps, on theirs")
    if not target.acts:
        raise Refused("not-permitted", f"{name} {_out(session, target)}: do not help, and tell your coordinator that somebody asked")
    if shares and not rules.any_content(mine.subject.roles):
        raise Refused("not-permitted", f"a device of {', '.join(mine.subject.roles)} may not open another: shares are typed at one that reads files")
    if not shares and not rules.may_open(known, target, mine):
        raise Refused("not-permitted", f"you may not help to open {name}: {_who_may(session, target)}")
    to = secret.id if secret else me.device
    if (secret or not shares) and request.box_for(to) is None:
        why = f"these are shares of recovery key {to.hex()[:8]}" if secret else "that device has not synced since you could help"
        raise Refused(
            "not-permitted", f"the request has no box for {'this key' if secret else 'this device'}: {why}; want one of {_who_has(session, request)}"
        )
    return Asked(request, target, tuple(_warnings(session, request, target)))


def _out(session: Session, target: Certificate) -> str:
    """In words: that a device is out, since when, and why."""
    at = target.revoked or target.suspended or 0
    statement = registry_rules.statement_of(_entry(session, at))
    reason = statement.reason if isinstance(statement, Revoke | Suspend) else "?"
    return f"was {'revoked' if target.revoked else 'suspended'} as {reason}"


def _entry(session: Session, seq: int) -> Entry:
    return next(entry_of(row) for row in session.store.entries(session.registry.log, seq - 1, seq))


def _who_may(session: Session, target: Certificate) -> str:
    now, known = server_ms(session), session.registry
    names = {known.devices[to].subject.name for to in rules.recipients(known, target.keys.device, now) if to in known.devices}
    return f"ask {', '.join(sorted(names))}" if names else "nobody of this side may but with the recovery shares"


def _who_has(session: Session, request: Request) -> str:
    known = session.registry
    named = [known.devices[box.to].subject.name if box.to in known.devices else f"recovery key {box.to.hex()[:8]}" for box in request.boxes]
    return ", ".join(dict.fromkeys(named))


def _warnings(session: Session, request: Request, target: Certificate) -> list[str]:
    now, found = server_ms(session), []
    if abs(now - request.made) > limits.HELP_MS:
        found.append("by its own clock the request was made more than an hour ago, or is of a time to come: ask what that phone's clock says")
    if target.subject.until < now:
        found.append("its certificate has ended: what it could not send will be held, until somebody with the right lets it in")
    for other in session.registry.devices.values():
        at = other.revoked or other.suspended
        if other.subject.user == target.subject.user and at and session.store.received_ms(session.registry.log, at) > now - _LATELY_MS:
            found.append(f"{other.subject.name}'s {other.keys.label} {_out(session, other)} in the last 30 days: be sure who it is that calls")
    return found


def challenge(session: Session, request: Request) -> str:
    """Six digits to read out to whoever holds the locked device. Drawn anew each time, and good once, for an hour."""
    digits = f"{int.from_bytes(session.entropy(8), 'big') % 10**DIGITS:0{DIGITS}}"
    with session.store.transaction():
        session.store.set_fact(_CHALLENGE + request.id.hex(), cbor.encode([digits, session.now_ms()]))
    return digits


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A request whose digits were read back rightly: nothing stands between the two devices."""

    asked: Asked


def confirm(session: Session, asked: Asked, digits: str) -> Confirmed:
    """Compare the digits that were read back. Right or wrong, the challenge is used up. Raises Refused: wrong-digits, request-ended."""
    name, request = _CHALLENGE + asked.request.id.hex(), asked.request
    raw = session.store.fact(name)
    said, at_ms = cbor.decode(raw) if raw else ("", 0)
    session.store.set_fact(name, b"")
    if not said or not 0 <= session.now_ms() - at_ms <= limits.HELP_MS:
        raise Refused("request-ended", "no digits wait for this request: begin again, and read out fresh ones")
    if "".join(digits.split()) != unlock.check_digits(request.id, said):
        text = "these are not the digits that the phone shows which made this request. Begin again, and read out fresh ones; when they differ again"
        raise Refused("wrong-digits", f"{text}, somebody stands between you: answer nothing, and tell your coordinator")
    return Confirmed(asked)


def answer(session: Session, confirmed: Confirmed, secret: RecoverySecret | None = None) -> bytes:
    """The bytes of an answer. This device keeps whom it helped. Raises Refused `not-permitted`, Malformed for a box that does not open."""
    request, me, whose = confirmed.asked.request, session.identity, confirmed.asked.certificate
    helper = Helper(me.svc, me.device, session.sign_key, session.receive_key, secret)
    made = helper.answer(request, rules.about(session.registry, request.device), server_ms(session))
    how = "with recovery shares you" if secret else "you"
    text = f"{how} helped to open {whose.subject.name}'s {whose.keys.label}, whose passphrase was forgotten (request {request.id.hex()[:8]})"
    session.alarm(None, None, helped(request), text)
    return made


def helped(request: Request) -> str:
    """The code of the alarm that both devices keep: each request has its own, so that none hides behind another."""
    return f"helped:{request.id.hex()[:8]}"
