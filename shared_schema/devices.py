"""What devices say of themselves, as a supervisor fetches it (docs/spec.md §10.3).  Vectors: shared_schema/vectors/wire/.

Nobody signs it: it helps to see who needs help, and proves nothing.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from shared_schema import cbor
from shared_schema.errors import Malformed
from shared_schema.shape import as_id, as_list, as_tuple, as_uint, versioned
from shared_schema.wire import Status, decode_status, status_map


class Heard(NamedTuple):
    """When the server last took a sync request of a device, and what the device said of itself in it."""

    device: bytes
    heard_ms: int
    status: Status


def encode_devices(heard: Sequence[Heard], time_ms: int) -> bytes:
    """The answer to `GET /v1/audit/S/devices`."""
    rows = [[one.device, one.heard_ms, status_map(one.status)] for one in sorted(heard)]
    return cbor.encode({"v": 1, "time": time_ms, "devices": rows})


def decode_devices(data: bytes) -> tuple[tuple[Heard, ...], int]:
    """What each device said, rising by device, and the server's clock. Raises Malformed."""
    map_ = versioned(cbor.decode(data), "devices", "time", "devices")
    heard = tuple(_heard(item) for item in as_list(map_["devices"], "devices"))
    if any(one.device >= after.device for one, after in pairwise(heard)):
        raise Malformed("the devices are not in rising order")
    return heard, as_uint(map_["time"], "time")


def _heard(value: object) -> Heard:
    device, heard_ms, status = as_tuple(value, "device", 3)
    return Heard(as_id(device, "device"), as_uint(heard_ms, "heard_ms"), decode_status(status))
