"""GATI on an accelerator: the latency table whose rows are exits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from sushi_dse.errors import near_names
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target
from sushi_dse.model.latency_table import LatencyTable, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import SubGraphs
from sushi_dse.policies.gati.choice import Work, least_expected, work_of
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.traces.trace import FloatArray
from sushi_dse.workload.layers import SubNet
from sushi_dse.workload.plain import PlainSubNet, plain_supernet

WHOLE = "whole network"  # the last row: no answer was accepted
DEFAULTS = Gati()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GatiTable(LatencyTable):
    """A latency table whose rows are exits, in running order, and the whole network at the end.

    A row is all layers up to its exit, those of the caches on the way with them; its `top1_percent`
    is that of an accepted answer of fresh caches.
    """

    parameters: Gati
    kept: Mapping[int, str]  # the predictor at each place (from 1) that has a cache
    agreement: FloatArray  # [exit] over all classes, 0 to 1
    cache_bytes: int  # weights of all caches


def served_subnet(network: Network) -> SubNet:
    """The most accurate SubNet, of equals the one with the fewest MACs: the one GATI serves."""
    return min(network.supernet.subnets, key=lambda subnet: (-subnet.top1_percent, subnet.macs))


def gati_system(
    network: Network,
    accelerator: Accelerator,
    *,
    parameters: Gati = DEFAULTS,
    keep: Mapping[int, str] | None = None,
) -> tuple[GatiTable, Accelerator]:
    """The latency table of GATI on `accelerator`, and that accelerator.

    The caches kept are those of least expected latency within the memory limit, or those that
    `keep` names by place, from 1; a `ValueError` where there is no such place or predictor.
    """
    subnet = served_subnet(network)
    work = work_of(subnet, accelerator, parameters)
    if keep is None:
        limit = parameters.memory_limit_bytes
        chosen = least_expected(work, float(subnet.weight_bytes if limit is None else limit))
    else:
        chosen = _options(keep, len(work.agreement), list(parameters.agreement_percent))
    return _table(subnet, work, chosen, accelerator, parameters), accelerator


def _options(keep: Mapping[int, str], count: int, predictors: Sequence[str]) -> np.ndarray:
    """The choice, [place] as in `Work`, that keeps those predictors."""
    chosen = np.zeros(count, dtype=np.int64)
    for place, predictor in keep.items():
        if not 1 <= place <= count:
            raise ValueError(f"1 <= place <= {count} must hold, got {place}")
        if predictor not in predictors:
            raise ValueError(
                f"unknown predictor {predictor!r}; {near_names(predictor, predictors)}"
            )
        chosen[place - 1] = predictors.index(predictor) + 1
    return chosen


def _table(
    subnet: SubNet, work: Work, chosen: np.ndarray, accelerator: Accelerator, parameters: Gati
) -> GatiTable:
    """The table of the exits that a choice of caches leaves."""
    exits, names = np.flatnonzero(chosen), list(parameters.agreement_percent)
    agreement = work.agreement[exits, chosen[exits] - 1]
    fresh = parameters.agreement_now(agreement, 1.0)
    kept = {int(place) + 1: names[chosen[place] - 1] for place in exits}
    running, lengths = _running(work, chosen)
    row_names = [*(f"exit {place} {name}" for place, name in kept.items()), WHOLE]
    top1_percent = [*(subnet.top1_percent * parameters.precision(fresh)), subnet.top1_percent]
    supernet = plain_supernet(
        subnet.name,
        [
            PlainSubNet(
                name=name,
                top1_percent=float(top1),
                layers=tuple(work.layers[number] for number in running[:length]),
            )
            for name, top1, length in zip(row_names, top1_percent, lengths, strict=True)
        ],
    )
    columns = _columns(work, chosen, running, row_names)
    table = latency_table(Network.of(supernet), accelerator, columns)
    return GatiTable(
        **{field.name: getattr(table, field.name) for field in fields(table)},
        parameters=parameters,
        kept=kept,
        agreement=agreement,
        cache_bytes=int(work.cache_bytes(chosen[None])[0]),
    )


def _running(work: Work, chosen: np.ndarray) -> tuple[list[int], list[int]]:
    """The layers of the whole network with its caches as they run, and how many each row has."""
    of_network = work.place[: work.network_layers]
    running: list[int] = []
    lengths = []
    for place, option in enumerate(chosen):
        running += np.flatnonzero(of_network == place).tolist()
        if option:
            cache = work.cache_layers[place, option]
            running += cache[cache < len(work.layers)].tolist()
            lengths.append(len(running))
    running += np.flatnonzero(of_network == len(chosen)).tolist()
    return running, [*lengths, len(running)]


def _columns(
    work: Work, chosen: np.ndarray, running: Sequence[int], rows: Sequence[str]
) -> SubGraphs:
    """Nothing; and where the Persistent Buffer holds a kernel, the caches and layers by value."""
    kernels = np.zeros(len(work.kernels), dtype=np.int64)
    order, kept = work.kept(chosen[None])
    kernels[order[0]] = kept[0]
    kernels = kernels[running]
    channels = np.array([work.layers[number].channels_per_group for number in running])
    columns = 1 + int(kernels.any())
    kept_of_all = Candidate(Target(Combination.UNION, tuple(rows)), Order.VALUE)
    return SubGraphs(
        candidates=(NOTHING, kept_of_all)[:columns],
        kernels=np.stack([np.zeros_like(kernels), kernels])[:columns],
        channels=np.stack([np.zeros_like(channels), np.where(kernels > 0, channels, 0)])[:columns],
    )
