"""Making entries: header, payload, signature (docs/spec.md §2, §3). Decoding is in shared_schema/entry.py."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared_schema.entry import ADMISSION, STATEMENT, Entry, Head, Witness, decode_entry, entry_header
from sync.signing import SigningKey, sign_object


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, and where it stands in one log: `sq` and `pv` are of its last entry there (0 and None at first)."""

    svc: bytes
    log: bytes
    device: bytes
    sq: int
    pv: bytes | None
    sn: Head
    ck: Witness

    def header(self, typ: str, epoch: int | None = None) -> bytes:
        """The protected header of this author's next entry."""
        return entry_header(typ, author=self.device, svc=self.svc, log=self.log, sq=self.sq + 1, pv=self.pv, sn=self.sn, ck=self.ck, epoch=epoch)


def sign_statement(author: Author, key: SigningKey, payload: bytes) -> Entry:
    """A statement, signed."""
    return decode_entry(sign_object(key, author.header(STATEMENT), payload))


def sign_admission(author: Author, key: SigningKey, payload: bytes, parts: Sequence[bytes]) -> Entry:
    """An admission, signed: an `admit` with the parts of the envelope that it carries."""
    return decode_entry(sign_object(key, author.header(ADMISSION), payload), parts)


def sign_expunction(key: SigningKey, protected: bytes, payload: bytes, stub: bytes) -> Entry:
    """An expunction, signed: an `expunge` with the sealed stub, under the header that the stub was sealed with."""
    return decode_entry(sign_object(key, protected, payload), [stub])
