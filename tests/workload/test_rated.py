"""The metric that accuracies of several workloads have in common."""

import pytest

from sushi_dse.errors import UserError
from sushi_dse.workload.rated import common_metric


def test_accuracies_of_one_metric_compare_and_of_two_are_refused_by_both_names() -> None:
    assert common_metric({"a": "MMLU"}) == common_metric({"a": "MMLU", "b": "MMLU"}) == "MMLU"
    with pytest.raises(UserError, match=r"^a: its accuracy is 'MMLU' and that of c is 'top-1'"):
        common_metric({"a": "MMLU", "b": "MMLU", "c": "top-1"})
