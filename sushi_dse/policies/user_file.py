"""A user's own policy: a class in a Python file, named `path/to/file.py:ClassName`.

It has two methods, and is made without arguments for every run:

    select(query, table, latency_ms) -> int    the row of the table that serves `query`
    recache(served, table, cached) -> int      the column of the SubGraph to keep

`latency_ms` is [subnet] with what is on chip now, a change of the SubGraph included; `served` is
[subnet], how often each was served since the last recache point.  Naming a file runs it: it is
code, with the rights of its user.
"""

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb
from typing import Any

import numpy as np

from sushi_dse.errors import UserError, near_names
from sushi_dse.files import read_file
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.user_imports import forget_edited, imported_files, own_folders
from sushi_dse.serving.queue import response_times
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace

SEPARATOR = ".py:"
MOST_BYTES = 2**20  # largest file with a policy that is read


def is_user_policy(name: str) -> bool:
    """Whether the name of a policy is `path/to/file.py:ClassName`."""
    return SEPARATOR in name


@dataclass(frozen=True, slots=True)
class UserFile:
    """The file of a user's policy as it was when it was read: what runs is what was hashed."""

    name: str  # path/to/file.py:ClassName
    source: bytes = field(repr=False)
    folders: tuple[Path, ...] = field(repr=False)  # where it finds modules that are not installed
    digest: str  # of the source, and of what it imports from these folders

    @classmethod
    def read(cls, name: str) -> "UserFile":
        """The file that a policy's name tells, which is run; `UserError` where it cannot be."""
        path, _ = _located(name)
        source = read_file(path, "a policy is path/to/file.py:ClassName", MOST_BYTES)
        forget_edited(source, own_folders(path.parent))
        _class_in(name, source)
        folders = own_folders(path.parent)
        return cls(name, source, folders, _digest(source, folders))

    def policy_class(self) -> type[Any]:
        """The class that the name tells; the source is run.

        `UserError` where it cannot be run, imports other files than it did when it was read, or
        lacks the class or one of its methods.
        """
        if _digest(self.source, self.folders) != self.digest:
            path, _ = _located(self.name)
            raise UserError(
                f"{path}: what it imports is not what it was when the command began, or on its "
                "host; run the command again, with the same files everywhere"
            )
        return _class_in(self.name, self.source)


def _class_in(name: str, source: bytes) -> type[Any]:
    """The class of a policy in a source, which is run; `UserError` where that fails."""
    path, class_name = _located(name)
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path}: not a Python file; name one")
    module = module_from_spec(spec)
    # The loader itself would write compiled code beside the file.
    _run(path, "", lambda: exec(compile(source, path, "exec"), vars(module)))
    classes = {key: value for key, value in vars(module).items() if isinstance(value, type)}
    if class_name not in classes:
        raise UserError(f"{path}: no class {class_name!r}; {near_names(class_name, classes)}")
    found = classes[class_name]
    for method in ("select", "recache"):
        if not callable(getattr(found, method, None)):
            raise UserError(f"{path}: class {class_name!r} has no method {method!r}; add it")
    return found


def _located(name: str) -> tuple[Path, str]:
    """The path of the file, and the name of the class, that a policy's name is made of."""
    stem, _, class_name = name.rpartition(SEPARATOR)
    return Path(f"{stem}.py"), class_name


def _digest(source: bytes, folders: Sequence[Path]) -> str:
    """The digest of a source and of the files in `folders` that it imports."""
    digest = hashlib.sha256(source)
    for place, content in imported_files(source, folders).items():
        digest.update(f"\n{place} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _run(path: Path, what: str, code: Callable[..., Any], *arguments: object) -> Any:
    """The result of a user's code; `UserError` with file and line for whatever the code raises.

    what: the name of what is run, empty for the file itself.  No compiled code is written beside
    what it imports: Python would take that for the code of an edited file of the same second and
    size.
    """
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return code(*arguments)
    except (Exception, SystemExit) as error:
        place = f"{path}{_line(path, error)}: {f'{what}: ' if what else ''}"
        said = error.msg if isinstance(error, SyntaxError) else error
        raise UserError(f"{place}{type(error).__name__}: {said}; mend the file") from error
    finally:
        sys.dont_write_bytecode = before


def _line(path: Path, error: BaseException) -> str:
    """The last line of the file that ran before the error, after a colon; empty without one."""
    lines = [f.lineno for f in extract_tb(error.__traceback__) if f.filename == str(path)]
    if isinstance(error, SyntaxError) and error.filename == str(path):
        lines.append(error.lineno)
    return f":{lines[-1]}" if lines else ""


def user_service(file: UserFile) -> Callable[[Trace, LatencyTable, int, int], Served]:
    """The function that serves a trace under a user's policy; the class is loaded now.

    `UserError` as of `policy_class`; the function raises one where the policy answers wrongly.
    """
    made_by = file.policy_class()
    path, class_name = _located(file.name)

    def service(trace: Trace, table: LatencyTable, mode: int, every: int) -> Served:
        policy = _run(path, class_name, made_by)
        return serve_by(policy, file.name, trace, table, every)

    return service


def serve_by(policy: Any, name: str, trace: Trace, table: LatencyTable, every: int) -> Served:
    """The queries of `trace` as an object with the two methods serves them, first come first.

    `UserError` where a method raises or returns no valid index.
    """
    subnets, subgraphs = table.latency_ms.shape
    path, class_name = _located(name)

    def asked(method: str, bound: int, *arguments: object) -> int:
        answer = _run(path, f"{class_name}.{method}", getattr(policy, method), *arguments)
        if not isinstance(answer, int | np.integer) or not 0 <= answer < bound:
            raise UserError(f"{name}: {method} must return 0 to {bound - 1}, got {answer!r}")
        return int(answer)

    rows: list[tuple[int, int, int, float]] = []
    served, subgraph = np.zeros(subnets, dtype=np.int64), 0
    for number, query in enumerate(trace):
        target = subgraph
        if number % every == 0:
            target = asked("recache", subgraphs, served.copy(), table, subgraph)
            served[:] = 0
        latency_ms = table.latency_ms[:, subgraph] + table.switch_ms[subgraph, target]
        latency_ms = latency_ms * trace.slowdown[number]
        chosen = asked("select", subnets, query, table, latency_ms)
        rows.append((chosen, subgraph, target, float(latency_ms[chosen])))
        served[chosen] += 1
        subgraph = target
    subnet, cached, kept, service_ms = map(np.array, zip(*rows, strict=True))
    return Served(
        subnet=subnet,
        cached=cached,
        kept=kept,
        service_ms=service_ms,
        response_ms=response_times(trace.arrived_ms, service_ms),
        accuracy_percent=table.accuracy_percent[subnet],
        accelerator=np.zeros(len(trace), dtype=np.int64),
    )
