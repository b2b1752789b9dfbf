"""Whether the multipliers of a design take the weights of a workload."""

from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.workload.layers import SuperNet


def refuse_wide_weights(supernet: SuperNet, accelerator: Accelerator) -> None:
    """Raise `UserError` where a layer's weights have more bits than the design's multipliers.

    Weights of fewer bits are multiplied as if they had as many: at the rate and the energy of the
    multiplier.
    """
    widest = max(supernet.layers, key=lambda layer: layer.weight_bits)
    if widest.weight_bits > accelerator.multiplier_bits:
        raise UserError(
            f"{supernet.name}: layer {widest.name!r} has weights of {widest.weight_bits} bits, and "
            f"{accelerator.name} has multipliers of {accelerator.multiplier_bits}; give the "
            f"hardware 'multiplier_bits: {widest.weight_bits}', or the workload narrower weights"
        )
