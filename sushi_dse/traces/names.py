"""The names of the kinds of synthetic demand, which a shell completes: nothing is imported here."""

INDEPENDENT = "independent"
RANDOM_WALK = "random-walk"
PHASES = "phases"

DEMAND_NAMES = (INDEPENDENT, RANDOM_WALK, PHASES)
