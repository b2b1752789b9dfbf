"""The names by which a layer says whose maps it reads."""

from dataclasses import dataclass

import pytest

from sushi_dse.workload.edges import Reads, reads_of
from sushi_dse.workload.layers import Layer, SubNet


@dataclass(frozen=True)
class Named:
    name: str
    input_from: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()


def edges(*layers: Named) -> list[tuple[set[int], set[int]]]:
    return [(set(reads.inputs), set(reads.adds)) for reads in reads_of(layers)]


def test_a_layer_reads_the_one_before_it_unless_it_names_others() -> None:
    assert list(reads_of([Named("a")])) == [Reads(frozenset(), frozenset())]
    layers = (
        Named("a"),
        Named("b"),
        Named("c", adds=("a",)),
        Named("d", ("a",)),
        Named("e", ("d", "b")),
    )
    assert edges(*layers) == [
        (set(), set()),
        ({0}, set()),
        ({1}, {0}),
        ({0}, set()),
        ({1, 3}, set()),
    ]


def test_names_that_no_one_refers_to_may_be_equal() -> None:
    assert edges(Named("a"), Named("a"), Named("b"), Named("c", ("b",)))[1:] == [
        ({0}, set()), ({1}, set()), ({2}, set())
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Named("a"), Named("b", ("x",))), "input_from of layer 'b': no layer is named 'x'; known"),
        ((Named("conv1"), Named("b", adds=("conv2",))), "adds of layer 'b': .*mean 'conv1'?"),
        ((Named("a", ("b",)), Named("b")), "input_from of layer 'a': 'b' must run before it"),
        ((Named("a"), Named("b", adds=("b",))), "adds of layer 'b': 'b' must run before it"),
        ((Named("a"), Named("a"), Named("b", ("a",))), "2 layers are named 'a'; rename"),
        ((Named("a"), Named("b", ("a", "a"))), "names must differ, got a, a"),
    ],
)
def test_a_name_that_is_no_earlier_layers_is_refused(
    layers: tuple[Named, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        edges(*layers)


def test_a_subnet_refuses_such_a_name() -> None:
    layer = Layer(name="a", kernels=1, channels=1, kernel_height=1, kernel_width=1, height=1,
                  width=1, adds=("b",), supernet_layer=0)  # fmt: skip
    with pytest.raises(ValueError, match="SubNet 'A': adds of layer 'a': no layer is named 'b'"):
        SubNet(name="A", accuracy_percent=70, layers=(layer,))
