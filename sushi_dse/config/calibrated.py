"""Hardware files that `calibrate` writes: a base, and the constants fitted for it."""

import os
from pathlib import Path

from sushi_dse.calibration import FITTED
from sushi_dse.config.shipped import is_path
from sushi_dse.config.writing import yaml_text
from sushi_dse.errors import printable
from sushi_dse.hardware import Accelerator


def calibrated_text(path: Path, base: str, accelerator: Accelerator, *, origin: str) -> str:
    """A file for `path` that extends `base`, a name or a path, with the constants of `accelerator`.

    origin: what they were fitted on; it goes into the file.
    """
    origin = printable(origin)  # a line in it would be a key
    extends = os.path.relpath(Path(base).absolute(), path.absolute().parent)
    lines = [
        f"extends: {yaml_text(Path(extends).as_posix() if is_path(base) else base)}",
        f"description: {yaml_text(f'{base} with constants fitted on {origin}')}",
        "",
        f"# fitted by `sushi-dse calibrate` on {origin}",
        *(f"{name}: {getattr(accelerator, name):.6f}" for name in FITTED),
    ]
    return "\n".join(lines) + "\n"
