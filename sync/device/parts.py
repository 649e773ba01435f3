"""The parts of sealed entries, opened with the secrets that this device has (docs/spec.md §4)."""

from shared_schema.entry import Entry
from shared_schema.errors import Malformed
from sync import keys, sealing
from sync.change import Change, decode_part
from sync.device.session import Session


def plaintext(session: Session, log: bytes, sealed: Entry, part: int) -> bytes | None:
    """What a part holds; None where it has gone, does not open, or its key is not here."""
    secret, data = session.store.secrets(log).get(sealed.epoch or 0), sealed.parts[part]
    if secret is None or data is None:
        return None
    ctx = keys.context(sealed.svc, log, sealed.epoch or 0)
    try:
        return sealing.open_part(secret, ctx, sealed.author, sealed.sq, sealed.sign1.protected, data, part, len(sealed.parts))
    except Malformed:
        return None


def changes_of(session: Session, log: bytes, sealed: Entry, part: int) -> list[Change]:
    """The changes in a part; none where nothing of it is folded here: it has gone, its key is not here, or it is a hole."""
    plain = plaintext(session, log, sealed, part)
    try:
        return [] if plain is None else decode_part(plain)
    except Malformed:
        return []
