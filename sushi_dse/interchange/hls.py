"""A design as a C header for high-level synthesis."""

from sushi_dse.hardware.accelerator import KIB, TAPS_PER_ENGINE
from sushi_dse.interchange.chosen import Chosen


def hls_header(chosen: Chosen) -> str:
    """The text of a header for C and C++ with the array, the buffers, the clock and the bus."""
    design = chosen.accelerator
    values: list[tuple[str, int | float, str]] = [
        ("PE_KERNELS", design.pe_kernels, "kernels that the array works on at a time"),
        ("PE_CHANNELS", design.pe_channels, "channels of each, an engine for each pair"),
        ("TAPS_PER_ENGINE", TAPS_PER_ENGINE, "int8 multipliers of an engine: a 3x3 window"),
        ("MACS_PER_CYCLE", design.macs_per_cycle, "of the whole array"),
        ("PERSISTENT_BUFFER_BYTES", design.persistent_buffer_bytes, "weights kept over queries"),
        ("DYNAMIC_BUFFER_TILES", design.dynamic_buffer_tiles, "tiles of weights, one computes"),
        ("DYNAMIC_BUFFER_BYTES", design.dynamic_buffer_bytes, "all tiles"),
        ("STREAMING_BUFFER_BYTES", int(design.streaming_buffer_kib * KIB), "input feature map"),
        ("OUTPUT_BUFFER_BYTES", int(design.output_buffer_kib * KIB), "output feature map"),
        ("CLOCK_MHZ", float(design.clock_mhz), "MHz"),
        ("DRAM_BYTES_PER_CYCLE", float(design.bytes_per_cycle), "bytes that the bus brings"),
    ]
    lines = [f"#define SUSHI_{name} {value!r}  /* {meaning} */" for name, value, meaning in values]
    origin = chosen.origin.replace("*/", "* /").replace("/*", "/ *")
    guard = "SUSHI_DESIGN_H"
    return "\n".join(
        [
            f"/* {origin}: array, buffers and bus of SushiAccel; sizes in bytes (int8). */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            *lines,
            "",
            f"#endif /* {guard} */",
            "",
        ]
    )
