"""The run that the results in a folder belong to: inputs, versions and command, in `run.json`."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import served_words
from sushi_dse.files import read_file
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.evidence import Calibration
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.store.code import code_facts

# The version is raised when a formula changes: results of another version are never reused.
MODEL_VERSION = 7
SCHEMA_VERSION = 3  # version of run.json, of parts, and of every JSON document that is printed
RUN_FILE = "run.json"
MOST = 1e15  # largest number of an input that is a list of numbers
EXCERPT_CHARACTERS = 60  # most characters of a value that an error quotes
OTHER_FOLDER = "choose another --out, or delete the folder"
BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Run:
    """The inputs of results, the versions that computed them, and the command that asked for them.

    `inputs` holds JSON values (`ValueError` for NaN), and files by the hash of their content; the
    order of its keys does not matter.
    """

    inputs: Mapping[str, Any]
    command: str = ""
    model_version: int = field(default_factory=lambda: MODEL_VERSION)
    code: Mapping[str, str] = field(default_factory=code_facts)  # what computed the results

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """The run of the results in `folder`; `UserError` where it holds none that can be read."""
        path = folder / RUN_FILE
        if not path.exists() and not path.is_symlink():
            lacks = f"holds no {RUN_FILE}" if folder.is_dir() else "no such folder"
            raise UserError(f"{folder}: {lacks}; name the folder of a sweep")
        content = read_file(path, "name the folder of a sweep")
        try:
            stored: Any = json.loads(content)
            version = stored["schema_version"]
            found = cls(
                inputs=dict(stored["inputs"]),
                command=str(stored.get("command", "")),
                model_version=stored["model_version"],
                code=dict(stored["code"]),
            )
            _canonical(found.identity)  # ValueError where a value is none of JSON.
        except BROKEN:
            raise UserError(f"{path}: is broken; run its sweep again in another folder") from None
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{path}: is of version {str(version)[:EXCERPT_CHARACTERS]} of stored results, and "
                f"this command reads {SCHEMA_VERSION}; run its sweep again in another folder"
            )
        return found

    @property
    def identity(self) -> dict[str, Any]:
        """The run without its command: results of another identity are never reused."""
        return {
            "schema_version": SCHEMA_VERSION,
            "model_version": self.model_version,
            "code": dict(self.code),
            "inputs": json.loads(_canonical(dict(self.inputs))),
        }

    @property
    def hash(self) -> str:
        """The hash of the identity: 16 hexadecimal digits."""
        return hashlib.sha256(_canonical(self.identity).encode()).hexdigest()[:16]

    @property
    def content(self) -> bytes:
        """The bytes of `run.json`."""
        document = {**self.identity, "command": self.command}
        return (json.dumps(document, indent=2) + "\n").encode()

    def folder_name(self, *words: str) -> str:
        """The name of a folder for the results: the words, and the hash of the identity."""
        plain = (re.sub(r"[^\w.]+", "-", word).strip("-.") for word in words)
        return "-".join((*plain, self.hash))

    def refuse_other(self, folder: Path) -> None:
        """Raise `UserError` unless the results in `folder` have the identity of this run."""
        stored = Run.read(folder)
        then = dict(_leaves("", stored.identity))
        now = dict(_leaves("", self.identity))
        for name in {**now, **then}:
            if now.get(name) != then.get(name):
                before, after = _excerpts(then.get(name, "absent"), now.get(name, "absent"))
                raise UserError(
                    f"{folder}: holds the results of another run: {name.removeprefix('inputs.')} "
                    f"was {before} and is {after} now; {OTHER_FOLDER}"
                )

    @property
    def served(self) -> str:
        """How the queries of the rows were served: the mode, or each SubNet for itself."""
        trace = self.inputs.get("trace")
        queries = trace.get("queries", 0) if isinstance(trace, Mapping) else 0
        return served_words(str(self.inputs.get("mode")), queries)

    def accuracy_of(self, folder: Path) -> str:
        """The metric that the accuracies of the results are of.

        `UserError` where the `run.json` in `folder` does not tell it.
        """
        workload = self.inputs.get("workload")
        found = workload.get("accuracy_of") if isinstance(workload, Mapping) else None
        if not isinstance(found, str):
            raise UserError(
                f"{folder / RUN_FILE}: is broken; run its sweep again in another folder"
            )
        return found

    def names(self, key: str, folder: Path) -> tuple[str, ...]:
        """The names that input `key` lists; none where the input is absent.

        `UserError` where the input from the `run.json` in `folder` is no list of names.
        """
        found = self.inputs.get(key, ())
        if not isinstance(found, list | tuple) or not all(isinstance(name, str) for name in found):
            raise UserError(
                f"{folder / RUN_FILE}: is broken; run its sweep again in another folder"
            )
        return tuple(found)

    def numbers(self, key: str, folder: Path) -> tuple[float, ...]:
        """The numbers that input `key` lists.

        `UserError` where the input from the `run.json` in `folder` is no list of numbers.
        """
        found = self.inputs.get(key)
        if not isinstance(found, list | tuple) or not found or not all(
            isinstance(number, int | float) and abs(number) <= MOST for number in found
        ):  # fmt: skip
            raise UserError(
                f"{folder / RUN_FILE}: is broken; run its sweep again in another folder"
            )
        return tuple(map(float, found))

    def space(self, folder: Path) -> SearchSpace:
        """The search space of the results in `folder`; `UserError` where it cannot be made."""
        try:
            hardware: Any = self.inputs["hardware"]
            if not all(
                isinstance(value, int | float) for value in chain(*hardware["axes"].values())
            ):
                raise TypeError
            stored = hardware["calibration"]
            calibration = None if stored is None else Calibration.of_facts(stored)
            base = Accelerator.of_facts(hardware["base"])
            return SearchSpace.of(base, hardware["axes"], calibration)
        except BROKEN:
            raise UserError(
                f"{folder / RUN_FILE}: is broken or of another version; run its sweep again in "
                "another folder"
            ) from None


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    """The dotted name and canonical text of each leaf: a scalar, or an empty mapping or list."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, child)
    elif isinstance(value, list) and value:
        for i, child in enumerate(value):
            yield from _leaves(f"{name}[{i}]", child)
    else:
        yield name, _canonical(value)


def _excerpts(first: str, second: str) -> tuple[str, str]:
    """Both texts, cut to EXCERPT_CHARACTERS around the first character in which they differ."""
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
