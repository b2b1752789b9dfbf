"""What a shell completes: the names that an option takes.

A shell asks at each press of a key, so nothing slow is imported: what lies in files is listed, and
names that live in code stand here again; `tests/test_manners.py` holds the two together.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

PACKAGE = Path(__file__).resolve().parents[1]
DEVICES = "devices"  # the table of boards, which is no hardware file
POLICY_NAMES = (
    "no-sgs",
    "sushi",
    "static-subgraph",
    "latency-aware",
    "last-subnet",
    "offline-optimum",
    "clipper",
    "model-switching",
    "infaas",
    "slackfit",
    "equal-area",
    "slo-nn",
    "gati",
)
METRIC_NAMES = (
    "mean_latency_ms",
    "p50_latency_ms",
    "p95_latency_ms",
    "p99_latency_ms",
    "mean_accuracy_percent",
    "accuracy_attainment",
    "latency_attainment",
    "slo_attainment",
    "offchip_bytes_per_query",
    "energy_mj_per_query",
    "offchip_energy_mj_per_query",
    "buffer_energy_mj_per_query",
    "mac_energy_mj_per_query",
    "static_energy_mj_per_query",
    "persistent_buffer_hit_share",
    "subgraph_switches",
    "throughput_queries_per_s",
    "array_utilisation",
    "dsp",
    "bram36",
    "uram288",
    "device_share",
    "gain_over_no_sgs_percent",
)
DEMAND_NAMES = ("independent", "phases", "random-walk")
TRACE_SUFFIXES = (".csv", ".parquet")
HARDWARE_SUFFIXES = (".yaml", ".yml")

Completion = Callable[[str], list[str]]  # the names that begin as what was typed does


def _among(names: Iterable[str], typed: str) -> list[str]:
    return sorted(name for name in names if name.startswith(typed))


def _folder(kind: str) -> Path:
    """Where the shipped files of a kind lie; a checkout has them beside the package."""
    inside = PACKAGE / kind
    return inside if inside.is_dir() else PACKAGE.parent / kind


def _shipped(kind: str) -> list[str]:
    """The names of the shipped files of a kind."""
    return [path.stem for path in _folder(kind).glob("*.yaml") if path.stem != DEVICES]


def _files(typed: str, suffixes: Iterable[str]) -> list[str]:
    """Files with these suffixes, and folders with a slash, in the folder that was typed so far."""
    start = typed.rpartition("/")[0]
    folder = Path(f"{start}/" if "/" in typed else ".")
    if not folder.is_dir():
        return []
    paths = [path for path in folder.iterdir() if path.is_dir() or path.suffix in suffixes]
    prefix = f"{start}/" if "/" in typed else ""
    return [f"{prefix}{path.name}{'/' if path.is_dir() else ''}" for path in paths]


def hardware(incomplete: str) -> list[str]:
    """Shipped boards and search spaces, and YAML files."""
    return _among([*_shipped("hwconfigs"), *_files(incomplete, HARDWARE_SUFFIXES)], incomplete)


def workloads(incomplete: str) -> list[str]:
    """Shipped workloads, and YAML files."""
    return _among([*_shipped("workloads"), *_files(incomplete, HARDWARE_SUFFIXES)], incomplete)


def policies(incomplete: str) -> list[str]:
    """The policies of this tool."""
    return _among(POLICY_NAMES, incomplete)


def metrics(incomplete: str) -> list[str]:
    """The metrics that can be objectives."""
    return _among(METRIC_NAMES, incomplete)


def devices(incomplete: str) -> list[str]:
    """The boards that are known by name: the entries of their table."""
    lines = (_folder("hwconfigs") / f"{DEVICES}.yaml").read_text(encoding="utf-8").splitlines()
    return _among([line[:-1] for line in lines if re.fullmatch(r"[^#\s].*:", line)], incomplete)


def demands(incomplete: str) -> list[str]:
    """Kinds of synthetic demand."""
    return _among(DEMAND_NAMES, incomplete)


def traces(incomplete: str) -> list[str]:
    """Kinds of synthetic demand, and trace files."""
    return _among([*DEMAND_NAMES, *_files(incomplete, TRACE_SUFFIXES)], incomplete)


def described(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the kind that was given before, as `describe` takes them."""
    kinds: dict[str, Completion] = {
        "hw": hardware,
        "workload": workloads,
        "policy": policies,
        "metric": metrics,
        "device": devices,
    }
    complete = kinds.get(str(context.params.get("kind")))
    return complete(incomplete) if complete else []
