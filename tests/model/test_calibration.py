from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.measurements import read_measurements
from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.calibration import (
    FITTED,
    calibrate,
    leave_one_subnet_out,
    standard_errors,
    too_fast,
)
from sushi_dse.model.layer import layer_cost, layer_latency_us
from sushi_dse.model.network import layer_shapes
from sushi_dse.model.validation import LayerError, Validation, predicted_us, validate
from sushi_dse.workload.layers import Layer, PlainLayer, around
from sushi_dse.workload.measured import MeasuredLayer
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests import paths
from tests.facts import BOARD, BOARDS, supernet_of_the_board
from tests.strategies import accelerators, layers, vcu118, zcu104, zcu104_measured

UNRELATED = plain_supernet(
    "unrelated",
    [
        PlainSubNet(
            name="one",
            accuracy_percent=50.0,
            layers=(
                PlainLayer(name="fc", kernels=1, channels=1, kernel_height=1, kernel_width=1,
                           height=1, width=1),
            ),
        )
    ], accuracy_of="top-1",
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


# Tiles from one to hundreds, maps from large to so small that tiles wait for their outputs.
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
            latency_us=layer_latency_us(layer_cost(layer, accelerator), accelerator),
            resident_latency_us=layer_latency_us(
                layer_cost(layer, accelerator, cached_kernels=10**4, cached_channels=10**4),
                accelerator,
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
    return calibrate(on_the_board, zcu104_measured(launch_us=0.0, fill_cycles=0.0))


def test_the_model_is_near_every_layer_measured_on_the_zcu104(
    on_the_board: list[MeasuredLayer],
) -> None:
    errors = validate(on_the_board, load_hardware("zcu104_measured").space.base)
    assert errors.mape_percent <= 1.4
    assert errors.max_error_percent <= 7.5
    assert errors.subnets == ("A", "B", "C")


def test_the_shipped_constants_are_those_that_fit_both_sessions() -> None:
    board, supernet = load_hardware("zcu104_measured"), load_workload("ofa_resnet50").supernet
    rows = read_measurements(paths.ROOT / "hwconfigs" / "zcu104_measured.csv", supernet)
    fitted = calibrate(rows, board.space.base)
    for constant in FITTED[fitted.dataflow]:
        shipped = getattr(board.space.base, constant.name)
        assert getattr(fitted, constant.name) == pytest.approx(shipped, rel=1e-3)


def test_calibration_changes_nothing_but_the_fitted_constants(fitted: Accelerator) -> None:
    names = [constant.name for constant in FITTED[fitted.dataflow]]
    assert fitted == zcu104_measured(**{name: getattr(fitted, name) for name in names})


def test_a_subnet_that_was_not_calibrated_on_is_predicted_as_well(
    on_the_board: list[MeasuredLayer],
) -> None:
    errors = leave_one_subnet_out(on_the_board, zcu104_measured())
    assert len(errors.rows) == len(on_the_board)
    assert errors.mape_percent <= 1.6
    assert errors.max_error_percent <= 7.7


ARRAYS = {"zcu104": zcu104, "vcu118": vcu118}


@pytest.mark.parametrize(
    ("board", "constants"),
    [
        ("zcu104", {"launch_us": 77.0, "port_bytes_per_cycle": 20.0, "fill_cycles": 7.75,
                    "drain_cycles": 40.0}),
        ("zcu104", {"launch_us": 200.0, "port_bytes_per_cycle": 6.0, "fill_cycles": 12.0,
                    "drain_cycles": 61.0}),
        ("vcu118", {"launch_us": 0.5, "port_bytes_per_cycle": 62.0, "weight_delay_cycles": 11.0,
                    "read_ahead_cycles": 4.0, "tile_read_cycles": 1.2}),
        ("vcu118", {"launch_us": 3.0, "port_bytes_per_cycle": 20.0, "weight_delay_cycles": 30.0,
                    "read_ahead_cycles": 0.0, "tile_read_cycles": 4.0}),
    ],
    ids=str,
)  # fmt: skip
def test_constants_that_made_the_measurements_are_recovered(
    board: str, constants: dict[str, float]
) -> None:
    measured = measured_by(ARRAYS[board](**constants))
    found = calibrate(measured, ARRAYS[board]())
    assert validate(measured, found).max_error_percent < 1e-2
    if board == "zcu104":  # On the other board read ahead and launch hide behind each other.
        assert {name: getattr(found, name) for name in constants} == pytest.approx(
            constants, rel=1e-3
        )


@settings(max_examples=8)
@given(st.lists(st.floats(1.0, 1e4), min_size=len(LAYERS), max_size=len(LAYERS)))
def test_no_constant_is_negative_whatever_was_measured(latencies_us: list[float]) -> None:
    measured = [
        replace(row, latency_us=latency_us)
        for row, latency_us in zip(measured_by(zcu104()), latencies_us, strict=True)
    ]
    found = calibrate(measured, zcu104())
    assert all(c.least <= getattr(found, c.name) <= c.most for c in FITTED[found.dataflow])


@given(
    st.fixed_dictionaries(
        {
            "launch_us": st.floats(0, 200),
            "port_bytes_per_cycle": st.floats(1.0, 200.0),
            "fill_cycles": st.floats(0, 20),
            "drain_cycles": st.floats(0, 60),
        }
    )
)
def test_no_constants_make_a_layer_too_fast(constants: dict[str, float]) -> None:
    assert too_fast(measured_by(zcu104(**constants)), zcu104()) == ()


def test_a_layer_is_too_fast_for_half_the_clock() -> None:
    measured = measured_by(zcu104(launch_us=0.0, fill_cycles=0.0, drain_cycles=0.0))
    found = too_fast(measured, zcu104(clock_mhz=40.0))
    assert [row.layer for row in found] == [row.layer.name for row in measured]
    assert all(row.measured_us < row.predicted_us for row in found)


def test_a_layer_that_was_measured_again_counts_by_its_mean() -> None:
    measured = measured_by(zcu104(launch_us=60.0))
    again = [
        replace(row, latency_us=row.latency_us + change)
        for row in measured
        for change in (-4.0, 4.0)
    ]
    once, twice = calibrate(measured, zcu104()), calibrate(again, zcu104())
    for constant in FITTED[once.dataflow]:
        expected = pytest.approx(getattr(once, constant.name), rel=1e-6)
        assert getattr(twice, constant.name) == expected


def test_fewer_layers_than_constants_are_refused() -> None:
    measured = measured_by(zcu104())
    calibrate(measured[:4], zcu104())
    with pytest.raises(ValueError, match="4 constants need as many layers, got 3"):
        calibrate(measured[:3], zcu104())


def test_each_subnet_is_predicted_from_the_others_alone() -> None:
    measured = measured_by(zcu104(launch_us=50.0), subnets=("A", "B"))
    later = {"A": 0.0, "B": 20.0}  # launches of B's layers take longer
    measured = [
        replace(row, latency_us=row.latency_us + later[row.subnet], resident_latency_us=None)
        for row in measured
    ]
    for row in leave_one_subnet_out(measured, zcu104()).rows:
        expected_us = {"A": 20.0, "B": -20.0}[row.subnet]
        assert row.predicted_us - row.measured_us == pytest.approx(expected_us, abs=0.1)


def test_a_subnet_without_which_too_few_layers_are_left_is_not_predicted() -> None:
    measured = measured_by(zcu104())
    lonely = [*measured[:-3], *(replace(row, subnet="B") for row in measured[-3:])]
    assert leave_one_subnet_out(lonely, zcu104()).subnets == ("B",)
    assert leave_one_subnet_out(measured, zcu104()).rows == ()
    again = [*lonely[:2], *lonely[:2], *lonely[-3:]]  # two layers twice are two layers
    assert leave_one_subnet_out(again, zcu104()).rows == ()


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


def test_the_standard_errors_are_the_spread_of_fits_to_noisy_measurements() -> None:
    board, rng = zcu104_measured(), np.random.default_rng(0)
    names = [constant.name for constant in FITTED[board.dataflow]]
    found, told = [], []
    for _ in range(12):
        again = [
            replace(row, latency_us=row.latency_us * rng.normal(1, 0.004))
            for _ in range(4)
            for row in measured_by(board)
        ]
        again = [replace(row, index=i, resident_latency_us=None) for i, row in enumerate(again)]
        fit = calibrate(again, board)
        found.append([getattr(fit, name) for name in names])
        told.append([standard_errors([(again, fit)], names)[name] for name in names])
    spread, error = np.std(found, axis=0, ddof=1), np.median(told, axis=0)
    assert (spread < 2.5 * error).all()
    assert (error < 2.5 * spread).all()


def test_a_constant_that_no_layer_shows_has_no_standard_error() -> None:
    board = zcu104_measured(port_bytes_per_cycle=1e6, dram_gb_per_s=19.2)  # memory is the limit
    names = [constant.name for constant in FITTED[board.dataflow]]
    errors = standard_errors([(measured_by(board), board)], names)
    assert np.isnan(errors["port_bytes_per_cycle"])
    assert errors["launch_us"] < 1e-6
    twice = standard_errors([(measured_by(board), board)] * 2, names)
    assert np.isnan(twice["port_bytes_per_cycle"])
