"""The command line: a command reads, calls, prints.

Whatever is slow to import is imported inside the commands, so that `--help` answers at once.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from sushi_dse.cli import (
    advise,
    compare,
    doctor,
    explore,
    export,
    inspect,
    pareto,
    search,
    traces,
    validate,
    workload,
)
from sushi_dse.cli.usage import UsageError, command_path, usage_line
from sushi_dse.errors import IncompleteError, UserError

EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
QUIET = "--quiet"

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Which accelerator, under which policy, serves this SuperNet and this stream best?",
    epilog="What a command is not told is the ZCU104, OFA ResNet50 and a seeded synthetic trace.",
)
app.command()(explore.sweep)
app.command()(search.search)
app.add_typer(pareto.app, name="pareto")
app.add_typer(compare.app, name="compare")
app.command()(advise.explain)
app.command()(advise.recommend)
app.command()(inspect.cost)
app.command()(validate.validate)
app.command()(validate.calibrate)
app.add_typer(traces.app, name="trace")
app.add_typer(workload.app, name="workload")
app.command()(export.export)
app.command()(export.schema)
app.command()(inspect.describe)
app.command()(inspect.reproduce)
app.command()(doctor.doctor)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Standard error goes nowhere; an error leaves the block before `main` prints it."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
        yield


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"sushi-dse {version('sushi-dse')}")
        raise typer.Exit


@app.callback()
def tool(
    context: typer.Context,
    quiet: Annotated[
        bool,
        typer.Option(
            QUIET, help="No progress, notes or warnings, errors alone; it may stand anywhere."
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print it and end."),
    ] = False,
) -> None:
    """What stands before every command."""
    if quiet:
        context.with_resource(_silence())


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool; a mistake in its input ends in one line and exit code 2."""
    words = sorted(sys.argv[1:] if argv is None else argv, key=lambda word: word != QUIET)
    try:
        code = app(words, prog_name="sushi-dse", standalone_mode=False) or 0
        sys.stdout.flush()
    except (UserError, IncompleteError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        code = EXIT_USAGE if isinstance(error, UserError) else EXIT_INCOMPLETE
    except UsageError as error:
        line = usage_line(error, words, command_path(app, words))
        print(line, end="", file=sys.stderr)
        code = EXIT_USAGE
    except BrokenPipeError:  # the reader of our output has left, as `head` does: no error
        code = _drop_output(0)
    except OSError as error:
        place = error.filename or "standard output"
        print(f"error: {place}: {error.strerror}", file=sys.stderr)
        code = EXIT_USAGE if error.filename else _drop_output(EXIT_USAGE)
    except SystemExit as stop:  # how typer and rich end where they meet a broken pipe
        code = stop.code
        if isinstance(stop.__context__, BrokenPipeError):
            code = _drop_output(0)
    raise SystemExit(code) from None


def _drop_output(code: int) -> int:
    """The exit code, once nothing more goes to a standard output that takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdout = sys.__stdout__  # typer's wrapper around it ends with an error
    return code
