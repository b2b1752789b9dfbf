"""The parts of `reproduce`: sums against `validate`, laws of the map and of overlap, sentences."""

from dataclasses import replace
from functools import cache
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.analysis.gain_map import gain_map, gain_space
from sushi_dse.analysis.published import (
    ENERGY,
    HEADLINES,
    LATENCY,
    Setting,
    own_subgraph,
    saved_percent,
    serial_ms,
    settings,
)
from sushi_dse.analysis.reproduce import (
    REACHED_PERCENT,
    Reproduction,
    best_beside_published,
    reproduce,
    where_reached,
)
from sushi_dse.analysis.residency import (
    HARDWARE,
    MEASURED,
    Measured,
    layers_as_measured,
    measured_residency,
    predicted_ms,
    strided_first,
)
from sushi_dse.config.workload_file import load_workload
from sushi_dse.evaluation.loading import only_design
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import steady_cost
from sushi_dse.model.validation import validate
from sushi_dse.policies.names import STATIC_SUBGRAPH
from sushi_dse.workload.layers import Layer, SuperNet
from sushi_dse.workload.measured import MeasuredLayer
from tests.networks import workload
from tests.strategies import supernets, weight_stationary, zcu104

COUNTER_US = 0.004  # what the counter of the measurements counts in
PREDICTED = [network for network in MEASURED if network.workload is not None]


@cache
def reproduced() -> Reproduction:
    return reproduce()


def convolutions(name: str) -> list[Layer]:
    (subnet,) = load_workload(name).supernet.subnets
    return [layer for layer in subnet.layers if not layer.fully_connected]


@pytest.mark.parametrize("network", PREDICTED, ids=lambda network: network.network)
def test_a_predicted_sum_is_that_of_validate_on_the_same_layers(network: Measured) -> None:
    accelerator = only_design(HARDWARE)
    layers = layers_as_measured(str(network.workload), accelerator)
    rows = [
        MeasuredLayer(subnet=network.network, layer=layer, latency_us=2.0, resident_latency_us=1.0)
        for layer in layers
    ]
    total = validate(rows, accelerator).total
    predicted = predicted_ms(str(network.workload), accelerator)
    assert len(layers) == network.convolutions
    assert predicted == pytest.approx(
        (total.predicted_us * 1e-3, (total.resident_predicted_us or nan) * 1e-3)
    )


def test_the_model_is_within_a_fifth_of_a_point_of_the_measured_residency() -> None:
    rows = {str(row["network"]): row for row in measured_residency()}
    assert next(iter(rows)) == "ResNet-50"
    assert float(str(rows["ResNet-50"]["measured_saved_percent"])) == pytest.approx(31.99, abs=0.01)
    for network in MEASURED:
        row = rows[network.network]
        if network.workload is None:
            assert row["model_saved_percent"] is None
            continue
        for name in ("saved_percent", "streamed_ms", "resident_ms"):
            measured, model = float(str(row[f"measured_{name}"])), float(str(row[f"model_{name}"]))
            assert model == pytest.approx(measured, abs=0.2 if name == "saved_percent" else 0.002)


@pytest.mark.parametrize("network", MEASURED, ids=lambda network: network.network)
def test_a_measured_sum_is_a_whole_number_of_the_counters_cycles(network: Measured) -> None:
    for latency_us in (network.streamed_us, network.resident_us):
        assert latency_us / COUNTER_US == pytest.approx(round(latency_us / COUNTER_US), abs=1e-6)
    assert network.resident_us < network.streamed_us


@pytest.mark.parametrize("name", ["resnet18", "vgg16"])
def test_only_a_network_with_bottlenecks_is_strided_elsewhere_as_measured(name: str) -> None:
    assert strided_first(convolutions(name)) == convolutions(name)


def test_resnet50_was_measured_with_the_strides_of_its_first_version() -> None:
    layers = convolutions("resnet50")
    moved = strided_first(layers)
    assert all(layer.stride == (1, 1) for layer in moved if layer.kernel_height == 3)
    assert sum(layer.stride == (2, 2) for layer in moved) == 7  # stem, and two of three stages
    for before, after in zip(layers, moved, strict=True):
        assert (before.name, before.kernels, before.channels) == (
            after.name,
            after.kernels,
            after.channels,
        )
        if before.kernel_height > 1:
            assert before.output_height == after.output_height


@given(supernets(), weight_stationary(), st.lists(st.floats(0, 8), min_size=2, max_size=6))
def test_the_gain_of_a_subnet_never_falls_with_capacity(
    supernet: SuperNet, accelerator: Accelerator, capacities_kib: list[float]
) -> None:
    designs = Designs(accelerator, {"persistent_buffer_kib": np.sort(capacities_kib)})
    metrics = steady_metrics(Network.of(supernet), designs, STATIC_SUBGRAPH)
    assert (np.diff(metrics["gain_over_no_sgs_percent"], axis=1) >= -1e-9).all()


@pytest.mark.parametrize("setting", settings(), ids=lambda s: f"{s.hw}-{s.workload}")
def test_the_map_rises_with_capacity_and_is_no_less_than_the_boards_own_gain(
    setting: Setting,
) -> None:
    base = setting.accelerator
    rows = gain_map(setting.network, base, REACHED_PERCENT)
    best = [float(str(row["best_percent"])) for row in rows]
    assert best == sorted(best)
    assert [row["is_reached"] for row in rows] == [gain >= REACHED_PERCENT for gain in best]
    for row in rows:
        for name in ("fitting_percent", "own_rate_percent", "subnets_mean_percent"):
            assert row[name] is None or float(str(row[name])) <= float(str(row["best_percent"]))
    nothing, own = own_subgraph(setting.network, base, "mean_latency_ms")
    (of_base,) = (
        row for row in rows if row["persistent_buffer_mib"] == base.persistent_buffer_kib / 1024
    )
    assert float(str(of_base["own_rate_percent"])) >= saved_percent(own, nothing).max() - 1e-9


def test_the_map_has_the_design_of_the_board() -> None:
    base = zcu104(pe_channels=10)
    space = gain_space(base)
    assert space.design(space.index(base)) == base


def overlapped_and_serial_ms(network: Network, accelerator: Accelerator) -> np.ndarray:
    """Latency with overlap and without, with nothing on chip and with the own SubGraph.

    The result is [overlapped or serial, nothing or own, subnet].
    """
    costs = steady_cost(network, Designs(accelerator, {}, 1))
    serial = [serial_ms(network, accelerator, cost)[:, 0] for cost in costs]
    return np.array([own_subgraph(network, accelerator, "mean_latency_ms"), serial])


@given(supernets(), weight_stationary())
def test_without_overlap_a_subnet_takes_longer_and_a_cached_byte_saves_more_time(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    overlapped, serial = overlapped_and_serial_ms(Network.of(supernet), accelerator)
    assert (serial >= overlapped * (1 - 1e-9)).all()
    assert (serial[0] - serial[1] >= (overlapped[0] - overlapped[1]) - 1e-9 * serial[0]).all()


def test_without_overlap_the_share_saved_may_be_smaller_where_the_bus_is_the_longer_chain() -> None:
    # All computation hides behind the loads, so that without overlap it adds to what is not saved.
    slow = zcu104(port_bytes_per_cycle=0.5, persistent_buffer_kib=1024.0)
    overlapped, serial = overlapped_and_serial_ms(workload("ofa_resnet50"), slow)
    assert (saved_percent(serial[1], serial[0]) < saved_percent(overlapped[1], overlapped[0])).all()


@pytest.mark.parametrize("setting", settings(), ids=lambda s: f"{s.hw}-{s.workload}")
def test_on_the_published_boards_a_larger_share_would_be_saved_without_overlap(
    setting: Setting,
) -> None:
    overlapped, serial = overlapped_and_serial_ms(setting.network, setting.accelerator)
    assert (saved_percent(serial[1], serial[0]) > saved_percent(overlapped[1], overlapped[0])).all()


def test_every_published_figure_is_the_best_that_its_source_found() -> None:
    found = reproduced()
    up_to = {headline.name: [p.up_to for p in headline.published] for headline in HEADLINES}
    assert sorted(figure for each in up_to.values() for figure in each) == [0.98, 25.0, 32.0, 78.7]
    for row in found.headlines:
        published = row["published"]
        assert isinstance(published, list)
        assert [each["up_to"] for each in published] == up_to[str(row["headline"])]
        assert all(each["source"] for each in published)


def test_no_stream_and_no_subnet_saves_more_than_with_all_weights_on_chip() -> None:
    for row in reproduced().headlines:
        if row["best"] is not None:
            mean, best, bound = (
                float(str(row[name])) for name in ("stream_mean", "best", "all_on_chip")
            )
            assert mean <= bound
            assert best <= bound


def test_a_stream_saves_as_much_with_the_times_of_its_table_as_in_a_comparison() -> None:
    found = reproduced()
    means = [row["stream_mean"] for row in found.headlines if row["headline"] == LATENCY]
    assert [row["stream_mean_percent"] for row in found.without_overlap] == pytest.approx(means)


def rows_of_the_map(*best_percent: float) -> list[dict[str, object]]:
    setting = settings()[0]
    return [
        {
            "hw": setting.hw,
            "workload": setting.workload,
            "persistent_buffer_mib": float(mib),
            "best_percent": best,
            "is_reached": best >= REACHED_PERCENT,
            "reached_gb_per_s": 3.0 if best >= REACHED_PERCENT else None,
        }
        for mib, best in enumerate(best_percent, start=1)
    ]


@pytest.mark.parametrize(
    ("best", "reached", "short"),
    [
        ((1.0, 2.0), None, "with 2 MiB no array and no off-chip rate"),
        ((1.0, 30.0), "reaches 25 % is 2 MiB, at up to 3 GB/s", "with 1 MiB no array"),
        ((26.0, 30.0), "reaches 25 % is 1 MiB, at up to 3 GB/s", None),
    ],
)
def test_a_sentence_says_where_the_gain_is_reached_only_where_it_is(
    best: tuple[float, ...], reached: str | None, short: str | None
) -> None:
    (said,) = where_reached(rows_of_the_map(*best), settings()[:1])
    assert (reached or "") in said
    assert (short or "") in said
    assert ("reaches" in said) == (reached is not None)
    assert ("no array" in said) == (short is not None)


@pytest.mark.parametrize(("best", "side"), [(78.6, "less"), (78.7, "no less"), (95.0, "no less")])
def test_a_sentence_says_on_which_side_of_the_published_figure_the_best_is(
    best: float, side: str
) -> None:
    row: dict[str, object] = {"headline": ENERGY, "best": best, "best_subnet": "A",
                              "stream_mean": 5.0, "hw": "x", "workload": "y"}  # fmt: skip
    assert f", {side} than the published 78.7 %" in best_beside_published([row], ENERGY)


def test_each_part_has_rows_and_each_reason_is_of_a_headline() -> None:
    found = reproduced()
    for rows in (found.measured, found.headlines, found.without_overlap, found.gain_map):
        assert rows
        assert all(list(row) == list(rows[0]) for row in rows)
    assert {row["headline"] for row in found.reasons} == {headline.name for headline in HEADLINES}
    assert all(str(row["meaning"]).endswith(".") for row in found.reasons)


def test_the_remarks_say_that_the_zcu104s_residency_was_not_measured() -> None:
    (said,) = (said for said in reproduced().remarks["measured"] if "ZCU104" in said)
    assert "weights streamed; residency was measured of none" in said


def test_a_kernel_that_does_not_fill_a_pass_is_measured_as_one_that_does() -> None:
    accelerator = only_design(HARDWARE)
    narrow = replace(accelerator, pe_kernels=32)
    assert {layer.kernels % 128 for layer in layers_as_measured("resnet18", accelerator)} == {0}
    assert {layer.kernels for layer in layers_as_measured("resnet18", narrow)} >= {64}
    assert layers_as_measured("resnet18", narrow)[0].channels == 8
