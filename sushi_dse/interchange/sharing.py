"""The layers that several networks share, by their names in a SuperNet or by their order."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from sushi_dse.config.document import placed
from sushi_dse.interchange.network import ImportedNetwork
from sushi_dse.workload.layers import PlainLayer


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
