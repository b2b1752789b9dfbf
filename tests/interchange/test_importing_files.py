import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sushi_dse.bits import INT8_BITS
from sushi_dse.config.document import read_document
from sushi_dse.config.workload_file import load_workload
from sushi_dse.config.writing import workload_text, yaml_text
from sushi_dse.errors import UserError
from sushi_dse.interchange.foreign import read_foreign
from sushi_dse.interchange.imports import ImportedWorkload, import_workload
from sushi_dse.workload.layers import PlainLayer, around
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests.strategies import layers, printable_text

IMAGE = {"": (1, 3, 224, 224)}


def imported(*paths: Path, **options: Any) -> ImportedWorkload:
    return import_workload(paths, **options)


def refusal(*paths: Path, **options: Any) -> str:
    started = time.perf_counter()
    with pytest.raises(UserError) as refused:
        imported(*paths, **options)
    assert time.perf_counter() - started < 2
    line = str(refused.value)
    assert line.isprintable()
    return line


@contextmanager
def ends_in_one_line() -> Iterator[None]:
    """A block that may raise a UserError of one line, and nothing else."""
    line = ""
    try:
        yield
    except UserError as error:
        line = str(error)
    assert line.isprintable()


def sizes(layer: PlainLayer) -> PlainLayer:
    """The layer without its name and number."""
    fields = {name: getattr(layer, name) for name in PlainLayer.__dataclass_fields__}
    return PlainLayer(**fields | {"name": ""})


# --- Timeloop and ZigZag: the law is that a layer written in their form comes back


def timeloop_text(layer: PlainLayer, *, older: bool) -> str:
    sizes = {
        "C": layer.channels_per_group, "M": layer.kernels // layer.groups, "G": layer.groups,
        "R": layer.kernel_width, "S": layer.kernel_height, "P": layer.output_width,
        "Q": layer.output_height, "N": 1,
    }  # fmt: skip
    spelling = "stride", "dilation"
    if not older:
        spelling = "Stride", "Dilation"
    for side, stride in zip("HW", layer.stride, strict=True):
        sizes[f"{side}{spelling[0]}"] = stride
        sizes[f"{side}{spelling[1]}"] = 1
    rows = "".join(f"    {key}: {value}\n" for key, value in sizes.items())
    if older:
        return f"problem:\n  shape: cnn-layer\n{rows.replace('    ', '  ')}"
    return (
        "problem:\n  version: 0.4\n  shape:\n    name: CNN_Layer\n"
        "    dimensions: [C, M, R, S, N, P, Q, G]\n"
        "    coefficients:\n    - {name: Wstride, default: 1}\n"
        "    data_spaces:\n    - name: Weights\n      projection: [[[C]], [[M]], [[R]], [[S]]]\n"
        f"  instance:\n{rows}"
    )


def zigzag_text(layers: tuple[PlainLayer, ...], *, older: bool) -> str:
    text = ""
    for i, layer in enumerate(layers):
        loops = {
            "B": 1, "G": layer.groups, "K": layer.kernels // layer.groups,
            "C": layer.channels_per_group, "OX": layer.output_width, "OY": layer.output_height,
            "FX": layer.kernel_width, "FY": layer.kernel_height,
        }  # fmt: skip
        relations = f"[ix={layer.stride[1]}*ox+1*fx, iy={layer.stride[0]}*oy+1*fy]"
        rows, columns = list(layer.padding[:2]), list(layer.padding[2:])
        if older:
            text += (
                f"{i}:\n  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][ix][iy]\n"
                f"  dimension_relations: {relations}\n"
                f"  loop_dim_size: {json.dumps(loops)}\n"
                f"  operand_source: {{W: [], I: [{max(i - 1, 0)}]}}\n"
                f"  padding: {{IX: {columns}, IY: {rows}}}\n"
            )
        else:
            text += (
                f"- id: {i}\n  operator_type: Conv\n"
                "  equation: O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]\n"
                f"  dimension_relations: {relations}\n"
                f"  loop_dims: {json.dumps(list(loops))}\n  loop_sizes: {list(loops.values())}\n"
                f"  operand_precision: {{I: 8, W: 8, O: 16, O_final: 8}}\n"
                f"  operand_source: {{I: {max(i - 1, 0)}, W: {i}}}\n"
                f"  pr_loop_dims: [IX, IY]\n  pr_loop_sizes: [{layer.width}, {layer.height}]\n"
                f"  padding: [{columns}, {rows}]\n"
            )
    return text


def convolutions() -> st.SearchStrategy[tuple[PlainLayer, ...]]:
    """Layers of every kind, of int8, each fully connected one as the convolution that it is."""
    convolution = layers().map(
        lambda layer: replace(layer, fully_connected=False, weight_bits=INT8_BITS)
    )
    return st.lists(convolution, min_size=1, max_size=4).map(tuple)


def read_of(layer: PlainLayer) -> tuple[int, int]:
    """Rows and columns of the map up to the last that a window reads."""
    return (
        (layer.output_height - 1) * layer.stride[0] + layer.kernel_height - sum(layer.padding[:2]),
        (layer.output_width - 1) * layer.stride[1] + layer.kernel_width - sum(layer.padding[2:]),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


@given(convolutions(), st.booleans())
def test_a_timeloop_problem_is_the_layer_with_its_padding_written_out(
    folder: Path, layers: tuple[PlainLayer, ...], older: bool
) -> None:
    paths = []
    for i, layer in enumerate(layers):
        paths.append(folder / f"{i}.yaml")
        paths[-1].write_text(timeloop_text(layer, older=older))
    (read,) = imported(*paths).supernet.subnets
    assert read.name == (folder.name if len(paths) > 1 else "0")
    for ours, theirs in zip(layers, read.layers, strict=True):
        assert (ours.macs, ours.weight_bytes) == (theirs.macs, theirs.weight_bytes)
        assert (ours.output_height, ours.output_width) == (
            theirs.output_height,
            theirs.output_width,
        )
        assert theirs.padding == around(0)
        assert theirs.stride == ours.stride or theirs.fully_connected
        left_out = ours.padded_height - theirs.height, ours.padded_width - theirs.width
        assert all(0 <= n < step for n, step in zip(left_out, ours.stride, strict=True))


@given(convolutions(), st.booleans())
def test_a_zigzag_workload_is_its_layers(
    folder: Path, layers: tuple[PlainLayer, ...], older: bool
) -> None:
    if older:  # has no size of the input: what no window reads is not there
        assume(all(min(read_of(layer)) > 0 for layer in layers))
    path = folder / "zigzag.yaml"
    path.write_text(zigzag_text(layers, older=older))
    (read,) = imported(path).supernet.subnets
    if older:  # has no size of the input, whose last rows and columns a stride may leave out
        for ours, theirs in zip(layers, read.layers, strict=True):
            assert (ours.macs, ours.stride, ours.padding) == (
                theirs.macs,
                theirs.stride,
                theirs.padding,
            )
    else:
        assert list(map(sizes, read.layers)) == list(map(sizes, layers))


def test_timeloop_has_dilation_groups_and_defaults(tmp_path: Path) -> None:
    path = tmp_path / "layer.yaml"
    path.write_text(
        "problem:\n  shape:\n    name: c\n    dimensions: [C, M, R, S, N, P, Q, G]\n"
        "    coefficients:\n    - {name: Hstride, default: 2}\n    - {name: Wstride, default: 3}\n"
        "  instance: {C: 4, M: 8, G: 2, R: 3, S: 5, P: 10, Q: 6, Wdilation: 2, Hdilation: 1}\n"
    )
    ((layer, remark),) = imported(path).networks[0].layers
    assert (layer.kernels, layer.channels, layer.groups, layer.stride) == (16, 8, 2, (2, 3))
    assert (layer.kernel_height, layer.kernel_width) == (5, 3)
    assert (layer.output_height, layer.output_width) == (6, 10)
    assert remark.startswith("dilation 1 2: ")


def test_a_product_of_zigzag_is_fully_connected_or_runs_over_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "z.yaml"
    path.write_text(
        "- {id: 0, operator_type: Gemm, loop_dims: [B, D, K, C], loop_sizes: [1, 5, 8, 16]}\n"
        "- {id: 1, operator_type: Add, loop_dims: [B, K], loop_sizes: [1, 8]}\n"
        "- {id: 2, name: last, operator_type: FullyConnected, loop_dims: [K, C],"
        " loop_sizes: [2, 8], operand_source: {I: 1, W: 2}}\n"
    )
    workload = imported(path)
    first, last = workload.supernet.subnets[0].layers
    assert (first.name, first.output_height, first.fully_connected) == ("layer0", 5, False)
    assert (last.name, last.channels, last.fully_connected) == ("last", 8, True)
    assert workload.networks[0].uncharged == {"Add": 1}


def test_layers_of_one_name_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "z.yaml"
    path.write_text(
        "- {name: a, operator_type: Conv, loop_dims: [K, C], loop_sizes: [8, 16]}\n"
        "- {name: a, operator_type: Conv, loop_dims: [K, C], loop_sizes: [8, 8]}\n"
    )
    assert [layer.name for layer in imported(path).supernet.layers] == ["a", "a_1"]
    path.write_text("- {id: 0, operator_type: Add, loop_dims: [K], loop_sizes: [8]}\n")
    assert "has no convolution and no product with weights" in refusal(path)


def test_more_layers_than_a_file_holds_are_refused() -> None:
    layer = network("A", "x").layers[0]
    text = workload_text(
        [PlainSubNet(name="A", accuracy_percent=70, layers=(layer,))], accuracy_of="top-1"
    )
    layers = (layer,) * (2**20 // (len(text) // 2))
    with pytest.raises(UserError, match=f"^{len(layers)} layers are more than a workload file of"):
        workload_text(
            [PlainSubNet(name="A", accuracy_percent=70, layers=layers)], accuracy_of="top-1"
        )


ATTENTION = """\
- {id: 0, operator_type: Conv, loop_dims: [K, C], loop_sizes: [8, 16]}
- {id: 1, operator_type: Gemm, loop_dims: [K, C], loop_sizes: [8, 16], operand_source: {I: 0, W: 0}}
"""


def test_what_zigzag_cannot_do_with_weights_is_refused_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "z.yaml"
    path.write_text(ATTENTION)
    assert ":2:3: no layer can do the work of 'layer1' (Gemm)" in refusal(path)
    assert len(imported(path, skip_unsupported=True).supernet.layers) == 1
    path.write_text(ATTENTION.replace("Gemm", "Softmax"))
    assert imported(path).networks[0].uncharged == {"Softmax": 1}


ZIGZAG = zigzag_text(
    (PlainLayer(name="c", kernels=8, channels=4, kernel_height=3, kernel_width=3, height=8, width=8,
                padding=around(1)),),
    older=False,
)  # fmt: skip
TIMELOOP = "problem:\n  instance: {C: 4, M: 8, R: 3, S: 3, P: 10, Q: 10, N: 1}\n"


@pytest.mark.parametrize(
    ("old", "new", "place", "wrong"),
    [
        ("M: 8, ", "", "2:13", "the size M is missing here; add it"),
        ("M: 8", "M: 0", "2:23", "M: a whole number from 1 to"),
        ("M: 8", "M: 8.5", "2:23", "M: a whole number from 1 to"),
        ("M: 8", "M: '8'", "2:23", "M: a whole number from 1 to"),
        ("M: 8", "M: [8]", "2:23", "M: a whole number from 1 to"),
        ("N: 1", "N: 2", "2:55", "N: a batch of one image is wanted"),
        ("  instance", "  shape: {dimensions: [M, N, K]}\n  instance", "2:30",
         "the dimension 'K' is no convolution's; known: C, M, R"),
        ("problem:", "problem: {{include_text('x.yaml')}}\nx:", "1:10",
         "is a template; give the file that its tool makes of it"),
        ("problem:", "problems:", "", "is no ONNX file, no net.config of Once-for-all"),
        ("problem:", "family:", "", "is a workload file already; give it to --workload"),
        ("  instance:", "  instance: &a", "2:13", "anchors and aliases are refused"),
        ("M: 8", "M: 1" + "0" * 5000, "2:23", "M: a whole number from 1 to"),
        ("M: 8", "M: 8, M: 9", "2:29", "'M' is given twice"),
    ],
)  # fmt: skip
def test_a_broken_timeloop_problem_is_one_line_with_its_place(
    old: str, new: str, place: str, wrong: str, tmp_path: Path
) -> None:
    text = TIMELOOP.replace(old, new, 1)
    assert text != TIMELOOP
    path = tmp_path / "layer.yaml"
    path.write_text(text)
    line = refusal(path)
    assert line.startswith(f"{path}:{place}")
    assert wrong in line


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        (
            "operator_type: Conv",
            "operator_type: LSTM",
            "no layer can do the work of 'layer0' (LSTM)",
        ),
        ('"K"', '"Z"', "the loop 'Z' of 'layer0' is none of a layer's"),
        ('"K", ', "", "loop_sizes needs 7 entries, one for each of loop_dims"),
        ("[1, 1, 8", "[2, 1, 8", "'layer0': a batch of 2"),
        ("ix=1*ox", "ix=q*ox", "is none such as 'ix=2*ox+1*fx'"),
        ("ix=1*ox", "ix=\u0662*ox", "is none such as 'ix=2*ox+1*fx'"),
        ("ix=1*ox", "ix=0*ox", "strides from 1 to 65535 are wanted"),
        ("ix=1*ox", "ix=2*ox", "give another output"),
        ("ix=1*ox+1*fx, iy=1*oy", "ix=2*ox+1*fx, iy=2*oy", "give another output"),
        ("pr_loop_dims: [IX, IY]", "pr_loop_dims: [IX, IZ]", "IX and IY are wanted"),
        ("padding: [[1, 1], ", "padding: [[1], ", "two numbers for each of IX and IY"),
        ("padding: [[1, 1], ", "padding: [[1, 1], [1, 1], ", "two numbers for each of IX and IY"),
    ],
)
def test_a_broken_zigzag_workload_is_one_line_with_its_place(
    old: str, new: str, wrong: str, tmp_path: Path
) -> None:
    text = ZIGZAG.replace(old, new, 1)
    assert text != ZIGZAG
    path = tmp_path / "z.yaml"
    path.write_text(text)
    line = refusal(path)
    assert wrong in line
    assert line.startswith(f"{path}:")


def test_a_shape_for_a_file_that_tells_its_own_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "layer.yaml"
    path.write_text(TIMELOOP)
    assert "tells its sizes; leave --input-shape out" in refusal(path, input_shapes=IMAGE)


def test_layers_of_timeloop_are_not_mixed_with_networks(tmp_path: Path) -> None:
    paths = [tmp_path / "layer.yaml", tmp_path / "z.yaml"]
    paths[0].write_text(TIMELOOP)
    paths[1].write_text(ZIGZAG)
    assert "import Timeloop's files by themselves" in refusal(*paths)


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [tmp_path / name / "z.yaml" for name in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.write_text(ZIGZAG)
    names = [s.name for s in imported(*paths, accuracy_percent=[1, 2]).supernet.subnets]
    assert names == ["a", "b"]
    assert "one name" in refusal(paths[0], paths[0], accuracy_percent=[1, 2])


BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise("abcdefgh"))


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "- 1", "x", "\0", "[" * 5000, "{a: " * 5000, BOMB,
        "!!python/object:os.system x",
        "problem: 3", "problem: []", "problem: {instance: [1, 2]}", "- {loop_dims: 3}",
        "- {loop_dims: [K], loop_sizes: [[1]]}", "0: {loop_dim_size: 7}", "? [a, b]\n: c",
        '{"name": "ResNets", "blocks": []}', '{"name": "MobileNetV3", "blocks": [1]}',
        "- loop_dims",
        '{"name": ["ResNets"], "blocks": [1]}', "loop_dims:", "%YAML 9.9\n---\na: 1",
    ],
)  # fmt: skip
def test_a_hostile_file_is_one_line_at_once(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    assert refusal(path, input_shapes=IMAGE).startswith(f"{path}:")


SEEDS = [TIMELOOP, ZIGZAG, ATTENTION]


@given(st.sampled_from(SEEDS), st.data())
def test_a_mutated_file_ends_in_one_line_or_in_layers(
    folder: Path, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 8)))
    piece = data.draw(st.text("0123456789-[]{},:abcIX *\n\"'", max_size=6))
    path = folder / "mutated.yaml"
    path.write_text(text[:start] + piece + text[end:])
    with ends_in_one_line():
        assert imported(path).supernet.subnets


@given(convolutions())
def test_relations_under_the_older_key_are_those_under_the_newer_one(
    folder: Path, layers: tuple[PlainLayer, ...]
) -> None:
    assume(all(min(read_of(layer)) > 0 for layer in layers))
    path = folder / "relations.yaml"
    newer = zigzag_text(layers, older=True)
    older = newer.replace("dimension_relations", "equation_relations")
    older = older.replace("*fx", "*fx-1").replace("*fy", "*fy-1").replace("1*f", "f")
    read = []
    for text in (newer, older):
        path.write_text(text)
        read.append(imported(path).supernet)
    assert read[0] == read[1]


@given(convolutions())
def test_padding_is_read_where_the_sizes_of_the_input_are_not_told(
    folder: Path, layers: tuple[PlainLayer, ...]
) -> None:
    assume(all(min(read_of(layer)) > 0 for layer in layers))
    path = folder / "sides.yaml"
    text = zigzag_text(layers, older=False)
    kept = [line for line in text.splitlines() if "pr_loop_sizes" not in line]
    path.write_text("\n".join(line.split(" pr_loop_sizes")[0] for line in kept))
    (read,) = imported(path).supernet.subnets
    assert [layer.padding for layer in read.layers] == [layer.padding for layer in layers]
    assert [layer.macs for layer in read.layers] == [layer.macs for layer in layers]


GEMM = "- {{id: 0, operator_type: Gemm, equation: '{}', loop_dims: [{}], loop_sizes: [{}]}}\n"


@pytest.mark.parametrize(
    ("equation", "loops", "sizes"),
    [
        ("O[d][k]+=I[d][c]*W[c][k]", "D, K, C", "5, 8, 16"),
        ("O[d0][d1]+=W[d1][d2]*I[d2][d0]", "D0, D1, D2", "5, 8, 16"),
        ("O[m][n] += A[m][r] * B[r][n]", "M, N, R", "5, 8, 16"),
        ("O[b][h][d][k]+=I[b][h][d][c]*W[c][k]", "B, H, D, K, C", "1, 1, 5, 8, 16"),
    ],
)
def test_a_product_is_what_its_equation_says_whatever_its_loops_are_called(
    equation: str, loops: str, sizes: str, tmp_path: Path
) -> None:
    path = tmp_path / "z.yaml"
    path.write_text(GEMM.format(equation, loops, sizes))
    (layer,) = imported(path).supernet.subnets[0].layers
    assert (layer.kernels, layer.channels, layer.macs) == (8, 16, 5 * 8 * 16)


@pytest.mark.parametrize(
    ("equation", "loops", "sizes", "wrong"),
    [
        ("O[b][k]+=W[k][c]*I[b][c]", "B, K, C", "8, 8, 16", "'layer0': a batch of 8; write B: 1"),
        ("O[h][d][k]+=W[h][k][c]*I[h][d][c]", "H, D, K, C", "2, 5, 8, 16",
         "each H has weights of its own"),
        ("O[d][k]+=W[k][c]*I[d][c]", "D, K", "5, 8", "its loop 'C' has no size"),
        ("O[d][k]+=W[k][c]*I[d][c]", "D, K, C, X", "5, 8, 16, 3", "the loop 'X' is not in it"),
    ],
)  # fmt: skip
def test_a_product_that_its_loops_contradict_is_refused(
    equation: str, loops: str, sizes: str, wrong: str, tmp_path: Path
) -> None:
    path = tmp_path / "z.yaml"
    path.write_text(GEMM.format(equation, loops, sizes))
    line = refusal(path)
    assert line.startswith(f"{path}:1:")
    assert wrong in line


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("import json\nworkload = {}\n", "1:1: is a Python workload; write it as JSON"),
        ("# layers\nworkload = {0: {'operator_type': 'Conv'}}\n", "2:1: is a Python workload"),
        ("Network vgg16 {\n  Layer CONV1 {\n    Type: CONV\n  }\n}\n", "1:1: is a MAESTRO desc"),
        ("Constant N 1;\nNetwork x\n{\n}\n", "1:1: is a MAESTRO"),
    ],
)
def test_a_file_in_another_language_is_named_as_such(text: str, wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    path.write_text(text)
    assert refusal(path).startswith(f"{path}:{wrong}")


# --- the workload format


def network(name: str, *names: str) -> PlainSubNet:
    layer = PlainLayer(
        name="", kernels=4, channels=4, kernel_height=1, kernel_width=1, height=2, width=2
    )
    numbers = count(1)
    layers = tuple(replace(layer, name=n, kernels=next(numbers)) for n in names)
    return PlainSubNet(name=name, accuracy_percent=70, layers=layers)


def test_layers_share_by_name_where_the_supernets_are_named() -> None:
    networks = [network("A", "x", "z"), network("B", "x", "y", "z")]
    by_name = plain_supernet("s", networks, ["x", "y", "unused", "z"], accuracy_of="top-1")
    assert [layer.name for layer in by_name.layers] == ["x", "y", "z"]
    assert [[layer.supernet_layer for layer in s.layers] for s in by_name.subnets] == [
        [0, 2],
        [0, 1, 2],
    ]
    assert by_name.layers[2].kernels == 3
    with pytest.raises(ValueError, match="supernet_layers has no 'z'; known: x, y"):
        plain_supernet("s", networks, ["x", "y"], accuracy_of="top-1")
    with pytest.raises(ValueError, match="supernet_layer must grow"):
        plain_supernet("s", networks, ["z", "x", "y"], accuracy_of="top-1")


FILE = """\
family: layers
accuracy_of: top-1
supernet_layers: [x, z]
subnets:
  - name: A
    accuracy_percent: 70
    layers:
      - {name: x, kernels: 4, channels: 4, kernel_height: 1, kernel_width: 1, height: 2, width: 2}
      - {name: z, kernels: 4, channels: 4, kernel_height: 1, kernel_width: 1, height: 2, width: 2}
"""


@pytest.mark.parametrize(
    ("old", "new", "place", "wrong"),
    [
        ("[x, z]", "[x, y, z]", "3:22", "'y' is there twice, or no SubNet has it; take it out"),
        ("[x, z]", "[x, z, z]", "3:25", "'z' is there twice, or no SubNet has it; take it out"),
        ("[x, z]", "[x]", "5:5", "supernet_layers has no 'z'"),
        ("[x, z]", "[z, x]", "5:5", "supernet_layer must grow"),
        ("height: 2, width: 2}", "height: 60000, width: 60000, padding: 65536}", "8:9",
         "weights x pixels <= 4503599627370496 must hold"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_names_of_a_supernet_is_one_line_with_its_place(
    old: str, new: str, place: str, wrong: str, tmp_path: Path
) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(FILE)
    assert len(load_workload(path).supernet.layers) == 2
    text = FILE.replace(old, new, 1)
    if "pixels" in wrong:
        text = text.replace("kernels: 4, channels: 4", "kernels: 1048576, channels: 1048576", 1)
    path.write_text(text)
    with pytest.raises(UserError) as refused:
        load_workload(path)
    assert str(refused.value).startswith(f"{path}:{place}: ")
    assert wrong in str(refused.value)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.integers(0, 10**14)
       | printable_text())  # fmt: skip
def test_a_value_that_is_written_is_read_as_the_same(folder: Path, value: object) -> None:
    path = folder / "value.yaml"
    path.write_text(f"key: {yaml_text(value)}\n", encoding="utf-8")
    read = read_document(path).content["key"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("text", ["1_0", "nan", ".inf", "infinity", "1e999", "\u0664", "0", "-1"])
def test_a_number_of_another_tool_is_in_decimal_digits(tmp_path: Path, text: str) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"ratio: {text}\nother: 4.5\n", encoding="utf-8")
    entry = read_foreign(path)
    assert entry["other"].number() == 4.5
    with pytest.raises(UserError, match=r"net\.yaml:1:8: ratio: a number above 0 is wanted"):
        entry["ratio"].number()
