"""The sentences on what was presumed or left out when a workload was made."""

from collections.abc import Iterable, Sequence
from typing import Literal

from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import PlainLayer

MOST_NAMED = 3  # operators or layers that a sentence names

Sharing = Literal["assumed", "compared"]
"""Whether the weights that SubNets share are equal in their files, or nobody knows or found so."""


def sharing_caveat(sharing: Sharing | None, equal_weights_percent: float | None) -> list[str]:
    """The sentence, without its period, on sharing that is assumed; none where it is not."""
    if sharing != "assumed":
        return []
    found = (
        "no file tells their weights"
        if equal_weights_percent is None
        else f"{equal_weights_percent:.3g} % of those that files tell are equal"
    )
    return [f"sharing assumed: SubNets count as cuts of the same weights, and {found}"]


def skipped_caveats(skipped: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """A sentence, without its period, for each SubNet with operators that were left out.

    >>> skipped_caveats([("net", ["'a' (If)", "'b' (LSTM)"]), ("whole", [])])
    ["2 operators of SubNet net are left out of every count: 'a' (If), 'b' (LSTM)"]
    """
    return [
        f"{len(names)} operators of SubNet {name} are left out of every count: "
        + ", ".join(names[:MOST_NAMED])
        + (" and more" if len(names) > MOST_NAMED else "")
        for name, names in skipped
        if names
    ]


def chain_caveats(subnet: str, layers: Sequence[PlainLayer]) -> list[str]:
    """The sentence, without its period, on layers that can hardly read the map before them.

    Of one map a layer reads all channels, a part of them, or all pixels as channels.  `ValueError`
    where a layer reads what is no map of an earlier one.
    """
    odd = []
    for layer, reads in zip(layers, reads_of(layers), strict=True):
        if len(reads.inputs) == 1:
            (number,) = reads.inputs
            made, read = layers[number].kernels, layer.channels
            if read % made and made % read:
                odd.append(
                    f"{layer.name} reads {read} channels and {layers[number].name} has {made}"
                )
    more = " and others" if len(odd) > MOST_NAMED else ""
    shown = f"{'; '.join(odd[:MOST_NAMED])}{more}"
    return [f"layers of SubNet {subnet} do not chain: {shown}"] if odd else []
