"""`describe`: what a name stands for, and what it assumes."""

from enum import StrEnum
from typing import Annotated

import typer

from sushi_dse.cli import names as completion
from sushi_dse.cli import options


class Kind(StrEnum):
    """What can be described."""

    hw = "hw"
    workload = "workload"
    policy = "policy"
    metric = "metric"
    device = "device"


def describe(
    kind: Annotated[Kind, typer.Argument(help="What the name is of.")],
    name: Annotated[
        str | None,
        typer.Argument(
            help="The name.", show_default="all names", autocompletion=completion.described
        ),
    ] = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print what a name stands for, and what it assumes.

    Of hardware, a workload, a policy, a metric, or a board that a hardware file may name as its
    device.

    Example: sushi-dse describe policy sushi
    """
    from sushi_dse.analysis.catalogue import FACTS, NAMES
    from sushi_dse.report.formats import print_rows
    from sushi_dse.report.views import print_facts

    if name is None:
        rows = [{kind.value: known, "meaning": meaning} for known, meaning in NAMES[kind.value]()]
        print_rows(rows, [kind.value, "meaning"], output_format.value, document={"names": rows})
    else:
        print_facts(FACTS[kind.value](name), output_format.value, title=f"{kind.value} {name}")
