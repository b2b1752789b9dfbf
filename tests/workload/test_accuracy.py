"""The accuracy model against what it was fitted on, and the laws of its form."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import accuracy_model as benchmark
from sushi_dse.config.shipped import shipped_folder
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.workload.accuracy import AccuracyModel, features, free_gains
from sushi_dse.workload.mobilenet_v3 import MobileNetV3Choice
from sushi_dse.workload.rated import known_accuracy_percent
from tests.facts import ALL
from tests.networks import accuracy_model

WORKLOAD = shipped_folder("workloads") / "ofa_mbv3.yaml"
TEXT = WORKLOAD.read_text(encoding="utf-8")
SHIPPED = accuracy_model("ofa_mbv3")
FAMILY = SHIPPED.family
ACCURACIES = "ofa_mbv3_accuracy.csv"


def choice_of(stages: Sequence[Sequence[float]], **changes: Any) -> MobileNetV3Choice:
    fields = {
        "name": "some",
        "accuracy_percent": 0.0,
        "resolution": 224,
        "blocks_per_stage": tuple(len(ratios) for ratios in stages),
        "block_expand_ratios": tuple(ratio for ratios in stages for ratio in ratios),
    }
    return MobileNetV3Choice(**{**fields, **changes})


ratios_of_a_stage = st.lists(st.sampled_from(FAMILY.expand_ratios), min_size=2, max_size=4)
choices_by_stage = st.lists(ratios_of_a_stage, min_size=5, max_size=5)


def coefficients(model: AccuracyModel) -> np.ndarray:
    """As they multiply the features; the gains that are zero by definition are left out."""
    gains = np.array(model.block_gain_percent)[free_gains(model.family)]
    return np.array([model.base_accuracy_percent, *gains, *model.stage_interaction_percent])


def predicted(count: int = 200) -> list[MobileNetV3Choice]:
    """Random SubNets, as accurate as they are predicted to be."""
    rng = np.random.default_rng(0)
    drawn = (
        choice_of(
            [],
            blocks_per_stage=tuple(rng.integers(2, 5, 5).tolist()),
            block_expand_ratios=tuple(rng.choice(FAMILY.expand_ratios, 20).tolist()),
        )
        for _ in range(count)
    )
    return [replace(choice, accuracy_percent=SHIPPED.accuracy_percent(choice)) for choice in drawn]


# What the model was fitted on takes all rows; the fit itself finds the model in what it predicts.
FITTED_ON = {"predicted": predicted()} | (
    {"measured": benchmark.read_measured(ALL / ACCURACIES)} if ALL.is_dir() else {}
)
fits = pytest.mark.parametrize("fitted_on", FITTED_ON)


@fits
def test_the_coefficients_in_the_workload_are_those_of_a_new_fit(fitted_on: str) -> None:
    choices = FITTED_ON[fitted_on]
    fit = benchmark.fit(FAMILY, choices)
    last_digit = 1.01 * 10**-benchmark.DIGITS
    assert coefficients(SHIPPED) == pytest.approx(coefficients(fit), abs=last_digit)
    held_out_percent = SHIPPED.held_out_rmse_percent if fitted_on == "measured" else 0.0
    assert fit.held_out_rmse_percent == pytest.approx(held_out_percent, abs=last_digit)
    as_fitted = {"base_accuracy_percent", "block_gain_percent", "stage_interaction_percent",
                 "held_out_rmse_percent"}  # fmt: skip
    if fitted_on == "predicted":
        as_fitted |= {"measured_subnets", "measured_accuracy_percent"}
    assert replace(SHIPPED, **{name: getattr(fit, name) for name in as_fitted}) == fit


@fits
def test_a_subnet_left_out_of_the_fit_is_predicted_within_six_hundredths(fitted_on: str) -> None:
    choices = FITTED_ON[fitted_on]
    accuracy_percent = np.array([choice.accuracy_percent for choice in choices])
    errors = {
        name: benchmark.held_out_rmse(benchmark.matrix(FAMILY, choices, form), accuracy_percent)
        for name, form in benchmark.FORMS.items()
    }
    used = list(benchmark.FORMS.values()).index(features)
    in_use = list(errors.values())[used]
    assert max(in_use) <= 0.06
    # The richer form pays under each shuffle of the folds.
    for simpler in list(errors.values())[:used]:
        assert all(mine < other for mine, other in zip(in_use, simpler, strict=True))


def test_the_error_does_not_lean_on_small_or_large_subnets(facts: Path) -> None:
    measured = benchmark.read_measured(facts / ACCURACIES)
    expected = np.array([SHIPPED.accuracy_percent(choice) for choice in measured])
    error = expected - [choice.accuracy_percent for choice in measured]
    for part in np.array_split(np.argsort(expected), min(8, len(measured) // 12)):
        assert abs(error[part].mean()) < 0.03


def test_the_subnets_of_the_workload_are_predicted_within_three_errors() -> None:
    for entry in yaml.safe_load(TEXT)["subnets"]:
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
        }
        listed = MobileNetV3Choice(**fields)
        error = SHIPPED.accuracy_percent(listed) - known_accuracy_percent(listed)
        assert abs(error) <= 3 * SHIPPED.held_out_rmse_percent


@given(choices_by_stage)
def test_a_prediction_is_the_product_of_features_and_coefficients(
    stages: list[list[float]],
) -> None:
    choice = choice_of(stages)
    product = features(FAMILY, choice) @ coefficients(SHIPPED)
    assert SHIPPED.accuracy_percent(choice) == pytest.approx(product, abs=1e-9)


@given(choices_by_stage, choices_by_stage, st.integers(0, 4))
def test_what_a_stage_adds_does_not_depend_on_the_others(
    here: list[list[float]], there: list[list[float]], stage: int
) -> None:
    def gain(stages: list[list[float]]) -> float:
        before, after = stages[:stage], stages[stage + 1 :]
        changed = [*before, [6.0, 6.0, 4.0, 3.0], *after]
        smallest = [*before, [3.0, 3.0], *after]
        return SHIPPED.accuracy_percent(choice_of(changed)) - SHIPPED.accuracy_percent(
            choice_of(smallest)
        )

    assert gain(here) == pytest.approx(gain(there), abs=1e-9)


@given(choices_by_stage, st.integers(0, 4), st.data())
def test_a_deeper_or_wider_subnet_is_predicted_to_be_more_accurate(
    stages: list[list[float]], stage: int, data: st.DataObject
) -> None:
    ratios = stages[stage]
    wider = [list(ratios) for _ in range(2)]
    block = data.draw(st.integers(0, len(ratios) - 1))
    wider[0][block] = 6
    wider[1] = ratios if len(ratios) == 4 else [*ratios, 3]
    before = SHIPPED.accuracy_percent(choice_of(stages))
    for larger in wider:
        after = SHIPPED.accuracy_percent(choice_of([*stages[:stage], larger, *stages[stage + 1 :]]))
        assert after >= before


def test_a_missing_block_does_not_matter() -> None:
    ratios = [3.0] * 20
    two_blocks_each = choice_of([], blocks_per_stage=(2,) * 5, block_expand_ratios=tuple(ratios))
    ratios[2] = ratios[19] = 6.0  # the third block of the first stage, the fourth of the last
    other = replace(two_blocks_each, block_expand_ratios=tuple(ratios))
    assert SHIPPED.accuracy_percent(other) == SHIPPED.accuracy_percent(two_blocks_each)
    assert SHIPPED.accuracy_percent(other) == pytest.approx(SHIPPED.base_accuracy_percent)


def test_accuracy_stays_a_percentage() -> None:
    smallest = choice_of([[3, 3]] * 5)
    steep = replace(SHIPPED, stage_interaction_percent=(1e3,) * 5)
    assert steep.accuracy_percent(choice_of([[6, 6, 6, 6]] * 5)) == 100
    assert replace(SHIPPED, base_accuracy_percent=-1.0).accuracy_percent(smallest) == 0


@pytest.mark.parametrize(
    ("choice", "wrong"),
    [
        (choice_of([[3, 3]] * 5, resolution=192), "resolution == 224 must hold"),
        (choice_of([[3, 5]] * 5), "expand ratio of block s1.b1 5 is not a choice"),
        (choice_of([[3, 3, 3, 3, 3]] + [[3, 3]] * 4), "stage 1 has 2 to 4 blocks, got 5"),
    ],
)
def test_a_choice_that_was_not_measured_is_refused(choice: MobileNetV3Choice, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        SHIPPED.accuracy_percent(choice)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"base_accuracy_percent": nan}, "finite coefficients must hold"),
        ({"stage_interaction_percent": (0.0, 0.0, inf, 0.0, 0.0)}, "finite coefficients"),
        ({"stage_interaction_percent": (0.0,)}, "one entry for each of the 5 stages, got 1"),
        ({"block_gain_percent": ((0.0, 0.0, 0.0),)}, "needs 20 rows"),
        ({"block_gain_percent": ((0.0, 0.0),) * 20}, "of 3 entries"),
        ({"block_gain_percent": ((0.0, 0.0, nan),) * 20}, "finite coefficients"),
        ({"measured_accuracy_percent": (76.0, 74.0)}, "least <= greatest"),
        ({"measured_accuracy_percent": (nan, 74.0)}, "least <= greatest"),
    ],
)
def test_a_model_of_another_shape_is_refused(changes: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        replace(SHIPPED, **changes)


@pytest.mark.parametrize(
    ("old", "new", "at", "wrong"),
    [
        ("  resolution: 224\n  measured_subnets", "  measured_subnets", "origin",
         "the key 'resolution' is missing here"),
        ("held_out_rmse_percent: 0", "held_out_rmse_percent: -0", "-0.",
         "held_out_rmse_percent >= 0 must hold"),
        ("base_accuracy_percent:", "base_acuracy_percent:", "base_acuracy_percent:",
         "unknown key 'base_acuracy_percent'; did you mean 'base_accuracy_percent'?"),
        ("    - [0.0000, 0.0133, 0.0571]  # s1.b0\n", "", "- [0.0000, 0.0310",
         "block_gain_percent needs 20 rows"),
        ("[74.062, 76.648]", "[74.062]", "[74.062]", "measured_accuracy_percent: write at least 2"),
        ("[74.062, 76.648]", "[76.648, 74.062]", "[76.648, ", "least <= greatest"),
        ("[0.0000, 0.0133, 0.0571]", "[0.0000, 0.0133, much]", "much", "a number is wanted"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_model_of_a_workload_is_one_line_with_its_place(
    old: str, new: str, at: str, wrong: str, tmp_path: Path
) -> None:
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    start = text.index(at, text.index("accuracy_model:"))
    line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
    with pytest.raises(UserError) as refused:
        load_workload(tmp_path / "my.yaml")
    assert str(refused.value).startswith(f"{tmp_path / 'my.yaml'}:{line}:{column}: ")
    assert wrong in str(refused.value)


def test_a_workload_may_have_no_model(tmp_path: Path) -> None:
    start, end = TEXT.index("accuracy_model:"), TEXT.index("\nsubnets:\n") + 1
    (tmp_path / "my.yaml").write_text(TEXT[:start] + TEXT[end:], encoding="utf-8")
    without = load_workload(tmp_path / "my.yaml")
    assert without.accuracy_model is None
    assert without.supernet == load_workload("ofa_mbv3").supernet
    assert load_workload("ofa_resnet50").accuracy_model is None


def test_the_script_finds_the_coefficients_that_measurements_were_made_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["blocks_per_stage,expand_ratios,top1_percent"]
    for choice in predicted():
        blocks = " ".join(map(str, choice.blocks_per_stage))
        ratios = " ".join(map(str, choice.block_expand_ratios))
        lines.append(f"{blocks},{ratios},{choice.accuracy_percent!r}")
    (tmp_path / "measured.csv").write_text("\n".join(lines), encoding="utf-8")
    benchmark.main([str(tmp_path / "measured.csv")])
    printed = capsys.readouterr().out
    for form in benchmark.FORMS:
        assert form in printed
    found = yaml.safe_load(printed[printed.index("accuracy_model:") :])["accuracy_model"]
    shipped = yaml.safe_load(TEXT)["accuracy_model"]
    assert found["held_out_rmse_percent"] == 0
    for key in shipped.keys() - {
        "held_out_rmse_percent", "measured_subnets", "measured_accuracy_percent"
    }:  # fmt: skip
        assert found[key] == shipped[key]
    with pytest.raises(SystemExit, match="usage"):
        benchmark.main([])
