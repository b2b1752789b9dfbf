from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.config.measurements import read_measurements
from sushi_dse.errors import UserError
from sushi_dse.workload.layers import Layer, PlainLayer, SuperNet, around
from sushi_dse.workload.measured import MeasuredLayer
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests.facts import BOARD, BOARDS, supernet_of_the_board
from tests.strategies import layers

SHAPED = "subnet,index,layer,K,C,R,S,H,W,stride,pad,latency_us\n"
ROW = "A,0,stem0,24,3,3,3,160,160,2,1,703.027\n"
NAMED = "subnet,layer,latency_us\n"


def supernet() -> SuperNet:
    first, second = (
        PlainLayer(name=name, kernels=4, channels=3, kernel_height=3, kernel_width=3,
                   height=8, width=8)
        for name in ("first", "second")
    )  # fmt: skip
    return plain_supernet(
        "small",
        [
            PlainSubNet(name="A", accuracy_percent=70.0, layers=(first, second)),
            PlainSubNet(name="B", accuracy_percent=60.0, layers=(first,)),
        ],
        accuracy_of="top-1",
    )


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "measured.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path, *subnets: str) -> str:
    """The one line that refuses the file, after its path."""
    with pytest.raises(UserError) as error:
        read_measurements(path, supernet(), subnets)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_a_line_with_a_shape_is_a_layer_of_that_shape(tmp_path: Path) -> None:
    assert read_measurements(written(tmp_path, SHAPED + ROW), supernet()) == [
        MeasuredLayer(
            subnet="A",
            layer=Layer(
                name="stem0",
                supernet_layer=0,
                kernels=24,
                channels=3,
                kernel_height=3,
                kernel_width=3,
                height=160,
                width=160,
                stride=(2, 2),
                padding=around(1),
            ),
            latency_us=703.027,
        )
    ]


def test_a_line_without_a_shape_is_a_layer_of_the_workload(tmp_path: Path) -> None:
    path = written(tmp_path, NAMED + "A,second,5\nB,first,6.5\n")
    a, b = supernet().subnets
    assert read_measurements(path, supernet()) == [
        MeasuredLayer(subnet="A", layer=a.layers[1], latency_us=5.0),
        MeasuredLayer(subnet="B", layer=b.layers[0], latency_us=6.5),
    ]


@given(layers(), st.floats(1e-3, 1e9))
def test_any_layer_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, layer: Layer, latency_us: float
) -> None:
    folder = tmp_path_factory.mktemp("measured")
    row = (
        latency_us, layer.groups, *layer.padding, *layer.stride, layer.width, layer.height,
        layer.kernel_width, layer.kernel_height, layer.channels, layer.kernels, layer.name, "X",
        layer.output_height, layer.output_width, layer.kind,
    )  # fmt: skip
    header = (
        "latency_us,groups,pad_top,pad_bottom,pad_left,pad_right,stride_h,stride_w,"
        "W,H,S,R,C,K,layer,subnet,P,Q,type\n"
    )
    text = header + ",".join(map(str, row)) + "\n"
    (read,) = read_measurements(written(folder, text), supernet())
    assert (read.subnet, read.latency_us) == ("X", latency_us)
    assert read.layer == replace(layer, supernet_layer=0, weight_bits=8)


def test_only_the_subnets_asked_for_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, SHAPED + ROW + ROW.replace("A", "B") + ROW.replace("A", "C"))
    rows = read_measurements(path, supernet(), ["C", "A"])
    assert [row.subnet for row in rows] == ["A", "C"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + SHAPED + ROW,
        SHAPED.replace("\n", "\r\n") + ROW.replace("\n", "\r\n"),
        SHAPED + "\n" + ROW + " , \n\n",
        SHAPED.replace(",", " , ") + ROW.replace(",", " , "),
        SHAPED + ROW.replace("stem0", '"stem0"').rstrip("\n"),
        SHAPED + ROW.replace(",24,", ",24.0,"),
    ],
    ids=["byte order mark", "CRLF", "blank lines", "spaces", "quotes", "a count with a point"],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, text: str) -> None:
    (row,) = read_measurements(written(tmp_path, text), supernet())
    assert (row.subnet, row.layer.name, row.layer.kernels) == ("A", "stem0", 24)


@pytest.mark.parametrize("path", BOARDS.values(), ids=BOARDS)
def test_the_measured_layers_of_the_zcu104_are_read(path: Path) -> None:
    rows = read_measurements(path, supernet_of_the_board() if path == BOARD else supernet())
    sessions = 2 if path == BOARD else 1
    assert [sum(row.subnet == name for row in rows) for name in "ABC"] == [
        sessions * layers for layers in (13, 15, 18)
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "no.csv") == ": no such file; name a CSV file"


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == ": is a folder; name a CSV file"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", ": not text in UTF-8; a CSV file is wanted"),
        (b"PK\x00\x01", ": not text but binary; a CSV file is wanted"),
        (
            "",
            ":1: no column 'subnet'; wanted: subnet or network, layer or index, latency_us and, "
            "unless the workload has the layer, K, C, R, S, H, W, stride, pad",
        ),
        (SHAPED, ": no measured layer in it; a line each must follow the header"),
        (SHAPED + "\n,,\n", ": no measured layer in it; a line each must follow the header"),
    ],
    ids=["not UTF-8", "binary", "empty", "header alone", "blank lines"],
)
def test_a_file_without_rows_says_so(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refused(written(tmp_path, content)) == message


@pytest.mark.parametrize(
    ("header", "start"),
    [
        ("subnet,layer\n", ":1: no column 'latency_us'; wanted: "),
        (SHAPED.replace("stride,", ""), ":1: no column 'stride'; wanted: "),
        (SHAPED.replace("latency_us", "latency_ms"), ":1:43: column 'latency_ms' is not wanted "
                                                     "here; did you mean 'latency_us'"),
        (SHAPED.replace("index", "layer"), ":1:14: column 'layer' is not wanted here; it is there "
                                           "twice"),
        (SHAPED.replace("index", "network"), ":1:8: column 'network' is not wanted here; it is "
                                             "there twice"),
        (SHAPED.replace("\n", ",\n"), ":1:54: column '' is not wanted here; known: "),
    ],
)  # fmt: skip
def test_a_wrong_header_is_named(tmp_path: Path, header: str, start: str) -> None:
    assert refused(written(tmp_path, header + ROW)).startswith(start)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("703.027", "0", "latency_us > 0 must hold, got 0"),
        ("703.027", "-3", "latency_us > 0 must hold, got -3"),
        ("703.027", "fast", "latency_us must be a number, got 'fast'"),
        ("703.027", "", "latency_us must be a number, got ''"),
        ("703.027", "nan", "latency_us must be a number, got 'nan'"),
        ("703.027", "inf", "latency_us must be a number, got 'inf'"),
        ("703.027", "7_03", "latency_us must be a number, got '7_03'"),
        ("703.027", "\u0667", "latency_us must be a number, got '\u0667'"),
        ("703.027", "1e999", "latency_us must be a number, got '1e999'"),
        ("24", "24.5", "K must be a count up to 1000000, got '24.5'"),
        ("24", "-24", "K must be a count up to 1000000, got '-24'"),
        ("24", "1e7", "K must be a count up to 1000000, got '1e7'"),
        ("24", "many", "K must be a number, got 'many'"),
        ("703.027", "1_310.0", "latency_us must be a number, got '1_310.0'"),
        ("24", "0", "layer 'stem0': kernels > 0 must hold, got 0; mend the row"),
        ("160,160,2", "160,160,0", "layer 'stem0': stride must be 2 numbers from 1, "
                                   "got (0, 0); mend the row"),
        ("160,160", "1,0", "layer 'stem0': width > 0 must hold, got 0; mend the row"),
        ("3,3,160,160", "9,9,4,4", "layer 'stem0': a 9x9 kernel is larger than its 4x4 input "
                                   "with padding 1 1 1 1; mend the row"),
        (",1,", ",", "11 fields where the header has 12; write as many"),
        (",1,", ",1,1,", "13 fields where the header has 12; write as many"),
        ("stem0", '"stem0', "3 fields where the header has 12; write as many"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in ROW
    path = written(tmp_path, SHAPED + ROW + "\n" + ROW.replace(old, new, 1))
    column = "" if "mend the row" in message or "header" in message else f"{ROW.index(old) + 1}:"
    assert refused(path) == f":4:{column} {message}"


def test_groups_that_do_not_divide_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, SHAPED.replace("index", "groups") + ROW.replace("A,0", "A,5"))
    assert refused(path) == (
        ":2: layer 'stem0': groups must divide kernels and channels, "
        "got 5 groups of 24 kernels and 3 channels; mend the row"
    )


def test_a_field_longer_than_any_csv_has_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, SHAPED + ROW.replace("stem0", "x" * 200_000))
    assert refused(path).startswith(":2: not a line of CSV")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,first,5\n", ":2:1: small has no SubNet 'a'; did you mean 'A'?"),
        ("A,secnd,5\n", ":2:3: SubNet 'A' has no layer 'secnd'; did you mean 'second'?"),
        ("B,second,5\n", ":2:3: SubNet 'B' has no layer 'second'; known: first"),
    ],
)
def test_a_layer_that_the_workload_lacks_is_named(tmp_path: Path, row: str, message: str) -> None:
    assert refused(written(tmp_path, NAMED + row)) == message


def test_a_subnet_without_measurements_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, SHAPED + ROW)
    assert refused(path, "A", "Z") == ": no measured layer of 'Z'; known: A"


TWO_LATENCIES = (
    "network,index,K,C,R,S,H,W,stride_h,stride_w,pad_top,pad_bottom,pad_left,pad_right,"
    "latency_us,resident_latency_us\n"
    "inceptionv3,50,256,128,1,7,17,17,1,1,0,0,3,3,60.1,44.8\n"
)
OTHER_NAMES = (
    "model,array_m,array_p,layer,type,kernels,channels,height,width,kernel_h,kernel_w,stride_h,"
    "stride_w,pad_l,pad_r,pad_u,pad_d,latency_ns\n"
    "alexnet,32,64,Gemm_14,Fc,4096,9216,1,1,1,1,1,1,0,0,0,0,2360356\n"
)


def test_a_layer_may_have_two_latencies_and_a_number_for_a_name(tmp_path: Path) -> None:
    (row,) = read_measurements(written(tmp_path, TWO_LATENCIES), supernet())
    assert (row.subnet, row.index, row.latency_us, row.resident_latency_us) == (
        "inceptionv3", 50, 60.1, 44.8
    )  # fmt: skip
    assert row.layer.padding == (0, 0, 3, 3)
    assert (row.layer.output_height, row.layer.output_width) == (17, 17)


def test_columns_of_other_names_and_units_are_read(tmp_path: Path) -> None:
    (row,) = read_measurements(written(tmp_path, OTHER_NAMES), supernet())
    assert (row.subnet, row.layer.name, row.index) == ("alexnet", "Gemm_14", None)
    assert row.latency_us == pytest.approx(2360.356)
    assert row.array == (32, 64)
    assert row.layer.fully_connected
    assert row.layer.weight_bytes == 4096 * 9216


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("P", "99", "P is 99, and the layer's shape makes it 80; mend the row"),
        ("Q", "7", "Q is 7, and the layer's shape makes it 80; mend the row"),
        ("type", "dwconv", "type is dwconv, and the layer's shape makes it conv; mend the row"),
    ],
)
def test_a_column_that_contradicts_the_shape_is_refused(
    tmp_path: Path, column: str, value: str, message: str
) -> None:
    text = SHAPED.replace("index", column) + ROW.replace("A,0", f"A,{value}")
    assert refused(written(tmp_path, text)) == f":2:3: {message}"


@pytest.mark.parametrize(
    ("columns", "values", "message"),
    [
        ("stride_h,stride_w", "2,2", ""),
        ("stride_h,stride_w", "2,1", "stride is 2, and the layer's shape makes it 1"),
        ("pad_top,pad_left", "1,1", ""),
        ("pad_top,pad_left", "1,0", "pad is 1, and the layer's shape makes it 0"),
        ("latency_ns", "703027", ""),
        ("latency_ns", "803027", "latency_us is 703.027, and latency_ns makes it 803.027"),
        ("groups,type", "1,conv", ""),
        ("groups,type", "1,", ""),
    ],
)
def test_columns_that_say_one_thing_twice_must_agree(
    tmp_path: Path, columns: str, values: str, message: str
) -> None:
    text = f"{SHAPED.strip()},{columns}\n{ROW.strip()},{values}\n"
    path = written(tmp_path, text)
    if message:
        assert f"{message}; mend the row" in refused(path)
    else:
        assert len(read_measurements(path, supernet())) == 1


def test_a_supernet_layer_is_that_of_the_workload(tmp_path: Path) -> None:
    header = "subnet,layer,latency_us,supernet_layer\n"
    assert len(read_measurements(written(tmp_path, f"{header}A,first,5,0\n"), supernet())) == 1
    told = refused(written(tmp_path, f"{header}A,first,5,3\n"))
    assert told == ":2:11: supernet_layer is 3, and the layer's shape makes it 0; mend the row"


def test_a_fully_connected_layer_of_another_shape_is_refused(tmp_path: Path) -> None:
    text = SHAPED.replace("index", "type") + ROW.replace("A,0", "A,fc")
    assert refused(written(tmp_path, text)).startswith(":2: layer 'stem0': a fully connected layer")
