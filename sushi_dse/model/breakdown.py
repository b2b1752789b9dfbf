"""The breakdown of one SubNet on one design into the costs of its layers."""

from dataclasses import dataclass

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.evidence import Calibration, Evidence
from sushi_dse.model.candidate import Candidate
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.energy import Energy, energy
from sushi_dse.model.layer import array_of, layer_cost_of, layer_latency_us, total_cost
from sushi_dse.model.multipliers import refuse_wide_weights
from sushi_dse.model.network import Network, layer_shapes
from sushi_dse.model.prefetch import prefetch_waits
from sushi_dse.model.standing import evidence_of
from sushi_dse.model.subgraphs import candidates, no_subgraph
from sushi_dse.workload.layers import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLine:
    """A layer of a breakdown, with its cost and latency."""

    layer: Layer
    cost: LayerCost
    latency_us: float
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The layers of a SubNet with their costs, and the energy of all of them."""

    subnet: str  # name of the SubNet
    subgraph: Candidate  # SubGraph in the Persistent Buffer
    launch_us: float  # launch time of each layer
    lines: tuple[LayerLine, ...]
    energy: Energy
    array_utilisation: float

    @property
    def latency_shares(self) -> dict[Evidence, float]:
        """The share of the latency on layers of each evidence."""
        total_us = self.latency_ms * 1e3
        return {
            evidence: sum(line.latency_us for line in self.lines if line.evidence == evidence)
            / total_us
            for evidence in Evidence
        }

    @property
    def cost(self) -> LayerCost:
        """The sum of the costs of the layers."""
        return total_cost([line.cost for line in self.lines])

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of the SubNet."""
        return sum(line.layer.macs for line in self.lines)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the SubNet's weights, cached or not."""
        return sum(line.layer.weight_bytes for line in self.lines)

    @property
    def latency_ms(self) -> float:
        """Latency of the SubNet in ms."""
        return sum(line.latency_us for line in self.lines) * 1e-3


def subnet_breakdown(
    network: Network,
    accelerator: Accelerator,
    subnet_name: str,
    subgraph: Candidate,
    calibration: Calibration | None = None,
) -> Breakdown:
    """The breakdown of a SubNet with a candidate SubGraph in the Persistent Buffer.

    `calibration` is what the constants were fitted on, and says what of it was measured.
    `UserError` where there is no such SubNet, or weights are wider than the multipliers;
    `ValueError` where there is no such candidate.
    """
    refuse_wide_weights(network.supernet, accelerator)
    subnet = network.supernet.subnet(subnet_name)
    subgraphs = candidates(network, accelerator) if subgraph.target else no_subgraph(network)
    column = subgraphs.index(subgraph)
    array = array_of(accelerator)
    waits = None
    if accelerator.prefetches:
        start = network.starts[network.supernet.subnets.index(subnet)]
        cached = subgraphs.kernels[[column]], subgraphs.channels[[column]]
        waits = prefetch_waits(network, accelerator, *cached)[:, start:, 0]
    lines = []
    for i, (layer, shape) in enumerate(
        zip(subnet.layers, layer_shapes(subnet.layers), strict=True)
    ):
        kernels = int(subgraphs.kernels[column, layer.supernet_layer])
        channels = int(subgraphs.channels[column, layer.supernet_layer])
        cost = LayerCost(*layer_cost_of(shape, array, kernels, channels))
        if waits is not None:
            cost = cost._replace(
                exposed_load_cycles=float(waits[0, i]), output_stall_cycles=float(waits[1, i])
            )
        lines.append(
            LayerLine(
                layer=layer,
                cost=cost,
                latency_us=layer_latency_us(cost, accelerator),
                evidence=evidence_of(layer, accelerator, calibration),
            )
        )
    total = total_cost([line.cost for line in lines])
    latency_us = sum(line.latency_us for line in lines)
    return Breakdown(
        subnet=subnet_name,
        subgraph=subgraph,
        launch_us=accelerator.launch_us,
        lines=tuple(lines),
        energy=energy(accelerator, total, subnet.macs, latency_us),
        array_utilisation=subnet.macs
        / (accelerator.macs_per_cycle * accelerator.clock_mhz * latency_us),
    )
