"""The design that is chosen from a folder of results or a hardware file."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sushi_dse.config import load_hardware
from sushi_dse.config.shipped import is_path
from sushi_dse.errors import UserError
from sushi_dse.files import file_bytes
from sushi_dse.hardware import Accelerator, Device
from sushi_dse.space import SearchSpace
from sushi_dse.store.identity import RUN_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A design, and in words which it is."""

    accelerator: Accelerator
    origin: str  # one line
    assumptions: tuple[str, ...]  # those of its hardware file; results do not keep them


def chosen_design(source: str, number: int | None) -> Chosen:
    """Design `number` of a folder of results, or of a hardware file by name or path.

    UserError where there is none of that number, or several and none is named.
    """
    folder, assumptions = Path(source), tuple[str, ...]()
    if folder.is_dir() and (is_path(source) or (folder / RUN_FILE).exists()):
        space = read_space(folder)
    else:
        hardware = load_hardware(source)
        space, assumptions = hardware.space, hardware.assumptions
    if number is None and space.size > 1:
        last = space.size - 1
        raise UserError(f"{source}: has {space.size} designs; name one, --design 0 to {last}")
    try:
        accelerator = space.design(number or 0)
    except IndexError:
        raise UserError(
            f"{source}: has no design {number}; they are 0 to {space.size - 1}"
        ) from None
    named = f"Design {number or 0} of {source}" if space.size > 1 else f"The design of {source}"
    line = "".join(c if c.isprintable() else "?" for c in named)
    return Chosen(accelerator=accelerator, origin=line, assumptions=assumptions)


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
