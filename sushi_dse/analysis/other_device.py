"""Designs on another device than their own, and what is said of that."""

from dataclasses import replace

from sushi_dse.config.boards import boards
from sushi_dse.errors import UserError, near_names
from sushi_dse.hardware.accelerator import Device
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.standing import borrowed_constants


def device_named(name: str) -> Device:
    """The device of that name; `UserError` with the near ones where there is none."""
    known = {board.lower(): entry for board, entry in boards().items()}
    board = known.get(name.lower())
    if board is None:
        raise UserError(f"--device: unknown device {name!r}; {near_names(name, boards())}")
    return board.device(name)


def on_device(space: SearchSpace, device: Device | None) -> SearchSpace:
    """The space with its designs on another device; the same space for None."""
    return space if device is None else replace(space, base=replace(space.base, device=device))


def kept_rates(space: SearchSpace, device: Device | None) -> list[str]:
    """The remark on designs that move to another device; none where they stay."""
    own = space.base.device.name
    if device is None or device.name == own:
        return []
    return [
        f"only the fit is that on the {device.name}: clock, bandwidth and constants stay those "
        f"of the {own}; a hardware file with `device: {device.name}` may name its own"
    ]


def borrowed(space: SearchSpace) -> list[str]:
    """The remark on constants that were fitted on another board; none where they are its own."""
    return [sentence] if (sentence := borrowed_constants(space)) else []
