import time
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from sushi_dse.errors import UserError
from sushi_dse.interchange import onnx_size
from sushi_dse.interchange.imports import import_workload

OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]


def function(name: str, *kinds: str) -> onnx.FunctionProto:
    """A function that applies operators, or functions of ours, one after the other."""
    nodes = [
        helper.make_node(
            kind, [f"v{i}"], [f"v{i + 1}"], domain="" if kind in ("Relu", "Abs") else "own"
        )
        for i, kind in enumerate(kinds)
    ]
    return helper.make_function("own", name, ["v0"], [f"v{len(kinds)}"], nodes, OPSETS)


def refusal(folder: Path, functions: list[onnx.FunctionProto], called: str) -> str:
    """Why a network that calls a function is not imported."""
    shape = [1, 3, 8, 8]
    graph = helper.make_graph(
        [helper.make_node(called, ["in"], ["out"], domain="own")],
        "net",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, functions=functions, opset_imports=OPSETS)
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UserError) as refused:
        import_workload([path], accuracy_percent=[70.0], name="net")
    return str(refused.value)


@pytest.mark.parametrize("depth", [18, 24, 60])
@pytest.mark.parametrize("times", [2, 7])
def test_functions_that_call_each_other_many_times_are_refused_at_once(
    tmp_path: Path, depth: int, times: int
) -> None:
    functions = [function("F0", *["Relu"] * times)]
    functions += [function(f"F{i}", *[f"F{i - 1}"] * times) for i in range(1, depth)]
    started = time.monotonic()
    said = refusal(tmp_path, functions, f"F{depth - 1}")
    assert "comes to over 200000 operators, with its functions written out" in said
    assert time.monotonic() - started < 2


def test_functions_that_call_themselves_or_nest_without_end_are_refused(tmp_path: Path) -> None:
    around = [function("A", "B"), function("B", "A")]
    assert "functions that call themselves" in refusal(tmp_path, around, "A")
    assert "functions that call themselves" in refusal(tmp_path, [function("A", "A")], "A")
    deep = [function("F0", "Relu"), *(function(f"F{i}", f"F{i - 1}") for i in range(1, 5000))]
    assert "nests over 64 functions" in refusal(tmp_path, deep, "F4999")


def test_an_error_that_onnx_alone_knows_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sushi_dse.interchange.onnx_standard.check_size", lambda *_: None)
    said = refusal(tmp_path, [function("A", "A")], "A")
    assert "onnx cannot write out its functions: " in said
    assert "\n" not in said


def test_a_network_of_too_many_operators_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_size, "MOST_OPERATORS", 5)
    assert "comes to over 5 operators" in refusal(tmp_path, [function("A", *["Abs"] * 5)], "A")
