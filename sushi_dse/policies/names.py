"""The names of the policies.  A shell completes them: nothing slow is imported here."""

from collections.abc import Mapping
from typing import Any

NO_SGS = "no-sgs"
SUSHI = "sushi"
STATIC_SUBGRAPH = "static-subgraph"
LATENCY_AWARE = "latency-aware"
LAST_SUBNET = "last-subnet"
OFFLINE_OPTIMUM = "offline-optimum"
CLIPPER = "clipper"
MODEL_SWITCHING = "model-switching"
INFAAS = "infaas"
SLACKFIT = "slackfit"
EQUAL_AREA = "equal-area"
BATCHING = "batching"
SGS_BATCHING = "sgs-batching"
SLO_NN = "slo-nn"
GATI = "gati"

POLICY_NAMES = (
    NO_SGS,
    SUSHI,
    STATIC_SUBGRAPH,
    LATENCY_AWARE,
    LAST_SUBNET,
    OFFLINE_OPTIMUM,
    CLIPPER,
    MODEL_SWITCHING,
    INFAAS,
    SLACKFIT,
    EQUAL_AREA,
    BATCHING,
    SGS_BATCHING,
    SLO_NN,
    GATI,
)
DEFAULT_POLICIES = (NO_SGS, SUSHI, STATIC_SUBGRAPH, LATENCY_AWARE)
STEADY_POLICIES = (NO_SGS, STATIC_SUBGRAPH)  # policies that choose nothing by a trace's queries
# Policies whose rates nobody measured: no ranking against them is a finding.
ASSUMED_RATES = (SLO_NN, GATI)


def policy_label(name: str) -> str:
    """The name of a policy for readers, who are told where its rates are assumptions."""
    return f"{name} (assumed rates)" if name in ASSUMED_RATES else name


def marked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with a policy, and whether its rates are assumptions: `rests_on_assumptions`."""
    return {**row, "rests_on_assumptions": row["policy"] in ASSUMED_RATES}
