from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import cfunc, njit
from numba.core.codegen import JITCodeLibrary

from sushi_dse.model.jit import compiled, kernel_part


@kernel_part
def scaled(values: np.ndarray, factor: float) -> np.ndarray:
    result = np.zeros(len(values))
    for place in range(len(values)):
        if values[place] < 0:
            raise ValueError("a value below 0")
        result[place] = factor * values[place]
    return result


def total(values: np.ndarray) -> float:
    return float(scaled(values, 2.0).sum())


inner = compiled(total)


def more(values: np.ndarray) -> float:
    return inner(values) + 1.0


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the functions of which machine code is made."""
    names: list[str] = []
    kernel: Any = inner.dispatcher
    codegen = kernel.targetctx.codegen()
    add = codegen._add_module

    def named(code: Any) -> Any:
        names.append(code.name)
        return add(code)

    monkeypatch.setattr(codegen, "_add_module", named)
    return names


def test_machine_code_is_made_of_kernels_alone(loaded: list[str]) -> None:
    assert compiled(total)(np.ones(3)) == total(np.ones(3))
    assert [name for name in loaded if name in ("total", "scaled")] == ["total"]


def test_kernels_alone_are_optimised(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    optimise = JITCodeLibrary._optimize_final_module

    def named(code: Any) -> None:
        names.append(code.name)
        optimise(code)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(JITCodeLibrary, "_optimize_final_module", named)
    assert compiled(total)(np.ones(3)) == total(np.ones(3))
    assert [name for name in names if name in ("total", "scaled")] == ["total"]


def test_a_kernel_that_was_kept_is_linked_into_another_one() -> None:
    compiled(total)(np.ones(3))  # It is kept, and `inner` comes from there.
    assert compiled(more)(np.ones(3)) == more(np.ones(3))
    kernel: Any = inner.dispatcher
    assert sum(kernel.stats.cache_hits.values()) == 1


def test_a_function_that_is_linked_raises_its_error() -> None:
    with pytest.raises(ValueError, match="below 0"):
        compiled(total)(np.array([-1.0]))


def test_what_others_compile_has_machine_code() -> None:
    compiled(total)(np.ones(3))
    twice: Any = cfunc("float64(float64)")(lambda x: 2 * x)
    assert twice.ctypes(2.0) == 4.0
    summed: Any = njit(lambda values: np.zeros(3).sum() + values.sum())
    assert summed(np.ones(3)) == 3.0


def test_a_kernel_is_compiled_once_it_was_called_here_or_lies_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = compiled(total)
    assert not kernel.is_compiled
    kernel(np.ones(3))
    assert kernel.is_compiled
    assert compiled(total).is_compiled
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "other"))
    assert kernel.is_compiled
    assert not compiled(total).is_compiled
