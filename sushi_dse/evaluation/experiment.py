"""What is asked: designs, SubNets, a trace and policies; checked once and hashed once."""

import hashlib
from dataclasses import asdict, dataclass, field
from functools import cached_property

from sushi_dse.errors import UserError, near_names
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.network import Network
from sushi_dse.policies.catalogue import find_policy
from sushi_dse.policies.names import STEADY_POLICIES
from sushi_dse.policies.user_file import is_user_policy, user_source
from sushi_dse.serving.selection import MODES
from sushi_dse.traces.trace import Trace

RECACHE_EVERY_QUERIES = 8  # assumption; plausible from 1 to 64
MOST_QUERIES = 10**9  # between two changes of the SubGraph
NO_TRACE = "none"  # in place of a trace's name: each SubNet in its steady state


@dataclass(frozen=True, eq=False, kw_only=True)
class Experiment:
    """What designs are evaluated on: a space, SubNets, a trace, and policies by name.

    Without a `trace` each SubNet is served again and again.  `mode` is one of `MODES`: which demand
    of a query is kept at all costs.  `recache_every_queries` are the intervals at which a policy
    may change the SubGraph; one that does so has a row for each.  `UserError` where a policy or
    mode is unknown, a policy needs a trace and there is none, or something is named twice.
    """

    space: SearchSpace
    network: Network = field(repr=False)
    trace: Trace | None = field(repr=False)
    policies: tuple[str, ...]
    mode: str = "strict-latency"
    recache_every_queries: tuple[int, ...] = (RECACHE_EVERY_QUERIES,)
    is_trace_made: bool = False  # for the space's reference design, whose SubNets its demands span

    def __post_init__(self) -> None:
        object.__setattr__(self, "policies", tuple(self.policies))
        object.__setattr__(self, "recache_every_queries", tuple(self.recache_every_queries))
        if self.mode not in MODES:
            raise UserError(f"unknown mode {self.mode!r}; {near_names(self.mode, MODES)}")
        self._check_policies()
        intervals = self.recache_every_queries
        if not intervals or not all(0 < interval <= MOST_QUERIES for interval in intervals):
            raise UserError(
                f"--recache-every: 1 to {MOST_QUERIES} queries must be given, got "
                f"{', '.join(map(str, intervals)) or 'none'}"
            )
        if len(set(intervals)) < len(intervals):
            raise UserError(f"--recache-every: {intervals} names one interval twice; name it once")

    def _check_policies(self) -> None:
        if not self.policies:
            raise UserError("no policy is named; name one at least")
        for name in self.policies:
            find_policy(name)
            if self.trace is None and name not in STEADY_POLICIES:
                raise UserError(
                    f"--policy {name} chooses by the queries of a trace; without one take "
                    f"{' or '.join(STEADY_POLICIES)}"
                )
        if len(set(self.policies)) < len(self.policies):
            raise UserError(f"a policy is named twice: {', '.join(self.policies)}; name each once")

    @property
    def names(self) -> tuple[str, str]:
        """The names of the hardware and of the workload."""
        return self.space.base.name, self.network.supernet.name

    @property
    def design(self) -> Accelerator:
        """The only design; `UserError` of a search space."""
        if self.space.size > 1:
            axes = ", ".join(axis.name for axis in self.space.axes)
            raise UserError(
                f"{self.space.base.name}: a search space of {self.space.size} designs ({axes}) "
                "where one design is wanted; give each a single value, or run `sushi-dse sweep`"
            )
        return self.space.base

    @property
    def traced(self) -> Trace:
        """The trace; `UserError` where there is none."""
        if self.trace is None:
            raise UserError(f"--trace {NO_TRACE}: this command serves queries; name a trace")
        return self.trace

    @cached_property
    def runs(self) -> tuple[tuple[str, int | None], ...]:
        """The policies, each with its intervals: those that never change the SubGraph have none.

        A design has a row for each; without a trace no policy has an interval.
        """
        found: list[tuple[str, int | None]] = []
        for name in self.policies:
            recaches = self.trace is not None and find_policy(name).recaches
            intervals = self.recache_every_queries if recaches else (None,)
            found += [(name, interval) for interval in intervals]
        return tuple(found)

    @property
    def rows_of_a_run(self) -> int:
        """How many rows a design that fits has under a policy: one, or one a SubNet."""
        return 1 if self.trace is not None else len(self.network.macs)

    @property
    def reference_fault(self) -> str:
        """Why the design that the trace was made for does not fit its device; empty where it does.

        It is the reference design of a search space; a trace from a file was made for another.
        """
        made = self.is_trace_made and self.space.size > 1
        return infeasible_reason(self.space.reference) if made else ""

    @cached_property
    def inputs(self) -> dict[str, object]:
        """All that rows depend on, contents of files included, to tell one run from another."""
        return {
            "hardware": {
                "base": asdict(self.space.base),
                "axes": {axis.name: list(axis.values) for axis in self.space.axes},
            },
            "workload": {
                "name": self.network.supernet.name,
                "sha256": hashlib.sha256(repr(self.network.supernet).encode()).hexdigest(),
            },
            "trace": {
                "queries": 0 if self.trace is None else len(self.trace),
                "sha256": "" if self.trace is None else self.trace.content_hash(),
            },
            "policies": list(self.policies),
            "policy_files": {
                name: hashlib.sha256(user_source(name)).hexdigest()
                for name in filter(is_user_policy, self.policies)
            },
            "mode": self.mode,
            "recache_every_queries": list(self.recache_every_queries),
        }
