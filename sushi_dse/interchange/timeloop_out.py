"""A design as a Timeloop architecture, version 0.4."""

from sushi_dse.config.writing import yaml_text
from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import KIB, TAPS_PER_ENGINE, Accelerator, Dataflow
from sushi_dse.interchange.chosen import Chosen

WORD_BITS = 64  # width of a block RAM or UltraRAM without its parity bits
DATA_BITS = 8  # width of an int8 value
DATASPACES = ("Weights", "Inputs", "Outputs")

HEAD = """\
# {origin}, as a Timeloop architecture (version 0.4). Widths are in bits; a depth is
# in words of that width, a bandwidth in {data_bits}-bit words a cycle.
#
# What Timeloop does not know of SushiAccel:
# - The Persistent Buffer keeps weights from query to query. Timeloop runs a layer and forgets, so
#   no dataspace is mapped to it here; it is listed for its area.
# - A line buffer feeds the array: a tile takes as long as its padded input streams and
#   {fill_cycles:g} cycles more, or as it has outputs and {drain_cycles:g} cycles more.
# - A layer takes {launch_us:g} us to launch.
# - An engine's {taps} multipliers take a 3x3 window, or {taps} channels of a 1x1.
# - Accelergy needs a technology; energies here are {dram_pj_per_bit:g} pJ/bit off chip and
#   {mac_pj:g} pJ/MAC.
"""


def timeloop_architecture(chosen: Chosen) -> str:
    """The text of an architecture: DRAM, buffers, and the array as a mesh of multipliers.

    UserError for a design that is not weight-stationary: Timeloop chooses the order of its loops
    by itself, and would not keep the sums in the array.  So it is for multipliers that are not of
    int8, as an architecture has one width of data.
    """
    design = chosen.accelerator
    if design.dataflow != Dataflow.WEIGHT_STATIONARY:
        raise UserError(
            f"{chosen.origin} is {design.dataflow}, and the timeloop export speaks of "
            f"{Dataflow.WEIGHT_STATIONARY} designs; export it as yaml or hls"
        )
    if design.multiplier_bits != DATA_BITS:
        raise UserError(
            f"{chosen.origin} has multipliers of {design.multiplier_bits} bits, and the timeloop "
            f"export speaks of {DATA_BITS}; export it as yaml or hls"
        )
    lines = [
        "architecture:",
        "  version: 0.4",
        "  nodes:",
        "  - !Container",
        "    name: system",
        "    attributes:",
        f"      global_cycle_seconds: {yaml_text(1e-6 / design.clock_mhz)}",
        "  - !Component",
        "    name: DRAM",
        "    class: DRAM",
        "    attributes:",
        f"      width: {WORD_BITS}",
        f"      datawidth: {DATA_BITS}",
        f"      shared_bandwidth: {yaml_text(float(design.bytes_per_cycle))}",
        "  - !Container",
        "    name: sushi_accel",
        *_buffers(design),
        *_mesh("kernels", "meshY", design.pe_kernels),
        *_mesh("channels", "meshX", design.pe_channels),
        *_mesh("taps", "meshX", TAPS_PER_ENGINE),
        *_storage("weight_register", "regfile", 1, "Weights"),
        "  - !Component",
        "    name: mac",
        "    class: intmac",
        "    attributes:",
        f"      datawidth: {DATA_BITS}",
        f"      width: {DATA_BITS}",
    ]
    head = HEAD.format(
        origin=chosen.origin,
        data_bits=DATA_BITS,
        taps=TAPS_PER_ENGINE,
        fill_cycles=design.fill_cycles,
        drain_cycles=design.drain_cycles,
        launch_us=design.launch_us,
        dram_pj_per_bit=design.dram_pj_per_bit,
        mac_pj=design.mac_pj,
    )
    return head + "\n".join(lines) + "\n"


def _buffers(design: Accelerator) -> list[str]:
    """The buffers that the design has, from DRAM to the array."""
    return [
        *_storage("persistent_buffer", "SRAM", design.persistent_buffer_bytes, ""),
        *_storage("streaming_buffer", "SRAM", int(design.streaming_buffer_kib * KIB), "Inputs"),
        *_storage("output_buffer", "SRAM", int(design.output_buffer_kib * KIB), "Outputs"),
        *_storage(
            "dynamic_buffer",
            "SRAM",
            design.dynamic_buffer_bytes,
            "Weights",
            f"multiple_buffering: {design.dynamic_buffer_tiles}",
        ),
    ]


def _storage(name: str, kind: str, size_bytes: int, keeps: str, *attributes: str) -> list[str]:
    """The lines of a buffer of so many bytes that keeps one dataspace, or none; [] for 0 bytes."""
    if size_bytes == 0:
        return []
    width = WORD_BITS if size_bytes % (WORD_BITS // 8) == 0 else DATA_BITS
    bypassed = ", ".join(dataspace for dataspace in DATASPACES if dataspace != keeps)
    return [
        "  - !Component",
        f"    name: {name}",
        f"    class: {kind}",
        "    attributes:",
        f"      depth: {size_bytes * 8 // width}",
        f"      width: {width}",
        f"      datawidth: {DATA_BITS}",
        *(f"      {attribute}" for attribute in attributes),
        "    constraints:",
        f"      dataspace: {{keep: [{keeps}], bypass: [{bypassed}]}}",
    ]


def _mesh(name: str, axis: str, count: int) -> list[str]:
    return ["  - !Container", f"    name: {name}", f"    spatial: {{{axis}: {count}}}"]
