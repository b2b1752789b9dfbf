"""The cost of some layers on the shipped boards, term by term; `python -m tests.model.golden`.

It writes `tests/data/golden.json`, and refuses to where a number moved under one `MODEL_VERSION`.
"""

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from math import isclose
from pathlib import Path

from sushi_dse.config.hardware_file import hardware_names, load_hardware
from sushi_dse.files import write_whole
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.energy import energy
from sushi_dse.model.layer import layer_cost, layer_latency_us
from sushi_dse.store.run import MODEL_VERSION
from sushi_dse.workload.layers import Layer, around
from tests import paths

GOLDEN = paths.ROOT / "tests" / "data" / "golden.json"
RELATIVE_ERROR = 1e-12  # of the exponentials and logarithms of another machine
Terms = dict[str, float]
Boards = Mapping[str, Mapping[str, Terms]]  # of a board, of a case


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A layer, where in its network it is, and what of its weights is on chip."""

    layer: Layer
    is_first: bool = False
    is_last: bool = False
    cached_kernels: int = 0
    cached_channels: int = 0


def square(
    name: str,
    kernels: int,
    channels: int,
    window: int,
    size: int,
    stride: int = 1,
    groups: int = 1,
    bits: int = 8,
) -> Layer:
    """A layer with a square window, padded to keep its map, on a square map."""
    return Layer(
        name=name,
        kernels=kernels,
        channels=channels,
        kernel_height=window,
        kernel_width=window,
        height=size,
        width=size,
        padding=around(window // 2),
        stride=(stride, stride),
        groups=groups,
        weight_bits=bits,
        supernet_layer=0,
    )


def cases() -> dict[str, Case]:
    """What is costed, by name; each layer cold, and with a part that ends within a tile on chip."""
    classifier = Layer(
        name="fully connected",
        kernels=1000,
        channels=2048,
        kernel_height=1,
        kernel_width=1,
        height=1,
        width=1,
        fully_connected=True,
        supernet_layer=0,
    )
    cold = [
        Case(layer=square("first of a network", 32, 3, 3, 224, stride=2), is_first=True),
        Case(layer=square("3x3", 96, 64, 3, 28)),
        Case(layer=square("3x3 strided", 128, 64, 3, 56, stride=2)),
        Case(layer=square("3x3 on a small map", 512, 512, 3, 7)),
        Case(layer=square("3x3 of 4 bits", 96, 64, 3, 28, bits=4)),
        Case(layer=square("1x1 of 16 bits", 256, 64, 1, 56, bits=16)),
        Case(layer=square("1x1", 256, 64, 1, 56)),
        Case(layer=square("1x1 strided", 512, 256, 1, 56, stride=2)),
        Case(layer=square("5x5", 48, 40, 5, 14)),
        Case(layer=square("7x7 strided", 64, 24, 7, 112, stride=2)),
        Case(layer=square("depthwise", 240, 240, 3, 14, groups=240)),
        Case(layer=square("depthwise 5x5 strided", 72, 72, 5, 56, stride=2, groups=72)),
        Case(layer=square("grouped", 128, 256, 3, 14, groups=32)),
        Case(layer=classifier),
        Case(layer=square("last of a network", 10, 130, 1, 4), is_last=True),
        Case(layer=square("last, of a large map", 256, 8, 1, 56), is_last=True),
    ]
    return {f"{case.layer.name}, cold": case for case in cold} | {
        f"{case.layer.name}, part cached": Case(
            layer=case.layer,
            is_first=case.is_first,
            is_last=case.is_last,
            cached_kernels=case.layer.kernels * 5 // 8,
            cached_channels=-(-case.layer.channels_per_group * 3 // 4),
        )
        for case in cold
    }


def boards() -> dict[str, Accelerator]:
    """The shipped hardware files of a single design, by name."""
    spaces = {name: load_hardware(name).space for name in hardware_names()}
    return {name: space.base for name, space in spaces.items() if len(space) == 1}


def terms(case: Case, board: Accelerator) -> Terms:
    """All of what a layer costs: cycles, bytes, latency and energy, each cause by itself."""
    cost = layer_cost(
        case.layer,
        board,
        cached_kernels=case.cached_kernels,
        cached_channels=case.cached_channels,
        is_first=case.is_first,
        is_last=case.is_last,
    )
    latency_us = layer_latency_us(cost, board)
    used = energy(board, cost, case.layer.macs, latency_us)
    return {
        **cost._asdict(),
        "latency_us": latency_us,
        "offchip_mj": float(used.offchip_mj),
        "buffer_mj": float(used.buffer_mj),
        "mac_mj": float(used.mac_mj),
        "clock_mj": float(used.clock_mj),
        "static_mj": float(used.static_mj),
    }


def computed() -> dict[str, dict[str, Terms]]:
    """The terms of each case on each board, as the model is now."""
    return {
        name: {label: terms(case, board) for label, case in cases().items()}
        for name, board in boards().items()
    }


def moved(before: Boards, after: Boards) -> Iterator[str]:
    """A line for each term of both that is another number, or is in one of the two alone."""
    for board in before.keys() & after.keys():
        for case in before[board].keys() & after[board].keys():
            was, now = before[board][case], after[board][case]
            for term in was.keys() | now.keys():
                if term not in was or term not in now:
                    yield f"{board}, {case}: {term} is in one of them alone"
                elif not isclose(was[term], now[term], rel_tol=RELATIVE_ERROR):
                    yield f"{board}, {case}: {term} was {was[term]!r} and is {now[term]!r}"


def main(path: Path = GOLDEN) -> None:
    """Write the file; SystemExit where a formula changed under an old `MODEL_VERSION`."""
    after = computed()
    if path.exists():
        stored = json.loads(path.read_text())
        lines = sorted(moved(stored["boards"], after))
        if lines and stored["model_version"] == MODEL_VERSION:
            raise SystemExit("\n".join([*lines, "raise MODEL_VERSION in store/run.py first"]))
    content = {
        "command": "python -m tests.model.golden",
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("sushi-dse", "numpy")},
        },
        "model_version": MODEL_VERSION,
        "cases": {label: asdict(case) for label, case in cases().items()},
        "boards": after,
    }
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
