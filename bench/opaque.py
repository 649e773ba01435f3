"""Entries that are rightly signed and hold random bytes where sealed notes would be: all that a server ever sees of a note."""

import os
from typing import Final

from bench.team import NOTE_BYTES
from shared_schema import ids
from shared_schema.entry import ENVELOPE, EMPTY_ROOT, Head, Witness, encode_pair, envelope_payload
from sync.device.session import Session
from sync.entry import Author
from sync.log import AuthorHead
from sync.sealing import SALT_BYTES, padded_size
from sync.signing import sign_object
from shared_schema import cose

_CHANGE_BYTES: Final = 110  # what a change adds to the text that it sets
_TAG_BYTES: Final = 16
PART_BYTES: Final = SALT_BYTES + padded_size(NOTE_BYTES + _CHANGE_BYTES) + _TAG_BYTES


def sign_ahead(session: Session, log: bytes, entries: int, notes: int, after: AuthorHead | None = None) -> tuple[list[bytes], AuthorHead]:
    """`entries` travelling pairs of `notes` parts each, by this device, and its last one. All saw the log as it is now."""
    me = session.identity
    last, head = session.author(log)
    last = after or last
    epoch = session.require_file(log).epoch
    pairs = []
    for _ in range(entries):
        author = Author(me.svc, log, me.device, last.sq, last.id or None, head, Witness(me.incarnation, 0, EMPTY_ROOT))
        parts = [os.urandom(PART_BYTES) for _ in range(notes)]
        protected, payload = author.header(ENVELOPE, epoch), envelope_payload(parts)
        pairs.append(encode_pair(sign_object(session.sign_key, protected, payload), parts))
        last = AuthorHead(last.sq + 1, ids.sha256(cose.sig_structure(protected, payload)))
    return pairs, last
