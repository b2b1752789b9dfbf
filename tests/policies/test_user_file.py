from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.catalogue import POLICIES, find_policy
from sushi_dse.traces.trace import Trace
from tests.tables import cases, table_of

NEVER_CACHES = '''
import numpy as np

class Mine:
    """Strict accuracy without a cache: what no-sgs does."""

    def select(self, query, table, latency_ms):
        enough = table.accuracy_percent >= query.min_accuracy_percent
        if not enough.any():
            best = table.accuracy_percent == table.accuracy_percent.max()
            return int(np.argmin(np.where(best, latency_ms, np.inf)))
        fastest = latency_ms == latency_ms[enough].min()
        return int(np.argmax(np.where(enough & fastest, table.accuracy_percent, -np.inf)))

    def recache(self, served, table, cached):
        return 0
'''
FIELDS = ("subnet", "cached", "kept", "service_ms", "response_ms", "accuracy_percent")


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("policies") / "mine.py"
    path.write_text(NEVER_CACHES)
    return f"{path}:Mine"


@given(case=cases(), every=st.integers(1, 5))
def test_a_policy_from_a_file_does_what_the_same_rule_does_in_the_kernel(
    mine: str, case: tuple[Trace, LatencyTable], every: int
) -> None:
    trace, table = case
    ours = find_policy(mine).served(trace, table, mode="strict-accuracy", every=every)
    theirs = POLICIES["no-sgs"].served(trace, table, mode="strict-accuracy", every=every)
    for field in FIELDS:
        assert np.array_equal(getattr(ours, field), getattr(theirs, field)), field


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        (NEVER_CACHES, "Other", "no class 'Other'"),
        ("class Mine: pass", "Mine", "no method 'select'"),
        ("class Mine: select = len", "Mine", "no method 'recache'"),
        ("1 / 0", "Mine", "ZeroDivisionError"),
        ("def", "Mine", "SyntaxError"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(
    tmp_path: Path, text: str, name: str, said: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as error:
        find_policy(f"{path}:{name}")
    assert str(path) in str(error.value)


def test_a_file_that_is_missing_is_refused() -> None:
    with pytest.raises(UserError, match="no such file"):
        find_policy("missing.py:Mine")


@pytest.mark.parametrize(
    ("method", "answer", "said"),
    [("select", "99", "select must return"), ("recache", "-1", "recache must return"),
     ("select", "None", "got None"), ("recache", "1 / 0", "ZeroDivisionError")],
)  # fmt: skip
def test_an_answer_that_is_none_of_the_table_is_refused(
    tmp_path: Path, method: str, answer: str, said: str
) -> None:
    other = "recache" if method == "select" else "select"
    path = tmp_path / "mine.py"
    path.write_text(
        f"class Mine:\n    def {method}(self, *given):\n        return {answer}\n"
        f"    def {other}(self, *given):\n        return 0\n"
    )
    trace, table = cases_example()
    with pytest.raises(UserError, match=said):
        find_policy(f"{path}:Mine").served(trace, table, mode="strict-accuracy", every=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\nimport nothing_like_it\n", ":2: ModuleNotFoundError: No module named"),
        ("x = 1\ny = (\n", ":2: SyntaxError: '(' was never closed; mend the file"),
        (
            "class Mine:\n    def __init__(self):\n        raise ValueError('odd')\n",
            ":3: Mine: V",
        ),
        ("class Mine:\n    def __init__(self):\n        int('x')\n", ":3: Mine: ValueError"),
        ("class Mine:\n    pass\ndef deep():\n    return {}['a']\n", ":4: Mine.select: KeyError"),
    ],
)
def test_an_error_of_a_policy_names_the_line_of_its_file(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    if "Mine" in text:
        methods = "\ndef both(*given):\n    return deep()\nMine.select = both\n"
        path.write_text(f"{text}{methods}Mine.recache = lambda *given: 0\n")
    trace, table = cases_example()
    with pytest.raises(UserError) as error:
        find_policy(f"{path}:Mine").served(trace, table, mode="strict-accuracy", every=1)
    assert str(error.value).startswith(f"{path}{said}")


def cases_example() -> tuple[Trace, LatencyTable]:
    trace = Trace(
        arrived_ms=np.zeros(2), min_accuracy_percent=np.zeros(2), max_latency_ms=np.ones(2)
    )
    return trace, table_of(np.ones((2, 2)), np.zeros((2, 2, 2)))
