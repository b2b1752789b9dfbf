"""Verdicts under draws, and what it is worth to know one constant."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.analysis import worth_doubt
from sushi_dse.analysis.worth import JUDGED, gains_of, judged, worth
from sushi_dse.analysis.worth_doubt import (
    MAY_PREFETCH,
    PREFETCHES,
    changed_share,
    doubted_worth,
)
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.hardware.doubt import Doubt, drawn


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return load_experiment("vcu118_64x64", "resnet18", mode="strict-accuracy", queries=20)


def with_doubts(experiment: Experiment, **doubts: Doubt) -> Experiment:
    return replace(experiment, space=replace(experiment.space, doubts=doubts))


# Off-chip rates from a hundredth to ten times that of the board.
RATE = Doubt(value=19.2, low=0.2, high=192.0)


def test_the_share_in_which_sgs_pays_is_that_of_the_verdicts_of_each_draw(
    experiment: Experiment,
) -> None:
    one = with_doubts(experiment, dram_gb_per_s=RATE, mac_pj=Doubt(value=2.0, low=1.0, high=9.0))
    found = doubted_worth([one], draws=8)
    points = drawn({"dram_gb_per_s": RATE, PREFETCHES: MAY_PREFETCH}, 8, seed=0)
    verdicts = []
    for draw in range(8):
        values = points.of(draw)
        design = replace(one.design, dram_gb_per_s=values["dram_gb_per_s"])
        verdicts.append(judged(gains_of([one], design, JUDGED), values[PREFETCHES])[0])
    assert found.shares == {name: verdicts.count(name) / 8 for name in set(verdicts)}
    assert found.pays_share == sum(name != "no" for name in verdicts) / 8
    drawn_names = {str(row["constant"]) for row in found.rows}
    assert drawn_names == {"dram_gb_per_s", PREFETCHES}  # energy is not asked


def test_without_doubt_all_draws_have_the_verdict_of_worth(experiment: Experiment) -> None:
    one = with_doubts(experiment, launch_us=Doubt(value=1.0, low=1.0, high=1.0))
    found = doubted_worth([one], draws=4)
    readings = [str(row["verdict"]) for row in worth([one]).readings[:2]]
    assert found.shares == {name: readings.count(name) / 2 for name in set(readings)}
    assert [row["constant"] for row in found.rows] == [PREFETCHES]


def test_the_constant_that_decides_is_measured_first(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worth_doubt, "gains_of", lambda experiments, design, uses: design)
    monkeypatch.setattr(
        worth_doubt, "judged", lambda d, _: ("yes" if d.dram_gb_per_s < 40 else "no", "")
    )
    launch = Doubt(value=1.0, low=0.0, high=2.0)
    found = doubted_worth(
        [with_doubts(experiment, launch_us=launch, dram_gb_per_s=RATE)], draws=128
    )
    assert found.first == "dram_gb_per_s"
    assert found.rows[0]["first_order"] > 0.6
    assert found.rows[0]["changed_share"] > 0.2 > 0.1 > found.rows[1]["changed_share"]


@given(st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=1, max_size=40))
def test_to_know_a_constant_never_makes_a_verdict_worse(rows: list[tuple[int, bool]]) -> None:
    shares = np.array([place / 16 for place, _ in rows])
    pays = np.array([own for _, own in rows])
    for is_reading in (False, True):
        found = changed_share(shares, pays, is_reading=is_reading)
        assert -1e-12 <= found <= min(pays.mean(), 1 - pays.mean()) + 1e-12
    assert changed_share(np.zeros(len(pays)), pays) == pytest.approx(0)


def test_a_design_without_a_persistent_buffer_is_not_judged() -> None:
    with pytest.raises(UserError, match="has no Persistent Buffer"):
        doubted_worth([load_experiment("zcu104_measured", queries=5)], draws=2)
