"""Small layers, SuperNets and designs for laws, and the ZCU104 for facts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from hypothesis import strategies as st

from sushi_dse.bits import BITS
from sushi_dse.hardware.accelerator import Accelerator, Dataflow, Device
from sushi_dse.workload.layers import Layer, PlainLayer, SuperNet, around
from sushi_dse.workload.plain import PlainSubNet, plain_supernet

KERNEL_SIZES = ((1, 1), (3, 3), (5, 5), (7, 7), (1, 3), (3, 5), (2, 2), (4, 1))
SUBNET_NAMES = "ABCD"
weight_bits = st.sampled_from(BITS)

ZCU104 = Accelerator(
    name="zcu104",
    device=Device(name="ZCU104", lut=230400, ff=460800, bram36=312, uram288=96, dsp=1728),
    dataflow=Dataflow.WEIGHT_STATIONARY,
    logic_mhz=250.0,
    pe_kernels=16,
    pe_channels=9,
    clock_mhz=100.0,
    port_bytes_per_cycle=20.2601,
    dram_gb_per_s=19.2,
    dram_efficiency=0.7,
    persistent_buffer_kib=1728.0,
    dynamic_buffer_tiles=2,
    streaming_buffer_kib=256.0,
    output_buffer_kib=784.0,
    layer_by_layer=False,
    launch_us=1.0,
    fill_cycles=5.88107,
    drain_cycles=42.1491,
    pointwise_drain=True,
    dram_pj_per_bit=15.0,
    mac_pj=0.3,
    static_w=0.8,
    memory_w=0.7,
    bram36_mw=0.75,
    uram288_mw=5.3,
    clock_pj_per_ff=0.1,
)
VCU118 = Accelerator(
    name="vcu118_64x64",
    device=Device(name="VCU118", lut=1182240, ff=2364480, bram36=2160, uram288=960, dsp=6840),
    dataflow=Dataflow.OUTPUT_STATIONARY,
    logic_mhz=325.0,
    pe_kernels=64,
    pe_pixels=64,
    clock_mhz=708.25,
    port_clock_mhz=250.0,
    port_bytes_per_cycle=62.84,
    dram_gb_per_s=19.2,
    dram_efficiency=0.9,
    persistent_buffer_kib=20480.0,
    dynamic_buffer_kib=4096.0,
    prefetch_buffer_kib=0.0,
    streaming_buffer_kib=6272.0,
    output_buffer_kib=6272.0,
    layer_by_layer=False,
    launch_us=0.4755,
    pixel_fill_cycles=1.926,
    weight_delay_cycles=10.75,
    read_ahead_cycles=3.82,
    tile_read_cycles=1.0,
    dram_pj_per_bit=15.0,
    mac_pj=0.3,
    static_w=0.8,
    memory_w=0.7,
    bram36_mw=0.75,
    uram288_mw=5.3,
    clock_pj_per_ff=0.1,
)


def zcu104(**changes: Any) -> Accelerator:
    """SushiAccel on the ZCU104, with other values where `changes` names them."""
    return replace(ZCU104, **changes)


def zcu104_measured(**changes: Any) -> Accelerator:
    """The ZCU104 as it was measured: each layer launched alone from the host, nothing kept."""
    return zcu104(
        **{"layer_by_layer": True, "launch_us": 67.139, "persistent_buffer_kib": 0.0} | changes
    )


def vcu118(**changes: Any) -> Accelerator:
    """The 64x64 array on the VCU118, with other values where `changes` names them."""
    return replace(VCU118, **changes)


def amounts(low: float, high: float) -> st.SearchStrategy[float]:
    """Plain floats, the ends often."""
    return st.floats(low, high, allow_subnormal=False) | st.sampled_from([low, high])


def fields_of_both(draw: st.DrawFn) -> dict[str, Any]:
    """Fields that designs of both dataflows have, drawn for layers as small as those below."""
    return {
        "pe_kernels": draw(st.integers(1, 20)),
        "multiplier_bits": draw(st.sampled_from((8, 16))),  # for the weights of any `supernets`
        "clock_mhz": draw(amounts(50.0, 400.0)),
        "port_bytes_per_cycle": draw(amounts(0.5, 100.0)),
        "dram_gb_per_s": draw(amounts(0.05, 50.0)),
        "dram_efficiency": draw(amounts(0.05, 1.0)),
        "persistent_buffer_kib": draw(amounts(0.0, 8.0)),
        "streaming_buffer_kib": draw(amounts(0.0, 4.0)),
        "output_buffer_kib": draw(amounts(0.0, 4.0)),
        "layer_by_layer": draw(st.booleans()),
        "launch_us": draw(amounts(0.0, 80.0)),
    }


@st.composite
def weight_stationary(draw: st.DrawFn, /, **changes: Any) -> Accelerator:
    """Designs whose arrays are as small as the layers, bound by weights as often as not."""
    drawn: dict[str, Any] = fields_of_both(draw) | {
        "pe_channels": draw(st.integers(1, 12)),
        "fill_cycles": draw(amounts(0.0, 20.0)),
        "drain_cycles": draw(amounts(0.0, 50.0)),
        "pointwise_drain": draw(st.booleans()),
    }
    return zcu104(**drawn | changes)


@st.composite
def output_stationary(draw: st.DrawFn, /, **changes: Any) -> Accelerator:
    """Designs of the other dataflow, as small."""
    drawn: dict[str, Any] = fields_of_both(draw) | {
        "pe_pixels": draw(st.integers(1, 40)),
        "port_clock_mhz": draw(amounts(50.0, 400.0)),
        "dynamic_buffer_kib": draw(amounts(0.0, 4.0)),
        "pixel_fill_cycles": draw(amounts(1.0, 3.0)),
        "weight_delay_cycles": draw(amounts(0.0, 20.0)),
        "read_ahead_cycles": draw(amounts(0.0, 8.0)),
        "tile_read_cycles": draw(amounts(0.0, 3.0)),
    }
    return vcu118(**drawn | changes)


def accelerators(**changes: Any) -> st.SearchStrategy[Accelerator]:
    """Small designs of both dataflows, with other values where `changes` names them."""
    return weight_stationary(**changes) | output_stationary(**changes)


@st.composite
def ungrouped_layers(draw: st.DrawFn) -> Layer:
    """Convolutions of one group, square and not, with any stride and padding."""
    kernel_height, kernel_width = draw(st.sampled_from(KERNEL_SIZES))
    padding = draw(st.tuples(*[st.integers(0, 3)] * 4))
    return Layer(
        name="conv",
        supernet_layer=0,
        kernels=draw(st.integers(1, 40)),
        channels=draw(st.integers(1, 40)),
        kernel_height=kernel_height,
        kernel_width=kernel_width,
        height=draw(st.integers(max(1, kernel_height - sum(padding[:2])), 12)),
        width=draw(st.integers(max(1, kernel_width - sum(padding[2:])), 12)),
        stride=draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        padding=padding,
        weight_bits=draw(weight_bits),
    )


@st.composite
def grouped_layers(draw: st.DrawFn) -> Layer:
    """Convolutions of several groups, each of several kernels and channels."""
    layer, groups = draw(ungrouped_layers()), draw(st.integers(2, 12))
    return replace(
        layer,
        name="grouped",
        groups=groups,
        kernels=groups * draw(st.integers(1, 24)),
        channels=groups * draw(st.integers(1, 24)),
    )


@st.composite
def depthwise_layers(draw: st.DrawFn) -> Layer:
    """Convolutions in which each channel is a group, with one kernel of its own."""
    layer, channels = draw(ungrouped_layers()), draw(st.integers(2, 40))
    return replace(layer, name="dw", kernels=channels, channels=channels, groups=channels)


@st.composite
def fully_connected_layers(draw: st.DrawFn) -> Layer:
    """Fully connected layers."""
    return Layer(
        name="fc",
        supernet_layer=0,
        kernels=draw(st.integers(1, 60)),
        channels=draw(st.integers(1, 200)),
        kernel_height=1,
        kernel_width=1,
        height=1,
        width=1,
        fully_connected=True,
        weight_bits=draw(weight_bits),
    )


def packed_bytes(layer: PlainLayer) -> float:
    """The bytes of a layer's weights, half a one where they are odd in number and of four bits."""
    return layer.weights * layer.weight_bits / 8


def layers() -> st.SearchStrategy[Layer]:
    """Layers of every kind."""
    return ungrouped_layers() | fully_connected_layers() | depthwise_layers() | grouped_layers()


def names_of(layers: Sequence[PlainLayer]) -> st.SearchStrategy[tuple[str, ...]]:
    """Names of none, one or two of the layers."""
    if not layers:
        return st.just(())
    name = st.sampled_from([layer.name for layer in layers])
    return st.lists(name, unique=True, max_size=2).map(tuple)


@st.composite
def supernets(draw: st.DrawFn) -> SuperNet:
    """One to four SubNets of up to four layers: other widths, depths and resolutions, ties too.

    Some layers read, or add, maps of any earlier layers, and the weights of some are the request's.
    Weights have 4 or 8 bits.
    """
    kinds = [
        draw(st.sampled_from(("conv", "dw", "fc"))),
        *draw(st.lists(st.sampled_from(("conv", "dw", "fc", "attention")), max_size=3)),
    ]
    kernel_sizes = [draw(st.sampled_from((1, 3, 5))) for _ in kinds]
    strides = [draw(st.tuples(st.integers(1, 2), st.integers(1, 3))) for _ in kinds]
    bits = [draw(st.sampled_from((4, 8))) for _ in kinds]
    subnets = []
    for name in SUBNET_NAMES[: draw(st.integers(1, len(SUBNET_NAMES)))]:
        height, width = draw(st.integers(1, 10)), draw(st.integers(1, 10))
        channels = draw(st.integers(1, 12))
        cuts: list[PlainLayer] = []
        for i in range(draw(st.integers(1, len(kinds)))):
            square, half = kinds[i] != "fc", kernel_sizes[i] // 2
            padding = draw(st.tuples(*[st.integers(half, half + 1)] * 4))
            cuts.append(
                PlainLayer(
                    name=f"{kinds[i]}{i}",
                    kernels=channels if kinds[i] == "dw" else draw(st.integers(1, 24)),
                    channels=channels,
                    kernel_height=kernel_sizes[i] if square else 1,
                    kernel_width=kernel_sizes[i] if square else 1,
                    height=height if square else 1,
                    width=width if square else 1,
                    stride=strides[i] if square else (1, 1),
                    padding=padding if square else around(0),
                    groups=channels if kinds[i] == "dw" else 1,
                    fully_connected=not square,
                    of_request=kinds[i] == "attention",
                    input_from=draw(names_of(cuts)),
                    adds=draw(names_of(cuts)),
                    weight_bits=bits[i],
                )
            )
            channels = cuts[-1].kernels
            height, width = cuts[-1].output_height, cuts[-1].output_width
        accuracy_percent = float(draw(st.integers(60, 80)))
        subnets.append(
            PlainSubNet(name=name, accuracy_percent=accuracy_percent, layers=tuple(cuts))
        )
    return plain_supernet("small", subnets, accuracy_of="top-1")


ODD_NAMES = ("shared", "union", "nothing", "A", "B", "A&B", "B&C", "A&B&C", "C&D", "&", "/",
             "A/value", "A/layers", "shared/value", "union/value", "B/value/value")  # fmt: skip


def printable_text(min_size: int = 0) -> st.SearchStrategy[str]:
    """Text of any script, without control characters."""
    no_sign: tuple[Literal["C"], ...] = ("C",)
    return st.text(st.characters(codec="utf-8", exclude_categories=no_sign), min_size=min_size)


def odd_names(count: int) -> st.SearchStrategy[list[str]]:
    """Distinct names, most of them like those of candidates or of other SubNets."""
    name = st.sampled_from(ODD_NAMES) | printable_text(min_size=1)
    return st.lists(name, min_size=count, max_size=count, unique=True)


def renamed(supernet: SuperNet, names: Sequence[str]) -> SuperNet:
    """The SuperNet with its SubNets under other names."""
    both = zip(supernet.subnets, names, strict=True)
    return replace(supernet, subnets=tuple(replace(subnet, name=name) for subnet, name in both))
