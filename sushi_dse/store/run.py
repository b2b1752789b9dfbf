"""What the results in a folder are of: versions and inputs, kept in `run.json`."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sushi_dse.errors import UserError
from sushi_dse.files import file_bytes
from sushi_dse.hardware.accelerator import Accelerator, Device
from sushi_dse.hardware.space import SearchSpace

MODEL_VERSION = 2  # raise it when a formula changes: results of another version are never reused
SCHEMA_VERSION = 1  # of run.json, and of every JSON document the tool prints
RUN_FILE = "run.json"
NAMES = ("policies", "exact", "kept_front")  # inputs that are lists of names
EXCERPT_CHARACTERS = 60
OTHER_FOLDER = "choose another --out, or delete the folder"


def point_id(inputs: Mapping[str, object]) -> str:
    """Name of a result: the hash of all that it depends on, contents of files included.

    `inputs` is what JSON can hold (`ValueError` of NaN); the order of its keys does not matter.
    """
    text = _canonical({"model": MODEL_VERSION, "inputs": dict(inputs)})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def results_name(hw: str, workload: str, inputs: Mapping[str, object]) -> str:
    """Name of the folder for the results of a sweep: `<hw>-<workload>-<hash of all inputs>`."""
    words = (re.sub(r"[^\w.]+", "-", word).strip("-.") for word in (hw, workload))
    return "-".join((*words, point_id(inputs)))


def run_of(inputs: Mapping[str, object]) -> dict[str, object]:
    """What `run.json` says of results that depend on `inputs`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "model_version": MODEL_VERSION,
        "inputs": json.loads(_canonical(dict(inputs))),
    }


def read_inputs(folder: Path) -> dict[str, Any]:
    """What the results in `folder` depend on; `UserError` where it holds none."""
    path = folder / RUN_FILE
    try:
        inputs: dict[str, Any] = dict(json.loads(file_bytes(path))["inputs"])
        for key in NAMES:
            if not all(isinstance(name, str) for name in list(inputs.get(key, []))):
                raise TypeError
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise UserError(f"{path}: cannot be read; give the folder of a sweep") from None
    return inputs


def check_inputs(folder: Path, inputs: Mapping[str, object]) -> None:
    """Raise `UserError` unless the results in `folder` depend on `inputs`."""
    check_run(folder / RUN_FILE, run_of(inputs))


def check_run(path: Path, run: Mapping[str, object]) -> None:
    """Raise `UserError` unless the `run.json` at `path` has the versions and inputs of `run`."""
    try:
        stored = json.loads(file_bytes(path))
        then = dict(_leaves("", {name: stored[name] for name in run}))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise UserError(f"{path}: is broken; {OTHER_FOLDER}") from None
    now = dict(_leaves("", run))
    for name in {**now, **then}:
        if now.get(name) != then.get(name):
            before, after = _excerpts(then.get(name, "absent"), now.get(name, "absent"))
            raise UserError(
                f"{path.parent}: holds the results of another run: {name.removeprefix('inputs.')} "
                f"was {before} and is {after} now; {OTHER_FOLDER}"
            )


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Dotted name and canonical text of each value that is no mapping or list, or is empty."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, child)
    elif isinstance(value, list) and value:
        for i, child in enumerate(value):
            yield from _leaves(f"{name}[{i}]", child)
    else:
        yield name, _canonical(value)


def _excerpts(first: str, second: str) -> tuple[str, str]:
    """Both texts, cut to a line's length around the place where they begin to differ."""
    if max(len(first), len(second)) <= EXCERPT_CHARACTERS:
        return first, second
    pairs = enumerate(zip(first, second, strict=False))
    differs = next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))
    start = max(differs - EXCERPT_CHARACTERS // 3, 0)

    def cut(text: str) -> str:
        end = start + EXCERPT_CHARACTERS
        return ("..." if start else "") + text[start:end] + ("..." if len(text) > end else "")

    return cut(first), cut(second)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def read_space(folder: Path) -> SearchSpace:
    """The search space of the results in `folder`; UserError where it cannot be read."""
    path = folder / RUN_FILE
    try:
        hardware: Any = json.loads(file_bytes(path))["inputs"]["hardware"]
        base, device = hardware["base"], hardware["base"]["device"]
        _check_kinds(base.items())
        _check_kinds(device.items())
        for values in hardware["axes"].values():
            _check_kinds(enumerate(values))
        base |= {"device": Device(**device)}
        return SearchSpace.of(Accelerator(**base), hardware["axes"])
    except FileNotFoundError:
        raise UserError(f"{folder}: holds no {RUN_FILE}; name the folder of a sweep") from None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}; name the folder of a sweep"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UserError(
            f"{path}: is broken or of another version; run its sweep again in another folder"
        ) from None


def _check_kinds(values: Iterable[tuple[object, object]]) -> None:
    """Raise `TypeError` where a value is of another kind than the field that it is for."""
    for name, value in values:
        if not isinstance(value, {"name": str, "device": dict}.get(str(name), int | float)):
            raise TypeError
