"""The examination of an installation: versions, files, folders, and a small evaluation.

Modules are imported within the examination of them, so that a broken one becomes a finding.
"""

import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "sushi-dse"
OK, ABSENT, BROKEN = "ok", "absent", "broken"
REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(\[.*?\])?(>=(?P<least>[\d.]+))?(\s*;\s*extra\s*==\s*.(?P<extra>\w+).)?"
)
DEV = "dev"  # name of the extra for development
REINSTALL = "install sushi-dse again, into an environment of its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check of an installation."""

    check: str  # name of the check
    state: str  # OK, BROKEN, or ABSENT where something optional is missing
    found: str
    mend: str = ""  # what would mend it; empty where nothing is needed


def number(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, which compare as versions do.

    >>> number("2.10.1rc1") > number("2.9")
    True
    """
    return tuple(map(int, re.findall(r"\d+", re.split(r"[a-z+]", version)[0])))


def find_python() -> Finding:
    """The version and path of the running interpreter."""
    return Finding(check="Python", state=OK, found=f"{platform.python_version()}, {sys.executable}")


def find_processors() -> Finding:
    """The cores that this process may use, which is how many workers a sweep has."""
    return Finding(check="processors", state=OK, found=str(os.cpu_count() or 1))


def find_package() -> Finding:
    """The version and path of this package."""
    version = metadata.version(DISTRIBUTION)
    return Finding(check=DISTRIBUTION, state=OK, found=f"{version}, {Path(__file__).parent}")


def find_libraries() -> Iterator[Finding]:
    """A check of the version of each library that the package, or one of its extras, needs."""
    for text in metadata.requires(DISTRIBUTION) or ():
        asked = REQUIREMENT.match(text)
        if not asked or asked["extra"] == DEV:
            continue
        name, least, extra = asked["name"], asked["least"] or "0", asked["extra"]
        mend = (
            f"pip install '{DISTRIBUTION}[{extra}]'" if extra else f"pip install '{name}>={least}'"
        )
        check = f"{name} (extra {extra})" if extra else name
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            state = ABSENT if extra else BROKEN
            yield Finding(check=check, state=state, found="not installed", mend=mend)
            continue
        if number(found) < number(least):
            yield Finding(check=check, state=BROKEN, found=f"{found} < {least}", mend=mend)
        else:
            yield Finding(check=check, state=OK, found=found)


def find_shipped_files() -> Finding:
    """A check that every shipped board, search space and workload can be read."""
    from sushi_dse.config.hardware_file import hardware_names, load_hardware
    from sushi_dse.config.workload_file import load_workload, workload_names

    boards, workloads = hardware_names(), workload_names()
    if not boards or not workloads:
        raise FileNotFoundError("no shipped hardware or workload files")
    for name in boards:
        load_hardware(name)
    for name in workloads:
        load_workload(name)
    found = f"{len(boards)} hardware files, {len(workloads)} workloads"
    return Finding(check="shipped files", state=OK, found=found)


def find_kernel_cache() -> Finding:
    """A check that compiled kernels can be cached; otherwise every command compiles them again."""
    from sushi_dse.model.kernel_key import cache_folders

    reasons = []
    for folder in cache_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return Finding(check="kernel cache", state=OK, found=f"{folder} is writable")
        except OSError as error:
            reasons.append(f"{folder}: {error.strerror}")
    return Finding(
        check="kernel cache",
        state=BROKEN,
        found="; ".join(reasons),
        mend="set NUMBA_CACHE_DIR to a folder that you may write to",
    )


def find_evaluation() -> Finding:
    """A check of laws that hold on the default board, whatever the model's constants are.

    Compiled and interpreted latencies are equal; no SubNet is faster than its MACs on a busy array;
    no cached SubGraph makes a SubNet slower.  `ArithmeticError` where a law does not hold.
    """
    import numpy as np

    from sushi_dse.config.hardware_file import load_hardware
    from sushi_dse.config.workload_file import load_workload
    from sushi_dse.model.breakdown import subnet_breakdown
    from sushi_dse.model.candidate import NOTHING
    from sushi_dse.model.latency_table import candidate_table
    from sushi_dse.model.network import Network

    network = Network.of(load_workload("ofa_resnet50").supernet)
    board = load_hardware("zcu104").space.base
    table = candidate_table(network, board)
    cold_ms = table.latency_ms[:, 0]
    name = table.subnet_names[0]
    interpreted_ms = subnet_breakdown(network, board, name, NOTHING).latency_ms
    if not np.isclose(cold_ms[0], interpreted_ms, rtol=1e-9):
        raise ArithmeticError(f"SubNet {name}: {cold_ms[0]} ms compiled, {interpreted_ms} not")
    busy_ms = table.macs / (board.macs_per_cycle * board.clock_mhz * 1e3)
    if not (cold_ms >= busy_ms).all():
        raise ArithmeticError("a SubNet is faster than its array")
    if not (table.latency_ms <= cold_ms[:, None] * (1 + 1e-9)).all():
        raise ArithmeticError("a cached SubGraph makes a SubNet slower")
    return Finding(check="evaluation", state=OK, found=f"{table.latency_ms.size} latencies hold")


EXAMINATIONS: dict[str, Callable[[], Finding]] = {
    "Python": find_python,
    "processors": find_processors,
    DISTRIBUTION: find_package,
    "shipped files": find_shipped_files,
    "kernel cache": find_kernel_cache,
    "evaluation": find_evaluation,
}


def examine() -> list[Finding]:
    """All findings about this installation; an examination that fails is a finding, too."""
    findings = []
    for check, examination in EXAMINATIONS.items():
        try:
            findings.append(examination())
        except Exception as error:  # Any error of an examination becomes a finding.
            found = f"{type(error).__name__}: {' '.join(str(error).split())}"
            findings.append(Finding(check=check, state=BROKEN, found=found, mend=REINSTALL))
    with suppress(metadata.PackageNotFoundError):  # `find_package` has reported this one.
        findings += find_libraries()
    return findings
