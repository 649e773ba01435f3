"""Entries that are rightly signed and hold random bytes where sealed notes would be: all that a server ever sees of a note."""

import os
from typing import Final

from bench.team import NOTE_BYTES
from shared_schema import cose, ids
from shared_schema.entry import EMPTY_ROOT, ENVELOPE, Witness, encode_pair, envelope_payload
from sync.device.session import Session
from sync.entry import Author
from sync.log import AuthorHead
from sync.sealing import SALT_BYTES, padded_size
from sync.signing import sign_object

_CHANGE_BYTES: Final = 110  # what a change adds to the text that it sets
_TAG_BYTES: Final = 16
PART_BYTES: Final = SALT_BYTES + padded_size(NOTE_BYTES + _CHANGE_BYTES) + _TAG_BYTES


class Ahead:
    """Signs entries of one device for one log before they are needed. All of them saw the log as the device has it now."""

    def __init__(self, session: Session, log: bytes, part_bytes: int = PART_BYTES) -> None:
        self._session, self._log, self._part_bytes = session, log, part_bytes
        self._last, self._head = session.author(log)
        self._epoch = session.require_file(log).epoch

    def sign(self, entries: int, notes: int) -> list[bytes]:
        """The next `entries` as they travel, each with `notes` parts."""
        return [self._next(notes) for _ in range(entries)]

    def _next(self, notes: int) -> bytes:
        me, last = self._session.identity, self._last
        author = Author(me.svc, self._log, me.device, last.sq, last.id or None, self._head, Witness(me.incarnation, 0, EMPTY_ROOT))
        parts = [os.urandom(self._part_bytes) for _ in range(notes)]
        protected, payload = author.header(ENVELOPE, self._epoch), envelope_payload(parts)
        self._last = AuthorHead(last.sq + 1, ids.sha256(cose.sig_structure(protected, payload)))
        return encode_pair(sign_object(self._session.sign_key, protected, payload), parts)
