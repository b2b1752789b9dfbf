"""What a latency stands on: the share of it on layers that were measured, and on assumptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.evidence import Calibration, Evidence
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.layer import array_of, layer_cost_of
from sushi_dse.model.network import LayerShape, Network
from sushi_dse.model.prefetch import prefetch_waits
from sushi_dse.workload.layers import Layer


def evidence_of(layer: Layer, design: Accelerator, calibration: Calibration | None) -> Evidence:
    """The evidence for the latency of a layer; without a calibration all is assumed."""
    if calibration is None:
        return Evidence.ASSUMED
    return calibration.of(layer.operators, design)


def refitted_evidence(
    measured: Sequence[Layer], calibration: Calibration | None
) -> dict[str, Evidence]:
    """The evidence for constants that were fitted anew, on those layers.

    What else was measured for the constants before, of `calibration`, holds by the same equations.
    """
    before = calibration.evidence if calibration else {}
    left = {
        kind: Evidence.SAME_EQUATIONS if evidence == Evidence.MEASURED else evidence
        for kind, evidence in before.items()
    }
    kinds = sorted({layer.operators[0] for layer in measured})
    return {**left, **dict.fromkeys(kinds, Evidence.MEASURED)}


def layer_latencies_us(network: Network, accelerator: Accelerator) -> np.ndarray:
    """Latency of each layer of each SubNet with nothing cached, its launch included: [layer]."""
    array = array_of(accelerator)
    # Some hundred layers take less time in the interpreter than a kernel takes to compile.
    costs = [layer_cost_of(LayerShape(*shape), array, 0, 0) for shape in network.shapes.tolist()]
    cost = LayerCost(*np.array(costs).T)
    if accelerator.prefetches:
        nothing = np.zeros((1, len(network.pair_bits)), dtype=np.int64)
        waits = prefetch_waits(network, accelerator, nothing, nothing)[:, :, 0]
        cost = cost._replace(exposed_load_cycles=waits[0], output_stall_cycles=waits[1])
    return np.asarray(accelerator.launch_us + cost.cycles / accelerator.clock_mhz)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the latencies of SubNets on a design stand on, with nothing cached.

    `shares` are of the latency of a SubNet: the least and the greatest of all SubNets.
    """

    shares: Mapping[Evidence, tuple[float, float]]
    assumed: Sequence[str]  # operators of the layers without a measurement, sorted
    borrowed: str  # `borrowed_constants`
    caveats: Sequence[str]  # sentences on what was presumed, left out or not known of the SubNets

    @property
    def facts(self) -> dict[str, Any]:
        """The standing as values of JSON."""
        return {
            "latency_shares": {str(kind): list(share) for kind, share in self.shares.items()},
            "assumed_layers": list(self.assumed),
            "borrowed_constants": self.borrowed,
            "caveats": list(self.caveats),
        }


def standing(network: Network, space: SearchSpace, *, caveats: Sequence[str]) -> Standing:
    """What the latencies of the SubNets stand on, on the reference design of `space`.

    caveats: sentences on what was presumed, left out or not known of the SubNets.
    """
    design = space.reference
    layers = [layer for subnet in network.supernet.subnets for layer in subnet.layers]
    evidence = [evidence_of(layer, design, space.calibration) for layer in layers]
    latency_us = layer_latencies_us(network, design)
    total_us = np.add.reduceat(latency_us, network.starts[:-1])
    shares = {}
    for kind in Evidence:
        own_us = np.where([found == kind for found in evidence], latency_us, 0.0)
        share = np.add.reduceat(own_us, network.starts[:-1]) / total_us
        shares[kind] = float(share.min()), float(share.max())
    assumed = {
        layer.operators[0]
        for layer, found in zip(layers, evidence, strict=True)
        if found == Evidence.ASSUMED
    }
    return Standing(
        shares=shares,
        assumed=sorted(assumed),
        borrowed=borrowed_constants(space),
        caveats=caveats,
    )


def borrowed_constants(space: SearchSpace) -> str:
    """The sentence, without its period, on constants that were fitted on another board.

    It is empty where all designs have the device, memory and clock of the board that was measured.
    """
    ends = space.corners
    if space.calibration is None:
        return f"no board was measured; its constants are assumptions, as {_rates(ends)}"
    board = space.calibration.board
    if all(not space.calibration.changed(end) for end in ends):
        return ""
    return (
        f"its constants are those of {board.name}, measured on {board.device.name} at "
        f"{_rates((board, board))}; assumed are {ends[0].device.name} at {_rates(ends)}"
    )


def _rates(ends: Sequence[Accelerator]) -> str:
    clocks = _range([end.clock_mhz for end in ends])
    return f"{clocks} MHz and {_range([end.offchip_gb_per_s for end in ends])} GB/s"


def _range(ends: Sequence[float]) -> str:
    texts = [f"{end:.4g}" for end in ends]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"


def other_drain(network: Network, design: Accelerator) -> Accelerator | None:
    """The design under the other reading of how 1x1 tiles drain; None where nothing turns on it."""
    if design.drain_cycles == 0 or not network.shapes["is_pointwise"].any():
        return None
    return replace(design, pointwise_drain=not design.pointwise_drain)
