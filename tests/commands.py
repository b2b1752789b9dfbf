"""Commands that are run in this process."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from sushi_dse.cli import main


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Run = Callable[..., Done]


def in_process(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs `sushi-dse` with its arguments as words."""

    def command(*arguments: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(int(stop.value.code or 0), captured.out, captured.err)

    return command
