"""A Timeloop problem of one convolution, in the spelling of version 0.3 or 0.4.

Its dimensions are those of `cnn-layer` in Timeloop's exercises: C input and M output channels, a
window R x S, an output P x Q (R and P along the width), N images, G groups with C and M each.  Some
files call the output channels K.  The shape of a published problem stands in a file that it
includes, where every size is 1 by default.
"""

from sushi_dse.errors import near_names
from sushi_dse.interchange.foreign import ForeignValue
from sushi_dse.interchange.network import Counted, convolution, matrix_product, plain_name

SIZES = ("C", "M", "R", "S", "P", "Q")
ONES = ("N", "G", "Wstride", "Hstride", "Wdilation", "Hdilation")  # sizes that are 1 by default
KNOWN = (*SIZES, "K", *ONES)
BESIDE = ("version",)  # numbers of a problem that are no sizes


def read_timeloop(problem: ForeignValue, name: str) -> Counted:
    """The layer of a `problem`; UserError where it is no convolution."""
    _check_shape(problem)
    instance = problem.find("instance") or problem  # Before version 0.3 there was no instance.
    sizes = _sizes(instance)
    defaults = _coefficients(problem)
    for size in SIZES:
        if size.lower() not in sizes and not problem.has_include:
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


def _sizes(instance: ForeignValue) -> dict[str, ForeignValue]:
    """The sizes by their names in lower case; UserError for one that a convolution does not have.

    Entries that are no numbers say nothing of the layer.
    """
    known = {size.lower() for size in KNOWN}
    sizes = {}
    for entry in instance.items():
        name = entry.name.lower()
        if name in known:
            sizes[name] = entry
        elif entry.is_count and name not in BESIDE:
            raise entry.error(
                f"{plain_name(entry.name)!r} is no size of a convolution; {near_names(name, KNOWN)}"
            )
    if "k" in sizes:
        if "m" in sizes:
            raise sizes["k"].error("K and M both: the output channels have one name; write M alone")
        sizes["m"] = sizes.pop("k")
    return sizes


def _check_shape(problem: ForeignValue) -> None:
    """Raise UserError for a shape with dimensions that a convolution does not have."""
    shape = problem.find("shape")
    dimensions = shape.find("dimensions") if shape and shape.is_mapping else None
    listed = list(dimensions.items()) if dimensions else []
    names = [dimension.text() for dimension in listed]
    known = (*SIZES, "N", "G")
    for dimension, name in zip(listed, names, strict=True):
        if name not in known and (name != "K" or "M" in names):
            raise dimension.error(
                f"the dimension {plain_name(name)!r} is no convolution's; known: {', '.join(known)}"
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
