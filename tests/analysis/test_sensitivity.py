"""Sobol indices of functions whose indices are known, and idle axes against their definition."""

from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.analysis.sensitivity import Index, axes_without_effect, idle_in, sobol_indices
from sushi_dse.evaluation.metrics import find_metric
from sushi_dse.hardware.space import SearchSpace
from tests.strategies import zcu104
from tests.tables import StoredRows

SPACE = SearchSpace.of(
    zcu104(),
    {
        "pe_kernels": [4, 8, 12, 16],
        "pe_channels": [3, 6, 9, 12],
        "dram_gb_per_s": [1.0, 2.0, 3.0],
        "clock_mhz": [100.0, 200.0],
    },
)
METRICS = [find_metric("mean_latency_ms"), find_metric("energy_mj_per_query")]


@settings(max_examples=12)
@given(weights=st.lists(st.integers(0, 5), min_size=3, max_size=3), seed=st.integers(0, 3))
def test_of_a_sum_each_axis_explains_its_own_share_of_the_variance(
    weights: list[int], seed: int
) -> None:
    digits = SPACE.digits(range(SPACE.size))[:3]
    variances = np.array(weights) ** 2 * digits.var(axis=1)
    if not variances.any():
        return

    def total(numbers: np.ndarray) -> dict[str, np.ndarray]:
        return {"sum": np.array(weights) @ SPACE.digits(numbers)[:3]}

    found = {i.axis: i for i in sobol_indices(SPACE, total, samples=1024, seed=seed)}
    for axis, variance in zip(SPACE.axes, variances, strict=False):
        assert found[axis.name].first_order == pytest.approx(variance / variances.sum(), abs=0.06)
        assert found[axis.name].total == pytest.approx(variance / variances.sum(), abs=0.06)
    idle = {axis.name for axis, weight in zip(SPACE.axes, [*weights, 0], strict=True) if not weight}
    assert set(axes_without_effect(list(found.values()))) == idle


def test_of_a_product_the_axes_explain_nothing_alone_and_all_together() -> None:
    def product(numbers: np.ndarray) -> dict[str, np.ndarray]:
        kernels, channels = SPACE.digits(numbers)[:2]
        return {"product": (kernels - 1.5) * (channels - 1.5)}

    found = {i.axis: i for i in sobol_indices(SPACE, product, samples=2048, seed=1)}
    for name in ("pe_kernels", "pe_channels"):
        assert found[name].first_order == pytest.approx(0, abs=0.06)
        assert found[name].total == pytest.approx(1, abs=0.06)
    assert axes_without_effect(list(found.values())) == ["dram_gb_per_s", "clock_mhz"]


@pytest.mark.parametrize("level", [0.0, 3.7])
def test_what_never_changes_is_explained_by_no_axis(level: float) -> None:
    found = sobol_indices(
        SPACE, lambda numbers: {"same": np.full(len(numbers), level)}, samples=16, seed=0
    )
    assert [index.total for index in found] == [0.0] * len(SPACE.axes)


def test_a_seed_gives_the_same_indices_and_intervals_again() -> None:
    def run(seed: int) -> list[Index]:
        return sobol_indices(SPACE, lambda n: {"x": np.sin(n)}, samples=64, seed=seed)

    assert run(0) == run(0)
    assert run(0) != run(1)


def test_indices_are_refused_without_axes_or_a_power_of_two() -> None:
    for space, samples in ((SPACE, 12), (SPACE, 1), (SearchSpace.of(zcu104(), {}), 16)):
        with pytest.raises(ValueError, match=r"power of two|axes"):
            sobol_indices(space, lambda n: {"x": n}, samples=samples, seed=0)


SMALL = SearchSpace.of(
    zcu104(), {"pe_kernels": [4, 8], "pe_channels": [3, 6, 9], "clock_mhz": [100.0, 200.0]}
)


@st.composite
def swept(draw: st.DrawFn) -> pd.DataFrame:
    """Rows of which each metric looks at some axes only, and some designs do not fit."""
    digits = SMALL.digits(range(SMALL.size))
    seen = draw(st.lists(st.sets(st.integers(0, 2)), min_size=2, max_size=2))
    fits = draw(st.lists(st.booleans(), min_size=SMALL.size, max_size=SMALL.size))
    policies = draw(st.sampled_from([["sushi"], ["sushi", "no-sgs"]]))
    rows = []
    for design in range(SMALL.size):
        for i, policy in enumerate(policies):
            values = [
                10.0 * i + sum(int(digits[a, design]) * (a + 1) for a in axes) for axes in seen
            ]
            values = values if fits[design] else [None, None]
            reason = "" if fits[design] else "dsp: few"
            rows.append([design, policy, *values, reason])
    names = ["design", "policy", *(metric.name for metric in METRICS), "infeasible_reason"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype({metric.name: float for metric in METRICS})


def by_definition(rows: pd.DataFrame) -> list[str]:
    known = rows[rows["infeasible_reason"] == ""].to_dict("records")
    idle = []
    for axis in SMALL.axes:
        equal = []
        for a, b in combinations(known, 2):
            first, second = SMALL.values(a["design"]), SMALL.values(b["design"])
            differ = [name for name in first if first[name] != second[name]]
            if differ == [axis.name] and a["policy"] == b["policy"]:
                equal.append(all(a[metric.name] == b[metric.name] for metric in METRICS))
        if equal and all(equal):
            idle.append(axis.name)
    return idle


@given(swept(), st.integers(1, 30))
def test_idle_axes_are_those_of_the_definition_however_rows_are_cut(
    rows: pd.DataFrame, part_rows: int
) -> None:
    parts = [rows[at : at + part_rows] for at in range(0, len(rows), part_rows)]
    schema = pa.Schema.from_pandas(rows, preserve_index=False)
    tables = [pa.Table.from_pandas(part, schema, preserve_index=False) for part in parts]
    assert idle_in(list(map(StoredRows, tables)), SMALL, METRICS) == by_definition(rows)


def test_subnets_are_compared_each_with_itself() -> None:
    rows = pd.DataFrame(
        {
            "design": [0, 0, 1, 1],
            "policy": "sushi",
            "subnet": ["A", "B", "A", "B"],
            "mean_latency_ms": [1.0, 2.0, 1.0, 2.0],
            "infeasible_reason": "",
        }
    )
    table = pa.Table.from_pandas(rows)
    assert idle_in([StoredRows(table)], SMALL, METRICS[:1]) == ["clock_mhz"]
