"""`cost`, `describe`, `reproduce`: what a layer costs, a name stands for, the paper says."""

from enum import StrEnum
from typing import Annotated

import typer

from sushi_dse.cli import completion, options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw


class Kind(StrEnum):
    """What can be described."""

    hw = "hw"
    workload = "workload"
    policy = "policy"
    metric = "metric"
    device = "device"


def cost(
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
    subnet: Annotated[
        str | None, typer.Option(help="A SubNet.", show_default="the workload's first")
    ] = None,
    subgraph: Annotated[
        str, typer.Option(help="A candidate SubGraph in the Persistent Buffer, e.g. shared/value.")
    ] = "nothing",
    plot: PlotFile = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print what each layer costs and what bounds it, and the total.

    --plot draws the roofline with each layer as a point, and the cycles of each layer by cause.

    Example: sushi-dse cost --subnet F --subgraph F/value --plot layers.png
    """
    from sushi_dse.breakdown import subnet_breakdown
    from sushi_dse.config import load_hardware, load_workload
    from sushi_dse.network import Network
    from sushi_dse.report import print_breakdown, warn_if_infeasible
    from sushi_dse.setting import only_design

    check_plot(plot)
    network = Network.of(load_workload(workload).supernet)
    accelerator = only_design(load_hardware(hw))
    warn_if_infeasible(accelerator)
    name = subnet or network.supernet.subnets[0].name
    breakdown = subnet_breakdown(network, accelerator, name, subgraph)
    title = f"SubNet {name} of {workload} on {accelerator.name}, cached: {subgraph}"
    print_breakdown(breakdown, output_format.value, title=title)
    if plot is not None:
        from sushi_dse.plots import layer_panels

        draw(plot, layer_panels(breakdown, accelerator), title)


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
    from sushi_dse.catalogue import FACTS, NAMES
    from sushi_dse.report import print_facts, print_rows

    if name is None:
        rows = [{kind.value: known, "meaning": meaning} for known, meaning in NAMES[kind.value]()]
        print_rows(rows, [kind.value, "meaning"], output_format.value, document={"names": rows})
    else:
        print_facts(FACTS[kind.value](name), output_format.value, title=f"{kind.value} {name}")


def reproduce(output_format: options.Printed = options.Format.table) -> None:
    """Print the paper's headline figures beside the model's, each with its command.

    Example: sushi-dse reproduce --format json
    """
    from sushi_dse.report import print_reproduction
    from sushi_dse.reproduce import best_rows
    from sushi_dse.reproduce import reproduce as run

    rows = list(run())
    print_reproduction(rows, best_rows(rows), output_format.value)
