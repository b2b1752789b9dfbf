"""The bits of a weight, and the bytes that hold so many of them."""

BYTE_BITS = 8
INT8_BITS = 8
WEIGHT_BITS = (4, 8, 16)  # that a weight may have: two to a byte, one, or two bytes for one


def whole_bytes(bits: int) -> int:
    """The bytes that hold so many bits.

    >>> whole_bytes(9 * 4)
    5
    """
    return -(-bits // BYTE_BITS)


def check_weight_bits(where: str, bits: int) -> None:
    """Raise a `ValueError` that begins with `where` unless weights may have so many bits."""
    if bits not in WEIGHT_BITS:
        known = ", ".join(map(str, WEIGHT_BITS))
        raise ValueError(f"{where}: weight_bits must be one of {known}, got {bits}")
