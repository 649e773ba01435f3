"""Bodies that are small on the wire and large in memory."""

import secrets
import time

import pytest

from shared_schema import cbor, cose, limits
from shared_schema.entry import ENVELOPE, decode_entry, decode_pair
from shared_schema.errors import Malformed, Refused
from shared_schema.membership import decode_file_statement
from shared_schema.wire import Cursor, SyncRequest, decode_request, encode_request
from tests.live import Live


def empty_maps(count: int) -> bytes:
    return cbor.head(4, count) + b"\xa0" * count


def test_what_a_request_may_have() -> None:
    """All cursors and entries at once are well within it."""
    part = secrets.token_bytes(304)
    push = tuple([secrets.token_bytes(250), [part] * 6] for _ in range(limits.ENTRIES_PER_PUSH))
    cursors = tuple(Cursor(secrets.token_bytes(16), 2**40, bytes(32)) for _ in range(limits.FILES_PER_DEVICE))
    request = SyncRequest(cursors, push, prove=tuple(range(limits.PROOFS_PER_SYNC)))
    assert decode_request(encode_request(request)) == request


@pytest.mark.parametrize("size", [1, 10, 300, 70_000, 140_000])
def test_items_are_counted_as_they_are_decoded(size: int) -> None:
    """Whatever the lengths of their heads."""
    value = [1000, -5, "x" * size, bytes(size), {"a": [None, True], "b": 2**40}, [], {}] * (1 + 20_000 // size)
    data, count = cbor.encode(value), 1 + 13 * (1 + 20_000 // size)
    assert cbor.decode(data, count) == value
    with pytest.raises(Malformed):
        cbor.decode(data, count - 1)


def test_millions_of_empty_maps() -> None:
    begun = time.process_time()
    for decode, data in (
        (decode_request, b"\xa6" + cbor.encode("v") + b"\x01" + cbor.encode("push") + empty_maps(limits.REQUEST_BYTES - 100)),
        (decode_file_statement, empty_maps(limits.ENTRY_BYTES - 1000)),
        (decode_entry, cose.TAG + b"\x84" + empty_maps(limits.ENTRY_BYTES - 1000)),
        (decode_entry, cose.assemble(empty_maps(limits.ENTRY_BYTES - 1000), b"", bytes(64))),
    ):
        with pytest.raises(Malformed, match="items"):
            decode(data)
    assert time.process_time() - begun < 0.5, "nothing is made of them"


def test_an_envelope_of_empty_maps() -> None:
    header = {1: -19, 4: bytes(16), 16: ENVELOPE, "v": 1, "svc": bytes(16), "log": bytes(16), "sq": 1, "pv": None, "ep": 1}
    header |= {"sn": [bytes(16), 0, bytes(32)], "ck": [bytes(16), 0, bytes(32)]}
    data = cose.assemble(cbor.encode(header), empty_maps(1 << 19), bytes(64))
    with pytest.raises(Malformed, match="items"):
        decode_pair([data, [b""]])


def test_the_server_goes_on(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",))
    body = b"\xa6" + cbor.encode("v") + b"\x01" + cbor.encode("push") + empty_maps(limits.REQUEST_BYTES - 100)
    begun = time.monotonic()
    with pytest.raises((Malformed, Refused)) as caught:
        live.transport.sync(sam, body)
    assert caught.value.code == "malformed"
    assert time.monotonic() - begun < 3
