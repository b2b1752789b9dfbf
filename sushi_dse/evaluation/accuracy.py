"""What needs the accuracy of SubNets, and what is said where it is not known."""

from collections.abc import Sequence

from sushi_dse.errors import UserError
from sushi_dse.model.network import Network
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.rated import of_unknown_accuracy

GIVE_IT = "give it as accuracy_percent in its file, or by `workload import --accuracy-percent`"
MOST_NAMED = 3  # SubNets that a sentence names


def unknown_accuracy(network: Network) -> str:
    """The sentence, without its period, on SubNets whose accuracy is not known; empty for none."""
    names = of_unknown_accuracy(network.supernet.subnets)
    more = " and others" if len(names) > MOST_NAMED else ""
    whose = ", ".join(map(repr, names[:MOST_NAMED])) + more
    return f"the accuracy of {whose} is not known: {GIVE_IT}" if names else ""


def servable(policies: Sequence[str], network: Network) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The policies that can serve the SubNets, and a sentence on those that are left out, if any.

    A policy that trades accuracy needs to know some.  `UserError` where no policy is left.
    """
    reason = ""
    if unknown_accuracy(network):
        reason = "which is not known"
    elif not network.accuracy_percent.any():
        reason = "which is 0 % for every SubNet, so that nothing can be lost"
    left_out = [
        name for name in policies if reason and name in POLICIES and POLICIES[name].trades_accuracy
    ]
    if not left_out:
        return tuple(policies), ()
    sentence = f"{', '.join(left_out)} left out: a policy that trades accuracy, {reason}"
    kept = tuple(name for name in policies if name not in left_out)
    if not kept:
        raise UserError(f"{sentence}; name another policy")
    return kept, (sentence,)


def refuse_unknown_accuracy(
    network: Network, trace: Trace | None, policies: Sequence[str], levels: Sequence[float]
) -> None:
    """Raise `UserError` where SubNets are chosen by an accuracy that is not known.

    levels: service levels of the accuracy demands.
    """
    kept, sentences = servable(policies, network)
    if sentences:
        raise UserError(f"{sentences[0]}; name {', '.join(kept)} alone")
    reason = unknown_accuracy(network)
    if trace is None or not reason:
        return
    if len(network.supernet.subnets) > 1:
        raise UserError(f"a trace is served by SubNets of known accuracy, and {reason}")
    if tuple(levels) != (1.0,):
        raise UserError(f"--service-level: moves demands on accuracy, and {reason}")
