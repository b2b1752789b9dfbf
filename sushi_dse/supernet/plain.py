"""Networks that are in no SuperNet: their layers are listed, not generated."""

from collections.abc import Sequence
from dataclasses import dataclass

from sushi_dse.supernet.layers import PlainLayer, SubNet, SuperNet, SuperNetLayer, placed


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSubNet:
    """A network as the list of its layers, in the order in which they run."""

    name: str
    top1_percent: float
    layers: tuple[PlainLayer, ...]


def plain_supernet(name: str, subnets: Sequence[PlainSubNet]) -> SuperNet:
    """The SuperNet in which layer i of each network is cut from SuperNet layer i.

    A SuperNet layer is as large as the largest of its cuts, and has the name of the first one.
    Networks whose layers i differ in kernel height or width raise a `ValueError`.
    """
    depth = max((len(subnet.layers) for subnet in subnets), default=0)
    cuts = [[s.layers[i] for s in subnets if i < len(s.layers)] for i in range(depth)]
    return SuperNet(
        name=name,
        layers=tuple(_largest(of_layer) for of_layer in cuts),
        subnets=tuple(
            SubNet(
                name=subnet.name,
                top1_percent=subnet.top1_percent,
                layers=tuple(placed(layer, i) for i, layer in enumerate(subnet.layers)),
            )
            for subnet in subnets
        ),
    )


def _largest(cuts: Sequence[PlainLayer]) -> SuperNetLayer:
    return SuperNetLayer(
        name=cuts[0].name,
        kernels=max(layer.kernels for layer in cuts),
        channels_per_group=max(layer.channels_per_group for layer in cuts),
        kernel_height=cuts[0].kernel_height,
        kernel_width=cuts[0].kernel_width,
    )
