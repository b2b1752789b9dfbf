"""GATI on an accelerator: a latency table whose rows are the exits of a network with caches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from sushi_dse.errors import near_names
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target
from sushi_dse.model.latency_table import LatencyTable, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import SubGraphs
from sushi_dse.policies.gati.choice import CacheOptions, cache_options, least_expected
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.traces.trace import FloatArray
from sushi_dse.workload.layers import SubNet
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from sushi_dse.workload.rated import known_accuracy_percent

WHOLE = "whole network"  # name of the last row, in which no answer was accepted
DEFAULTS = Gati()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GatiTable(LatencyTable):
    """A latency table whose rows are exits, in running order, and the whole network at the end.

    A row has all layers up to its exit, those of the caches on the way included; its
    `accuracy_percent` is that of an accepted answer of fresh caches.
    """

    parameters: Gati
    kept: Mapping[int, str]  # predictor of each cache, by the number of its cache point, from 1
    agreement: FloatArray  # [exit]: agreement over all classes, 0 to 1
    cache_bytes: int  # bytes of the weights of all caches


def served_subnet(network: Network) -> SubNet:
    """The SubNet that GATI serves: the most accurate one, of equals that with the fewest MACs."""
    return min(network.supernet.subnets, key=_preference)


def _preference(subnet: SubNet) -> tuple[float, int]:
    return -known_accuracy_percent(subnet), subnet.macs


def gati_system(
    network: Network,
    accelerator: Accelerator,
    *,
    parameters: Gati = DEFAULTS,
    keep: Mapping[int, str] | None = None,
) -> tuple[GatiTable, Accelerator]:
    """The latency table of GATI on `accelerator`, and that accelerator.

    The caches are those of least expected latency within the memory limit, or those of `keep`: a
    predictor by the number of its cache point, from 1.  `ValueError` where there is no such point
    or predictor.
    """
    subnet = served_subnet(network)
    caches = cache_options(subnet, accelerator, parameters)
    if keep is None:
        limit = parameters.memory_limit_bytes
        chosen = least_expected(caches, float(subnet.weight_bytes if limit is None else limit))
    else:
        chosen = _options(keep, len(caches.agreement), list(parameters.agreement_percent))
    accuracy_of = network.supernet.accuracy_of
    return _table(subnet, accuracy_of, caches, chosen, accelerator, parameters), accelerator


def _options(keep: Mapping[int, str], count: int, predictors: Sequence[str]) -> np.ndarray:
    """The choice that keeps those predictors: [point], options of `CacheOptions`."""
    chosen = np.zeros(count, dtype=np.int64)
    for point, predictor in keep.items():
        if not 1 <= point <= count:
            raise ValueError(f"1 <= cache point <= {count} must hold, got {point}")
        if predictor not in predictors:
            raise ValueError(
                f"unknown predictor {predictor!r}; {near_names(predictor, predictors)}"
            )
        chosen[point - 1] = predictors.index(predictor) + 1
    return chosen


def _table(
    subnet: SubNet,
    accuracy_of: str,
    caches: CacheOptions,
    chosen: np.ndarray,
    accelerator: Accelerator,
    parameters: Gati,
) -> GatiTable:
    """The table of a network with the chosen caches."""
    exits, names = np.flatnonzero(chosen), list(parameters.agreement_percent)
    agreement = caches.agreement[exits, chosen[exits] - 1]
    fresh = parameters.agreement_now(agreement, 1.0)
    kept = {int(point) + 1: names[chosen[point] - 1] for point in exits}
    running, lengths = _running(caches, chosen)
    row_names = [*(f"exit {point} {name}" for point, name in kept.items()), WHOLE]
    whole_percent = known_accuracy_percent(subnet)
    accuracy_percent = [*(whole_percent * parameters.precision(fresh)), whole_percent]
    supernet = plain_supernet(
        subnet.name,
        [
            PlainSubNet(
                name=name,
                accuracy_percent=float(accuracy),
                layers=tuple(caches.layers[number] for number in running[:length]),
            )
            for name, accuracy, length in zip(row_names, accuracy_percent, lengths, strict=True)
        ],
        accuracy_of=accuracy_of,
    )
    columns = _columns(caches, chosen, running, row_names)
    table = latency_table(Network.of(supernet), accelerator, columns)
    return GatiTable(
        **{field.name: getattr(table, field.name) for field in fields(table)},
        parameters=parameters,
        kept=kept,
        agreement=agreement,
        cache_bytes=int(caches.cache_bytes(chosen[None])[0]),
    )


def _running(caches: CacheOptions, chosen: np.ndarray) -> tuple[list[int], list[int]]:
    """The layers of the network with its caches as they run, and how many layers each row has."""
    of_network = caches.point[: caches.network_layers]
    running: list[int] = []
    lengths = []
    for point, option in enumerate(chosen):
        running += np.flatnonzero(of_network == point).tolist()
        if option:
            cache = caches.cache_layers[point, option]
            running += cache[cache < len(caches.layers)].tolist()
            lengths.append(len(running))
    running += np.flatnonzero(of_network == len(chosen)).tolist()
    return running, [*lengths, len(running)]


def _columns(
    caches: CacheOptions, chosen: np.ndarray, running: Sequence[int], rows: Sequence[str]
) -> SubGraphs:
    """The empty SubGraph and, unless it keeps no kernel, that of the caches and layers by value."""
    kernels = np.zeros(len(caches.kernels), dtype=np.int64)
    order, kept = caches.kept(chosen[None])
    kernels[order[0]] = kept[0]
    kernels = kernels[running]
    channels = np.array([caches.layers[number].channels_per_group for number in running])
    columns = 1 + int(kernels.any())
    kept_of_all = Candidate(Target(Combination.UNION, tuple(rows)), Order.VALUE)
    return SubGraphs(
        candidates=(NOTHING, kept_of_all)[:columns],
        kernels=np.stack([np.zeros_like(kernels), kernels])[:columns],
        channels=np.stack([np.zeros_like(channels), np.where(kernels > 0, channels, 0)])[:columns],
    )
