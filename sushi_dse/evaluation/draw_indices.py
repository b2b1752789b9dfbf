"""Which constant a result turns on: first order and total indices from draws that are at hand.

SALib's scheme (Saltelli et al., 2010) needs draws x (constants + 2) evaluations of its own.  These
are Sobol' indices by projection onto polynomials (Sudret, 2008, doi:10.1016/j.ress.2007.04.002):
on functions of one constant, and of two, orthonormal over the draws' range.  A function is taken
up while it explains more of what is left than chance would (as in sparse expansions, Blatman and
Sudret, 2011, doi:10.1016/j.jcp.2010.12.021).  What takes three constants or more is in no index.
"""

from itertools import combinations

import numpy as np

ALONE, TOGETHER = 4, 2  # degrees of a constant in functions of one, and of two
CHANCE = 8.0  # over the draws: a share of the variance that four functions without effect reach
MOST_TAKEN = 4  # draws to a function at least


def draw_indices(
    shares: np.ndarray, values: np.ndarray, readings: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The first order and the total index of each constant for each result: [constant, result].

    shares: [draw, constant], from 0 to 1; values: [draw, result]; readings: [constant], whether a
    constant has two values alone, below and above a share of a half.  Both are shares of the
    variance, 0 for a result that does not vary.
    """
    draws, count = shares.shape
    groups = _groups(shares, readings)
    first, total = np.zeros((2, count, values.shape[1]))
    for result, column in enumerate(values.T - values.mean(axis=0)[:, None]):
        variance = float((column**2).mean())
        if variance <= np.finfo(float).eps * float((values[:, result] ** 2).mean()):
            continue
        for members, explained in _taken_up(groups, column, CHANCE / draws * variance).items():
            if len(members) == 1:
                first[members[0], result] = explained / variance
            for member in members:
                total[member, result] += explained / variance
    return np.clip(first, 0, 1), np.clip(total, 0, 1)


def _groups(shares: np.ndarray, readings: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
    """The functions of each constant and of each two, [draw, function], by their constants."""
    count = shares.shape[1]
    alone = [
        np.where(shares[:, [k]] < 0.5, -1.0, 1.0) if readings[k] else _legendre(shares[:, k])
        for k in range(count)
    ]
    found: dict[tuple[int, ...], np.ndarray] = {(k,): own for k, own in enumerate(alone)}
    for one, other in combinations(range(count), 2):
        left, right = alone[one][:, :TOGETHER], alone[other][:, :TOGETHER]
        found[one, other] = (left[:, :, None] * right[:, None, :]).reshape(len(shares), -1)
    return found


def _legendre(shares: np.ndarray) -> np.ndarray:
    """The polynomials of degree 1 to `ALONE` that are orthonormal from 0 to 1: [draw, degree]."""
    whole = np.polynomial.legendre.legvander(2 * shares - 1, ALONE)[:, 1:]
    return np.asarray(whole * np.sqrt(2 * np.arange(1, ALONE + 1) + 1))


def _taken_up(
    groups: dict[tuple[int, ...], np.ndarray], column: np.ndarray, least: float
) -> dict[tuple[int, ...], float]:
    """The variance of a centred result that each group explains, of those that explain enough."""
    names, draws = list(groups), len(column)
    starts = np.cumsum([0, *(groups[name].shape[1] for name in names)])
    functions = np.hstack([groups[name] for name in names])
    left, chosen, coefficients = column, list[int](), np.zeros(functions.shape[1])
    while True:
        gains = (functions.T @ left / draws) ** 2 - (functions**2).T @ left**2 / draws**2
        of_group = np.add.reduceat(gains, starts[:-1])
        of_group[chosen] = -np.inf
        best = int(of_group.argmax())
        columns = [c for g in (*chosen, best) for c in range(starts[g], starts[g + 1])]
        if of_group[best] < least or MOST_TAKEN * len(columns) > draws:
            break
        chosen.append(best)
        solution = np.linalg.lstsq(functions[:, columns], column, rcond=None)[0]
        coefficients[:] = 0.0
        coefficients[columns] = solution
        left = column - functions[:, columns] @ solution
    explained = np.add.reduceat(coefficients**2, starts[:-1])
    return {names[group]: float(explained[group]) for group in chosen}
