"""The cost of random kills of a sweep: kill -9 and the same command again, many times over.

    python -m benchmarks.kills [--kills 100] [--seed 0]

The victim is the whole command with its workers, the command alone, or one worker, at a random
moment of a sweep of `tests/data/tiny.yaml`, a design a part.  Prints one JSON document, in which
every loss is counted against a sweep that nobody disturbed.  Linux only: it looks into /proc.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
SWEEP = ("--hw", str(ROOT / "tests" / "data" / "tiny.yaml"), "--queries", "60", "--workers", "2")
VICTIMS = ("command and workers", "command", "worker")
ORPHAN_S = 2  # time that a worker may outlive its command


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """The command, started in a session of its own, with its standard error piped here."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.kills", "sweep", *SWEEP, "--out", str(folder)],
        cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def members(session: int) -> list[int]:
    """The processes of a session that are alive, but for the tracker of `multiprocessing`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, own = path.read_text().rpartition(")")[2].split()[:4]
            line = (path.parent / "cmdline").read_bytes()
        except OSError:  # The process has ended.
            continue
        if int(own) == session and state != "Z" and b"resource_tracker" not in line:
            found.append(int(path.parent.name))
    return found


def strike(command: "subprocess.Popen[bytes]", victim: str, after_s: float) -> bool:
    """Kill the victim at that time, or as soon as there is one; whether it was there in time."""
    time.sleep(after_s)
    while command.poll() is None:
        workers = [pid for pid in members(command.pid) if pid != command.pid]
        if victim != "worker":
            (os.killpg if victim == VICTIMS[0] else os.kill)(command.pid, signal.SIGKILL)
            return True
        if workers:
            os.kill(random.choice(workers), signal.SIGKILL)
            return True
    return False


def identities(folder: Path) -> dict[str, tuple[int, int]]:
    """The facts that tell a part from one that was written again under its name."""
    parts = {path.name: path.stat() for path in folder.glob("part-*")}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in parts.items()}


def contents(folder: Path) -> dict[str, bytes]:
    """The parts, byte for byte."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("part-*"))}


def is_whole(name: str, content: bytes) -> bool:
    """Whether the content of a part matches its name."""
    return hashlib.sha256(content).hexdigest()[:16] in name


def rows(folder: Path) -> "Counter[tuple[int, str]]":
    """The number of rows of each design and policy."""
    from sushi_dse.store.parts import read_results

    frame = read_results(folder, ["design", "policy"])
    return Counter(zip(frame["design"].tolist(), frame["policy"].tolist(), strict=True))


def front_hash(folder: Path) -> str:
    """Hash of the front as it is printed."""
    shown = subprocess.run(
        [sys.executable, "-m", "sushi_dse", "pareto", "show", str(folder), "--format", "json"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    return hashlib.sha256(shown.stdout).hexdigest()


def bench(kills: int, seed: int, scratch: Path) -> dict[str, object]:
    """Sweep after sweep, each killed until it is done, until so many kills have struck."""
    random.seed(seed)
    whole = scratch / "whole"
    started = time.monotonic()
    assert start(whole).wait() == 0
    span_s = time.monotonic() - started
    struck: Counter[str] = Counter()
    found: Counter[str] = Counter(
        rows_lost=0, rows_doubled=0, parts_redone_by_mistake=0, parts_damaged=0,
        orphans=0, sweeps_that_failed=0, sweeps_with_other_bytes=0, sweeps_with_another_front=0,
    )  # fmt: skip
    wanted_rows, wanted_front, sweeps = rows(whole), front_hash(whole), 0
    while struck.total() < kills:
        folder, done = scratch / f"sweep-{sweeps}", False
        sweeps += 1
        while not done:
            before, command = identities(folder), start(folder)
            if struck.total() < kills:
                victim = random.choice(VICTIMS)
                struck[victim] += strike(command, victim, random.uniform(0, span_s))
            done = command.wait() == 0
            if command.returncode not in (0, -signal.SIGKILL):
                found["sweeps_that_failed"] += 1
                break
            until = time.monotonic() + ORPHAN_S
            while members(command.pid) and time.monotonic() < until:
                time.sleep(0.02)
            found["orphans"] += len(members(command.pid))
            after = identities(folder)
            found["parts_redone_by_mistake"] += sum(
                after.get(name) != identity for name, identity in before.items()
            )
            found["parts_damaged"] += sum(
                not is_whole(name, content) for name, content in contents(folder).items()
            )
        if done:
            got = rows(folder)
            found["rows_lost"] += (wanted_rows - got).total()
            found["rows_doubled"] += (got - wanted_rows).total()
            found["sweeps_with_other_bytes"] += contents(folder) != contents(whole)
            found["sweeps_with_another_front"] += front_hash(folder) != wanted_front
        print(f"{struck.total()} of {kills} kills", file=sys.stderr)
    return {
        "kills": struck.total(),
        "by_victim": {victim: struck[victim] for victim in VICTIMS},
        "sweeps": sweeps,
        "rows_a_sweep": wanted_rows.total(),
        **found,
        "front_hash_equal": found["sweeps_with_another_front"] == 0,
        "seconds_undisturbed": round(span_s, 1),
    }


def main() -> None:
    """Run the benchmark, or be the command that it kills."""
    if sys.argv[1:2] == ["sweep"]:
        from sushi_dse import sweep
        from sushi_dse.cli import main as command

        sweep.BLOCK_DESIGNS = 1
        command(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(bench(arguments.kills, arguments.seed, Path(scratch)), indent=2))


if __name__ == "__main__":
    main()
