"""What a shell completes: the names that an option takes.

A shell asks at each press of a key, so nothing slow is imported, here or by what is imported here.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from sushi_dse.config.shipped import (
    DEVICES,
    HARDWARE,
    SUFFIXES,
    WORKLOADS,
    shipped_folder,
    shipped_names,
)
from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.policies.names import POLICY_NAMES
from sushi_dse.traces.names import ARRIVAL_NAMES, DEMAND_NAMES

TRACE_SUFFIXES = (".csv", ".parquet")

Completion = Callable[[str], list[str]]  # the names that begin as what was typed does


def _among(names: Iterable[str], typed: str) -> list[str]:
    return sorted(name for name in names if name.startswith(typed))


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
    return _among([*shipped_names(HARDWARE), *_files(incomplete, SUFFIXES)], incomplete)


def workloads(incomplete: str) -> list[str]:
    """Shipped workloads, and YAML files."""
    return _among([*shipped_names(WORKLOADS), *_files(incomplete, SUFFIXES)], incomplete)


def policies(incomplete: str) -> list[str]:
    """The policies of this tool."""
    return _among(POLICY_NAMES, incomplete)


def metrics(incomplete: str) -> list[str]:
    """The metrics that can be objectives."""
    return _among(METRICS, incomplete)


def devices(incomplete: str) -> list[str]:
    """The boards that are known by name: the entries of their table."""
    lines = (shipped_folder(HARDWARE) / f"{DEVICES}.yaml").read_text(encoding="utf-8").splitlines()
    return _among([line[:-1] for line in lines if re.fullmatch(r"[^#\s].*:", line)], incomplete)


def demands(incomplete: str) -> list[str]:
    """Kinds of synthetic demand."""
    return _among(DEMAND_NAMES, incomplete)


def arrivals(incomplete: str) -> list[str]:
    """Processes by which the queries of a synthetic trace arrive."""
    return _among(ARRIVAL_NAMES, incomplete)


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
