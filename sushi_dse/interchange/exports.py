"""The forms that a design is exported in: our own YAML, a Timeloop architecture, an HLS header."""

from collections.abc import Callable

from sushi_dse.config.writing import hardware_text
from sushi_dse.files import YAML_SUFFIXES
from sushi_dse.interchange.chosen import Chosen
from sushi_dse.interchange.hls import hls_header
from sushi_dse.interchange.timeloop_out import timeloop_architecture


def hardware_yaml(chosen: Chosen) -> str:
    """The text of a hardware file of our own that reads back to the same Accelerator."""
    return hardware_text(chosen.accelerator, origin=chosen.origin, assumptions=chosen.assumptions)


# The function that writes each form, and the suffixes of its files.
FORMATS: dict[str, tuple[Callable[[Chosen], str], tuple[str, ...]]] = {
    "yaml": (hardware_yaml, YAML_SUFFIXES),
    "timeloop": (timeloop_architecture, YAML_SUFFIXES),
    "hls": (hls_header, (".h", ".hpp")),
}
