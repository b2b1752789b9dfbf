import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from sushi_dse.model.compile_note import NOTE
from tests import paths

SPINS = """
import sys, time
from sushi_dse.interrupts import end_on_interrupt
end_on_interrupt(lambda: "interrupted")
{before}
print("begun", flush=True)
{work}
"""
# Work that does not come back to the interpreter for a long time.
COMPILED = (
    "import math\nfrom sushi_dse.model.jit import compiled\n"
    + """
def spin(n):
    total = 0.0
    for i in range(n):
        total += math.sin(i + total)
    return total
spin = compiled(spin)
spin(3)
"""
)
HYPERVOLUME = """
import numpy as np, moocore
points = np.random.default_rng(0).dirichlet(np.ones(9), 2000)
"""
WORK = {
    "compiled code": (COMPILED, "spin(10**12)"),
    "a library": (HYPERVOLUME, "moocore.hypervolume(points, ref=np.ones(9))"),
    "Python": ("", "while True: pass"),
    "waiting": ("", "time.sleep(1000)"),
}


def ends(command: Sequence[str], number: int, *, after_s: float) -> tuple[int, str, float]:
    """The exit code, standard error, and seconds until the end of a command that gets a signal."""
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        if not after_s:
            process.stdout.readline()
        time.sleep(after_s or 0.2)
        process.send_signal(number)
        sent = time.monotonic()
        try:
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
        return process.returncode, said, time.monotonic() - sent


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("work", WORK)
def test_a_signal_ends_a_process_whatever_it_does(work: str, number: int) -> None:
    before, spin = WORK[work]
    script = SPINS.format(before=before, work=spin)
    code, said, seconds = ends(["-c", script], number, after_s=0)
    assert (code, said.removeprefix(f"{NOTE}\n")) == (130, "interrupted\n")
    assert seconds < 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command_that_serves_millions_of_queries(number: int) -> None:
    policies = ("offline-optimum", "latency-aware", "slo-nn")  # They take about 20 s.
    command = ["-m", "sushi_dse", "compare", "policies", "--queries", "20000000"]
    command += [word for name in policies for word in ("--policy", name)]
    code, said, seconds = ends(command, number, after_s=7)
    assert (code, said.removeprefix(f"{NOTE}\n")) == (130, "interrupted\n")
    assert seconds < 2
