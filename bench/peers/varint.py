"""Numbers of seven bits a byte, least first, as protocol buffers and Yjs have them."""


def varint(number: int) -> bytes:
    """A number as it travels."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(number, where the next thing begins)."""
    number = shift = 0
    while data[at] > 127:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return number | data[at] << shift, at + 1
