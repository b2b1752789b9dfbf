"""An experiment: designs, SubNets, a trace and policies, checked once and hashed once."""

import hashlib
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

from sushi_dse.errors import UserError, near_names
from sushi_dse.evaluation.accuracy import refuse_unknown_accuracy, unknown_accuracy
from sushi_dse.evaluation.levels import AS_GIVEN, at_level, check_levels
from sushi_dse.evaluation.metrics import traced_metric_names
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.multipliers import refuse_wide_weights
from sushi_dse.model.network import Network
from sushi_dse.model.standing import Standing, standing
from sushi_dse.policies.catalogue import named_policy, policy_of, shareable
from sushi_dse.policies.names import STEADY_POLICIES
from sushi_dse.policies.policy import Policy
from sushi_dse.policies.user_file import UserFile, is_user_policy
from sushi_dse.serving.batch_rules import BATCH_LIMIT
from sushi_dse.serving.capacity import own_rate_per_s
from sushi_dse.serving.queue import ROUTINGS, SUITED_ROUTING, Pool
from sushi_dse.serving.selection import STRICT_ACCURACY, mode_code
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.rated import of_unknown_accuracy
from sushi_dse.workload.weights import bits_said

RECACHE_EVERY_QUERIES = 8  # assumption; plausible from 1 to 64
MOST_QUERIES = 10**9  # longest recache interval
MOST_IN_A_BATCH = 256  # a table has a row for each batch size and SubNet
NO_TRACE = "none"  # word in place of a trace's name that asks for SubNets in their steady state


def served_words(mode: str, queries: int) -> str:
    """How so many queries are served: the mode, or without a trace each SubNet for itself."""
    return mode if queries else "each SubNet again and again"


@dataclass(frozen=True, eq=False, kw_only=True)
class Experiment:
    """A space of designs, and the SubNets, trace and policies that they are evaluated on.

    Without a `trace` each SubNet is served again and again.  `mode` is one of `MODES`: the demand
    of a query that is met first.  `recache_every_queries` are intervals; a policy that changes the
    SubGraph has a row for each of them.  Each policy has a row for each of the `service_levels`
    that the trace is brought to.  Where the device of the space is shared by several accelerators,
    they serve the trace from one queue, by one of `ROUTINGS`.  `UserError` where a policy or mode
    is unknown, a policy needs a trace and there is none, SubNets are chosen by an accuracy that is
    not known, levels do not rise, a policy or interval is given twice, a batch has no query, a
    capacity is asked for of a stream whose arrivals cannot be scaled, several accelerators are to
    serve a closed loop or by a policy of one, or weights are wider than a design's multipliers.
    """

    space: SearchSpace
    network: Network = field(repr=False)
    trace: Trace | None = field(repr=False)
    policies: tuple[str, ...]
    mode: str = "strict-latency"
    recache_every_queries: tuple[int, ...] = (RECACHE_EVERY_QUERIES,)
    service_levels: tuple[float, ...] = (AS_GIVEN,)
    # The trace of each seed that rows are repeated over, `trace` that of the first; none for one.
    seeded: tuple[tuple[int, Trace], ...] = field(default=(), repr=False)
    remarks: tuple[str, ...] = ()  # sentences on policies left out, and on demands of the trace
    # The share of queries whose demands are to be met, for which rows have a capacity; or None.
    capacity_target: float | None = None
    routing: str = SUITED_ROUTING
    batch_limit: int = BATCH_LIMIT  # the most queries that a policy which batches serves at once
    is_trace_made: bool = False  # whether the trace was generated for the space's reference design
    # The files of users' policies, which are read once, so that all rows are of the same text.
    policy_files: tuple[UserFile, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "policies", tuple(self.policies))
        object.__setattr__(self, "recache_every_queries", tuple(self.recache_every_queries))
        object.__setattr__(self, "service_levels", tuple(map(float, self.service_levels)))
        mode_code(self.mode)
        read = {file.name: file for file in self.policy_files}
        object.__setattr__(
            self,
            "policy_files",
            tuple(
                read[name] if name in read else UserFile.read(name)
                for name in filter(is_user_policy, self.policies)
            ),
        )
        refuse_wide_weights(self.network.supernet, self.space.corners[0])
        self._check_policies()
        self._check_capacity()
        self._check_pool()
        check_levels(self.service_levels, self.trace, self.mode)
        levels = self.service_levels if mode_code(self.mode) == STRICT_ACCURACY else (AS_GIVEN,)
        refuse_unknown_accuracy(self.network, self.trace, self.policies, levels)
        intervals = self.recache_every_queries
        if not intervals or not all(0 < interval <= MOST_QUERIES for interval in intervals):
            raise UserError(
                f"--recache-every: 1 to {MOST_QUERIES} queries must be given, got "
                f"{', '.join(map(str, intervals)) or 'none'}"
            )
        if not 1 <= self.batch_limit <= MOST_IN_A_BATCH:
            raise UserError(
                f"--batch-limit: 1 to {MOST_IN_A_BATCH} queries must be given, got "
                f"{self.batch_limit}; 1 serves them one by one"
            )
        if len(set(intervals)) < len(intervals):
            raise UserError(f"--recache-every: {intervals} names one interval twice; name it once")

    def _check_policies(self) -> None:
        if not self.policies:
            raise UserError("no policy is named; name one at least")
        for name in self.policies:
            self.policy(name)
            if self.trace is None and name not in STEADY_POLICIES:
                raise UserError(
                    f"--policy {name} chooses by the queries of a trace; without one take "
                    f"{' or '.join(STEADY_POLICIES)}"
                )
        if len(set(self.policies)) < len(self.policies):
            raise UserError(f"a policy is named twice: {', '.join(self.policies)}; name each once")

    def _check_capacity(self) -> None:
        target = self.capacity_target
        if target is None:
            return
        if not 0 < target <= 1:
            raise UserError(f"--slo-target: 0 < target <= 1 must hold, got {target:g}")
        if self.trace is None:
            raise UserError("capacity: is that of a stream of queries, and there is none")
        for trace in (self.trace, *(own for _, own in self.seeded)):
            own_rate_per_s(trace)

    def _check_pool(self) -> None:
        if self.routing not in ROUTINGS:
            raise UserError(
                f"unknown routing {self.routing!r}; {near_names(self.routing, ROUTINGS)}"
            )
        count = self.pool.accelerators
        if count == 1 or self.trace is None:
            return
        for trace in (self.trace, *(own for _, own in self.seeded)):
            if trace.closed_loop:
                raise UserError(
                    f"--accelerators {count}: a closed loop keeps one query under way, which one "
                    "accelerator serves; give arrivals: --arrivals poisson, or a trace with "
                    "arrived_ms"
                )
        kept, sentences = shareable(self.policies, count)
        if sentences:
            raise UserError(f"{sentences[0]}; name {', '.join(kept)} alone")

    @property
    def pool(self) -> Pool:
        """The accelerators that share the device and a queue, and how queries are routed."""
        return Pool(self.space.base.device.accelerators, ROUTINGS[self.routing])

    @property
    def _batches(self) -> bool:
        return any(named_policy(name).batch_limit is not None for name in self.policies)

    @property
    def metric_names(self) -> list[str]:
        """The names of the metrics that rows on the trace have."""
        return traced_metric_names(capacity=self.capacity_target is not None)

    def policy(self, name: str) -> Policy:
        """The policy of that name; a user's file is run as it was when it was read.

        One that batches does so up to the limit of the experiment.  It serves one by one on several
        accelerators, and in a closed loop, where no query waits.
        """
        own = next((file for file in self.policy_files if file.name == name), None)
        found = policy_of(own) if own else named_policy(name)
        if found.batch_limit is None:
            return found
        none_waits = self.trace is None or self.trace.closed_loop
        is_single = self.pool.accelerators > 1 or none_waits
        return replace(found, batch_limit=1 if is_single else self.batch_limit)

    @property
    def names(self) -> tuple[str, str]:
        """The names of the hardware and of the workload, in this order."""
        return self.space.base.name, self.network.supernet.name

    @property
    def served(self) -> str:
        """How the queries are served, in a word or a few: the mode, where there is a trace."""
        return served_words(self.mode, 0 if self.trace is None else len(self.trace))

    @property
    def design(self) -> Accelerator:
        """The only design of the space; `UserError` where there are more."""
        return self.space.only_design(self.space.base.name)

    @property
    def traced(self) -> Trace:
        """The trace; `UserError` where there is none."""
        if self.trace is None:
            raise UserError(f"--trace {NO_TRACE}: this command serves queries; name a trace")
        return self.trace

    @cached_property
    def streams(self) -> Streams:
        """The trace at each of the service levels; `UserError` where there is none."""
        trace, accuracy_percent = self.traced, self.network.accuracy_percent
        return Streams(
            [
                at_level(trace, level, mode=self.mode, accuracy_percent=accuracy_percent)
                for level in self.service_levels
            ]
        )

    @cached_property
    def standing(self) -> Standing:
        """What the latencies of the SubNets stand on, on the reference design."""
        return standing(self.network, self.space, caveats=self.caveats)

    @property
    def caveats(self) -> tuple[str, ...]:
        """The sentences on what was presumed, left out or not known, or is probably not meant."""
        unknown = unknown_accuracy(self.network)
        return (*self.network.supernet.caveats, *filter(None, [unknown]), *self.remarks)

    @property
    def unknown_accuracy(self) -> list[str]:
        """The names of the SubNets whose accuracy is not known."""
        return list(of_unknown_accuracy(self.network.supernet.subnets))

    @cached_property
    def runs(self) -> tuple[tuple[str, int | None], ...]:
        """The pairs of policy and recache interval; a design has a row for each and each level.

        The interval is None for a policy that never changes the SubGraph, and without a trace.
        """
        found: list[tuple[str, int | None]] = []
        for name in self.policies:
            recaches = self.trace is not None and named_policy(name).recaches
            intervals = self.recache_every_queries if recaches else (None,)
            found += [(name, interval) for interval in intervals]
        return tuple(found)

    @property
    def rows_of_a_run(self) -> int:
        """The number of rows of a feasible design under a policy: levels x seeds, or SubNets."""
        if self.trace is None:
            return len(self.network.macs)
        return len(self.service_levels) * max(len(self.seeded), 1)

    @property
    def reference_fault(self) -> str:
        """The reason why the reference design does not fit its device; empty where it fits.

        It is empty, too, unless the trace was generated for the reference design of a space.
        """
        made = self.is_trace_made and self.space.size > 1
        return infeasible_reason(self.space.reference) if made else ""

    @property
    def of_each_seed(self) -> list[tuple[int | None, "Experiment"]]:
        """The experiment on the trace of each seed alone; without seeds itself, under None."""
        if not self.seeded:
            return [(None, self)]
        return [(seed, replace(self, trace=trace, seeded=())) for seed, trace in self.seeded]

    @cached_property
    def inputs(self) -> dict[str, object]:
        """All inputs of the rows by name, with hashes of files, to tell one run from another."""
        calibration = self.space.calibration
        return {
            "hardware": {
                "base": asdict(self.space.base),
                "axes": {axis.name: list(axis.values) for axis in self.space.axes},
                "calibration": calibration.facts if calibration else None,
            },
            "workload": {
                "name": self.network.supernet.name,
                "accuracy_of": self.network.supernet.accuracy_of,
                "weight_bits": bits_said(self.network.supernet),
                "sha256": hashlib.sha256(repr(self.network.supernet).encode()).hexdigest(),
            },
            "trace": {
                "queries": 0 if self.trace is None else len(self.trace),
                "sha256": "" if self.trace is None else self.trace.content_hash(),
            },
            **({"caveats": list(self.caveats)} if self.caveats else {}),
            **({"unknown_accuracy": self.unknown_accuracy} if self.unknown_accuracy else {}),
            **(
                {"seeds": {str(seed): own.content_hash() for seed, own in self.seeded}}
                if self.seeded
                else {}
            ),
            **({"routing": self.routing} if self.pool.accelerators > 1 else {}),
            **({"capacity_target": self.capacity_target} if self.capacity_target else {}),
            **({"batch_limit": self.batch_limit} if self._batches else {}),
            "policies": list(self.policies),
            "policy_files": {file.name: file.digest for file in self.policy_files},
            "mode": self.mode,
            "recache_every_queries": list(self.recache_every_queries),
            "service_levels": list(self.service_levels),
        }
