"""The command line: a command reads, calls, prints.

Whatever is slow to import is imported inside the commands, so that `--help` answers at once.
"""

import contextlib
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
    sweep,
    trace,
    validate,
    workload,
    worth,
)
from sushi_dse.cli.usage import UsageError, command_path, usage_line
from sushi_dse.errors import IncompleteError, MissedError, UserError, message_line

EXIT_MISSED = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_FAULT = 70  # of the program, in its own code (EX_SOFTWARE of sysexits.h)
QUIET = "--quiet"

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
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever its encoding, it holds every name
            stream.reconfigure(errors="backslashreplace")
    words = sorted(sys.argv[1:] if argv is None else argv, key=lambda word: word != QUIET)
    try:
        _refuse_unwritable(words)
        code = app(words, prog_name="sushi-dse", standalone_mode=False) or 0
        sys.stdout.flush()
    except (UserError, IncompleteError) as error:
        print(f"error: {message_line(str(error))}", file=sys.stderr)
        code = EXIT_USAGE if isinstance(error, UserError) else EXIT_INCOMPLETE
    except MissedError as error:
        for line in str(error).splitlines():
            print(f"error: {message_line(line)}", file=sys.stderr)
        code = EXIT_MISSED
    except UsageError as error:
        line = usage_line(error, words, command_path(app, words))
        print(message_line(line.rstrip("\n")), end="\n" if line else "", file=sys.stderr)
        code = EXIT_USAGE
    except BrokenPipeError:  # the reader of our output has left, as `head` does: no error
        code = _drop_output(0)
    except OSError as error:
        place = error.filename or "standard output"
        said = f"{place}: {error.strerror or error}; mend that"
        print(f"error: {message_line(said)}", file=sys.stderr)
        code = EXIT_USAGE if error.filename else _drop_output(EXIT_USAGE)
    except MemoryError:
        print(
            "error: not enough memory for this; ask for fewer queries, designs or workers",
            file=sys.stderr,
        )
        code = EXIT_USAGE
    except Exception:
        traceback.print_exc()
        print("error: this is a fault of sushi-dse; please report the lines above", file=sys.stderr)
        code = EXIT_FAULT
    except SystemExit as stop:  # how typer and rich end where they meet a broken pipe
        code = stop.code
        if isinstance(stop.__context__, BrokenPipeError):
            code = _drop_output(0)
    raise SystemExit(code) from None


def _open_what_is_closed() -> None:
    """Let output that was closed from the start go nowhere, and not into another file or stream.

    A file that is opened takes the lowest free number, and `print` to no stream prints to another.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _refuse_unwritable(words: Sequence[str]) -> None:
    """Raise `UserError` for a word that no system passes on, and so no path can be."""
    for word in words:
        try:
            written = os.fsencode(word)
        except UnicodeError:
            written = b"\0"
        if b"\0" in written:
            raise UserError(f"{word!r}: no system takes such a character; leave it out")


def _drop_output(code: int) -> int:
    """The exit code, once nothing more goes to a standard output that takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdout = sys.__stdout__  # typer's wrapper around it ends with an error
    return code
