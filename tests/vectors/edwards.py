"""Ed25519 by the book (RFC 8032 §5.1), slowly: for making what no honest signer makes, and as an oracle for what one makes."""

import hashlib
from typing import Final

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, P) % P
_ROOT: Final = pow(2, (P - 1) // 4, P)
Point = tuple[int, int]
IDENTITY: Final[Point] = (0, 1)


def add(first: Point, second: Point) -> Point:
    """The sum of two points, in affine coordinates."""
    (x1, y1), (x2, y2) = first, second
    t = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + t, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - t, -1, P)
    return x % P, y % P


def times(scalar: int, point: Point) -> Point:
    """`scalar` times `point`."""
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def lift(y: int, sign: int) -> Point | None:
    """The point with this y and this sign of x; None where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * _ROOT % P
    if (x * x - square) % P:
        return None
    return (P - x if x & 1 != sign and x else x), y


def encode(point: Point) -> bytes:
    """The canonical 32 bytes of a point."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


_base = lift(4 * pow(5, -1, P) % P, 0)
assert _base is not None
BASE: Final[Point] = _base


def torsion() -> Point:
    """A point of order 8."""
    y = 2
    while True:
        point = lift(y, 0)
        if point is not None:
            small = times(L, point)
            if times(4, small) != IDENTITY:
                return small
        y += 1


def expand(seed: bytes) -> tuple[int, bytes]:
    """The scalar and the prefix of a seed."""
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254
    return scalar, digest[32:]


def challenge(r: bytes, public: bytes, data: bytes) -> int:
    """K of RFC 8032, reduced."""
    return int.from_bytes(hashlib.sha512(r + public + data).digest(), "little") % L


def sign(seed: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Public key and signature."""
    scalar, prefix = expand(seed)
    public = encode(times(scalar, BASE))
    nonce = int.from_bytes(hashlib.sha512(prefix + data).digest(), "little") % L
    r = encode(times(nonce, BASE))
    return public, r + ((nonce + challenge(r, public, data) * scalar) % L).to_bytes(32, "little")
