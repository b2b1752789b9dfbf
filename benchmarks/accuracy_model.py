"""Fit the accuracy model of `workloads/ofa_mbv3.yaml` anew, and say how far it can be trusted.

    python -m benchmarks.accuracy_model DATA.csv

DATA.csv has a measured SubNet a line: `blocks_per_stage` and `expand_ratios` (numbers between
blanks; four ratios a stage, of which a stage with fewer blocks ignores the last) and
`accuracy_percent`.  Printed are the errors of three forms on SubNets that were left out, and the
coefficients of the last, which is the one in use, as the workload file has them.
"""

import csv
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from sushi_dse.config.workload_file import load_workload
from sushi_dse.workload.accuracy import AccuracyModel, block_choices, features, free_gains
from sushi_dse.workload.mobilenet_v3 import MobileNetV3Choice, MobileNetV3Family
from sushi_dse.workload.stages import ratios_by_stage

FOLDS, SHUFFLES = 10, 5
RESOLUTION = 224
DIGITS = 4  # decimals of a coefficient, whose standard error is some thousandths
ORIGIN = "Georgia Tech's once-for-all repository, branch master_wo_kernel (MIT licence)"

Features = Callable[[MobileNetV3Family, MobileNetV3Choice], np.ndarray]


def read_measured(path: Path) -> list[MobileNetV3Choice]:
    """The measured SubNets of the file, with their accuracy."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            MobileNetV3Choice(
                name=f"line {line}",
                accuracy_percent=float(row["top1_percent"]),
                resolution=RESOLUTION,
                blocks_per_stage=tuple(map(int, row["blocks_per_stage"].split())),
                block_expand_ratios=tuple(map(float, row["expand_ratios"].split())),
            )
            for line, row in enumerate(csv.DictReader(file), start=2)
        ]


def depth_and_ratios(family: MobileNetV3Family, choice: MobileNetV3Choice) -> np.ndarray:
    """The features 1, blocks of each stage, expand ratio of each block, 0 for a missing one."""
    ratios = np.zeros((len(family.stage_widths), max(family.max_blocks_per_stage)))
    for stage, of_stage in enumerate(ratios_by_stage(family, choice)):
        ratios[stage, : len(of_stage)] = of_stage
    return np.concatenate([[1.0], choice.blocks_per_stage, ratios.ravel()])


def block_gains(family: MobileNetV3Family, choice: MobileNetV3Choice) -> np.ndarray:
    """The features of the form in use without the interactions of depth and width."""
    return np.concatenate([[1.0], block_choices(family, choice)[free_gains(family)]])


FORMS: dict[str, Features] = {
    "linear in depths and expand ratios": depth_and_ratios,
    "a gain per block and expand ratio": block_gains,
    "... and an interaction per stage": features,
}


def matrix(
    family: MobileNetV3Family, choices: Sequence[MobileNetV3Choice], form: Features
) -> np.ndarray:
    """The features of each choice: [choice, feature]."""
    return np.array([form(family, choice) for choice in choices])


def fitted(rows: np.ndarray, accuracy_percent: np.ndarray) -> np.ndarray:
    """The coefficients of least squares, by the normal equations: [feature]."""
    return np.linalg.solve(rows.T @ rows, rows.T @ accuracy_percent)


def rmse(errors: np.ndarray) -> float:
    """The root mean square of the errors."""
    return float(np.sqrt(np.mean(errors**2)))


def held_out_rmse(rows: np.ndarray, accuracy_percent: np.ndarray) -> list[float]:
    """The error on left-out folds, over all folds, for each shuffle of the SubNets: [shuffle]."""
    errors = []
    gram, moment = rows.T @ rows, rows.T @ accuracy_percent
    for seed in range(SHUFFLES):
        fold = np.random.default_rng(seed).permutation(len(rows)) % FOLDS
        error = np.empty(len(rows))
        for left_out in range(FOLDS):
            test = fold == left_out
            own, wanted = rows[test], accuracy_percent[test]
            without = np.linalg.solve(gram - own.T @ own, moment - own.T @ wanted)
            error[test] = own @ without - wanted
        errors.append(rmse(error))
    return errors


def fit(family: MobileNetV3Family, choices: Sequence[MobileNetV3Choice]) -> AccuracyModel:
    """The model of the measured SubNets, rounded as the workload file has it."""
    accuracy_percent = np.array([choice.accuracy_percent for choice in choices])
    rows, free = matrix(family, choices, features), free_gains(family)
    coefficients = np.round(fitted(rows, accuracy_percent), DIGITS)
    gains: np.ndarray = np.zeros(free.shape)
    gains[free] = coefficients[1 : 1 + free.sum()]
    return AccuracyModel(
        family=family,
        origin=ORIGIN,
        resolution=RESOLUTION,
        measured_subnets=len(choices),
        measured_accuracy_percent=(float(accuracy_percent.min()), float(accuracy_percent.max())),
        held_out_rmse_percent=round(float(np.mean(held_out_rmse(rows, accuracy_percent))), DIGITS),
        base_accuracy_percent=float(coefficients[0]),
        block_gain_percent=tuple(tuple(row) for row in gains.tolist()),
        stage_interaction_percent=tuple(coefficients[1 + free.sum() :].tolist()),
    )


def yaml_lines(model: AccuracyModel) -> list[str]:
    """The model as the block of a workload file."""
    family = model.family
    names = [
        f"s{stage}.b{block}"
        for stage, blocks in enumerate(family.max_blocks_per_stage, start=1)
        for block in range(blocks)
    ]
    return [
        "accuracy_model:",
        f"  origin: {model.origin}",
        f"  resolution: {model.resolution}",
        f"  measured_subnets: {model.measured_subnets}",
        f"  measured_accuracy_percent: {list(model.measured_accuracy_percent)}",
        f"  held_out_rmse_percent: {model.held_out_rmse_percent:.{DIGITS}f}",
        f"  base_accuracy_percent: {model.base_accuracy_percent:.{DIGITS}f}",
        "  block_gain_percent:",
        *(
            f"    - [{', '.join(f'{gain:.{DIGITS}f}' for gain in gains)}]  # {name}"
            for name, gains in zip(names, model.block_gain_percent, strict=True)
        ),
        "  stage_interaction_percent: "
        f"[{', '.join(f'{x:.{DIGITS}f}' for x in model.stage_interaction_percent)}]",
    ]


def main(arguments: Sequence[str]) -> None:
    """Print the errors of the forms, and the coefficients of the one in use."""
    if len(arguments) != 1:
        raise SystemExit("usage: python -m benchmarks.accuracy_model DATA.csv")
    known = load_workload("ofa_mbv3").accuracy_model
    assert known is not None
    choices = read_measured(Path(arguments[0]))
    accuracy_percent = np.array([choice.accuracy_percent for choice in choices])
    print(f"{len(choices)} SubNets; root mean square error of accuracy in points, {FOLDS} folds")
    print(f"{'form':36}{'coefficients':>13}{'fitted on all':>15}{'held out':>10}{'worst':>8}")
    for name, form in FORMS.items():
        rows = matrix(known.family, choices, form)
        own = rmse(rows @ fitted(rows, accuracy_percent) - accuracy_percent)
        errors = held_out_rmse(rows, accuracy_percent)
        rank = int(np.linalg.matrix_rank(rows))
        print(f"{name:36}{rank:13}{own:15.4f}{np.mean(errors):10.4f}{max(errors):8.4f}")
    print(*yaml_lines(fit(known.family, choices)), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
