from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.evaluation.counts import Counts
from sushi_dse.evaluation.fronts import (
    cost_matrix,
    feasible_rows,
    front,
    hypervolume,
    reference_point,
)
from sushi_dse.evaluation.metrics import AREA, INTERVAL, find_metric
from sushi_dse.explore import survey as summary
from sushi_dse.explore.survey import front_columns, hypervolume_of, records, survey
from tests.tables import part_of

METRICS = [find_metric(name) for name in ("mean_latency_ms", "mean_accuracy_percent")]
levels = st.integers(0, 4)  # few, so that rows are often equal
rows = st.tuples(levels, levels, st.booleans())  # two costs, and whether the design fits
AREA_METRIC = find_metric(AREA)


def part(designs: list[tuple[int, int, bool]], first: int) -> pa.Table:
    """part_of of one design each, as `evaluate` makes them, numbered from `first`."""
    table = pa.table(
        {
            "design": pa.array(range(first, first + len(designs)), pa.int64()),
            "pe_kernels": pa.array([8.0] * len(designs), pa.float64()),
            "policy": pa.array(["sushi"] * len(designs), pa.string()),
            **{
                metric.name: pa.array(
                    [float(design[i]) if design[2] else None for design in designs], pa.float64()
                )
                for i, metric in enumerate(METRICS)
            },
            AREA: pa.array(
                [
                    0.2 * ((first + i) % 4) if design[2] else None
                    for i, design in enumerate(designs)
                ],
                pa.float64(),
            ),
            "infeasible_reason": pa.array(
                ["" if fits else "dsp: needs 2, it has 1" for _, _, fits in designs], pa.string()
            ),
        }
    )
    lacking = sum(not fits for _, _, fits in designs)
    return counts_of(len(designs), lacking).put_on(table)


def counts_of(designs: int, lacking: int) -> Counts:
    by_resource = {"dsp": lacking} if lacking else {}
    return Counts(designs=designs, infeasible=lacking, infeasible_by_resource=by_resource)


@settings(max_examples=40)
@given(st.data(), st.lists(rows, min_size=1, max_size=40), st.sampled_from([1, 3, 10_000]))
def test_parts_one_by_one_come_to_what_they_come_to_together(
    data: st.DataObject, designs: list[tuple[int, int, bool]], merge_rows: int
) -> None:
    cuts = data.draw(st.sets(st.integers(0, len(designs))))
    parts = [part(designs[i:j], i) for i, j in pairwise(sorted({0, *cuts, len(designs)}))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summary, "MERGE_ROWS", merge_rows)
        found = survey([part_of(table) for table in parts], METRICS)
    together = pa.concat_tables(parts).to_pandas()
    pd.testing.assert_frame_equal(found.front, front(together, METRICS))
    pd.testing.assert_frame_equal(found.contenders, front(together, [*METRICS, AREA_METRIC]))
    lacking = sum(not fits for _, _, fits in designs)
    assert (found.rows, found.counts) == (len(designs), counts_of(len(designs), lacking))
    if lacking == len(designs):
        with pytest.raises(UserError, match="no design is feasible"):
            hypervolume_of(found, None)
        return
    costs = cost_matrix(feasible_rows(together, METRICS), METRICS)
    point, volume, _ = hypervolume_of(found, None)
    assert np.array_equal(np.array(list(point.values())) * [1, -1], reference_point(costs))
    assert volume == pytest.approx(hypervolume(costs, reference_point(costs)))


def test_a_part_that_holds_only_a_front_counts_all_its_designs() -> None:
    whole = part([(1, 1, True), (2, 0, False), (0, 0, False)], 0)
    assert survey([part_of(whole.slice(0, 1))], METRICS).counts == counts_of(3, 2)


def test_axes_and_who_serves_are_shown_beside_the_objectives() -> None:
    names = ("design", "pe_kernels", "policy", "subnet", "dsp", "infeasible_reason")
    shown = ["design", "pe_kernels", "policy", "subnet", *(metric.name for metric in METRICS)]
    rows = pd.DataFrame({INTERVAL: [4.0, 4.0, np.nan]})
    assert front_columns([*names, INTERVAL], rows, METRICS) == shown


def test_the_interval_is_shown_where_it_differs() -> None:
    names = ("design", "policy", INTERVAL)
    rows = pd.DataFrame({"policy": "sushi", INTERVAL: [4.0, 8.0, np.nan]})
    assert front_columns(names, rows, METRICS)[:3] == list(names)
    assert [row[INTERVAL] for row in records(rows)] == [4, 8, None]
