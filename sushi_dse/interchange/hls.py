"""A design as a C header for high-level synthesis."""

from sushi_dse.hardware.accelerator import KIB, TAPS_PER_ENGINE, Accelerator, Dataflow
from sushi_dse.interchange.chosen import Chosen

Values = list[tuple[str, int | float, str]]  # name, value and meaning


def hls_header(chosen: Chosen) -> str:
    """The text of a header for C and C++ with the array, the buffers, the clocks and the bus."""
    design = chosen.accelerator
    values: Values = [
        ("PE_KERNELS", design.pe_kernels, "kernels that the array works on at a time"),
        *ARRAY_AND_WEIGHTS[design.dataflow](design),
        ("MACS_PER_CYCLE", design.macs_per_cycle, "of the whole array"),
        ("MULTIPLIER_BITS", design.multiplier_bits, "of the widest weights that one takes"),
        ("PERSISTENT_BUFFER_BYTES", design.persistent_buffer_bytes, "weights kept over queries"),
        ("STREAMING_BUFFER_BYTES", int(design.streaming_buffer_kib * KIB), "input feature map"),
        ("OUTPUT_BUFFER_BYTES", int(design.output_buffer_kib * KIB), "output feature map"),
        ("CLOCK_MHZ", float(design.clock_mhz), "MHz, of the array"),
        ("DRAM_BYTES_PER_CYCLE", float(design.bytes_per_cycle), "bytes that the bus brings"),
    ]
    lines = [f"#define SUSHI_{name} {value!r}  /* {meaning} */" for name, value, meaning in values]
    origin = chosen.origin.replace("*/", "* /").replace("/*", "/ *")
    guard = "SUSHI_DESIGN_H"
    return "\n".join(
        [
            f"/* {origin}: array ({design.dataflow}), buffers and bus; sizes in bytes. */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            *lines,
            "",
            f"#endif /* {guard} */",
            "",
        ]
    )


def _weight_stationary(design: Accelerator) -> Values:
    return [
        ("PE_CHANNELS", design.pe_channels, "channels of each, an engine for each pair"),
        ("TAPS_PER_ENGINE", TAPS_PER_ENGINE, "multipliers of an engine: a 3x3 window"),
        ("DYNAMIC_BUFFER_TILES", design.dynamic_buffer_tiles, "tiles of weights, one computes"),
        ("DYNAMIC_BUFFER_BYTES", design.dynamic_buffer_bytes, "all tiles"),
    ]


def _output_stationary(design: Accelerator) -> Values:
    dynamic_bytes = design.dynamic_buffer_bytes - design.prefetch_bytes
    return [
        ("PE_PIXELS", design.pe_pixels, "pixels of each, a multiplier and a sum for each pair"),
        ("DYNAMIC_BUFFER_BYTES", dynamic_bytes, "weights of the layer that runs"),
        ("PREFETCH_BUFFER_BYTES", design.prefetch_bytes, "weights of layers to come"),
        ("PORT_CLOCK_MHZ", float(design.port_clock_mhz), "MHz, of the port and the buffers"),
    ]


ARRAY_AND_WEIGHTS = {
    Dataflow.WEIGHT_STATIONARY: _weight_stationary,
    Dataflow.OUTPUT_STATIONARY: _output_stationary,
}
