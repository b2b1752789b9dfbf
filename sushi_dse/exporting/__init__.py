"""Designs for other tools: our own YAML, a Timeloop architecture, a header for HLS."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sushi_dse.errors import UserError
from sushi_dse.exporting.chosen import Chosen, chosen_design, read_space
from sushi_dse.exporting.hardware_yaml import hardware_yaml
from sushi_dse.exporting.hls import hls_header
from sushi_dse.exporting.timeloop import timeloop_architecture
from sushi_dse.files import write_whole

__all__ = [
    "FORMATS",
    "YAML_SUFFIXES",
    "Chosen",
    "chosen_design",
    "hardware_yaml",
    "hls_header",
    "read_space",
    "timeloop_architecture",
    "write_text",
]

YAML_SUFFIXES = (".yaml", ".yml")

# Each form, and the suffixes of its files.
FORMATS: dict[str, tuple[Callable[[Chosen], str], tuple[str, ...]]] = {
    "yaml": (hardware_yaml, YAML_SUFFIXES),
    "timeloop": (timeloop_architecture, YAML_SUFFIXES),
    "hls": (hls_header, (".h", ".hpp")),
}


def write_text(path: Path, text: str, suffixes: Sequence[str]) -> None:
    """Put `text` at `path`, whole or not at all; UserError where that cannot be."""
    if path.suffix not in suffixes:
        raise UserError(f"{path}: the file must end in {' or '.join(suffixes)}; rename it")
    try:
        write_whole(path, text.encode())
    except FileNotFoundError:
        raise UserError(f"{path}: there is no folder {path.parent}; make it first") from None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written: {error.strerror or error}; choose another file"
        ) from None
