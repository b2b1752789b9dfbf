"""The sentences on what was presumed or left out when a workload was made."""

from collections.abc import Iterable, Sequence
from typing import Literal

MOST_NAMED = 3  # operators that a sentence names

Sharing = Literal["assumed", "compared"]
"""Whether the weights that SubNets share are equal in their files, or nobody knows or found so."""


def sharing_caveat(sharing: Sharing | None, equal_weights_percent: float | None) -> list[str]:
    """The sentence, without its period, on sharing that is assumed; none where it is not."""
    if sharing != "assumed":
        return []
    found = (
        "no file tells their weights"
        if equal_weights_percent is None
        else f"{equal_weights_percent:.3g} % of those weights are equal in their files"
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
