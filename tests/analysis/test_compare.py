"""Policies beside each other on one design and trace."""

from dataclasses import replace
from functools import partial

import pytest

from sushi_dse.analysis.compare import compare_policies, compared
from sushi_dse.config.workload_file import load_workload
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.network import Network
from sushi_dse.report.formats import shown
from sushi_dse.serving.selection import MODES
from sushi_dse.traces.generators import TraceSpec, generate
from tests.strategies import zcu104


@pytest.mark.parametrize("mode", MODES)
def test_a_comparison_is_the_rows_of_a_space_of_one_design(mode: str) -> None:
    spec = TraceSpec(accuracy_percent=(70.0, 80.0), latency_ms=(10.0, 60.0), queries=50)
    experiment = Experiment(
        space=SearchSpace.of(zcu104(), {}),
        network=Network.of(load_workload("ofa_resnet50").supernet),
        trace=generate(spec),
        policies=("sushi", "no-sgs", "offline-optimum"),
        mode=mode,
    )
    rows = compare_policies(experiment)
    assert [row["policy"] for row in rows] == list(experiment.policies)
    columns = {"design": 0, "infeasible_reason": ""}
    assert [row | columns for row in rows] == evaluate(experiment, [0]).to_pylist()


def test_the_gain_is_told_under_both_readings_of_the_drain_and_one_is_that_of_the_rows() -> None:
    def experiment_of(seed: int, pointwise_drain: bool = True, hw: str = "zcu104") -> Experiment:
        experiment = load_experiment(hw, policies=["no-sgs", "sushi", "equal-area", "clipper"],
                                     queries=100, seed=seed)  # fmt: skip
        if hw != "zcu104":
            return experiment
        board = replace(experiment.design, pointwise_drain=pointwise_drain)
        return replace(experiment, space=replace(experiment.space, base=board))

    names = ("gain_if_they_do_not_percent", "gain_if_1x1_tiles_drain_percent")
    for seeds in ((0,), (1, 2)):
        both = [compared(partial(experiment_of, pointwise_drain=drains), seeds)
                for drains in (False, True)]  # fmt: skip
        for found, own in zip(both, names, strict=True):
            (reading,) = found.drain_readings
            assert reading["policy"] == "sushi"
            gain = {row["policy"]: row["gain_over_no_sgs_percent"] for row in found.rows}["sushi"]
            assert reading[own] == pytest.approx(gain, abs=1e-12)
            assert found.drain_readings == both[0].drain_readings
    assert compared(partial(experiment_of, hw="vcu118_64x64"), (0,)).drain_readings == []


def test_a_gain_at_another_accuracy_is_marked_in_rows_and_in_what_is_read() -> None:
    experiment = load_experiment("zcu104", policies=["no-sgs", "sushi", "clipper"], queries=200)
    rows = {str(row["policy"]): row for row in compared(lambda seed: experiment, (0,)).rows}
    accuracy = {name: float(str(row["mean_accuracy_percent"])) for name, row in rows.items()}
    for name, row in rows.items():
        away = accuracy[name] - accuracy["no-sgs"]
        assert row["accuracy_over_no_sgs_points"] == pytest.approx(away)
        assert row["other_accuracy"] == (abs(away) > 0.1)
        assert ("(other accuracy)" in shown(row, "gain_over_no_sgs_percent")) == (abs(away) > 0.1)
    assert rows["clipper"]["other_accuracy"]
    assert not rows["sushi"]["other_accuracy"]
