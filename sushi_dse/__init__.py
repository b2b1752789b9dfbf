"""Design-space exploration of SubGraph-stationary inference accelerators.

    import sushi_dse as sd

    experiment = sd.load_experiment("zcu104_space", policies=["no-sgs", "sushi"])
    sweep = sd.Sweep(experiment, ["mean_latency_ms", "energy_mj_per_query"])
    print(sweep.run(workers=2).front)

The public names, by what they are for; `examples/first_look.py` uses most of them.

* Ask: `load_experiment` takes the names that the command line takes, `Experiment` the values.
* Explore: `Sweep`, `Search`, `estimate_sweep`; `read_results` reads the folder of either.
* Decide: `decision` names a few designs of a survey, of which `Setting` says what it is.
* Evaluate: `evaluate`, `compare_policies`, `load_curves`, `METRICS`, `find_metric`.
* Query by query: `replay`, `query_results`.
* Serve: `serve`, `candidate_table`, `find_policy`, `MODES`, `POLICIES`.
* Fronts: `front`, `hypervolume`, `non_dominated`, `reference_point`.
* Read: `load_hardware`, `load_workload`, `read_trace`, `spanned_trace`.
* Values: `Accelerator`, `Network`, `Trace`, `LatencyTable`.

Units end a name: `latency_ms`, `energy_mj`, `offchip_bytes`; a shape stands in brackets: [query].
A mistake in a file or a name is a `UserError`, one in a value a `ValueError`; both say what must
hold.  A name is imported when it is first used, so that `import sushi_dse` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sushi_dse.analysis.compare import compare_policies
    from sushi_dse.analysis.loads import load_curves
    from sushi_dse.config.hardware_file import load_hardware
    from sushi_dse.config.workload_file import load_workload
    from sushi_dse.errors import UserError
    from sushi_dse.evaluation.experiment import Experiment
    from sushi_dse.evaluation.fronts import front, hypervolume, non_dominated, reference_point
    from sushi_dse.evaluation.loading import load_experiment, spanned_trace
    from sushi_dse.evaluation.metrics import METRICS, find_metric
    from sushi_dse.evaluation.queries import query_results
    from sushi_dse.evaluation.rows import evaluate
    from sushi_dse.evaluation.traced import replay
    from sushi_dse.explore.decision import Setting, decision
    from sushi_dse.explore.estimate import estimate_sweep
    from sushi_dse.explore.search.plan import Search
    from sushi_dse.explore.sweep import Sweep
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
    "Experiment",
    "LatencyTable",
    "Network",
    "Search",
    "Setting",
    "Sweep",
    "Trace",
    "UserError",
    "__version__",
    "candidate_table",
    "compare_policies",
    "decision",
    "estimate_sweep",
    "evaluate",
    "find_metric",
    "find_policy",
    "front",
    "hypervolume",
    "load_curves",
    "load_experiment",
    "load_hardware",
    "load_workload",
    "non_dominated",
    "query_results",
    "read_results",
    "read_trace",
    "reference_point",
    "replay",
    "serve",
    "spanned_trace",
]

_MODULES = {
    "analysis.compare": ("compare_policies",),
    "analysis.loads": ("load_curves",),
    "config.hardware_file": ("load_hardware",),
    "config.workload_file": ("load_workload",),
    "errors": ("UserError",),
    "evaluation.experiment": ("Experiment",),
    "evaluation.fronts": (
        "front",
        "hypervolume",
        "non_dominated",
        "reference_point",
    ),
    "evaluation.loading": (
        "load_experiment",
        "spanned_trace",
    ),
    "evaluation.metrics": (
        "METRICS",
        "find_metric",
    ),
    "evaluation.queries": ("query_results",),
    "evaluation.rows": ("evaluate",),
    "evaluation.traced": ("replay",),
    "explore.decision": (
        "Setting",
        "decision",
    ),
    "explore.estimate": ("estimate_sweep",),
    "explore.search.plan": ("Search",),
    "explore.sweep": ("Sweep",),
    "hardware.accelerator": ("Accelerator",),
    "model.latency_table": (
        "LatencyTable",
        "candidate_table",
    ),
    "model.network": ("Network",),
    "policies.catalogue": (
        "POLICIES",
        "find_policy",
        "serve",
    ),
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
    return sorted(__all__)
