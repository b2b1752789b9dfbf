"""A Timeloop problem of one convolution, in the spelling of version 0.3 or 0.4.

Its dimensions are those of `cnn-layer` in Timeloop's exercises: C input and M output channels, a
window R x S, an output P x Q (R and P along the width), N images, G groups with C and M each.
"""

from sushi_dse.interchange.foreign import ForeignValue
from sushi_dse.interchange.network import Counted, convolution, matrix_product, plain_name

SIZES = ("C", "M", "R", "S", "P", "Q")
ONES = ("N", "G", "Wstride", "Hstride", "Wdilation", "Hdilation")  # sizes that are 1 by default


def read_timeloop(problem: ForeignValue, name: str) -> Counted:
    """The layer of a `problem`; UserError where it is no convolution."""
    _check_shape(problem)
    instance = problem.find("instance") or problem  # Before version 0.3 there was no instance.
    sizes = {entry.name.lower(): entry for entry in instance.items()}
    defaults = _coefficients(problem)
    for size in SIZES:
        if size.lower() not in sizes:
            raise instance.error(f"the size {size} is missing here; add it")

    def count(size: str) -> int:
        given = sizes.get(size.lower())
        return given.count() if given else defaults.get(size.lower(), 1)

    if count("N") != 1:
        raise sizes["n"].error("N: a batch of one image is wanted; write 1")
    window, outputs = (count("S"), count("R")), (count("Q"), count("P"))
    kernels, channels, groups = count("M"), count("C"), count("G")
    if (*window, *outputs, groups) == (1, 1, 1, 1, 1):
        return matrix_product(name, inputs=channels, outputs=kernels)
    stride = count("Hstride"), count("Wstride")
    dilation = count("Hdilation"), count("Wdilation")
    height, width = (
        (output - 1) * step + (k - 1) * d + 1
        for output, step, k, d in zip(outputs, stride, window, dilation, strict=True)
    )
    try:
        return convolution(
            name,
            kernels=kernels * groups,
            channels=channels * groups,
            window=window,
            size=(height, width),  # Timeloop knows only the padded input.
            stride=stride,
            dilation=dilation,
            groups=groups,
        )
    except ValueError as error:
        raise instance.error(str(error)) from None


def _check_shape(problem: ForeignValue) -> None:
    """Raise UserError for a shape with dimensions that a convolution does not have."""
    shape = problem.find("shape")
    dimensions = shape.find("dimensions") if shape and shape.is_mapping else None
    for dimension in dimensions.items() if dimensions else ():
        if dimension.text() not in (*SIZES, "N", "G"):
            raise dimension.error(
                f"the dimension {plain_name(dimension.text())!r} is no convolution's; known: "
                + ", ".join((*SIZES, "N", "G"))
            )


def _coefficients(problem: ForeignValue) -> dict[str, int]:
    """The defaults that a shape states for the sizes that an instance leaves out."""
    shape = problem.find("shape")
    given = shape.find("coefficients") if shape and shape.is_mapping else None
    coefficients = {}
    for entry in given.items() if given else ():
        default = entry.find("default")
        if default:
            coefficients[entry["name"].text().lower()] = default.count()
    return coefficients
