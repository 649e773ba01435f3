"""Photographs and documents on a device (docs/spec.md §18.7, §18.8): cleaned and sealed here, sent in chunks when there is a signal, fetched when asked for.

An attachment's record waits on the device until the server has acknowledged every chunk: nobody is shown a record without its content. A cut connection costs
one chunk. Chunks that are not waiting are a cache of CACHE_BYTES, and go with what named them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import cbor, ids, limits
from shared_schema.chunk import Claim, decode_claimed, encode_claims
from shared_schema.entry import Entry, decode_entry
from shared_schema.errors import Malformed, ProtocolError, Refused
from sync import attachment
from sync.attachment import Manifest, decode_manifest, encode_manifest
from sync.device.exchanging.parts import ATTACHMENT, CONTENT, changes_of, manifests_in
from sync.device.exchanging.transport import SignedRequests
from sync.device.recording import records
from sync.device.session import Session
from sync.device.storage.attachment_sql import Outgoing
from sync.device.storage.tables import OutboxRow
from sync.fold import PENDING

CACHE_BYTES: Final = 268_435_456
_GAVE_BACK: Final = "chunks-given-back:"  # with a log id in hex: the fact that says for which incarnation
_LATER: Final = frozenset({"offline", "quota", "busy", "internal", "storage", "restoring"})
Advance = Callable[[int, int], None]
ENDINGS: Final = {"jpeg": "jpg", "png": "png", "pdf": "pdf"}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What may be kept: its form, its bytes, a small picture of it (empty for a document), and in words what was done."""

    form: str
    content: bytes
    thumbnail: bytes
    done: str


def _silent(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class Sent:
    """What one sending did: chunks that the server took, attachments that are complete now, those that wait, and why the first of them does."""

    chunks: int = 0
    complete: int = 0
    left: int = 0
    why: str = ""
    code: str = ""

    def add(self, more: "Sent") -> None:
        """Count another sending in; what is left, and why, is as it is now."""
        self.chunks += more.chunks
        self.complete += more.complete
        self.left, self.why, self.code = more.left, more.why, more.code


@dataclass(frozen=True, slots=True)
class Shown:
    """An attachment as people see it. `chunks` of `total` are here; `sent` of them are with the server while it waits; `received` is its record's."""

    record: bytes
    values: Mapping[str, Any]
    manifest: Manifest | None
    by: bytes
    received: bool
    waits: Outgoing | None
    unsent: int
    here: int


# --- adding -----------------------------------------------------------------------------------------------------------------------


def add(session: Session, log: bytes, cleaned: Cleaned, values: Mapping[str, Any], *, to: bytes | None = None) -> bytes:
    """Keep an attachment, sealed, in the store: one transaction with its record, and with the record that names it, if one. Works offline."""
    me = session.identity
    sealed = attachment.seal(me.svc, log, session.entropy(32), cleaned.form, cleaned.content, cleaned.thumbnail)
    said = {**values, CONTENT: encode_manifest(sealed.manifest)}
    field = None if to is None else _field_for(session, log, to)
    with session.store.transaction():
        made = records.add(session, log, ATTACHMENT, said)
        session.store.put_attachment(log, made)
        for chunk_id, chunk in zip(sealed.manifest.ids, sealed.chunks, strict=True):
            session.store.put_chunk(log, chunk_id, made, chunk, session.now_ms(), sent=False)
        if to is not None and field is not None:
            before = records.values(session, log, to).get(field)
            records.edit(session, log, to, {field: [*(before.value or [] if before else []), ids.show(made)]})
    return made


def _field_for(session: Session, log: bytes, record: bytes) -> str:
    """The field of a record in which attachments stand. Raises Refused where there is none."""
    type_ = records.type_of(session, log, session.record(log, record))
    for name, field in type_.fields.items():
        if field.kind == "attachments":
            return name
    raise Refused("bad-value", f"nothing is attached to a {type_.name.replace('_', ' ')}: add it to the file alone, without --to")


# --- sending ----------------------------------------------------------------------------------------------------------------------


def send(session: Session, transport: SignedRequests, advance: Advance = _silent) -> Sent:
    """Bring the server what it has not acknowledged. What was acknowledged is not brought again. Raises Refused only where this device has lost its place."""
    store, sent = session.store, Sent()
    settle(session)
    waiting = [one for one in store.outgoing() if not one.complete and not session.stopped(one.log)]
    todo = {one: store.unsent_chunks(one.log, one.record) for one in waiting if session.reader(one.log).file is not None}
    total, done = sum(map(len, todo.values())), 0
    for one, chunks in todo.items():
        try:
            for chunk in chunks:
                advance(done, total)
                body = store.chunk(one.log, chunk, session.now_ms())
                if body is not None:
                    transport.signed(session, "PUT", f"/v1/chunk/{ids.show(one.log)}/{chunk.hex()}", body)
                with store.transaction():  # from here on it is not brought again, whenever the line breaks
                    store.mark_chunk(one.log, chunk, sent=True)
                done, sent.chunks = done + 1, sent.chunks + 1
            with store.transaction():
                store.set_complete(one.log, one.record, True)
            sent.complete += 1
        except Refused as error:
            if error.code in ("revoked", "suspended", "certificate-ended"):
                raise
            with store.transaction():
                store.set_complete(one.log, one.record, False, f"{error.code}: {error}")
            sent.why, sent.code = sent.why or _why(error), sent.code or error.code
            if error.code in _LATER:
                break
    advance(done, total)
    with store.transaction():
        store.trim_chunks(CACHE_BYTES)
    sent.left = sum(not one.complete for one in store.outgoing())
    return sent


def settle(session: Session) -> None:
    """What the log shows waits no more."""
    with session.store.transaction():
        session.store.settle_attachments()


def _why(error: Refused) -> str:
    """What a refusal means for whoever waits."""
    if error.code == "quota":
        return "this device, or this file, has used up its room for attachments: it goes on by itself, or ask who runs the server. Nothing is lost"
    if error.code == "no-such-file":
        return "you are not in that file any more, so its attachments stay on this device"
    return str(error)


def claim(session: Session, transport: SignedRequests, items: list[OutboxRow]) -> set[bytes]:
    """Before anything is pushed: tell the server which chunks the attachments in it name. Returns the files in which some are not there: of those nothing is
    pushed until they have been brought again.
    """
    short: set[bytes] = set()
    for log, claims in _claims(session, items).items():
        for at in range(0, len(claims), limits.CLAIMS_PER_REQUEST):
            try:
                body = encode_claims(claims[at : at + limits.CLAIMS_PER_REQUEST])
                missing = decode_claimed(transport.signed(session, "POST", f"/v1/chunks/{ids.show(log)}", body))
            except Refused as error:
                if error.code in _LATER:
                    raise
                continue  # removed, or no member any more: the verdict on the entry itself says which
            if missing:
                short.add(log)
                _bring_again(session, log, set(missing))
    return short


def _claims(session: Session, items: list[OutboxRow]) -> dict[bytes, list[Claim]]:
    waiting = {one.log for one in session.store.outgoing()}
    found: dict[bytes, list[Claim]] = {}
    for item in items:
        if item.statement or item.receipted or item.log not in waiting:
            continue
        entry = decode_entry(item.cose, cbor.decode(item.parts))
        for part, digest in enumerate(entry.hashes):
            named = [chunk for manifest in _manifests(session, item.log, entry, part) for chunk in manifest.ids]
            if named:
                found.setdefault(item.log, []).append(Claim(digest, tuple(dict.fromkeys(named))))
    return found


def _manifests(session: Session, log: bytes, entry: Entry, part: int) -> list[Manifest]:
    return list(manifests_in(changes_of(session, log, entry, part)))


def _bring_again(session: Session, log: bytes, missing: set[bytes]) -> None:
    """The server does not have these: it waited longer than it keeps what nothing names, or an older copy of it was put back."""
    store = session.store
    with store.transaction():
        for one in store.outgoing(log):
            manifest = manifest_of(session, log, one.record)
            mine = missing.intersection(manifest.ids if manifest else ())
            for chunk in mine:
                store.mark_chunk(log, chunk, sent=False)
            if mine:
                store.set_complete(log, one.record, False)


def give_back(session: Session, transport: SignedRequests) -> None:
    """Once after a server came back from an older copy: claim anew what is named in the files and lies here, and bring what is missing (docs/spec.md §18.5)."""
    store, incarnation = session.store, session.registry.incarnation
    for log in session.file_logs():
        file, done = session.file(log), f"{_GAVE_BACK}{log.hex()}"
        if file is None or store.fact(done) == incarnation or session.identity.user not in file.members or session.stopped(log):
            continue
        try:
            _give_back(session, transport, log)
        except Refused as error:
            if error.code in _LATER:
                continue
        with store.transaction():
            store.set_fact(done, incarnation)


def _give_back(session: Session, transport: SignedRequests, log: bytes) -> None:
    claims = [claim for claim in _claims_in_log(session, log) if any(session.store.has_chunk(log, one) for one in claim.chunks)]
    for at in range(0, len(claims), limits.CLAIMS_PER_REQUEST):
        body = encode_claims(claims[at : at + limits.CLAIMS_PER_REQUEST])
        for chunk in decode_claimed(transport.signed(session, "POST", f"/v1/chunks/{ids.show(log)}", body)):
            kept = session.store.chunk(log, chunk, session.now_ms())
            if kept is not None:
                transport.signed(session, "PUT", f"/v1/chunk/{ids.show(log)}/{chunk.hex()}", kept)


def _claims_in_log(session: Session, log: bytes) -> list[Claim]:
    """For every part in the log that names chunks."""
    records_there = [record for record, _ in session.store.records(log, ATTACHMENT)]
    places = {row.seq for record in records_there for row in session.store.changes_of(log, record) if row.seq not in (None, PENDING)}
    found = []
    for row in (row for place in sorted(places, key=int) for row in session.store.entries(log, int(place) - 1, int(place))):
        entry = decode_entry(row.cose, cbor.decode(row.parts))
        sealed = entry.sealed or entry
        for part, digest in enumerate(sealed.hashes):
            named = [chunk for manifest in _manifests(session, log, sealed, part) for chunk in manifest.ids] if sealed.parts[part] is not None else []
            found += [Claim(digest, tuple(dict.fromkeys(named)))] if named else []
    return found


# --- looking ----------------------------------------------------------------------------------------------------------------------


def manifest_of(session: Session, log: bytes, record: bytes) -> Manifest | None:
    """What a record says of its content; None where it was removed, or is none."""
    said = records.values(session, log, record).get(CONTENT)
    try:
        return None if said is None or said.value is None else decode_manifest(said.value)
    except ProtocolError:
        return None


def list_shown(session: Session, log: bytes) -> list[Shown]:
    """The attachments of a file, in its order."""
    return [show(session, log, record) for record, _ in session.store.records(log, ATTACHMENT)]


def show(session: Session, log: bytes, record: bytes) -> Shown:
    """One attachment. Raises Refused for another record."""
    found = session.record(log, record)
    if found.type != ATTACHMENT:
        raise Refused("bad-value", f"that is a {found.type.replace('_', ' ') or 'record without a type'}, and no attachment")
    waits = next((one for one in session.store.outgoing(log) if one.record == record), None)
    values = {name: one.value for name, one in records.values(session, log, record).items()}
    unsent = len(session.store.unsent_chunks(log, record)) if waits else 0
    received = any(row.seq not in (None, PENDING) for row in session.store.changes_of(log, record))
    return Shown(
        record, values, manifest_of(session, log, record), found.creator_user, received, waits, unsent, session.store.count_chunks(log, record)
    )


def fetch(session: Session, transport: Callable[[], SignedRequests], log: bytes, record: bytes, advance: Advance = _silent) -> bytes:
    """The content, from this device as far as it is here, checked by its hash. Raises Refused where it cannot be had."""
    manifest = _require_manifest(session, log, record)
    chunks = []
    for n, chunk in enumerate(manifest.chunks):
        advance(n, len(manifest.chunks))
        chunks.append(_chunk(session, transport, log, record, chunk))
    advance(len(chunks), len(chunks))
    content = attachment.open_content(session.identity.svc, log, manifest, chunks)
    with session.store.transaction():
        session.store.trim_chunks(CACHE_BYTES)
    return content


def thumbnail(session: Session, transport: Callable[[], SignedRequests], log: bytes, record: bytes) -> bytes:
    """A small picture of it, empty where there is none."""
    manifest = _require_manifest(session, log, record)
    return attachment.open_thumbnail(session.identity.svc, log, manifest, _chunk(session, transport, log, record, manifest.thumbnail))


def _require_manifest(session: Session, log: bytes, record: bytes) -> Manifest:
    shown = show(session, log, record)
    if shown.manifest is None:
        raise Refused("not-found", "the content of this attachment was removed, or is of a kind that needs a newer app")
    return shown.manifest


def _chunk(session: Session, transport: Callable[[], SignedRequests], log: bytes, record: bytes, chunk: bytes) -> bytes:
    here = session.store.chunk(log, chunk, session.now_ms())
    if here is not None:
        return here
    try:
        body = transport().signed(session, "GET", f"/v1/chunk/{ids.show(log)}/{chunk.hex()}")
    except Refused as error:
        if error.code != "no-such-file":
            raise
        raise Refused("not-found", "the server does not have this attachment's content, or you are not in the file any more") from None
    try:
        attachment.check_chunk_of(chunk, body)
    except Malformed:
        text = "the server gave other bytes than an attachment has: nothing of them was kept"
        with session.store.transaction():
            session.alarm(log, None, "bad-chunk", text)
        raise Refused("contradiction", text) from None
    with session.store.transaction():
        session.store.put_chunk(log, chunk, record, body, session.now_ms(), sent=True)
    return body


def waiting_lines(session: Session) -> list[tuple[bytes, str]]:
    """(file, words) of what waits here although the server was asked to take it."""
    return [(one.log, one.why) for one in session.store.outgoing() if one.why]
