"""Where caches may lie in a network, and the layers that one is made of.

Pooling, activation functions and the softmax cost nothing, as everywhere in the cost model.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from math import isqrt

import numpy as np

from sushi_dse.errors import near_names
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.workload.layers import PlainLayer, SubNet
from sushi_dse.workload.stages import linear

# ResNet-18 on CIFAR-10: MACs up to the end of each block, and of the whole; the published
# agreements lie at their ratios.
PUBLISHED_MACS = (77266944, 152764416, 211484672, 286982144, 345702400, 421199872, 479920128,
                  555417600)  # fmt: skip
PUBLISHED_TOTAL_MACS = 555422720


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The end of a block, where a cache may lie."""

    layers: int  # of the network before it
    macs_fraction: float  # of the network's MACs before it
    channels: int  # of the block's output map
    height: int
    width: int


def block_ends(subnet: SubNet) -> list[int]:
    """How many layers lie before the end of each block but the last one.

    Neighbouring layers with one `block` label are a block; a layer without a label is a block too.
    """
    blocks = [layer.block for layer in subnet.layers]
    return [i for i in range(1, len(blocks)) if not blocks[i] or blocks[i] != blocks[i - 1]]


def places(subnet: SubNet) -> tuple[Place, ...]:
    """The ends of blocks nearest, in fraction of MACs, to those of the published agreements.

    At most eight, in running order; on ResNet-18 for CIFAR-10 the eight themselves.
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
        Place(
            layers=end,
            macs_fraction=macs[end] / macs[-1],
            channels=subnet.layers[end - 1].kernels,
            height=subnet.layers[end - 1].output_height,
            width=subnet.layers[end - 1].output_width,
        )
        for end in sorted(nearest)
    )


def agreement_at(place: Place, percents: tuple[float, ...]) -> float:
    """Agreement at a place, 0 to 1: straight lines between the published ones, from 0 at no MACs.

    The published ones are `percents`, after blocks 1 to 8 of ResNet-18 on CIFAR-10.
    """
    fractions = [0.0, *(of_block / PUBLISHED_TOTAL_MACS for of_block in PUBLISHED_MACS)]
    return float(np.interp(place.macs_fraction, fractions, (0.0, *percents))) / 100


def pooled(place: Place, parameters: Gati) -> Place:
    """The block's map averaged down to a square that has no more values than `pooled_inputs`.

    The square has one pixel at least, and never more than the map.
    """
    side = max(isqrt(parameters.pooled_inputs // place.channels), 1)
    return replace(place, height=min(side, place.height), width=min(side, place.width))


def fully_connected(place: Place, classes: int, parameters: Gati) -> list[PlainLayer]:
    """FC(1024): Linear(in, 1024), ReLU, Linear(1024, classes), on the pooled map."""
    view, hidden = pooled(place, parameters), parameters.hidden_nodes
    inputs = view.channels * view.height * view.width
    return [
        linear("hidden", inputs=inputs, outputs=hidden),
        linear("scores", inputs=hidden, outputs=classes),
    ]


def pooling(place: Place, classes: int, parameters: Gati) -> list[PlainLayer]:
    """Pool(4096): Linear(in, classes), on the pooled map."""
    view = pooled(place, parameters)
    inputs = view.channels * view.height * view.width
    return [linear("scores", inputs=inputs, outputs=classes)]


def convolution(place: Place, classes: int, parameters: Gati) -> list[PlainLayer]:
    """Conv(3,1): a 3x3 convolution of stride 1, ReLU, Linear(in, classes), on the pooled map."""
    view, kernels = pooled(place, parameters), parameters.conv_kernels
    window = PlainLayer(
        name="window",
        kernels=kernels,
        channels=view.channels,
        kernel_height=3,
        kernel_width=3,
        height=view.height,
        width=view.width,
        padding=1,
    )
    return [window, linear("scores", inputs=kernels * view.height * view.width, outputs=classes)]


PREDICTORS: dict[str, Callable[[Place, int, Gati], list[PlainLayer]]] = {
    "FC(1024)": fully_connected,
    "Pool(4096)": pooling,
    "Conv(3,1)": convolution,
}


def cache_layers(
    place: Place, number: int, predictor: str, classes: int, parameters: Gati
) -> list[PlainLayer]:
    """The layers of the cache at a place: the predictor's and the selector's, Linear(classes, 1).

    `number` (from 1) is the place's and goes into the names.  A `ValueError` for an unknown
    predictor names the near ones.
    """
    if predictor not in PREDICTORS:
        raise ValueError(f"unknown predictor {predictor!r}; {near_names(predictor, PREDICTORS)}")
    layers = PREDICTORS[predictor](place, classes, parameters)
    layers.append(linear("selector", inputs=classes, outputs=1))
    return [replace(layer, name=f"cache{number}.{layer.name}") for layer in layers]
