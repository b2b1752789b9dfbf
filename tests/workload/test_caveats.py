"""What is presumed of a workload, or hardly meant, is said of it."""

import pytest

from sushi_dse.config.shipped import WORKLOADS, shipped_names
from sushi_dse.config.workload_file import load_workload
from sushi_dse.workload.layers import PlainLayer
from sushi_dse.workload.plain import PlainSubNet, plain_supernet


def layer(
    name: str, channels: int, kernels: int, size: int = 8, *, reads: tuple[str, ...] = ()
) -> PlainLayer:
    return PlainLayer(
        name=name, kernels=kernels, channels=channels, kernel_height=1, kernel_width=1,
        height=size, width=size, input_from=reads, fully_connected=size == 1,
    )  # fmt: skip


def caveats(*layers: PlainLayer) -> tuple[str, ...]:
    return plain_supernet("s", [PlainSubNet(name="A", layers=layers)], accuracy_of="top-1").caveats


@pytest.mark.parametrize("name", shipped_names(WORKLOADS))
def test_the_shipped_workloads_presume_nothing(name: str) -> None:
    assert load_workload(name).supernet.caveats == ()


def test_layers_that_do_not_chain_are_pointed_out() -> None:
    assert caveats(layer("a", 3, 64), layer("b", 48, 8)) == (
        "layers of SubNet A do not chain: b reads 48 channels and a has 64",
    )
    (many,) = caveats(*(layer(str(i), 5 + i, 64) for i in range(9)))
    assert many.endswith(" and others")
    assert many.count("reads") == 3


def test_layers_that_may_chain_are_not() -> None:
    whole, part = layer("b", 64, 8), layer("b", 32, 8)
    flat, pooled = layer("b", 64 * 49, 8, 1), layer("b", 64, 8, 1)
    for second in (whole, part, flat, pooled):
        assert caveats(layer("a", 3, 64), second) == ()
    joined = layer("c", 75, 8, reads=("a", "b"))
    assert caveats(layer("a", 3, 64), layer("b", 64, 11), joined) == ()
