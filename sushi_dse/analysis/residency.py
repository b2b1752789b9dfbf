"""What weights that stay on chip save on hardware, as measured, beside the model's prediction.

Measured on the VCU118: every convolution of seven networks on an array of 64 kernels x 64 pixels,
each launched alone, with its weights streamed from DDR4 and resident in UltraRAM (public results of
the project GHP-FPGA-CNN, 2025; figures only).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sushi_dse.config.workload_file import load_workload
from sushi_dse.evaluation.loading import only_design
from sushi_dse.evaluation.measured import load_measured
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.layer import array_of
from sushi_dse.model.output_stationary import WORD_CHANNELS, pass_kernels
from sushi_dse.model.validation import gain_percent, measured_shapes, predicted_us
from sushi_dse.workload.layers import Layer

HARDWARE = "vcu118_64x64"
SOURCE = "public results of the project GHP-FPGA-CNN, 2025"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The latencies of a network's convolutions, each measured alone, summed over the network."""

    network: str
    convolutions: int
    streamed_us: float
    resident_us: float
    workload: str | None = None  # the shipped one, where its layers are those that were measured


# Public results of the project GHP-FPGA-CNN, 2025: the 64x64 array, batch 1; sums of what a counter
# of 250 MHz (4 ns) counted.
MEASURED = (
    Measured(network="ResNet-50", convolutions=53, streamed_us=2989.744, resident_us=2033.340,
             workload="resnet50"),
    Measured(network="ResNet-18", convolutions=20, streamed_us=1551.160, resident_us=1085.316,
             workload="resnet18"),
    Measured(network="VGG-16", convolutions=13, streamed_us=6966.920, resident_us=6356.768,
             workload="vgg16"),
    Measured(network="SqueezeNet 1.0", convolutions=26, streamed_us=748.044, resident_us=671.512),
    Measured(network="Inception-v3", convolutions=94, streamed_us=4381.436, resident_us=3310.396),
    Measured(network="AlexNet", convolutions=5, streamed_us=497.320, resident_us=386.948),
    Measured(network="VoVNet-27s", convolutions=27, streamed_us=1533.728, resident_us=1368.540),
)  # fmt: skip


def measured_residency() -> list[dict[str, object]]:
    """A row for each network: what residency saves as measured, and as the model predicts.

    The prediction is over the same convolutions, each alone; it is None for a network whose layers
    no shipped workload has.
    """
    accelerator = only_design(HARDWARE)
    rows = []
    for network in MEASURED:
        streamed_ms = resident_ms = saved_percent = None
        if network.workload is not None:
            streamed_ms, resident_ms = predicted_ms(network.workload, accelerator)
            saved_percent = gain_percent(resident_ms, streamed_ms)
        rows.append(
            {
                "network": network.network,
                "convolutions": network.convolutions,
                "measured_streamed_ms": network.streamed_us * 1e-3,
                "measured_resident_ms": network.resident_us * 1e-3,
                "measured_saved_percent": gain_percent(network.resident_us, network.streamed_us),
                "model_streamed_ms": streamed_ms,
                "model_resident_ms": resident_ms,
                "model_saved_percent": saved_percent,
                "hw": HARDWARE,
                "workload": network.workload,
                "source": SOURCE,
            }
        )
    return rows


def predicted_ms(workload: str, accelerator: Accelerator) -> tuple[float, float]:
    """The model's latency of a workload's convolutions as measured, streamed and resident."""
    shapes = measured_shapes(layers_as_measured(workload, accelerator), accelerator)
    streamed_us = predicted_us(shapes, accelerator)
    resident_us = predicted_us(shapes, accelerator, resident=True)
    return float(streamed_us.sum()) * 1e-3, float(resident_us.sum()) * 1e-3


def layers_as_measured(workload: str, accelerator: Accelerator) -> list[Layer]:
    """The convolutions of a plain workload as they were measured on an output-stationary array.

    Their kernels are filled up to whole passes of the array, and their channels to whole words.
    ResNet-50 was measured as version 1, which strides in the first 1x1 convolution of a block, not
    as version 1.5, which strides in the 3x3 convolution that follows.
    """
    (subnet,) = load_workload(workload).supernet.subnets
    a_pass = pass_kernels(array_of(accelerator))
    return [
        replace(
            layer,
            kernels=-(-layer.kernels // a_pass) * a_pass,
            channels=-(-layer.channels // WORD_CHANNELS) * WORD_CHANNELS,
        )
        for layer in strided_first(subnet.layers)
        if not layer.fully_connected
    ]


def strided_first(layers: Sequence[Layer]) -> list[Layer]:
    """The layers with the stride of a window moved to the 1x1 convolution before it in its block.

    What the window then sees is the smaller map.
    """
    moved = list(layers)
    for i, (before, layer) in enumerate(pairwise(layers)):
        is_strided_window = layer.kernel_height * layer.kernel_width > 1 and layer.stride != (1, 1)
        is_pointwise = before.kernel_height == before.kernel_width == 1
        if is_strided_window and is_pointwise and layer.block and layer.block == before.block:
            first = replace(before, stride=layer.stride)
            moved[i] = first
            moved[i + 1] = replace(
                layer, height=first.output_height, width=first.output_width, stride=(1, 1)
            )
    return moved


def remarks() -> list[str]:
    """What the measurements are of, in whole sentences."""
    alone = ", ".join(network.network for network in MEASURED if network.workload is None)
    board = load_measured("zcu104_measured", "ofa_resnet50", None).layers
    layers = {(row.subnet, row.layer.name) for row in board}
    windows = {f"{row.layer.kernel_height}x{row.layer.kernel_width}" for row in board}
    resident = sum(row.resident_latency_us is not None for row in board)
    return [
        f"Measured: {SOURCE}; each convolution alone, fully connected layers left out.",
        "Predicted: the same convolutions, their kernels filled up to whole passes of the array as "
        "they were measured; ResNet-50 with the strides of its version 1.",
        f"Not predicted here, as no shipped workload has the layers that were measured: {alone}.",
        f"On the ZCU104 {len(layers)} {' and '.join(sorted(windows))} layers were measured, with "
        f"weights streamed; residency was measured of {resident or 'none'} of them.",
    ]
