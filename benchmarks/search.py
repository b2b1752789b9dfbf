"""Evaluations that `search` needs to 99 % of the exact hypervolume, by sampler and by batch.

    python -m benchmarks.search

A space is enumerated once, and every search is answered from that enumeration.  What is counted are
the designs that a search evaluates, in the order it asks for them: not repeated ones, which the
store answers, and not those that do not fit.  The reference point is that of all rows of the space.
"""

import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

import numpy as np
import pyarrow as pa

from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import cost_matrix, hypervolume, non_dominated, reference_point
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import Metric, find_metric
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore.search.batches import searched
from sushi_dse.explore.search.plan import SAMPLERS, Search
from sushi_dse.explore.search.storage import open_study

SHARE = 0.99  # share of the exact hypervolume that a search must reach
QUERIES = 500
BATCH = 20  # the command's default
BATCHES = (10, BATCH, 50, 100)
SEEDS = range(20)
TRIALS = 3000  # trials after which a search has failed
CASES = (  # hardware, workload, objectives
    (
        "zcu104_space",
        "ofa_resnet50",
        ("mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query"),
    ),
    (
        "alveo_u50_space",
        "ofa_mbv3",
        ("p99_latency_ms", "slo_attainment", "energy_mj_per_query", "device_share"),
    ),
)


@dataclass(frozen=True, eq=False)
class Enumeration:
    """All rows of a space, and the exact hypervolume that a perfect search would find."""

    experiment: Experiment
    objectives: tuple[Metric, ...]
    rows: pa.Table  # one row for each design and policy, in the order of designs
    costs: np.ndarray  # [design, policy, objective], NaN where the design does not fit

    @classmethod
    def of(cls, hw: str, workload: str, names: Sequence[str]) -> "Enumeration":
        """The space of that hardware on a synthetic trace of `QUERIES`."""
        experiment = load_experiment(hw, workload, queries=QUERIES)
        objectives = tuple(map(find_metric, names))
        rows = evaluate(experiment, range(experiment.space.size))
        costs = cost_matrix(rows.to_pandas(), objectives)
        shape = experiment.space.size, len(experiment.policies), len(objectives)
        return cls(experiment, objectives, rows, costs.reshape(shape))

    @property
    def fits(self) -> np.ndarray:
        """Mask of the designs that fit their device, [design]."""
        return np.asarray(~np.isnan(self.costs).any(axis=(1, 2)))

    def evaluate(self, designs: Sequence[int]) -> pa.Table:
        """The rows of designs."""
        policies = len(self.experiment.policies)
        return self.rows.take((np.array(designs)[:, None] * policies + np.arange(policies)).ravel())

    def share(self, designs: Sequence[int]) -> float:
        """The share of the exact hypervolume that the rows of designs dominate."""
        objectives = len(self.objectives)
        whole = self.costs[self.fits].reshape(-1, objectives)
        reference = reference_point(whole)
        found = self.costs[list(designs)].reshape(-1, objectives)
        return hypervolume(found, reference) / hypervolume(whole, reference)


def evaluations_needed(
    space: Enumeration, sampler: str, seed: int, *, batch: int = BATCH, trials: int = TRIALS
) -> float:
    """The designs that a search evaluates to reach `SHARE`; infinity if not within `trials`."""
    names, fits = [metric.name for metric in space.objectives], space.fits
    with tempfile.TemporaryDirectory() as folder:
        plan = Search(space.experiment, names, sampler=sampler, seed=seed, batch=batch, out=folder)
        return _needed(space, plan, fits, trials)


def _needed(space: Enumeration, plan: Search, fits: np.ndarray, trials: int) -> float:
    with plan.opened() as store, open_study(plan) as study:
        for _ in searched(plan, study, store, space.evaluate, trials=trials):
            asked = [plan.row(trial.params)[0] for trial in study.get_trials(deepcopy=False)]
            designs = [design for design in dict.fromkeys(asked) if fits[design]]
            if space.share(designs) >= SHARE:
                counts = range(len(designs) + 1)
                return bisect_left(counts, SHARE, key=lambda count: space.share(designs[:count]))
    return inf


def line(name: str, counts: Sequence[float], baseline: Sequence[float]) -> str:
    """A line of a Markdown table: evaluations needed, beside those of a baseline."""
    reached = sorted(count for count in counts if count < inf)
    span = f"{reached[0]:.0f} to {reached[-1]:.0f}" if reached else ""
    gain = median(baseline) / median(counts)
    cells = (name, f"{median(counts):.0f}", span, f"{gain:.1f}", f"{len(reached)} of {len(counts)}")
    return f"| {' | '.join(cells)} |"


def by_sampler(space: Enumeration, seeds: Sequence[int] = SEEDS) -> Iterator[str]:
    """A table of the samplers, the best median first."""
    needed = {
        sampler: [evaluations_needed(space, sampler, seed) for seed in seeds]
        for sampler in SAMPLERS
    }
    yield "| sampler | median | range | times fewer than random | 99 % reached |"
    yield "|---|---|---|---|---|"
    for sampler in sorted(SAMPLERS, key=lambda sampler: median(needed[sampler])):
        yield line(sampler, needed[sampler], needed["random"])


def by_batch(space: Enumeration, seeds: Sequence[int] = SEEDS) -> Iterator[str]:
    """A table of batches of nsga2."""
    needed = {
        batch: [evaluations_needed(space, "nsga2", seed, batch=batch) for seed in seeds]
        for batch in BATCHES
    }
    yield f"| batch of nsga2 | median | range | times fewer than {BATCHES[-1]} | 99 % reached |"
    yield "|---|---|---|---|---|"
    for batch in BATCHES:
        yield line(str(batch), needed[batch], needed[BATCHES[-1]])


def main() -> None:
    """Print the tables of each case."""
    for hw, workload, names in CASES:
        space = Enumeration.of(hw, workload, names)
        costs = space.costs[space.fits].reshape(-1, len(names))
        print(
            f"{hw}, {workload}: {', '.join(names)}\n{len(space.fits)} designs, of which "
            f"{space.fits.sum()} fit; {non_dominated(costs).sum()} of {len(costs)} rows on the "
            "front\n",
            flush=True,
        )
        for lines in (by_sampler(space), by_batch(space)):
            print("\n".join(lines), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
