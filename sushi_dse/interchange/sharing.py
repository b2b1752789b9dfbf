"""The layers that several networks share, by their names in a SuperNet or by their order."""

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from sushi_dse.config.document import placed
from sushi_dse.interchange.network import ImportedNetwork
from sushi_dse.workload.layers import PlainLayer

if TYPE_CHECKING:
    import numpy as np


def shared_names(networks: Sequence[ImportedNetwork]) -> list[str] | None:
    """The names of the SuperNet's layers in order; None where layers are matched by number.

    UserError where layers of the same number differ in form, and so are no cuts of one layer.
    """
    if len(networks) == 1:
        return None
    first = networks[0]
    if {network.supernet_kind for network in networks} == {first.supernet_kind} != {""}:
        return _merged(networks)
    for other in networks[1:]:
        if len(other.layers) != len(first.layers):
            raise placed(
                other.source,
                f"has {len(other.layers)} layers, {first.source.name} has {len(first.layers)}; "
                "networks that are no SuperNet are imported one by one",
            )
        for i, (ours, theirs) in enumerate(zip(first.layers, other.layers, strict=True), start=1):
            if _form(ours.layer) != _form(theirs.layer):
                raise placed(
                    other.source,
                    f"its layer {i} {theirs.layer.name!r} is {_form(theirs.layer)}, in "
                    f"{first.source.name} it is {_form(ours.layer)}; networks that are no SuperNet "
                    "are imported one by one",
                )
    return None


def equal_weights_percent(networks: Sequence[ImportedNetwork]) -> float | None:
    """Percent of the weights that two networks would share which are equal in their files.

    Two cuts of a layer would share the first kernels and the first channels that both have.  Layers
    count whose weights both files tell; None where there are none.
    """
    equal = shared = 0
    told = [network for network in networks if network.weights]
    for first, second in combinations(told, 2):
        for ours, own, theirs, other in _pairs(first, second):
            kernels = min(ours.kernels, theirs.kernels)
            channels = min(ours.channels_per_group, theirs.channels_per_group)
            if own is not None and other is not None:
                shared += kernels * channels * ours.kernel_height * ours.kernel_width
                cuts = (own[:kernels, :channels], other[:kernels, :channels])
                equal += int((cuts[0] == cuts[1]).sum()) if cuts[0].shape == cuts[1].shape else 0
    return 100 * equal / shared if shared else None


def all_weights_told(networks: Sequence[ImportedNetwork]) -> bool:
    """Whether the files tell the weights of every layer."""
    told = [own is not None for network in networks for own in network.weights]
    return all(told) and len(told) == sum(len(network.layers) for network in networks)


def _pairs(
    first: ImportedNetwork, second: ImportedNetwork
) -> Iterator[tuple[PlainLayer, "np.ndarray | None", PlainLayer, "np.ndarray | None"]]:
    """The layers of equal numbers, each with its weights."""
    for i, (ours, theirs) in enumerate(zip(first.layers, second.layers, strict=True)):
        own, other = (each.weights[i] if each.weights else None for each in (first, second))
        yield ours.layer, own, theirs.layer, other


def _form(layer: PlainLayer) -> str:
    """The form that cuts of one layer have in common: the kind and the window, in words."""
    return f"a {layer.kernel_height}x{layer.kernel_width} {layer.kind}"


def _merged(networks: Sequence[ImportedNetwork]) -> list[str]:
    """All names in an order that agrees with each network's; UserError where there is none."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for network in networks:
        names = [counted.layer.name for counted in network.layers]
        order.add(names[0])
        for before, after in pairwise(names):
            order.add(after, before)
    try:
        return list(order.static_order())
    except CycleError:
        raise placed(
            networks[0].source, "has layers in another order than the others; import each alone"
        ) from None
