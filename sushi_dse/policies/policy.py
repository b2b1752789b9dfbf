"""A serving policy, and a run of it: how SubNets and SubGraphs are chosen, or its own system."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.model.batches import batch_table
from sushi_dse.model.jit import Kernel
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.model.network import Network
from sushi_dse.serving.batch_rules import Rule
from sushi_dse.serving.batching import serve_in_batches, tally_in_batches
from sushi_dse.serving.by_queue import BY_MODE, FIXED, serve_with_rule
from sushi_dse.serving.hindsight import fixed_subnet, nothing_cached
from sushi_dse.serving.kernel import serve_by_rules
from sushi_dse.serving.many import serve_with_many
from sushi_dse.serving.queue import ONE, Pool
from sushi_dse.serving.recaching import NEAREST, SCHEDULED
from sushi_dse.serving.selection import mode_code
from sushi_dse.serving.served import Served, Tally, joined, tally
from sushi_dse.serving.streams import (
    Streams,
    tally_by_queue,
    tally_by_rules,
    tally_with_rule,
    tally_with_rules,
)
from sushi_dse.traces.trace import Trace

Plan = Callable[[Streams, LatencyTable, int, int], np.ndarray]
"""A function of streams, table, mode and interval to the SubGraphs of windows: [stream, window]."""

System = Callable[[Network, Accelerator], tuple[LatencyTable, Accelerator]]
"""A function from a design to the latency table and the design that a policy serves on."""

Service = Callable[[Trace, LatencyTable, int, int], Served]
"""A function of trace, table, mode and recache interval that serves the trace."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PolicyRun:
    """A trace served under a policy, and the table and design that it was served on.

    The design is built without a Persistent Buffer where the policy has no use for one.
    """

    served: Served
    table: LatencyTable
    accelerator: Accelerator

    @property
    def switched(self) -> np.ndarray:
        """Whether each query brought other weights into the Persistent Buffer: [query].

        Two SubGraphs may hold the same weights; a change between them is no switch.
        """
        moved = self.table.fetched_bytes + self.table.fetched_bytes.T > 0  # [old, new]
        return np.asarray(moved[self.served.cached, self.served.kept])


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy for serving a trace.

    `recaching` is a code of `serving.recaching`, and a scheduled policy follows `plan`.  A policy
    whose `selection` sees the queue, by a code of `serving.by_queue`, keeps nothing on chip.  A
    `system` makes a latency table and an accelerator of its own, and a `service` serves the trace
    on it in place of a kernel.  A policy that `recaches` may change the SubGraph after every
    recache interval.  One with a `batch_limit` serves up to so many queries at once, where its
    table is that of batches.
    """

    summary: str
    recaching: int = SCHEDULED
    selection: int = BY_MODE
    plan: Plan = nothing_cached
    recaches: bool = False
    has_persistent_buffer: bool = True
    system: System | None = None
    service: Service | None = None
    trades_accuracy: bool = False  # whether it gives up accuracy of a SubNet
    batch_limit: int | None = None  # None where it serves queries one by one alone

    def run(
        self,
        network: Network,
        trace: Trace,
        accelerator: Accelerator,
        table: LatencyTable,
        *,
        mode: str,
        every: int,
        pool: Pool = ONE,
    ) -> PolicyRun:
        """The run of `trace` on a design, whose latency table is `table`, or on the own system.

        The SubGraph may change every `every` queries; `mode` is one of `MODES`.  A `pool` has
        several of the design.
        """
        table, accelerator = self.system_of(network, accelerator, table)
        served = self.served(trace, table, mode=mode, every=every, pool=pool)
        return PolicyRun(served=served, table=table, accelerator=accelerator)

    def system_of(
        self, network: Network, accelerator: Accelerator, table: LatencyTable
    ) -> tuple[LatencyTable, Accelerator]:
        """The latency table and the design that the policy serves on: those given, or its own.

        The table is that of batches for a policy with a `batch_limit` above 1.  Without a use for
        it the design has no Persistent Buffer.
        """
        if self.system is not None:
            table, accelerator = self.system(network, accelerator)
        if self.batch_limit is not None:
            table = batch_table(network, accelerator, table, self.batch_limit)
        if not self.has_persistent_buffer:
            accelerator = replace(accelerator, persistent_buffer_kib=0)
        return table, accelerator

    def held(self, designs: Designs) -> Designs:
        """Designs as they are built for the policy, which has no system of its own."""
        return designs if self.has_persistent_buffer else designs.changed(persistent_buffer_kib=0.0)

    @property
    def has_own_table(self) -> bool:
        """Whether `system_of` gives another table than that of the design."""
        return self.system is not None or self.batch_limit is not None

    @property
    def keeps_nothing(self) -> bool:
        """Whether it serves on the table of a design, of which it sees SubGraph 0 alone."""
        return (
            self.plan is nothing_cached and self.recaching == SCHEDULED and self.kernel is not None
        )

    @property
    def kernel(self) -> Kernel[..., Tally] | None:
        """The kernel that serves it query by query on one accelerator, on the table of a design.

        None where it has a system or a service of its own, or serves batches.
        """
        if self.service is not None or self.system is not None or (self.batch_limit or 1) > 1:
            return None
        return tally_by_rules if self.selection == BY_MODE else tally_by_queue

    @property
    def serves_many(self) -> bool:
        """Whether several accelerators behind one queue may serve by the policy.

        A plan of windows, a service of the policy's own and batches are for one accelerator; a
        policy that batches by a rule of its queue serves one by one on several.
        """
        is_planned = self.recaches and self.recaching == SCHEDULED
        is_of_batches = self.batch_limit is not None and self.selection == BY_MODE
        return self.service is None and not (is_planned or is_of_batches)

    def served(
        self, trace: Trace, table: LatencyTable, *, mode: str, every: int, pool: Pool = ONE
    ) -> Served:
        """The queries of `trace` as the policy serves them on `table`, first come, first served.

        `ValueError` where a policy that does not serve many is given several accelerators.
        """
        code = self._code(mode, table, pool)
        if self.service is not None:
            return self.service(trace, table, code, every)
        if self._batches_on(table):
            return serve_in_batches(trace, table, self._rule(trace, table, code, every))
        if self.selection != BY_MODE:
            fixed = self._fixed(trace, table)
            return serve_with_rule(trace, table, self.selection, fixed=fixed, pool=pool)
        (schedule,) = self.plan(Streams([trace]), table, code, every)
        if pool.accelerators > 1:
            first = int(schedule[0])
            return serve_with_many(
                trace, table, self.recaching, first, mode=code, every=every, pool=pool
            )
        return serve_by_rules(trace, table, self.recaching, schedule, mode=code, every=every)

    def tallied(
        self, streams: Streams, table: LatencyTable, *, mode: str, every: int, pool: Pool = ONE
    ) -> Tally:
        """The sums over each of `streams` as the policy serves them on `table`, as `served` does.

        There is a run for each stream.
        """
        code = self._code(mode, table, pool)
        if self.service is not None:
            traces = streams.traces
            runs = [self.service(trace, table, code, every) for trace in traces]
            return joined(
                [tally(run, trace, table) for run, trace in zip(runs, traces, strict=True)]
            )
        if self._batches_on(table):
            rules = [self._rule(one, table, code, every) for one in streams.given]
            return tally_in_batches(streams, table, rules)
        if self.selection != BY_MODE:
            fixed = np.array([self._fixed(one, table) for one in streams.given])
            return tally_with_rule(streams, table, self.selection, fixed=fixed, pool=pool)
        schedules = self.plan(streams, table, code, every)
        return tally_with_rules(
            streams, table, self.recaching, schedules, mode=code, every=every, pool=pool
        )

    def _code(self, mode: str, table: LatencyTable, pool: Pool) -> int:
        """The code of a mode; `ValueError` where the policy cannot serve on the pool."""
        if pool.accelerators > 1 and not (self.serves_many and table.batch_limit == 1):
            raise ValueError(f"the policy is of one accelerator, got {pool.accelerators}")
        return mode_code(mode)

    def _fixed(self, trace: Trace, table: LatencyTable) -> int:
        """The SubNet that rule FIXED serves, whenever the queries arrive; 0 under another rule."""
        return fixed_subnet(trace, table) if self.selection == FIXED else 0

    def _batches_on(self, table: LatencyTable) -> bool:
        return self.batch_limit is not None and table.batch_limit > 1

    def _rule(self, trace: Trace, table: LatencyTable, mode: int, every: int) -> Rule:
        """The rule by which batches of `trace` are made."""
        return Rule(
            selection=self.selection,
            fixed=self._fixed(trace, table),
            mode=mode,
            every=every if self.recaching == NEAREST else 0,
        )
