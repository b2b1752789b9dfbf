"""GATI's table against the cost of its layers, its limits, and parameters that are refused."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.energy import energy
from sushi_dse.model.latency_table import SUMS
from sushi_dse.model.layer import (
    array_of,
    layer_cost,
    layer_cost_of,
    layer_latency_us,
    total_cost,
)
from sushi_dse.model.network import LayerShape, Network, layer_shapes
from sushi_dse.policies.gati.parameters import PUBLISHED_AGREEMENT_PERCENT, Gati
from sushi_dse.policies.gati.predictors import (
    PREDICTORS,
    cache_layers,
    cache_points,
)
from sushi_dse.policies.gati.stream import serve_gati
from sushi_dse.policies.gati.system import gati_system, served_subnet
from sushi_dse.serving.selection import MODES, STRICT_LATENCY
from sushi_dse.workload.layers import Layer, SuperNet
from tests import paths
from tests.policies.gati_cases import (
    ALL_CONVOLUTIONS,
    RESNET18,
    SLOW,
    WHOLE,
    as_layer,
    closed_loop,
    designs,
    streams,
    system,
)
from tests.strategies import ZCU104, accelerators, supernets, zcu104_measured
from tests.tables import cell

DOCUMENT = paths.ROOT / "docs" / "gati.md"
NEVER = {name: (0.0,) * 8 for name in PREDICTORS}
ALWAYS = {name: (100.0,) * 8 for name in PREDICTORS}


def network_us(layers: Sequence[Layer], accelerator: Accelerator) -> float:
    """Latency of the layers of a network with nothing on chip."""
    array = array_of(accelerator)
    costs = [LayerCost(*layer_cost_of(shape, array, 0, 0)) for shape in layer_shapes(layers)]
    return sum(layer_latency_us(cost, accelerator) for cost in costs)


# Limits


@settings(max_examples=10)
@given(designs, streams)
def test_caches_that_never_agree_are_not_kept_and_if_kept_add_their_latency(
    accelerator: Accelerator, parameters: Gati
) -> None:
    never = replace(parameters, agreement_percent=NEVER)
    table, same_accelerator = gati_system(RESNET18, accelerator, parameters=never)
    assert same_accelerator is accelerator
    assert not table.kept
    alone_us = network_us(WHOLE.layers, accelerator)
    assert table.latency_ms[-1, 0] == pytest.approx(alone_us / 1e3)
    kept, _ = gati_system(RESNET18, accelerator, parameters=never, keep=ALL_CONVOLUTIONS)
    caches_us = sum(
        layer_latency_us(
            layer_cost(as_layer(layer), accelerator, is_last=layer.name.endswith("selector")),
            accelerator,
        )
        for i, end in enumerate(cache_points(WHOLE))
        for layer in cache_layers(end, i + 1, "Conv(3,1)", 10, never)
    )
    assert kept.latency_ms[-1, 0] == pytest.approx((alone_us + caches_us) / 1e3)
    served = serve_gati(closed_loop(50), kept, STRICT_LATENCY, 8)
    assert (served.subnet == 8).all()
    assert (served.accuracy_percent == 93.0).all()
    assert (served.service_ms[1:] == kept.latency_ms[8, -1]).all()


@settings(max_examples=10)
@given(designs, streams)
def test_caches_that_always_agree_end_every_query_at_the_first_cache_point(
    accelerator: Accelerator, parameters: Gati
) -> None:
    always = replace(parameters, agreement_percent=ALWAYS)
    table, _ = gati_system(RESNET18, accelerator, parameters=always)
    assert list(table.kept) == [1]
    cache = cache_layers(cache_points(WHOLE)[0], 1, table.kept[1], 10, always)
    exit_us = network_us([*WHOLE.layers[:3], *map(as_layer, cache)], accelerator)
    assert table.latency_ms[0, 0] == pytest.approx(exit_us / 1e3)
    for mode in MODES.values():
        trace = closed_loop(50, accuracy=93.0)
        served = serve_gati(trace, table, mode, 8)
        assert (served.subnet == 0).all()
        assert (served.accuracy_percent == 93.0).all()


# The table


@settings(max_examples=20)
@given(supernets(), accelerators())
def test_a_row_is_the_cost_of_its_layers_under_each_column(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    network = Network.of(supernet)
    end_count = len(cache_points(served_subnet(network)))
    table, _ = gati_system(
        network, accelerator, keep={i + 1: "Conv(3,1)" for i in range(end_count)}
    )
    subnet = served_subnet(network)
    named = [  # A layer behind a cache still reads the map of its network.
        replace(layer, input_from=layer.input_from or (before.name,))
        for before, layer in pairwise(subnet.layers)
    ]
    subnet = replace(subnet, layers=(subnet.layers[0], *named))
    running: list[Layer] = []
    rows: list[list[Layer]] = []
    for i, end in enumerate(
        [0, *(end.layers for end in cache_points(subnet)), len(subnet.layers)][1:]
    ):
        running += subnet.layers[
            sum(x.name.partition(".")[0][:5] != "cache" for x in running) : end
        ]
        if i < end_count:
            classes = subnet.layers[-1].kernels
            cache = cache_layers(cache_points(subnet)[i], i + 1, "Conv(3,1)", classes, Gati())
            bits = max(layer.weight_bits for layer in subnet.layers)
            running += [replace(as_layer(layer), weight_bits=bits) for layer in cache]
        rows.append(list(running))
    for column, kernels in enumerate(table.subgraphs.kernels):
        for row, layers in enumerate(rows):
            cached = table.subgraphs.channels[column]
            costs = [
                LayerCost(
                    *layer_cost_of(
                        LayerShape(*shape), array_of(accelerator), int(kernels[i]), int(cached[i])
                    )
                )
                for i, shape in enumerate(layer_shapes(layers).tolist())
            ]
            total, found = total_cost(costs), LayerCost(*(cell(x, row, column) for x in table.cost))
            assert found == pytest.approx(total)
            latency_us = sum(layer_latency_us(cost, accelerator) for cost in costs)
            assert table.latency_ms[row, column] == pytest.approx(latency_us / 1e3)


@settings(max_examples=20)
@given(designs, st.booleans())
def test_energy_and_bytes_add_up_and_the_cache_weights_cost_traffic(
    accelerator: Accelerator, choose: bool
) -> None:
    table, design = gati_system(RESNET18, accelerator, keep=None if choose else ALL_CONVOLUTIONS)
    sums = dict(zip(SUMS, table.sums, strict=True))
    again = energy(design, table.cost, sums["macs"], table.latency_ms * 1e3)
    for name in ("offchip_mj", "buffer_mj", "mac_mj"):
        assert sums[name] == pytest.approx(np.asarray(getattr(again, name)))
    assert sums["offchip_bytes"] == pytest.approx(np.asarray(table.cost.offchip_bytes))
    moved = table.cost.weight_bytes + table.cost.cached_weight_bytes
    assert (moved == sums["weight_bytes"]).all()
    assert sums["weight_bytes"][-1, 0] == WHOLE.weight_bytes + table.cache_bytes
    assert cell(table.cost.weight_bytes, -1, 0) == WHOLE.weight_bytes + table.cache_bytes


def test_caches_come_first_in_the_persistent_buffer_and_the_layers_get_the_rest() -> None:
    table, _ = gati_system(RESNET18, ZCU104, keep=ALL_CONVOLUTIONS)
    of_all_rows = Target(Combination.UNION, table.subnet_names)
    assert table.subgraphs.candidates == (NOTHING, Candidate(of_all_rows, Order.VALUE))
    assert (table.latency_ms[:, 1] <= table.latency_ms[:, 0]).all()
    kept_bytes = cell(table.cost.cached_weight_bytes, -1, 1)
    assert 0 <= ZCU104.persistent_buffer_bytes - kept_bytes < 512 * 9  # less than a kernel is left
    alone, _ = gati_system(RESNET18, ZCU104, keep={})
    of_layers = cell(alone.cost.cached_weight_bytes, -1, 1)
    assert cell(table.cost.cached_weight_bytes, -1, 1) <= of_layers + 512 * 9
    small = replace(ZCU104, persistent_buffer_kib=8.0)  # not even the caches fit
    table, _ = gati_system(RESNET18, small, keep=ALL_CONVOLUTIONS)
    assert cell(table.cost.weight_bytes, -1, 1) >= WHOLE.weight_bytes


def test_without_a_persistent_buffer_there_is_one_column_and_no_switch() -> None:
    table = system(zcu104_measured())
    assert table.subgraphs.candidates == (NOTHING,)
    served = serve_gati(closed_loop(4), table, STRICT_LATENCY, 8)
    assert not served.cached.any()
    assert not served.kept.any()


def test_gati_serves_the_most_accurate_subnet() -> None:
    network = Network.of(load_workload("ofa_resnet50").supernet)
    assert served_subnet(network).name == "F"
    table, _ = gati_system(network, ZCU104)
    assert table.accuracy_percent[-1] == network.accuracy_percent.max()
    assert (np.diff(table.accuracy_percent) >= 0).all()


# The page


def test_the_page_names_every_parameter_with_its_default() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in Gati.__dataclass_fields__:
        assert f"`{name}`" in text
    for percents in PUBLISHED_AGREEMENT_PERCENT.values():
        assert " | ".join(f"{percent:g}" for percent in percents) in text
    for name in ("selector_recall", "selector_precision", "locality", "shift_loss", "recovery",
                 "pooled_inputs", "hidden_nodes", "conv_kernels"):  # fmt: skip
        assert re.search(rf"`{name}` \| {getattr(Gati(), name):g} \|", text), name


# Mistakes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"selector_recall": 1.5}, "0 <= selector_recall <= 1 must hold, got 1.5"),
        ({"recovery": -0.1}, "0 <= recovery <= 1"),
        ({"shift_loss": 1}, "shift_loss < 1 must hold"),
        ({"shift_loss": float("nan")}, "0 <= shift_loss <= 1"),
        ({"selector_precision": 0}, "0 < selector_precision <= 1"),
        ({"locality": 1}, "0 <= locality < 1 must hold, got 1"),
        ({"mean_queries_between_shifts": 0.5}, "mean_queries_between_shifts >= 1"),
        ({"retrain_every_queries": 0}, "retrain_every_queries >= 1"),
        ({"pooled_inputs": 0}, "pooled_inputs >= 1"),
        ({"memory_limit_bytes": -1}, "memory_limit_bytes >= 0"),
        ({"memory_limit_bytes": float("nan")}, "memory_limit_bytes >= 0"),
        ({"agreement_percent": {"Pool(4096)": (50.0,)}}, "one entry for each of 8 blocks, got 1"),
        ({"agreement_percent": {"Pool(4096)": (101.0,) * 8}}, "0 <= agreement_percent <= 100"),
    ],
)
def test_a_parameter_out_of_range_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Gati(**changes)


def test_an_unknown_predictor_or_cache_point_is_refused_with_the_near_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown predictor 'Pool\(409\)'.*Pool\(4096\)"):
        gati_system(RESNET18, ZCU104, parameters=Gati(agreement_percent={"Pool(409)": (1,) * 8}))
    with pytest.raises(ValueError, match=r"unknown predictor 'FC'"):
        gati_system(RESNET18, ZCU104, keep={1: "FC"})
    with pytest.raises(ValueError, match="1 <= cache point <= 8 must hold, got 9"):
        gati_system(RESNET18, ZCU104, keep={9: "FC(1024)"})


def test_what_is_assumed_is_said_with_the_values_of_the_parameters() -> None:
    sentences = Gati(recovery=0.25).assumptions()
    assert any("0.25 of what is lost" in sentence for sentence in sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize("workload", ["resnet18_cifar10", "ofa_resnet50", "ofa_mbv3"])
def test_renaming_layers_changes_no_number(workload: str) -> None:
    supernet = load_workload(workload).supernet
    subnets = []
    for subnet in supernet.subnets:
        names = {layer.name: f"x.{i // 2}.{i}" for i, layer in enumerate(subnet.layers)}
        layers = [
            replace(
                layer,
                name=names[layer.name],
                input_from=tuple(map(names.__getitem__, layer.input_from)),
                adds=tuple(map(names.__getitem__, layer.adds)),
            )
            for layer in subnet.layers
        ]
        subnets.append(replace(subnet, layers=tuple(layers)))
    table, _ = gati_system(Network.of(supernet), SLOW)
    other, _ = gati_system(Network.of(replace(supernet, subnets=tuple(subnets))), SLOW)
    assert table.kept
    assert other.kept == table.kept
    assert other.latency_ms.tobytes() == table.latency_ms.tobytes()
    assert other.sums.tobytes() == table.sums.tobytes()
