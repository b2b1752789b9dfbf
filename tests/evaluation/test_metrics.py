import re

import numpy as np
import pandas as pd
import pytest

from sushi_dse.errors import UserError
from sushi_dse.evaluation.metrics import METRICS, Metric, find_metric, metrics_table_markdown

NAMES = [
    "mean_latency_ms",
    "p50_latency_ms",
    "p95_latency_ms",
    "p99_latency_ms",
    "mean_accuracy_percent",
    "accuracy_attainment",
    "latency_attainment",
    "slo_attainment",
    "offchip_bytes_per_query",
    "energy_mj_per_query",
    "offchip_energy_mj_per_query",
    "buffer_energy_mj_per_query",
    "mac_energy_mj_per_query",
    "clock_energy_mj_per_query",
    "static_energy_mj_per_query",
    "energy_with_idle_mj_per_query",
    "mean_power_w",
    "persistent_buffer_hit_share",
    "subgraph_switches",
    "throughput_queries_per_s",
    "array_utilisation",
    "dsp",
    "lut",
    "ff",
    "bram36",
    "uram288",
    "device_share",
    "gain_over_no_sgs_percent",
    "accuracy_over_no_sgs_points",
    "queries_per_joule",
    "capacity_queries_per_s",
]


def test_the_names_and_their_order_are_those_that_scripts_rely_on() -> None:
    assert list(METRICS) == NAMES


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_metric_is_found_by_its_name_and_means_one_sentence(metric: Metric) -> None:
    assert METRICS[metric.name] is metric
    assert find_metric(metric.name) is metric
    assert re.fullmatch(r"[A-Z][^|\n]+\.", metric.meaning)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_the_better_of_two_rows_has_the_smaller_cost(metric: Metric) -> None:
    less, more = metric.cost(pd.DataFrame({metric.name: [1, 2]}))
    assert (more < less) == metric.maximise
    assert (less, more) == (metric.sign, 2 * metric.sign)
    assert metric.better == ("higher" if metric.maximise else "lower")


def test_what_is_maximised_is_what_a_user_wants_more_of() -> None:
    assert [name for name, metric in METRICS.items() if metric.maximise] == [
        "mean_accuracy_percent",
        "accuracy_attainment",
        "latency_attainment",
        "slo_attainment",
        "persistent_buffer_hit_share",
        "throughput_queries_per_s",
        "array_utilisation",
        "gain_over_no_sgs_percent",
        "accuracy_over_no_sgs_points",
        "queries_per_joule",
        "capacity_queries_per_s",
    ]


@pytest.mark.parametrize("dtype", ["float64", "Float64"])
def test_the_cost_of_a_null_is_not_a_number(dtype: str) -> None:
    column = pd.Series([3, None], dtype=dtype)
    cost = METRICS["mean_accuracy_percent"].cost(pd.DataFrame({"mean_accuracy_percent": column}))
    np.testing.assert_array_equal(cost, [-3, np.nan])


def test_an_unknown_name_is_refused_with_the_near_one() -> None:
    with pytest.raises(UserError, match=r"^unknown metric 'p99_latency'; did you mean '"):
        find_metric("p99_latency")
    with pytest.raises(UserError, match=r"'qqq'; known: .*mean_latency_ms"):
        find_metric("qqq")


def test_the_table_has_a_line_for_each_metric_in_order() -> None:
    header, rule, *lines = metrics_table_markdown().splitlines()
    assert header == "| metric | meaning | better |"
    assert rule == "|---|---|---|"
    for line, metric in zip(lines, METRICS.values(), strict=True):
        assert line == f"| `{metric.name}` | {metric.meaning} | {metric.better} |"
