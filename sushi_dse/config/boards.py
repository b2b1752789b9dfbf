"""The boards that are known by name, from `hwconfigs/devices.yaml`."""

from functools import cache
from typing import Annotated

from pydantic import Field, PlainValidator

from sushi_dse.config.choices import Offer, offer, read_count, read_number
from sushi_dse.config.document import read_document, read_text
from sushi_dse.config.keys import EntryError, Keys, quoted_value
from sushi_dse.config.shipped import DEVICES, HARDWARE, shipped_folder
from sushi_dse.errors import near_names
from sushi_dse.hardware.accelerator import Device
from sushi_dse.hardware.timing import DSP_MHZ

PATH = shipped_folder(HARDWARE) / f"{DEVICES}.yaml"


FF_OF_A_LUT = 2  # eight LUTs and sixteen flip-flops in a slice of UltraScale+ (AMD UG574)


def read_shell_share(value: object) -> Offer:
    """The share of the device that a shell takes; EntryError where it is none below 1."""

    def read(entry: object) -> float:
        share = read_number(entry)
        if not 0 <= share < 1:
            raise EntryError(f"0 <= shell_share < 1 must hold, got {share:g}")
        return share

    if isinstance(value, list):
        raise EntryError(f"shell_share: one number is wanted, got {quoted_value(value)}")
    found = offer(value, read)
    if len(found.values) > 1:
        raise EntryError("shell_share: one number is wanted, got a range of them")
    return found


def read_speed_grade(value: object) -> int:
    """The speed grade; EntryError where devices have none such."""
    if value not in DSP_MHZ:
        known = ", ".join(map(str, DSP_MHZ))
        raise EntryError(f"unknown speed_grade {quoted_value(value)}; write one of {known}")
    return read_count(value)


class Board(Keys):
    """The blocks of a board's device, its off-chip memory and where the figures come from.

    Without `ff` there are two flip-flops to a LUT, as in each slice of UltraScale+ (AMD UG574).
    """

    name: str = ""
    part: str = ""
    lut: int = Field(gt=0)
    ff: int | None = Field(default=None, gt=0)
    bram36: int = Field(gt=0)
    uram288: int = Field(ge=0)
    dsp: int = Field(gt=0)
    shell_share: Annotated[Offer, PlainValidator(read_shell_share)] = Offer((0.0,))
    speed_grade: Annotated[int, PlainValidator(read_speed_grade)] = 2
    offchip: str = ""
    offchip_gb_per_s: float | None = Field(default=None, gt=0)  # peak; None where it is unknown
    source: str = ""

    def device(self, name: str) -> Device:
        """The device, by the board's name, or by that `name` where the board has none."""
        return Device(
            name=self.name or name,
            lut=self.lut,
            ff=self.ff or FF_OF_A_LUT * self.lut,
            bram36=self.bram36,
            uram288=self.uram288,
            dsp=self.dsp,
            shell_share=self.shell_share.values[0],
            speed_grade=self.speed_grade,
        )


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
