"""The names of the policies.  Nothing is imported here, so that a shell completes them fast."""

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
    SLO_NN,
    GATI,
)
DEFAULT_POLICIES = (NO_SGS, SUSHI, STATIC_SUBGRAPH, LATENCY_AWARE)
STEADY_POLICIES = (NO_SGS, STATIC_SUBGRAPH)  # policies that choose nothing by a trace's queries
