"""The command line: a command reads, calls, prints.

Whatever is slow to import is imported inside the commands, so that `--help` answers at once.
"""

import contextlib
import errno
import io
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from sushi_dse.cli import (
    compare,
    cost,
    describe,
    doctor,
    explain,
    export,
    pareto,
    recommend,
    reproduce,
    search,
    subnets,
    sweep,
    trace,
    validate,
    workload,
    worth,
)
from sushi_dse.cli.streams import OUTPUT, drop_output, named_output, open_what_is_closed
from sushi_dse.cli.usage import UsageError, command_path, usage_line
from sushi_dse.errors import EXIT_FAULT, IncompleteError, MissedError, UserError
from sushi_dse.report.printing import say, tell

EXIT_MISSED = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
QUIET = "--quiet"
NO_MEMORY = "error: not enough memory for this; ask for fewer queries, designs or workers"

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Which accelerator, under which policy, serves this SuperNet and this stream best?",
    epilog="What a command is not told is the ZCU104, OFA ResNet50 and a seeded synthetic trace.",
)
app.command()(sweep.sweep)
app.command()(search.search)
app.add_typer(pareto.app, name="pareto")
app.add_typer(compare.app, name="compare")
app.command()(worth.worth)
app.command()(explain.explain)
app.command()(recommend.recommend)
app.command()(subnets.subnets)
app.command()(cost.cost)
app.command()(validate.validate)
app.command()(validate.calibrate)
app.add_typer(trace.app, name="trace")
app.add_typer(workload.app, name="workload")
app.command()(export.export)
app.command()(export.schema)
app.command()(describe.describe)
app.command()(reproduce.reproduce)
app.command()(doctor.doctor)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Standard error goes nowhere; an error leaves the block before `main` prints it."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
        yield


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"sushi-dse {version('sushi-dse')}")
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
    open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever its encoding, it holds every name
            stream.reconfigure(errors="backslashreplace")
    with named_output():
        raise SystemExit(_code_of(sys.argv[1:] if argv is None else argv)) from None


def _code_of(argv: Sequence[str]) -> object:
    """The exit code of a command, which is run; what went wrong is told in a line."""
    words = sorted(argv, key=lambda word: word != QUIET)
    try:
        _refuse_unwritable(words)
        code = app(words, prog_name="sushi-dse", standalone_mode=False) or 0
        sys.stdout.flush()
    except (UserError, IncompleteError) as error:
        tell(f"error: {error}")
        code = EXIT_USAGE if isinstance(error, UserError) else EXIT_INCOMPLETE
    except MissedError as error:
        for line in str(error).splitlines():
            tell(f"error: {line}")
        code = EXIT_MISSED
    except UsageError as error:
        line = usage_line(error, words, command_path(app, words)).rstrip("\n")
        if line:
            tell(line)
        code = EXIT_USAGE
    except OSError as error:
        code = EXIT_USAGE
        if isinstance(error, BrokenPipeError) and error.filename == OUTPUT:
            code = 0  # the reader of our output has left, as `head` does: no error
        elif error.errno == errno.ENOMEM:
            tell(NO_MEMORY)
        else:
            place = error.filename or "the system"
            tell(f"error: {place}: {error.strerror or error}; mend that")
        if error.filename == OUTPUT:
            code = drop_output(code)
    except MemoryError:
        tell(NO_MEMORY)
        code = EXIT_USAGE
    except Exception:
        say(traceback.format_exc(), end="", to=sys.stderr)
        tell("error: this is a fault of sushi-dse; please report the lines above")
        code = EXIT_FAULT
    except SystemExit as stop:  # how typer and rich end where they meet a broken pipe
        code = stop.code
        if isinstance(stop.__context__, BrokenPipeError):
            code = drop_output(0)
    return code


def _refuse_unwritable(words: Sequence[str]) -> None:
    """Raise `UserError` for a word that no system passes on, and so no path can be."""
    for before, word in zip(["", *words], words, strict=False):
        try:
            written = os.fsencode(word)
        except UnicodeError:
            written = b"\0"
        if b"\0" in written:
            option = f"{before} " if before.startswith("--") else ""
            raise UserError(f"{option}{word!r}: no system takes such a character; leave it out")
