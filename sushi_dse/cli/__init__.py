"""The command line: a command reads, calls, prints.

Whatever is slow to import is imported inside the commands, so that `--help` answers at once.
"""

import os
import sys
from collections.abc import Sequence

import typer

from sushi_dse.cli import compare, explore, inspect, pareto, traces, validate
from sushi_dse.errors import UserError

EXIT_USAGE = 2

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Which accelerator, under which policy, serves this SuperNet and this stream best?",
    epilog="Each command runs without arguments on defaults: ZCU104, OFA ResNet50, a seeded trace.",
)
app.command()(explore.sweep)
app.add_typer(pareto.app, name="pareto")
app.add_typer(compare.app, name="compare")
app.command()(inspect.cost)
app.command()(validate.validate)
app.command()(validate.calibrate)
app.add_typer(traces.app, name="trace")
app.command()(inspect.describe)
app.command()(inspect.reproduce)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool; a mistake in its input ends in one line and exit code 2."""
    try:
        app(argv)
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(EXIT_USAGE) from None
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
