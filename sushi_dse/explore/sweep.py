"""A sweep: an experiment over every design of its space, planned, run, resumed and summarised.

    sweep = Sweep(load_experiment("zcu104_space"), ["mean_latency_ms", "energy_mj_per_query"])
    sweep.run(workers=2)
    sweep.to_pandas()

Blocks of designs whose part is in the folder are not evaluated again.  There are three ways to the
same front: `walk` evaluates every design and keeps every row, `front` keeps the front of each block
only, and `exact` discards whole boxes of designs that a bound proves dominated, with a certificate.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from sushi_dse.errors import IncompleteError, UserError, near_names
from sushi_dse.explore.blocks import BLOCK_DESIGNS, part_of, steady_block_designs
from sushi_dse.explore.exact.bounds import refuse_unbounded
from sushi_dse.explore.exact.folder import read_settled, sweep_exactly
from sushi_dse.explore.exploration import Exploration
from sushi_dse.explore.robust import Robustness
from sushi_dse.explore.survey import Survey, objective_names
from sushi_dse.explore.workers.ahead import compiling_ahead
from sushi_dse.explore.workers.executors import executor_for
from sushi_dse.explore.workers.tasks import GO_ON, TRIES, Failure, results
from sushi_dse.store.folder import Store

WAYS = ("walk", "front", "exact")
MOST_SWEPT = 10**13  # designs: what a large cluster walks in hours without a trace
SHOWN = 3  # blocks that were given up and are named in the error


@dataclass(frozen=True, slots=True)
class SweptBlock:
    """A block that was evaluated and stored, or given up."""

    designs: range
    failure: str = ""  # why the block was given up; empty where it is stored

    def __len__(self) -> int:
        return len(self.designs)


@dataclass(frozen=True, eq=False)
class Sweep(Exploration):
    """An experiment over its whole space, for the front of some objectives, in a folder of results.

    `how` is `walk`, `front` or `exact`: every row is kept, the front of each block of designs, or
    boxes of designs are left out that a bound shows to be beaten.  `run` does what the folder
    lacks, `survey` finds the front, `to_pandas` reads all rows.

    `UserError` where a name is unknown, the space is too large to walk, or the exact way is asked
    for on a trace, on a single design or for a metric that has no bound.
    """

    how: str = field(default="walk", kw_only=True)

    def __post_init__(self) -> None:
        space = self.experiment.space
        if self.how not in WAYS:
            raise UserError(f"unknown way to sweep {self.how!r}; {near_names(self.how, WAYS)}")
        if self.how == "front" and self.experiment.seeded:
            raise UserError("--keep front keeps no row of each seed; leave --keep or --repeats out")
        if self.how == "exact":
            if self.experiment.trace is not None:
                raise UserError("--exact is without a trace; leave --trace out")
            if not space.axes:
                name = space.base.name
                raise UserError(f"{name}: is one design, and no space to search; leave --exact out")
            refuse_unbounded(self.metrics)
        elif space.size > MOST_SWEPT:
            raise UserError(
                f"{space.base.name}: {space.size} designs, and a sweep walks {MOST_SWEPT:g} at "
                "most; offer fewer values, or take --exact or `sushi-dse search`"
            )

    @property
    def own_inputs(self) -> dict[str, object]:
        """The inputs of the rows besides the experiment: objectives of a front, size of a block."""
        names = objective_names(self.metrics)
        if self.how == "exact":
            return {"exact": names}
        kept = {"kept_front": names} if self.how == "front" else {}
        return {"block_designs": self.block_designs, **kept}

    @property
    def block_designs(self) -> int:
        """The number of designs in a block."""
        if self.experiment.trace is not None:
            return BLOCK_DESIGNS
        return steady_block_designs(self.experiment.space.size)

    def missing(self, store: Store) -> Iterator[range]:
        """The designs of each block that the store lacks, in order."""
        blocks = enumerate(self.experiment.space.blocks(self.block_designs))
        return (designs for number, designs in blocks if number not in store)

    def missing_designs(self, store: Store) -> int:
        """The number of designs that are not stored yet; of an exact sweep, all designs."""
        if self.how == "exact":
            return self.experiment.space.size
        return sum(map(len, self.missing(store)))

    def steps(
        self, store: Store, *, workers: int = 1, cluster: str | None = None
    ) -> Iterator[SweptBlock]:
        """Evaluate the blocks that the store lacks; yield each once it is on disk or given up.

        Blocks are evaluated in this process, in so many `workers`, or in the Dask `cluster` of that
        address; this process alone writes.  `UserError` where a part cannot be written or a worker
        has other code, `IncompleteError` where no worker is left.
        """
        if self.how == "exact":
            steps = sweep_exactly(self.experiment, self.metrics, store)
            yield from (SweptBlock(designs) for designs in steps)
        else:
            yield from self._walked(store, workers=workers, cluster=cluster)
        store.discard_damaged()

    def _walked(self, store: Store, *, workers: int, cluster: str | None) -> Iterator[SweptBlock]:
        """The blocks that the store lacks, each once it is on disk or given up."""
        first = list(islice(self.missing(store), workers))
        if not first:
            return
        kept = self.metrics if self.how == "front" else ()
        task = partial(part_of, self.experiment, kept)
        executor = executor_for(task, workers=len(first), cluster=cluster)
        ahead = nullcontext() if cluster else compiling_ahead(self.experiment)
        with closing(executor), ahead:
            patience_s = self.patience_s(self.block_designs)
            missing = self.missing(store)
            for designs, outcome in results(executor, missing, patience_s=patience_s):
                if isinstance(outcome, Failure):
                    yield SweptBlock(designs, outcome.reason)
                else:
                    store.write(designs.start // self.block_designs, outcome)
                    yield SweptBlock(designs)

    def run(self, *, workers: int = 1, cluster: str | None = None) -> Survey:
        """Evaluate the blocks that the folder lacks, and survey all of its rows.

        `IncompleteError` where a block was given up; finished blocks are kept.
        """
        with self.opened() as store:
            steps = list(self.steps(store, workers=workers, cluster=cluster))
        self.refuse_given_up(steps)
        return self.survey()

    @staticmethod
    def refuse_given_up(steps: Sequence[SweptBlock]) -> None:
        """Raise `IncompleteError` unless no block was given up."""
        lost = [step for step in steps if step.failure]
        shown = [f"designs {b.designs[0]} to {b.designs[-1]} ({b.failure})" for b in lost[:SHOWN]]
        if len(lost) > SHOWN:
            shown.append(f"{len(lost) - SHOWN} blocks more")
        if lost:
            raise IncompleteError(f"given up after {TRIES} tries: {', '.join(shown)}; {GO_ON}")

    def summary(
        self,
        found: Survey,
        steps: Sequence[SweptBlock],
        *,
        since: float,
        robust: Robustness | None = None,
    ) -> dict[str, Any]:
        """The summary of the sweep by name, with its decision.

        Those blocks were run since a `time.perf_counter`; `robust` is its front under draws.
        """
        facts: dict[str, Any] = {}
        evaluated = sum(len(step) for step in steps if not step.failure)
        if self.how == "exact":
            facts["exact"] = read_settled(self.folder)
            evaluated = facts["exact"]["walked_designs"] if steps else 0
        said = {
            "designs": self.experiment.space.size,
            "evaluated": evaluated,
            "seconds": round(time.perf_counter() - since, 3),
            "out": str(self.folder),
        }
        if robust is not None:
            facts["robust"] = robust.document
        return {**self.described(found, robust), **said, **facts}
