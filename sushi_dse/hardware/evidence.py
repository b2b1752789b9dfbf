"""What the constants of a design stand on: measured layers of a board, or assumptions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from sushi_dse.hardware.accelerator import Accelerator

# The fields of device, memory and clock: constants fitted with other values are another board's.
BOARD_FIELDS = (
    "device",
    "clock_mhz",
    "port_clock_mhz",
    "port_bytes_per_cycle",
    "dram_gb_per_s",
    "dram_efficiency",
)
OPERATORS = ("conv", "grouped", "dwconv", "fc", "attention")  # families of layers


class Evidence(StrEnum):
    """What the latency of a kind of layers stands on."""

    MEASURED = "measured"  # layers of the kind were measured on the board, and fit
    SAME_EQUATIONS = "same equations"  # the equations that fit others hold, and no term is new
    ASSUMED = "assumed"  # a term enters that no measurement shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The board that constants were fitted on, and the evidence for its kinds of layers.

    `evidence` names kinds with the size of their kernel or without, `conv3x3` or `conv`; a kind
    that it does not name is assumed.
    """

    board: Accelerator  # as it was measured
    evidence: Mapping[str, Evidence]

    def changed(self, design: Accelerator) -> tuple[str, ...]:
        """The fields of device, memory and clock in which `design` differs from the board.

        Where several of a design share the device, it is the memory that changes, if they slow it.
        """
        device = replace(self.board.device, accelerators=design.device.accelerators)
        board = replace(self.board, device=device)
        slowed = "dram_gb_per_s" if board.offchip_gb_per_s < self.board.offchip_gb_per_s else None
        return tuple(
            name
            for name in BOARD_FIELDS
            if name == slowed or getattr(design, name) != getattr(board, name)
        )

    def of(self, kinds: Sequence[str], design: Accelerator) -> Evidence:
        """The evidence for a layer of `design`, whose kinds are given, the narrowest first.

        What was measured on the board holds on another by the same equations.
        """
        found = next((self.evidence[kind] for kind in kinds if kind in self.evidence), None)
        if found == Evidence.MEASURED and self.changed(design):
            return Evidence.SAME_EQUATIONS
        return found or Evidence.ASSUMED

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> "Calibration":
        """The calibration of those `facts`; KeyError, TypeError or ValueError where it is none."""
        evidence = {str(kind): Evidence(given) for kind, given in facts["evidence"].items()}
        return cls(board=Accelerator.of_facts(facts["board"]), evidence=evidence)

    @property
    def facts(self) -> dict[str, Any]:
        """The board and the evidence as values of JSON."""
        return {
            "board": asdict(self.board),
            "evidence": {kind: str(evidence) for kind, evidence in self.evidence.items()},
        }
