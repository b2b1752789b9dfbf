from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.measurements import read_measurements
from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model import calibration
from sushi_dse.model.calibration import (
    FITTED,
    LayerError,
    Validation,
    calibrate,
    leave_one_subnet_out,
    predicted_us,
    too_fast,
    validate,
)
from sushi_dse.model.layer import layer_cost, layer_latency_us
from sushi_dse.model.network import layer_shapes
from sushi_dse.workload.layers import Layer, MeasuredLayer, PlainLayer, around
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests import paths
from tests.facts import BOARD, BOARDS, supernet_of_the_board
from tests.strategies import accelerators, layers, zcu104, zcu104_measured

UNRELATED = plain_supernet(
    "unrelated",
    [
        PlainSubNet(
            name="one",
            top1_percent=50.0,
            layers=(
                PlainLayer(name="fc", kernels=1, channels=1, kernel_height=1, kernel_width=1,
                           height=1, width=1),
            ),
        )
    ],
)  # fmt: skip


def conv(kernels: int, channels: int, size: int) -> Layer:
    return Layer(
        name=f"{kernels}x{channels} on {size}",
        supernet_layer=0,
        kernels=kernels,
        channels=channels,
        kernel_height=3,
        kernel_width=3,
        height=size,
        width=size,
        padding=around(1),
    )


# Tiles from one to hundreds, maps from large to so small that rows wait for the pipeline.
LAYERS = [
    conv(kernels, channels, size)
    for kernels, channels, size in (
        (24, 3, 80), (40, 24, 40), (32, 64, 28), (64, 64, 14), (64, 32, 20),
        (128, 96, 7), (256, 128, 5), (208, 256, 6), (64, 64, 4), (16, 9, 56),
    )
]  # fmt: skip


def measured_by(accelerator: Accelerator, subnets: Sequence[str] = ("A",)) -> list[MeasuredLayer]:
    """What a board that is exactly `accelerator` would show, the layers dealt to `subnets`."""
    return [
        MeasuredLayer(
            subnet=subnets[i % len(subnets)],
            layer=layer,
            latency_us=layer_latency_us(
                layer_cost(layer, accelerator, is_first=True, is_last=True), accelerator
            ),
        )
        for i, layer in enumerate(LAYERS)
    ]


@pytest.fixture(scope="module", params=BOARDS.values(), ids=list(BOARDS))
def on_the_board(request: pytest.FixtureRequest) -> list[MeasuredLayer]:
    path: Path = request.param
    return read_measurements(path, supernet_of_the_board() if path == BOARD else UNRELATED)


@pytest.fixture(scope="module")
def fitted(on_the_board: list[MeasuredLayer]) -> Accelerator:
    return calibrate(on_the_board, zcu104(launch_us=0.0, fill_cycles=0.0, dram_efficiency=1.0))


def test_the_model_is_near_every_layer_measured_on_the_zcu104(
    on_the_board: list[MeasuredLayer],
) -> None:
    assert len(on_the_board) == 46
    constants = zcu104(
        launch_us=76.97, dram_efficiency=0.10511, fill_cycles=7.753, row_cycles=9.8985
    )
    errors = validate(on_the_board, constants)
    assert errors.mape_percent <= 1.1
    assert errors.max_error_percent <= 5.0
    assert errors.subnets == ("A", "B", "C")


def test_calibration_finds_the_constants_of_the_zcu104(fitted: Accelerator) -> None:
    assert fitted.launch_us == pytest.approx(76.97, rel=1e-3)
    assert fitted.dram_efficiency == pytest.approx(0.10511, rel=1e-3)
    assert fitted.fill_cycles == pytest.approx(7.753, rel=1e-3)
    assert fitted.row_cycles == pytest.approx(9.8985, rel=1e-3)


def test_calibration_changes_nothing_but_the_fitted_constants(fitted: Accelerator) -> None:
    assert fitted == zcu104(**{name: getattr(fitted, name) for name in FITTED})


def test_a_subnet_that_was_not_calibrated_on_is_predicted_as_well(
    on_the_board: list[MeasuredLayer],
) -> None:
    errors = leave_one_subnet_out(on_the_board, zcu104_measured())
    assert len(errors.rows) == 46
    assert errors.mape_percent <= 1.4
    assert errors.max_error_percent <= 5.0


@pytest.mark.parametrize(
    "constants",
    [
        {"launch_us": 77.0, "dram_efficiency": 0.105, "fill_cycles": 7.75, "row_cycles": 9.9},
        {"launch_us": 1.0, "dram_efficiency": 0.5, "fill_cycles": 3.0, "row_cycles": 14.0},
        {"launch_us": 200.0, "dram_efficiency": 0.03, "fill_cycles": 12.0, "row_cycles": 18.0},
        {"launch_us": 10.0, "dram_efficiency": 0.9, "fill_cycles": 0.5, "row_cycles": 11.0},
    ],
    ids=str,
)
def test_constants_that_made_the_measurements_are_recovered(constants: dict[str, float]) -> None:
    measured = measured_by(zcu104(**constants))
    found = calibrate(measured, zcu104())
    assert {name: getattr(found, name) for name in FITTED} == pytest.approx(constants, rel=1e-3)
    assert validate(measured, found).max_error_percent < 1e-3


@settings(max_examples=8)
@given(st.lists(st.floats(1.0, 1e4), min_size=len(LAYERS), max_size=len(LAYERS)))
def test_no_constant_is_negative_whatever_was_measured(latencies_us: list[float]) -> None:
    measured = [
        replace(row, latency_us=latency_us)
        for row, latency_us in zip(measured_by(zcu104()), latencies_us, strict=True)
    ]
    found = calibrate(measured, zcu104())
    assert all(0 <= getattr(found, name) <= most for name, most in FITTED.items())


@given(
    st.fixed_dictionaries(
        {
            "launch_us": st.floats(0, 200),
            "dram_efficiency": st.floats(0.02, 1),
            "fill_cycles": st.floats(0, 20),
            "row_cycles": st.floats(0, 20),
        }
    )
)
def test_no_constants_make_a_layer_too_fast(constants: dict[str, float]) -> None:
    assert too_fast(measured_by(zcu104(**constants)), zcu104()) == ()


def test_a_layer_is_too_fast_for_half_the_clock() -> None:
    measured = measured_by(zcu104(launch_us=0.0, fill_cycles=0.0, row_cycles=0.0))
    found = too_fast(measured, zcu104(clock_mhz=40.0))
    assert [row.layer for row in found] == [row.layer.name for row in measured]
    assert all(row.measured_us < row.predicted_us for row in found)


def test_fewer_layers_than_constants_are_refused() -> None:
    measured = measured_by(zcu104())
    calibrate(measured[:4], zcu104())
    with pytest.raises(ValueError, match="4 constants need as many layers, got 3"):
        calibrate(measured[:3], zcu104())


def test_each_subnet_is_predicted_from_the_others_alone() -> None:
    measured = measured_by(zcu104(launch_us=50.0), subnets=("A", "B"))
    later = {"A": 0.0, "B": 20.0}  # launches of B's layers take longer
    measured = [replace(row, latency_us=row.latency_us + later[row.subnet]) for row in measured]
    for row in leave_one_subnet_out(measured, zcu104()).rows:
        expected_us = {"A": 20.0, "B": -20.0}[row.subnet]
        assert row.predicted_us - row.measured_us == pytest.approx(expected_us, abs=0.1)


def test_a_subnet_without_which_too_few_layers_are_left_is_not_predicted() -> None:
    measured = measured_by(zcu104())
    lonely = [*measured[:-3], *(replace(row, subnet="B") for row in measured[-3:])]
    assert leave_one_subnet_out(lonely, zcu104()).subnets == ("B",)
    assert leave_one_subnet_out(measured, zcu104()).rows == ()


@given(st.lists(layers(), min_size=1, max_size=4), accelerators())
def test_a_prediction_is_the_layer_alone_with_its_launch(
    network: list[Layer], accelerator: Accelerator
) -> None:
    expected = [
        layer_latency_us(layer_cost(layer, accelerator, is_first=True, is_last=True), accelerator)
        for layer in network
    ]
    assert predicted_us(layer_shapes(network, alone=True), accelerator).tolist() == expected


def test_errors_are_shares_of_the_measurement() -> None:
    errors = Validation(
        tuple(
            LayerError(subnet=subnet, layer="x", measured_us=measured, predicted_us=predicted)
            for subnet, measured, predicted in (("B", 100, 110), ("A", 200, 150), ("B", 50, 50))
        )
    )
    assert [row.error_percent for row in errors.rows] == pytest.approx([10, -25, 0])
    assert errors.mape_percent == pytest.approx(35 / 3)
    assert errors.max_error_percent == pytest.approx(25)
    assert errors.subnets == ("B", "A")
    assert errors.of("B").mape_percent == pytest.approx(5)
    assert errors.of("B").max_error_percent == pytest.approx(10)


def test_a_validation_names_each_layer_in_order() -> None:
    measured = measured_by(zcu104(), subnets=("A", "B"))
    rows = validate(measured, zcu104()).rows
    assert [(row.subnet, row.layer) for row in rows] == [
        (row.subnet, row.layer.name) for row in measured
    ]
    assert [row.predicted_us for row in rows] == [row.latency_us for row in measured]


def test_without_the_least_row_the_model_errs_as_its_page_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = paths.ROOT
    rows = read_measurements(
        root / "hwconfigs" / "zcu104_measured.csv", load_workload("ofa_resnet50").supernet
    )
    board = load_hardware("zcu104_measured").space.base
    monkeypatch.setattr(calibration, "FITTED", calibration.FITTED | {"row_cycles": 1e-9})
    starts = tuple((*start[:3], 5e-10) for start in calibration.STARTS)
    monkeypatch.setattr(calibration, "STARTS", starts)
    own = validate(rows, calibrate(rows, board))
    left_out = leave_one_subnet_out(rows, board)
    page = (root / "docs" / "model.md").read_text(encoding="utf-8")
    assert f"a mean error of {own.mape_percent:.2f} % on these layers" in page
    assert f"and {left_out.mape_percent:.2f} % on SubNets it was not fitted on" in page
    assert f"with a worst layer of {left_out.max_error_percent:.1f} %" in page
