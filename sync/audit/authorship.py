"""Who signed an entry, and what its author had seen."""

from shared_schema.errors import Contradiction, ProtocolError
from sync.exchange import check_signature
from sync.log import Placed


def finding_code(error: ProtocolError) -> str:
    """What the log's own evidence makes void is the author's fault or the server's; a contradiction is the server's alone."""
    return error.code if error.code == "contradiction" else f"void:{error.code}"


def check_authorship(place: Placed, public: bytes, chains: list[bytes]) -> None:
    """Raises Contradiction unless the author signed the entry and had seen this very log."""
    check_signature(place, public)
    seen = place.entry.sn
    if seen.seq >= place.seq:
        raise Contradiction(f"its author saw entry {seen.seq}, which came after it")
    if chains[seen.seq] != seen.chain:
        raise Contradiction(f"its author saw another entry {seen.seq}")
