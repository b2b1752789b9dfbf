"""Design-space exploration of SubGraph-stationary inference accelerators.

The public names, by what they are for; `examples/first_look.py` uses most of them.

* Read: `load_hardware`, `load_workload`, `load_setting`, `read_trace`, `spanned_trace`.
* Values: `Accelerator`, `Network`, `Trace`, `LatencyTable`, `Evaluation`.
* Serve: `candidate_table`, `find_policy`, `serve`, `MODES`, `POLICIES`.
* Evaluate: `compare_policies`, `evaluate_block`, `read_results`, `METRICS`, `find_metric`.
* Fronts: `front`, `hypervolume`, `non_dominated`, `reference_point`, `exact_front`, `Problem`.

Units end a name: `latency_ms`, `energy_mj`, `offchip_bytes`; a shape stands in brackets: [query].
A mistake in a file or a name is a `UserError`, one in a value a `ValueError`; both say what must
hold.  A name is imported when it is first used, so that `import sushi_dse` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sushi_dse.compare import compare_policies
    from sushi_dse.config import load_hardware, load_workload
    from sushi_dse.errors import UserError
    from sushi_dse.evaluate import Evaluation, evaluate_block
    from sushi_dse.exact import Problem, exact_front
    from sushi_dse.hardware import Accelerator
    from sushi_dse.latency_table import LatencyTable, candidate_table
    from sushi_dse.metrics import METRICS, find_metric
    from sushi_dse.network import Network
    from sushi_dse.pareto import front, hypervolume, non_dominated, reference_point
    from sushi_dse.policies import POLICIES, find_policy, serve
    from sushi_dse.queries import Trace, read_trace
    from sushi_dse.selection import MODES
    from sushi_dse.setting import load_setting, spanned_trace
    from sushi_dse.store import read_results

    __version__: str

__all__ = [
    "METRICS",
    "MODES",
    "POLICIES",
    "Accelerator",
    "Evaluation",
    "LatencyTable",
    "Network",
    "Problem",
    "Trace",
    "UserError",
    "__version__",
    "candidate_table",
    "compare_policies",
    "evaluate_block",
    "exact_front",
    "find_metric",
    "find_policy",
    "front",
    "hypervolume",
    "load_hardware",
    "load_setting",
    "load_workload",
    "non_dominated",
    "read_results",
    "read_trace",
    "reference_point",
    "serve",
    "spanned_trace",
]

_MODULES = {
    "compare": ("compare_policies",),
    "config": ("load_hardware", "load_workload"),
    "errors": ("UserError",),
    "evaluate": ("Evaluation", "evaluate_block"),
    "exact": ("Problem", "exact_front"),
    "hardware": ("Accelerator",),
    "latency_table": ("LatencyTable", "candidate_table"),
    "metrics": ("METRICS", "find_metric"),
    "network": ("Network",),
    "pareto": ("front", "hypervolume", "non_dominated", "reference_point"),
    "policies": ("POLICIES", "find_policy", "serve"),
    "queries": ("Trace", "read_trace"),
    "selection": ("MODES",),
    "setting": ("load_setting", "spanned_trace"),
    "store": ("read_results",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("sushi-dse")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'sushi_dse' has no attribute {name!r}")
    return getattr(import_module(f"sushi_dse.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
