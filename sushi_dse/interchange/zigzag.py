"""A ZigZag workload: a list of layers with their loops, or the older mapping of them by number.

The loops are K kernels and C channels (in each of G groups), a window FX x FY, an output OX x OY,
B images, and D vectors of a matrix product in each of H heads.  A product with an equation may call
its loops as it likes.  The weights of a layer are constant where `operand_source` names the layer
itself, or nothing.
"""

import re
from collections import Counter
from math import prod

from sushi_dse.interchange.foreign import ForeignValue
from sushi_dse.interchange.network import (
    Counted,
    ImportedNetwork,
    Pair,
    convolution,
    matrix_product,
    plain_name,
)

CONVOLUTIONS = ("conv", "depthwise")  # prefixes of an operator_type
PRODUCTS = ("gemm", "matmul", "fc", "fullyconnected", "linear", "dense")
UNCHARGED = ("add", "pool", "maxpool", "averagepool", "avgpool", "globalaveragepool", "relu", "mul",
             "softmax", "concat", "batchnorm", "layernorm", "simd")  # fmt: skip
# The older key counts from 1, as in `ix=ox+fx-1`; its constant is no padding.
RELATION_KEYS = ("dimension_relations", "equation_relations")
RELATION = re.compile(
    r"i(?P<axis>[xy])=(?:(?P<stride>[0-9]{1,5})\*)?o(?P=axis)"
    r"\+(?:(?P<dilation>[0-9]{1,5})\*)?f(?P=axis)(?:-1)?"
)
FACTOR = r"(\w)((?:\[\w+\])+)"
PRODUCT = re.compile(rf"O((?:\[\w+\])+)\+={FACTOR}\*{FACTOR}")
LOOPS = {"B", "D", "H", "K", "G", "C", "OX", "OY", "FX", "FY"}


def read_zigzag(workload: ForeignValue, *, skip_unsupported: bool) -> ImportedNetwork:
    """The layers of a workload; UserError for work that no layer represents, unless skipped."""
    layers: list[Counted] = []
    uncharged: Counter[str] = Counter()
    skipped: list[str] = []
    names: set[str] = set()
    for position, entry in enumerate(workload.items()):
        given = entry.find("name") or entry.find("id")
        name = plain_name(given.text() if given else entry.name)
        name = f"layer{name}" if name.isdigit() or not name else name
        if name in names:
            name = f"{name}_{position}"
        names.add(name)
        kind = _kind(entry)
        if _begins(kind, UNCHARGED):
            uncharged[plain_name(kind)] += 1
        elif _begins(kind, CONVOLUTIONS + PRODUCTS) and not _weights_are_computed(entry):
            layers.append(_layer(name, entry, is_product=_begins(kind, PRODUCTS)))
        elif skip_unsupported:
            skipped.append(f"{name!r} ({plain_name(kind)})")
        else:
            raise entry.error(
                f"no layer can do the work of {name!r} ({plain_name(kind)}); take it out, or leave "
                "it out of the count by --skip-unsupported"
            )
    if not layers:
        raise workload.error("has no convolution and no product with weights")
    return ImportedNetwork(
        source=workload.path,
        layers=tuple(layers),
        uncharged=dict(uncharged.most_common()),
        skipped=tuple(skipped),
    )


def is_zigzag(top: ForeignValue) -> bool:
    """Whether the file is a list, or a mapping, of layers with their loops."""
    if not (top.is_list or top.is_mapping):
        return False
    layers = list(top.items())
    return bool(layers) and layers[0].is_mapping and any(
        entry.name in ("loop_dims", "loop_dim_size") for entry in layers[0].items()
    )  # fmt: skip


def _kind(entry: ForeignValue) -> str:
    """The operator of a layer; where it is not stated, a convolution if the layer has weights."""
    operator, equation = entry.find("operator_type"), entry.find("equation")
    if operator:
        return operator.text()
    return "Conv" if equation is None or "W[" in equation.text() else "Add"


def _begins(kind: str, beginnings: tuple[str, ...]) -> bool:
    return re.sub(r"[^a-z]", "", kind.lower()).startswith(beginnings)


def _weights_are_computed(entry: ForeignValue) -> bool:
    """Whether another layer computes the weights, so that both factors are activations."""
    sources = entry.find("operand_source")
    weights = sources.find("W") if sources else None
    if weights is None:
        return False
    if weights.is_list:
        return bool(weights.counts())
    own = entry.find("id")
    return (own.text() if own else entry.name) != weights.text()


def _layer(name: str, entry: ForeignValue, *, is_product: bool) -> Counted:
    older = entry.find("loop_dim_size")
    if older:
        sizes = {size.name.upper(): size.count() for size in older.items()}
    else:
        sizes = _sizes(entry, "loop_dims", "loop_sizes")
    if sizes.get("B", 1) != 1:
        raise entry.error(
            f"{name!r}: a batch of {sizes['B']}; write B: 1, as a network is run by image, and the "
            "rows of a matrix as D"
        )
    if is_product:
        sizes = _product_sizes(entry, sizes)
    strange = sorted(set(sizes) - LOOPS)
    if strange:
        raise entry.error(f"the loop {plain_name(strange[0])!r} of {name!r} is none of a layer's")
    rows = sizes.get("D", 1) * sizes.get("H", 1)
    groups = sizes.get("G", 1)
    kernels, channels = sizes.get("K", 1) * groups, sizes.get("C", 1) * groups
    window = sizes.get("FY", 1), sizes.get("FX", 1)
    outputs = sizes.get("OY", 1), sizes.get("OX", 1)
    if is_product and (*window, *outputs, groups) == (1, 1, 1, 1, 1):
        return matrix_product(name, inputs=channels, outputs=kernels, rows=rows)
    if rows != 1:
        raise entry.error(f"{name!r}: D and H are loops of a matrix product; write OX and OY here")
    relations = _relations(name, entry)
    (stride_y, dilation_y), (stride_x, dilation_x) = (relations.get(axis, (1, 1)) for axis in "yx")
    stride, dilation = (stride_y, stride_x), (dilation_y, dilation_x)
    spans = [
        (output - 1) * step + (k - 1) * d + 1
        for output, step, k, d in zip(outputs, stride, window, dilation, strict=True)
    ]
    size, pads = _input(entry, (spans[0], spans[1]))
    try:
        counted = convolution(
            name,
            kernels=kernels,
            channels=channels,
            window=window,
            size=size,
            pads=pads,
            stride=stride,
            dilation=dilation,
            groups=groups,
        )
    except ValueError as error:
        raise entry.error(f"{name!r}: {error}") from None
    if (counted.layer.output_height, counted.layer.output_width) != outputs:
        raise entry.error(f"{name!r}: its input, padding and relations give another output")
    return counted


def _product_sizes(entry: ForeignValue, sizes: dict[str, int]) -> dict[str, int]:
    """The sizes of a matrix product under K, C and D, by what its equation does with each loop.

    They are unchanged without an equation of two factors.  The weights are the factor W or, where
    no factor is called so, the second.
    """
    equation = entry.find("equation")
    found = equation and PRODUCT.fullmatch(equation.text().replace(" ", ""))
    if not equation or not found:
        return sizes
    output, first, left, _, right = found.groups()
    if first == "W":
        left, right = right, left
    made, inputs, weights = (
        set(re.findall(r"\w+", loops.upper())) for loops in (output, left, right)
    )
    if missing := sorted((made | inputs | weights) - set(sizes)):
        raise equation.error(f"its loop {missing[0]!r} has no size; add it to the loops")
    if many := sorted(loop for loop in made & inputs & weights if sizes[loop] > 1):
        raise equation.error(f"each {many[0]} has weights of its own; write a layer for each")
    if unread := sorted(loop for loop in set(sizes) - made - inputs - weights if sizes[loop] > 1):
        raise equation.error(f"the loop {plain_name(unread[0])!r} is not in it; add it or the size")
    roles = {"K": made - inputs, "C": inputs - made, "D": made & inputs - weights}
    return {role: prod(sizes[loop] for loop in loops) for role, loops in roles.items()}


def _sizes(entry: ForeignValue, names: str, numbers: str) -> dict[str, int]:
    """The sizes by the names of their loops, from two lists of equal length."""
    keys, values = list(entry[names].items()), list(entry[numbers].items())
    if len(keys) != len(values):
        raise entry[numbers].error(f"{numbers} needs {len(keys)} entries, one for each of {names}")
    return {k.text().upper(): v.count() for k, v in zip(keys, values, strict=True)}


def _relations(name: str, entry: ForeignValue) -> dict[str, Pair]:
    """The stride and dilation by axis, x and y, from relations such as `ix=2*ox+1*fx`.

    UserError where one is none such, an axis has two, or the equation reads an axis that has none.
    """
    found: dict[str, Pair] = {}
    for listed in filter(None, map(entry.find, RELATION_KEYS)):
        for relation in listed.items():
            match = RELATION.fullmatch(relation.text().lower().replace(" ", ""))
            if not match:
                raise relation.error(
                    f"{relation.quoted} is none such as 'ix=2*ox+1*fx'; write padding as `padding`"
                )
            stride, dilation = (int(match[part] or 1) for part in ("stride", "dilation"))
            if not (0 < stride < 2**16 and 0 < dilation < 2**16):
                raise relation.error(f"{relation.quoted}: strides from 1 to 65535 are wanted")
            if found.setdefault(match["axis"], (stride, dilation)) != (stride, dilation):
                raise relation.error(f"{relation.quoted}: its axis has another relation, too")
    equation = entry.find("equation")
    for axis in "xy" if equation else "":
        if equation and f"[i{axis}]" in equation.text().lower() and axis not in found:
            raise entry.error(
                f"{name!r} reads i{axis}, and no relation says its stride; add dimension_relations "
                f"with one such as 'i{axis}=1*o{axis}+1*f{axis}'"
            )
    return found


def _input(entry: ForeignValue, spans: Pair) -> tuple[Pair, tuple[Pair, Pair]]:
    """The height and width of the input, and its padding; `spans` are those of the padded input."""
    pads = {"IX": (0, 0), "IY": (0, 0)}
    sides, padding = entry.find("pr_loop_dims"), entry.find("padding")
    if padding:
        names = [side.text() for side in sides.items()] if sides else ["IX", "IY"]
        for i, pair in enumerate(padding.items()):
            name = pair.name if padding.is_mapping else names[i] if i < len(names) else ""
            both = pair.counts()
            if name.upper() not in pads or len(both) != 2:
                raise pair.error("padding: two numbers for each of IX and IY are wanted")
            pads[name.upper()] = both[0], both[1]
    if sides and entry.find("pr_loop_sizes"):
        sizes = _sizes(entry, "pr_loop_dims", "pr_loop_sizes")
        if not {"IX", "IY"} <= set(sizes):
            raise sides.error("pr_loop_dims: IX and IY are wanted")
        return (sizes["IY"], sizes["IX"]), (pads["IY"], pads["IX"])
    # The last steps of a stride may leave padding out, so that the spans are shorter than it.
    height, width = max(spans[0] - sum(pads["IY"]), 1), max(spans[1] - sum(pads["IX"]), 1)
    return (height, width), (pads["IY"], pads["IX"])
