"""Networks that are in no SuperNet of a family: their layers are listed, not generated."""

from collections.abc import Sequence
from dataclasses import dataclass

from sushi_dse.errors import near_names
from sushi_dse.workload.layers import PlainLayer, SubNet, SuperNet, SuperNetLayer, placed


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSubNet:
    """A network as the list of its layers, in the order in which they run."""

    name: str
    top1_percent: float
    layers: tuple[PlainLayer, ...]


def plain_supernet(
    name: str, subnets: Sequence[PlainSubNet], supernet_layers: Sequence[str] | None = None
) -> SuperNet:
    """The SuperNet that the networks are cut from.

    supernet_layers: the names of its layers, in order; a network's layer is cut from the one that
    has its name, and a name that no network has is left out.  Without them layer i of each network
    is cut from SuperNet layer i.  A SuperNet layer is as large as the largest of its cuts.
    A `ValueError` where layers cut from one differ in kernel height or width, or a name is missing.
    """
    places = [list(range(len(subnet.layers))) for subnet in subnets]
    if supernet_layers is not None:
        given = {layer.name for subnet in subnets for layer in subnet.layers}
        names = [layer_name for layer_name in supernet_layers if layer_name in given]
        places = [_places(subnet, names) for subnet in subnets]
    cuts: dict[int, list[PlainLayer]] = {}
    for subnet, numbers in zip(subnets, places, strict=True):
        for layer, number in zip(subnet.layers, numbers, strict=True):
            cuts.setdefault(number, []).append(layer)
    return SuperNet(
        name=name,
        layers=tuple(_largest(cuts[number]) for number in sorted(cuts)),
        subnets=tuple(
            SubNet(
                name=subnet.name,
                top1_percent=subnet.top1_percent,
                layers=tuple(
                    placed(layer, number)
                    for layer, number in zip(subnet.layers, numbers, strict=True)
                ),
            )
            for subnet, numbers in zip(subnets, places, strict=True)
        ),
    )


def _places(subnet: PlainSubNet, names: Sequence[str]) -> list[int]:
    """The number of each layer's name."""
    numbers = {layer_name: number for number, layer_name in enumerate(names)}
    for layer in subnet.layers:
        if layer.name not in numbers:
            raise ValueError(
                f"SubNet {subnet.name!r}: supernet_layers has no {layer.name!r}; "
                f"{near_names(layer.name, numbers)}"
            )
    return [numbers[layer.name] for layer in subnet.layers]


def _largest(cuts: Sequence[PlainLayer]) -> SuperNetLayer:
    return SuperNetLayer(
        name=cuts[0].name,
        kernels=max(layer.kernels for layer in cuts),
        channels_per_group=max(layer.channels_per_group for layer in cuts),
        kernel_height=cuts[0].kernel_height,
        kernel_width=cuts[0].kernel_width,
    )
