"""The names of kinds of synthetic demand and of arrivals, which a shell completes.

Nothing is imported here.
"""

INDEPENDENT = "independent"
RANDOM_WALK = "random-walk"
PHASES = "phases"

DEMAND_NAMES = (INDEPENDENT, RANDOM_WALK, PHASES)

CLOSED_LOOP = "closed-loop"  # arrivals that have no rate
POISSON = "poisson"
ARRIVAL_NAMES = (CLOSED_LOOP, POISSON, "gamma", "mmpp", "diurnal")
