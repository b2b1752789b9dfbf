"""The paths of shipped files, which are found by name; a user's own files are found by path."""

import os
from pathlib import Path

from sushi_dse.errors import UserError, near_names

PACKAGE = Path(__file__).resolve().parents[1]
SUFFIXES = (".yaml", ".yml")
HARDWARE, WORKLOADS = "hwconfigs", "workloads"  # names of the kinds of files and of their folders
DEVICES = "devices"  # name of the table of boards, which lies beside the hardware files


def shipped_folder(kind: str) -> Path:
    """The folder with the files of a kind, `hwconfigs` or `workloads`.

    A wheel carries it within the package; in a checkout it lies beside the package.
    """
    inside = PACKAGE / kind
    return inside if inside.is_dir() else PACKAGE.parent / kind


def shipped_names(kind: str) -> list[str]:
    """The names of the files of that kind that are shipped, sorted."""
    names = (path.stem for path in shipped_folder(kind).glob("*.yaml"))
    return sorted(name for name in names if name != DEVICES)


def is_path(name: str) -> bool:
    """Whether a user's word is a path, with a slash or a YAML suffix, and not a shipped name."""
    return "/" in name or os.sep in name or name.endswith(SUFFIXES)


def shipped_path(kind: str, what: str, name: str) -> Path:
    """The shipped file of that name; UserError with the near names for an unknown one."""
    names = shipped_names(kind)
    if name in names:
        return shipped_folder(kind) / f"{name}.yaml"
    hint = near_names(name, names)
    if name and Path(name).exists():
        hint += f"; your own file is ./{name}"
    raise UserError(f"unknown {what} {name!r}; {hint}")
