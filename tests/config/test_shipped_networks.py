"""The plain networks that are shipped, against the figures published for them."""

from dataclasses import dataclass
from itertools import groupby, pairwise

import pytest

from sushi_dse.config.workload_file import load_workload
from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import Layer, SubNet
from tests.commands import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The figures of torchvision's table of models, whose names are those of the SubNets."""

    model: str
    parameters: int
    gmacs: float  # rounded
    accuracy_percent: float
    layers: int  # convolutions and fully connected ones
    is_normalised: bool  # whether a convolution has a scale and an offset, and not just a bias


PUBLISHED = {
    "resnet18": Published(
        model="resnet18", parameters=11_689_512, gmacs=1.814, accuracy_percent=69.758, layers=21,
        is_normalised=True,
    ),
    "resnet34": Published(
        model="resnet34", parameters=21_797_672, gmacs=3.664, accuracy_percent=73.314, layers=37,
        is_normalised=True,
    ),
    "resnet50": Published(
        model="resnet50", parameters=25_557_032, gmacs=4.089, accuracy_percent=76.130, layers=54,
        is_normalised=True,
    ),
    "vgg16": Published(
        model="vgg16", parameters=138_357_544, gmacs=15.47, accuracy_percent=71.592, layers=16,
        is_normalised=False,
    ),
    "squeezenet": Published(
        model="squeezenet1_0", parameters=1_248_424, gmacs=0.819, accuracy_percent=58.092,
        layers=26, is_normalised=False,
    ),
}  # fmt: skip
RESNETS = [name for name, network in PUBLISHED.items() if network.is_normalised]


def network(name: str) -> SubNet:
    (subnet,) = load_workload(name).supernet.subnets
    return subnet


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_shipped_network_has_its_published_macs_parameters_and_accuracy(name: str) -> None:
    published, subnet = PUBLISHED[name], network(name)
    assert (subnet.name, len(subnet.layers)) == (published.model, published.layers)
    assert subnet.accuracy_percent == published.accuracy_percent
    assert subnet.macs / 1e9 == pytest.approx(published.gmacs, abs=0.0005)
    # A workload has no biases, scales and offsets: they are folded into the layers.
    folded = sum(
        2 * layer.kernels
        if published.is_normalised and not layer.fully_connected
        else layer.kernels
        for layer in subnet.layers
    )
    assert subnet.weight_bytes + folded == published.parameters


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_shipped_network_is_known_by_name(name: str, run: Run) -> None:
    code, out, _ = run("cost", "--workload", name, "--format", "json")
    assert code == 0
    assert f'"subnet": "{PUBLISHED[name].model}"' in out
    first = network(name).layers[0]
    assert (first.channels, first.height, first.width) == (3, 224, 224)


def blocks(name: str) -> dict[str, list[Layer]]:
    """The layers of each block, by its label; a block whose layers are apart is there once only."""
    grouped = groupby(network(name).layers, key=lambda layer: layer.block)
    return {label: list(layers) for label, layers in grouped if label}


@pytest.mark.parametrize("name", RESNETS)
def test_the_layers_of_a_residual_block_run_in_order_and_its_downsample_last(name: str) -> None:
    channels, size = 64, 56
    for label, layers in blocks(name).items():
        parts = [layer.name.removeprefix(f"{label}.") for layer in layers]
        path = [layer for layer in layers if "downsample" not in layer.name]
        assert parts[: len(path)] == [f"conv{i}" for i in range(1, len(path) + 1)]
        assert parts[len(path) :] in ([], ["downsample.0"])
        assert (path[0].channels, path[0].height) == (channels, size)
        for before, after in pairwise(path):
            assert (before.kernels, before.output_height) == (after.channels, after.height)
        for other in layers[len(path) :]:
            assert (other.channels, other.height) == (channels, size)
            assert other.output_height == path[-1].output_height
            assert other.kernels == path[-1].kernels
        assert len(layers) > len(path) or (channels, size) == (
            path[-1].kernels,
            path[-1].output_height,
        )
        channels, size = path[-1].kernels, path[-1].output_height
    assert size == 7
    assert network(name).layers[-1].channels == channels


@pytest.mark.parametrize("name", [*PUBLISHED, "resnet18_cifar10"])
def test_what_a_layer_reads_has_its_channels_and_what_it_adds_its_width(name: str) -> None:
    layers = network(name).layers
    read: set[int] = set()
    for layer, reads in zip(layers, reads_of(layers), strict=True):
        read |= reads.inputs | reads.adds
        if reads.inputs and not layer.fully_connected:
            assert sum(layers[number].kernels for number in reads.inputs) == layer.channels
        for number in reads.adds:
            assert layers[number].kernels == layer.kernels
            pools = layers[number].output_height // layer.output_height  # behind the stem
            assert pools == (2 if number == 0 and name != "resnet18_cifar10" else 1)
    assert read == set(range(len(layers) - 1))


@pytest.mark.parametrize("name", [*RESNETS, "resnet18_cifar10"])
def test_the_layer_that_ends_a_residual_block_adds_its_shortcut(name: str) -> None:
    before = network(name).layers[0]
    for layers in blocks(name).values():
        *path, last = layers
        shortcut = path[-1] if "downsample" in last.name else before
        assert [layer.adds for layer in layers] == [()] * len(path) + [(shortcut.name,)]
        before = last


def test_resnet50_strides_in_its_3x3_convolutions() -> None:
    strided = [layer.name for layer in network("resnet50").layers if layer.stride == (2, 2)]
    assert strided == ["conv1", *[
        f"layer{stage}.0.{part}" for stage in (2, 3, 4) for part in ("conv2", "downsample.0")
    ]]  # fmt: skip


def test_both_expand_layers_of_a_fire_module_read_its_squeezed_map() -> None:
    channels = 96
    before: tuple[str, ...] = ()
    for label, layers in blocks("squeezenet").items():
        squeeze, one, three = layers
        reads = [layer.input_from for layer in layers]
        assert reads == [before, (), (squeeze.name,)]
        before = one.name, three.name
        assert [layer.name for layer in layers] == [
            f"{label}.{part}" for part in ("squeeze", "expand1x1", "expand3x3")
        ]
        assert squeeze.channels == channels
        for expand in (one, three):
            assert expand.channels == squeeze.kernels
            assert (expand.output_height, expand.output_width) == (squeeze.height, squeeze.width)
        channels = one.kernels + three.kernels
    assert network("squeezenet").layers[-1].channels == channels
    assert network("squeezenet").layers[-1].input_from == before


def test_vgg16_is_a_chain_with_a_pool_between_stages() -> None:
    for before, after in pairwise(network("vgg16").layers):
        if after.fully_connected:
            side = 7 if not before.fully_connected else 1
            assert after.channels == before.kernels * side**2
        else:
            assert after.channels == before.kernels
            assert after.height in (before.output_height, before.output_height // 2)
