"""The parts of sealed entries, opened with the secrets that this device has (docs/spec.md §4)."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from shared_schema import ids
from shared_schema.entry import Entry
from shared_schema.errors import Malformed, ProtocolError
from sync import keys, sealing
from sync.attachment import Manifest, decode_manifest
from sync.change import Change
from sync.cover_traffic import read_part
from sync.device.session import Session

ATTACHMENT: Final = "attachment"
CONTENT: Final = "content"


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
        return [] if plain is None else read_part(plain)
    except Malformed:
        return []


def parcel_in(changes: Iterable[Change]) -> bytes | None:
    """The parcel that a record was made from which these changes begin, if one (docs/spec.md §15.4)."""
    for change in changes:
        for op in change.ops:
            if op.field == "parcel" and isinstance(op.value, str):
                try:
                    return ids.parse(op.value)
                except Malformed:
                    continue
    return None


def manifests_in(changes: Iterable[Change]) -> Iterator[Manifest]:
    """The content of each attachment that these changes begin (docs/spec.md §18.2)."""
    for change in changes:
        for op in change.ops:
            if change.t == ATTACHMENT and op.field == CONTENT:
                try:
                    yield decode_manifest(op.value)
                except ProtocolError:
                    continue


def texts_in(changes: Iterable[Change]) -> Iterator[str]:
    """Every text that these changes say."""
    for change in changes:
        for op in change.ops:
            yield from _texts(op.value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)
