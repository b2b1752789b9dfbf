"""`cost`, `describe`, `reproduce`: what a layer costs, a name stands for, the paper says."""

from typing import Annotated

import typer

from sushi_dse.cli import options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw


def cost(
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
    weight_bits: options.WeightBits = None,
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
    from sushi_dse.config.hardware_file import load_hardware
    from sushi_dse.config.workload_file import load_workload
    from sushi_dse.model.breakdown import subnet_breakdown
    from sushi_dse.model.network import Network
    from sushi_dse.model.standing import borrowed_constants
    from sushi_dse.model.subgraphs import find_candidate
    from sushi_dse.report.progress import warn_if_infeasible
    from sushi_dse.report.views import print_breakdown

    check_plot(plot)
    network = Network.of(load_workload(workload, weight_bits).supernet)
    space = load_hardware(hw).space
    accelerator = space.only_design(hw)
    warn_if_infeasible(accelerator)
    name = subnet or network.supernet.subnets[0].name
    cached = find_candidate(subgraph, network, accelerator)
    breakdown = subnet_breakdown(network, accelerator, name, cached, space.calibration)
    title = f"SubNet {name} of {workload} on {accelerator.name}, cached: {cached}"
    print_breakdown(
        breakdown, output_format.value, title=title, borrowed=borrowed_constants(space),
        caveats=network.supernet.caveats,
    )  # fmt: skip
    if plot is not None:
        from sushi_dse.plots.layers import layer_panels

        draw(plot, layer_panels(breakdown, accelerator), title)
