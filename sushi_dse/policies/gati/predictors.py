"""The cache points of a network, and the layers of a cache.

Pooling, activation functions and the softmax cost nothing, as everywhere in the cost model.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from math import isqrt

import numpy as np

from sushi_dse.errors import near_names
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.workload.blocks import linear
from sushi_dse.workload.layers import PlainLayer, SubNet, around

# MACs of ResNet-18 on CIFAR-10 up to the end of each block, and of the whole network: the published
# agreements are at the ratios of the two.
PUBLISHED_MACS = (77266944, 152764416, 211484672, 286982144, 345702400, 421199872, 479920128,
                  555417600)  # fmt: skip
PUBLISHED_TOTAL_MACS = 555422720


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePoint:
    """The end of a block, behind which a cache may lie, and the output map of the block."""

    layers: int  # number of the network's layers before the point
    macs_fraction: float  # share of the network's MACs before the point
    channels: int  # channels of the map
    height: int  # rows of the map
    width: int  # columns of the map


def block_ends(subnet: SubNet) -> list[int]:
    """How many layers lie before the end of each block but the last one.

    Neighbouring layers with one `block` label are a block; a layer without a label is a block too.
    """
    blocks = [layer.block for layer in subnet.layers]
    return [i for i in range(1, len(blocks)) if not blocks[i] or blocks[i] != blocks[i - 1]]


def cache_points(subnet: SubNet) -> tuple[CachePoint, ...]:
    """The ends of blocks nearest, in fraction of MACs, to those of the published agreements.

    There are at most eight, in running order; on ResNet-18 for CIFAR-10 they are the ends of its
    eight blocks.
    """
    macs = [0, *accumulate(layer.macs for layer in subnet.layers)]
    ends = block_ends(subnet)
    wanted = [of_block / PUBLISHED_TOTAL_MACS for of_block in PUBLISHED_MACS]
    nearest = {
        min(ends, key=lambda end: abs(macs[end] / macs[-1] - fraction))
        for fraction in wanted
        if ends
    }
    return tuple(
        CachePoint(
            layers=end,
            macs_fraction=macs[end] / macs[-1],
            channels=subnet.layers[end - 1].kernels,
            height=subnet.layers[end - 1].output_height,
            width=subnet.layers[end - 1].output_width,
        )
        for end in sorted(nearest)
    )


def agreement_at(point: CachePoint, percents: tuple[float, ...]) -> float:
    """Agreement at a cache point, 0 to 1, interpolated linearly over the fraction of MACs.

    percents: the published agreements after blocks 1 to 8 of ResNet-18 on CIFAR-10; at no MACs the
    agreement is 0.
    """
    fractions = [0.0, *(of_block / PUBLISHED_TOTAL_MACS for of_block in PUBLISHED_MACS)]
    return float(np.interp(point.macs_fraction, fractions, (0.0, *percents))) / 100


def pooled(point: CachePoint, parameters: Gati) -> CachePoint:
    """The cache point with its map averaged down to a square of at most `pooled_inputs` values.

    The square has one pixel at least, and is never larger than the map.
    """
    side = max(isqrt(parameters.pooled_inputs // point.channels), 1)
    return replace(point, height=min(side, point.height), width=min(side, point.width))


def fully_connected(point: CachePoint, classes: int, parameters: Gati) -> list[PlainLayer]:
    """The layers of FC(1024) on the pooled map: Linear(in, 1024), ReLU, Linear(1024, classes)."""
    view, hidden = pooled(point, parameters), parameters.hidden_nodes
    inputs = view.channels * view.height * view.width
    return [
        linear("hidden", inputs=inputs, outputs=hidden),
        linear("scores", inputs=hidden, outputs=classes),
    ]


def pooling(point: CachePoint, classes: int, parameters: Gati) -> list[PlainLayer]:
    """The layer of Pool(4096) on the pooled map: Linear(in, classes)."""
    view = pooled(point, parameters)
    inputs = view.channels * view.height * view.width
    return [linear("scores", inputs=inputs, outputs=classes)]


def convolution(point: CachePoint, classes: int, parameters: Gati) -> list[PlainLayer]:
    """The layers of Conv(3,1) on the pooled map: 3x3 convolution, ReLU, Linear(in, classes)."""
    view, kernels = pooled(point, parameters), parameters.conv_kernels
    window = PlainLayer(
        name="window",
        kernels=kernels,
        channels=view.channels,
        kernel_height=3,
        kernel_width=3,
        height=view.height,
        width=view.width,
        padding=around(1),
    )
    return [window, linear("scores", inputs=kernels * view.height * view.width, outputs=classes)]


PREDICTORS: dict[str, Callable[[CachePoint, int, Gati], list[PlainLayer]]] = {
    "FC(1024)": fully_connected,
    "Pool(4096)": pooling,
    "Conv(3,1)": convolution,
}


def cache_layers(
    point: CachePoint, number: int, predictor: str, classes: int, parameters: Gati
) -> list[PlainLayer]:
    """The layers of the cache at a point: its predictor, and its selector, a Linear(classes, 1).

    number: that of the cache point, from 1, for the names of the layers.  `ValueError` with the
    near names for an unknown predictor.
    """
    if predictor not in PREDICTORS:
        raise ValueError(f"unknown predictor {predictor!r}; {near_names(predictor, PREDICTORS)}")
    layers = PREDICTORS[predictor](point, classes, parameters)
    layers.append(linear("selector", inputs=classes, outputs=1))
    return [replace(layer, name=f"cache{number}.{layer.name}") for layer in layers]
