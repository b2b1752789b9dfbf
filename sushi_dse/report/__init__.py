"""Results on standard output, progress and warnings on standard error."""

from sushi_dse.report.formats import print_rows
from sushi_dse.report.progress import (
    note,
    warn,
    warn_if_infeasible,
    warn_if_reference_infeasible,
    with_progress,
)
from sushi_dse.report.views import (
    print_breakdown,
    print_comparison,
    print_facts,
    print_reproduction,
    print_sweep,
    print_validation,
)

__all__ = [
    "note",
    "print_breakdown",
    "print_comparison",
    "print_facts",
    "print_reproduction",
    "print_rows",
    "print_sweep",
    "print_validation",
    "warn",
    "warn_if_infeasible",
    "warn_if_reference_infeasible",
    "with_progress",
]
