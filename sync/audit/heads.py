"""What the server signed of its logs is true of the logs that were exported."""

from collections.abc import Callable

from shared_schema import ids
from shared_schema.cose import Sign1
from shared_schema.entry import Head
from shared_schema.errors import Malformed
from shared_schema.receipt import Receipt, SignedHead, decode_receipt, decode_signed_head
from sync.audit.export import Audited, Export
from sync.signing import verify_bytes


def verify_heads(export: Export, result: Audited) -> None:
    """Signed heads and receipts: true of these logs, and a head at the end of each."""
    ends: set[bytes] = set()
    for data in export.heads:
        log, seq = _signed(result, data, lambda data: _head_claim(decode_signed_head(data)), "head")
        if seq == len(result.chains.get(log, ())) - 1:
            ends.add(log)
    for log, chains in result.chains.items():
        if log not in ends:
            result.add("bad-export", log, len(chains) - 1, "no signed head says that the log ends here")
    for data in export.receipts:
        log, seq = _signed(result, data, lambda data: _receipt_claim(decode_receipt(data)), "receipt")
        result.receipts += 1
        for item in decode_receipt(data).items if seq >= 0 else ():
            if result.items.get((log, item.seq), (item.id, item.received_ms)) != (item.id, item.received_ms):
                result.add("contradiction", log, item.seq, "the server signed a receipt for another entry, or another time, at this place")


def _head_claim(head: SignedHead) -> tuple[Sign1, bytes, Head]:
    return head.sign1, head.log, head.head


def _receipt_claim(receipt: Receipt) -> tuple[Sign1, bytes, Head]:
    return receipt.sign1, receipt.log, Head(receipt.incarnation, receipt.seq, receipt.chain)


def _signed(result: Audited, data: bytes, decode: Callable[[bytes], tuple[Sign1, bytes, Head]], what: str) -> tuple[bytes, int]:
    """What the server claims of a log must be signed, of this very service, side and incarnation, and true. Returns (log, seq), or (b"", -1) when
    it is no claim of this server's.
    """
    known, root = result.root
    try:
        sign1, log, (incarnation, seq, chain) = decode(data)
    except Malformed as error:
        result.add("bad-export", b"", 0, f"a {what} does not decode: {error}")
        return b"", -1
    if not verify_bytes(root.receipt, sign1.signature, sign1.to_sign):
        result.add("bad-export", log, seq, f"the {what}'s signature does not verify")
        return b"", -1
    if (sign1.svc, sign1.kid) != (known.svc, ids.server_key_id(root.receipt)) or incarnation not in known.incarnations:
        result.add("bad-export", log, seq, f"the {what} is of another service, key or incarnation")
        return b"", -1
    chains = result.chains.get(log)
    if chains is None:
        result.add("contradiction", log, seq, f"the server signed a {what} of a log that is not in the export")
    elif seq >= len(chains):
        result.add("contradiction", log, len(chains), f"the server signed a {what} at {seq} and the log ends at {len(chains) - 1}")
    elif chains[seq] != chain:
        result.add("contradiction", log, seq, f"the server signed a {what} with another chain at {seq}")
    return log, seq
