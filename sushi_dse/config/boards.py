"""The boards that are known by name, from `hwconfigs/devices.yaml`."""

from functools import cache

from pydantic import Field

from sushi_dse.config.document import read_document, read_text
from sushi_dse.config.keys import EntryError, Keys
from sushi_dse.config.shipped import DEVICES, HARDWARE, shipped_folder
from sushi_dse.errors import near_names

PATH = shipped_folder(HARDWARE) / f"{DEVICES}.yaml"


class Board(Keys):
    """The blocks of a board's device, its off-chip memory and where the figures come from."""

    name: str = ""
    part: str = ""
    lut: int = Field(gt=0)
    bram36: int = Field(gt=0)
    uram288: int = Field(ge=0)
    dsp: int = Field(gt=0)
    offchip: str = ""
    offchip_gb_per_s: float = Field(default=0.0, ge=0)  # peak bandwidth; 0 where it is unknown
    source: str = ""


@cache
def boards() -> dict[str, Board]:
    """The boards by name; `UserError` where the table cannot be read."""
    entries = read_document(PATH).content
    return {
        name: Board.model_validate({"name": name, **entry})
        for name, entry in entries.items()
        if isinstance(entry, dict)
    }


def boards_text() -> str:
    """The text of the table, for the hash of a result's inputs."""
    return read_text(PATH)


def board_named(value: object) -> object:
    """The board that a text names, and any other `value` itself; EntryError for an unknown name."""
    if not isinstance(value, str):
        return value
    if value not in boards():
        raise EntryError(
            f"unknown device {value!r}; {near_names(value, boards())}; "
            "a board of your own is {lut: ..., bram36: ..., uram288: ..., dsp: ...}"
        )
    return boards()[value]
