"""Cover traffic: one envelope a day for each file, of the same sizes whatever it says (docs/spec.md §9.7).  Vectors: shared_schema/vectors/cover/.

Pure. When a device seals is decided here and in sync/device/exchanging/covering.py; a server knows nothing of it.
"""

from collections.abc import Sequence
from typing import Final

from shared_schema import cbor
from sync.change import Change, decode_part
from sync.sealing import STEPS, padded_size

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
SIZES: Final = (256, 256, 512, 512, 1024, 1024, 2048, 2048, 4096, 4096)
"""Padded sizes of the parts of a day's envelope, in order."""
_LENGTH: Final = 4
_SHORT_HEAD, _LONG_HEAD = b"\x58", b"\x59"  # of a byte string: its length in one byte, in two


def day_of(ms: int, hour: int) -> int:
    """The number of the day, which begins at `hour` UTC, that `ms` is in."""
    return (ms - hour * HOUR_MS) // DAY_MS


def cover_part(size: int) -> bytes:
    """The plaintext of a part that says nothing and has the padded size `size`, one of `SIZES`."""
    room = size - _LENGTH
    head = _SHORT_HEAD + (room - 2).to_bytes(1, "big") if room - 2 < 256 else _LONG_HEAD + (room - 3).to_bytes(2, "big")
    return head + bytes(room - len(head))


def is_cover(plaintext: bytes) -> bool:
    """True for a part that says nothing. Raises Malformed for what is not CBOR, or a byte string that says something."""
    if plaintext[:1] == b"" or plaintext[0] >> 5 != 2:  # no byte string: changes, which are looked at elsewhere
        return False
    value = cbor.decode(plaintext)
    return isinstance(value, bytes) and not value.strip(b"\0")


def read_part(plaintext: bytes) -> list[Change]:
    """The changes of a part, none of one that is cover. Raises Malformed."""
    return [] if is_cover(plaintext) else decode_part(plaintext)


def fits(plaintexts: Sequence[int]) -> bool:
    """Whether parts of these lengths go into one day's envelope. Those of more than 4,096 padded bytes have no place in it, and stand behind."""
    taken = [padded_size(length + _LENGTH) for length in plaintexts]
    return all(taken.count(step) <= SIZES.count(step) for step in STEPS)


def sealed_bytes(plaintexts: Sequence[int]) -> int:
    """The bytes of the day's parts, and of the larger ones behind them, once they are sealed."""
    larger = (padded_size(length + _LENGTH) for length in plaintexts)
    return sum(size + 128 for size in (*SIZES, *(size for size in larger if size > SIZES[-1])))


def arrange(plaintexts: Sequence[bytes]) -> list[bytes]:
    """A day's envelope: what there is to say, which `fits`, each in the first free part of its size, the others cover, and what is larger behind."""
    waiting: dict[int, list[bytes]] = {}
    for one in plaintexts:
        waiting.setdefault(padded_size(len(one) + _LENGTH), []).append(one)
    day = [waiting[size].pop(0) if waiting.get(size) else cover_part(size) for size in SIZES]
    return day + [one for one in plaintexts if padded_size(len(one) + _LENGTH) > SIZES[-1]]
