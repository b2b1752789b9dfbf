"""The bits of weights and of multipliers, and the bytes that hold so many bits."""

from typing import Final

BYTE_BITS = 8
INT8_BITS: Final = 8
BITS = (4, 8, 16)  # that a weight may have, and that the inputs of a multiplier may have


def whole_bytes(bits: int) -> int:
    """The bytes that hold so many bits.

    >>> whole_bytes(9 * 4)
    5
    """
    return -(-bits // BYTE_BITS)


def check_bits(name: str, bits: int) -> None:
    """Raise a `ValueError` that begins with `name` unless `bits` is one of `BITS`."""
    if bits not in BITS:
        raise ValueError(f"{name} must be one of {', '.join(map(str, BITS))}, got {bits:g}")
