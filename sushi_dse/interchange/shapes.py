"""The shapes of a network's inputs, as a user writes them."""

import re
from collections.abc import Iterable
from math import prod

from sushi_dse.errors import UserError

Shape = tuple[int, ...]
SIDE = re.compile(r"[0-9]{1,9}")
MAX_ELEMENTS = 2**32  # largest input, far beyond any image


def parse_shapes(texts: Iterable[str]) -> dict[str, Shape]:
    """The shapes by the name of their input, "" where none is named; UserError for another text.

    >>> parse_shapes(["image=1x3x32x32", "1x3x8x8"])
    {'image': (1, 3, 32, 32), '': (1, 3, 8, 8)}
    """
    shapes: dict[str, Shape] = {}
    for text in texts:
        name, _, sides = text.rpartition("=")
        words = sides.split("x")
        shape = tuple(int(word) for word in words if SIDE.fullmatch(word))
        if len(shape) < len(words) or not 0 < prod(shape) <= MAX_ELEMENTS:
            raise UserError(
                f"--input-shape {text!r}: sides above 0 are wanted, such as 1x3x224x224 or "
                "image=1x3x224x224"
            )
        if name in shapes:
            raise UserError(f"--input-shape {text!r}: one shape for each input is wanted")
        shapes[name] = shape
    return shapes
