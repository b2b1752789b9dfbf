"""`subnets`: what a workload's SubNets do for a stream, and which few of them to serve."""

from typing import Annotated

import typer

from sushi_dse.cli import options
from sushi_dse.traces.names import RANDOM_WALK


def subnets(
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
    weight_bits: options.WeightBits = None,
    trace: options.TraceName = RANDOM_WALK,
    mode: options.SelectionMode = options.Mode.strict_latency,
    queries: options.Queries = 2000,
    seed: options.Seed = 0,
    choose: Annotated[
        int | None,
        typer.Option(
            help="Choose that many of the listed SubNets for the stream, as `sweep --subnets` does "
            "where a workload has no accuracy model.",
            min=1,
            max=32,  # as many as a workload lists
            show_default="all",
        ),
    ] = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print the SubNets of a workload and how many of a stream's queries each serves.

    Each query is taken by itself, with nothing cached and no wait. --choose leaves the SubNets
    that keep the strict demand of most queries, and then serve the greatest mean accuracy (under
    strict-accuracy: the least mean latency).

    Example: sushi-dse subnets --workload us_mobilenet_v1 --choose 4
    """
    from sushi_dse.config.hardware_file import load_hardware
    from sushi_dse.config.workload_file import load_workload
    from sushi_dse.evaluation.choice import chosen_for_stream, stream_on
    from sushi_dse.evaluation.loading import load_trace
    from sushi_dse.model.network import Network
    from sushi_dse.report.views import print_subnets

    accelerator = load_hardware(hw).space.reference
    network = Network.of(load_workload(workload, weight_bits).supernet)
    stream = load_trace(trace, network, accelerator, queries=queries, seed=seed)
    asked = (accelerator, stream, mode.value)
    served = network if choose is None else chosen_for_stream(network, *asked, choose)
    title = f"SubNets of {workload} on {accelerator.name}, a stream under {mode.value}"
    print_subnets(
        stream_on(served, *asked), stream_on(network, *asked), output_format.value, title=title
    )
