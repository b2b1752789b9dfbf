"""The choice of caches that has the least expected latency.

A query reaches a cache point if no cache before it accepted.  Hits are nested: a query that a
selector accepts is accepted by each selector of greater acceptance, as queries differ in how hard
they are.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np

from sushi_dse.bits import BYTE_BITS
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.kernels import cycles_by_kernels
from sushi_dse.model.layer import array_of
from sushi_dse.model.network import SHAPE, layer_shape, layer_shapes
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.policies.gati.predictors import (
    CachePoint,
    agreement_at,
    cache_layers,
    cache_points,
)
from sushi_dse.traces.trace import FloatArray
from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import Layer, SubNet, placed

CHOICES_AT_ONCE = 4096  # choices that are evaluated at a time, so that memory stays small
# Share by which bounds are relaxed: they add the numbers of a latency in another order.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CacheOptions:
    """The caches that a network may keep: an option for each cache point, and their latencies.

    Option 0 is no cache, option 1 + p a cache with predictor p.  Layers are numbered: those of the
    network, those of every cache, and at last an empty layer that takes no time and pads arrays.
    """

    layers: tuple[Layer, ...]  # layers of the network, then of the caches, without the empty one
    network_layers: int  # number of the network's layers
    point: np.ndarray  # [layer]: cache point of a cache's layer; points ahead of a network's layer
    cache_layers: np.ndarray  # [point, option, position]: number of a layer, padded with the empty
    agreement: FloatArray  # [point, predictor]: agreement over all classes, 0 to 1
    acceptance: FloatArray  # [point, option]: share of queries that fresh caches accept
    weight_bits: np.ndarray  # [layer], of all weights together, 0 where they are of the request
    kernels: np.ndarray  # [layer], 0 where the weights are of the request
    first: np.ndarray  # [layer + 1]: place of the layer's latencies, one for each number of kernels
    latency_us: FloatArray  # [first[layer] + kernels on chip]
    capacity_bytes: int  # size of the Persistent Buffer

    @property
    def choices(self) -> np.ndarray:
        """All choices of caches, the empty one first: [choice, point]."""
        return all_choices(*self.acceptance.shape)

    def cache_bytes(self, choices: np.ndarray) -> np.ndarray:
        """Bytes of the weights of all caches of each choice: [choice]."""
        of_option = self.weight_bits[self.cache_layers].sum(axis=2)  # [point, option]
        bits = of_option[np.arange(choices.shape[1]), choices].sum(axis=1)
        return np.asarray(-(-bits // BYTE_BITS))

    def reach(self, choices: np.ndarray) -> FloatArray:
        """Share of queries that reach each cache point, and the end: [choice, point + 1]."""
        accepted = self.acceptance[np.arange(choices.shape[1]), choices]
        before = np.zeros((len(choices), 1))
        return 1 - np.maximum.accumulate(np.hstack([before, accepted]), axis=1)

    def kept(self, choices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The layers that run, and how many kernels of each stay on chip: [choice, layer] twice.

        Caches fill the Persistent Buffer first, in running order, then the network's layers by
        value: expected saved time per byte.  The first layer that does not fit keeps whole kernels.
        """
        network = np.arange(self.network_layers)
        whole_us = self.latency_us[self.first[network] + self.kernels[network]]
        saved = self.latency_us[self.first[network]] - whole_us
        value = saved / (np.maximum(self.weight_bits[network], 1) / BYTE_BITS)
        expected = value * self.reach(choices)[:, self.point[network]]
        by_value = np.argsort(-expected, axis=1, kind="stable")
        of_caches = self.cache_layers[np.arange(choices.shape[1]), choices]
        order = np.hstack([of_caches.reshape(len(choices), -1), by_value])
        layer_bits = self.weight_bits[order]
        left_bits = self.capacity_bytes * BYTE_BITS - (layer_bits.cumsum(axis=1) - layer_bits)
        kernel_bits = np.maximum(layer_bits // np.maximum(self.kernels[order], 1), 1)
        return order, np.clip(left_bits // kernel_bits, 0, self.kernels[order])

    def expected_us(self, choices: np.ndarray) -> FloatArray:
        """Mean latency of a query with fresh caches and a full Persistent Buffer: [choice]."""
        order, kept = self.kept(choices)
        come = np.take_along_axis(self.reach(choices), self.point[order], axis=1)
        return np.asarray((come * self.latency_us[self.first[order] + kept]).sum(axis=1))

    def bounds_us(self, choices: np.ndarray) -> tuple[FloatArray, FloatArray]:
        """Bounds on the mean latency: with every weight on chip, and with none: [choice] each."""
        reach = self.reach(choices)
        numbers = np.arange(choices.shape[1])
        bounds = []
        for kept in (self.kernels, np.zeros_like(self.kernels)):
            latency_us = self.latency_us[self.first[:-1] + kept]
            network = slice(self.network_layers)
            of_segment = np.bincount(
                self.point[network], latency_us[network], minlength=reach.shape[1]
            )
            of_cache = latency_us[self.cache_layers].sum(axis=2)[numbers, choices]
            bounds.append(reach @ of_segment + (reach[:, :-1] * of_cache).sum(axis=1))
        return bounds[0], bounds[1]


@lru_cache(maxsize=8)
def all_choices(count: int, options: int) -> np.ndarray:
    """Every choice of one of `options` at each of `count` cache points: [choice, point]."""
    choices = np.array(list(product(range(options), repeat=count)), dtype=np.int64)
    choices.setflags(write=False)
    return choices


def least_expected(caches: CacheOptions, memory_limit_bytes: float) -> np.ndarray:
    """The choice of least expected latency whose caches fit the limit: [point], options.

    Only choices whose lower bound exceeds the upper bound of another are left out; of equal ones
    the first is taken.
    """
    choices = caches.choices[caches.cache_bytes(caches.choices) <= memory_limit_bytes]
    lower_us, upper_us = caches.bounds_us(choices)
    choices = choices[lower_us <= upper_us.min() * (1 + ROUNDING)]
    batches = np.array_split(choices, -(-len(choices) // CHOICES_AT_ONCE))
    expected_us = np.concatenate([caches.expected_us(batch) for batch in batches])
    return np.asarray(choices[expected_us.argmin()])


def agreements(ends: Sequence[CachePoint], parameters: Gati) -> FloatArray:
    """Agreement over all classes, 0 to 1, of each predictor at each point: [point, predictor]."""
    table = parameters.agreement_percent.values()
    values = [[agreement_at(end, percents) for percents in table] for end in ends]
    return np.array(values, dtype=float).reshape(len(ends), len(table))


def cache_options(subnet: SubNet, accelerator: Accelerator, parameters: Gati) -> CacheOptions:
    """The caches that `subnet` may keep, with their latencies on `accelerator`.

    Weights of caches have the most bits that a layer of the network has (assumption).
    """
    ends, predictors = cache_points(subnet), list(parameters.agreement_percent)
    classes = subnet.layers[-1].kernels
    layers = _naming_all_they_read(subnet.layers)
    bits = max(layer.weight_bits for layer in layers if not layer.of_request)
    point = [sum(end.layers <= number for end in ends) for number in range(len(layers))]
    of_caches = []
    for i, end in enumerate(ends):
        for predictor in predictors:
            cache = cache_layers(end, i + 1, predictor, classes, parameters)
            numbers = range(len(layers), len(layers) + len(cache))
            layers += [
                replace(placed(*own), weight_bits=bits) for own in zip(cache, numbers, strict=True)
            ]
            point += [i] * len(cache)
            of_caches.append(list(numbers))
    selectors = {numbers[-1] for numbers in of_caches}
    agreement = agreements(ends, parameters)
    fresh = parameters.acceptance(parameters.agreement_now(agreement, 1.0))
    kernels = np.array([*(0 if layer.of_request else layer.kernels for layer in layers), 0])
    first = np.cumsum([0, *(kernels + 1)])
    weight_bits = (0 if x.of_request else x.weights * x.weight_bits for x in layers)
    return CacheOptions(
        layers=tuple(layers),
        network_layers=len(subnet.layers),
        point=np.array([*point, 0]),
        cache_layers=_padded(of_caches, len(layers), (len(ends), len(predictors))),
        agreement=agreement,
        acceptance=np.hstack([np.zeros((len(ends), 1)), fresh]),
        weight_bits=np.array([*weight_bits, 0]),
        kernels=kernels,
        first=first,
        latency_us=_layers_us(layers, first, len(subnet.layers), selectors, accelerator),
        capacity_bytes=accelerator.persistent_buffer_bytes,
    )


def _naming_all_they_read(layers: Sequence[Layer]) -> list[Layer]:
    """The layers under distinct names, with the names of what they read, whatever lies between."""
    names = [f"layer {number}" for number in range(len(layers))]
    return [
        replace(
            layer,
            name=name,
            input_from=tuple(names[number] for number in sorted(reads.inputs)),
            adds=tuple(names[number] for number in sorted(reads.adds)),
        )
        for layer, name, reads in zip(layers, names, reads_of(layers), strict=True)
    ]


def _padded(of_caches: list[list[int]], none: int, shape: tuple[int, int]) -> np.ndarray:
    """`CacheOptions.cache_layers` from the layers of each cache, padded with the layer `none`.

    of_caches: a list for each cache point and predictor; shape: (cache points, predictors).
    """
    longest = max(map(len, of_caches), default=0)
    rows = [[*row, *[none] * (longest - len(row))] for row in of_caches]
    cached = np.array(rows, dtype=np.int64).reshape(*shape, longest)
    return np.concatenate([np.full((shape[0], 1, longest), none), cached], axis=1)


def _layers_us(
    layers: Sequence[Layer],
    first: np.ndarray,
    network_layers: int,
    answers: Container[int],
    accelerator: Accelerator,
) -> FloatArray:
    """Latency of each layer by kernels on chip, with the empty layer: as of `CacheOptions`.

    answers: the numbers of the selectors.  Maps of the network wait on chip as if no cache lay
    between its layers, and an answer of a selector, which no layer reads, leaves the chip.
    """
    of_caches = [
        layer_shape(layer, is_last=number in answers)
        for number, layer in enumerate(layers[network_layers:], start=network_layers)
    ]
    shapes = np.concatenate(
        [layer_shapes(layers[:network_layers]), np.array(of_caches, dtype=SHAPE)], dtype=SHAPE
    )
    shapes.setflags(write=False)  # Kernels are compiled for read-only arrays.
    cycles = cycles_by_kernels(shapes, array_of(accelerator), first[: len(layers) + 1])
    return np.append(accelerator.launch_us + cycles / accelerator.clock_mhz, 0.0)
