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
    from sushi_dse.analysis.compare import compare_policies
    from sushi_dse.config.hardware_file import load_hardware
    from sushi_dse.config.workload_file import load_workload
    from sushi_dse.errors import UserError
    from sushi_dse.evaluation.experiment import Evaluation
    from sushi_dse.evaluation.fronts import front, hypervolume, non_dominated, reference_point
    from sushi_dse.evaluation.loading import load_setting, spanned_trace
    from sushi_dse.evaluation.metrics import METRICS, find_metric
    from sushi_dse.evaluation.rows import evaluate_block
    from sushi_dse.explore.exact.branch import exact_front
    from sushi_dse.explore.exact.problem import Problem
    from sushi_dse.hardware.accelerator import Accelerator
    from sushi_dse.model.latency_table import LatencyTable, candidate_table
    from sushi_dse.model.network import Network
    from sushi_dse.policies.catalogue import POLICIES, find_policy, serve
    from sushi_dse.serving.selection import MODES
    from sushi_dse.store.parts import read_results
    from sushi_dse.traces.files import read_trace
    from sushi_dse.traces.trace import Trace

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
    "analysis.compare": ("compare_policies",),
    "config.hardware_file": ("load_hardware",),
    "config.workload_file": ("load_workload",),
    "errors": ("UserError",),
    "evaluation.experiment": ("Evaluation",),
    "evaluation.fronts": ("front", "hypervolume", "non_dominated", "reference_point"),
    "evaluation.loading": ("load_setting", "spanned_trace"),
    "evaluation.metrics": ("METRICS", "find_metric"),
    "evaluation.rows": ("evaluate_block",),
    "explore.exact.branch": ("exact_front",),
    "explore.exact.problem": ("Problem",),
    "hardware.accelerator": ("Accelerator",),
    "model.latency_table": ("LatencyTable", "candidate_table"),
    "model.network": ("Network",),
    "policies.catalogue": ("POLICIES", "find_policy", "serve"),
    "serving.selection": ("MODES",),
    "store.parts": ("read_results",),
    "traces.files": ("read_trace",),
    "traces.trace": ("Trace",),
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
