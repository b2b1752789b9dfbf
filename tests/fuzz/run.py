"""Whether any input can end in a traceback, a hang, or a touch of what is none of the tool's.

    python -m tests.fuzz.run --cases 10000 --seed 1
    python -m tests.fuzz.run --seed 1 --only 4711      one case again, with what it printed

A case is a command of the tool on files, or words, that a seed made hostile.  It runs in a child
whose memory is bounded, and must end in a documented exit code, in time, with one line for an error
that names the place and what would mend it, with no control character, and with no file written but
those that it was asked for.  One JSON document says how many cases there were, and every fault.
"""

import argparse
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from tests.fuzz.files import Sound, make_sound_files
from tests.fuzz.judge import Outcome, contents, faults_of, run_words, touched, watch
from tests.fuzz.words import MAKERS

MOST_BYTES = 6 * 2**30  # of address space, of which numba and arrow reserve more than they use
KILL_SECONDS = 120.0  # after which a child hangs so hard that no alarm wakes it
SCRATCH = ("/dev/null", "/sushi_dse/", "/lib/python")  # compiled code, of tool and libraries
SHOWN_CASES = 5  # of a fault


def run_case(number: int, seed: int, sound: Sound, home: Path) -> Outcome:
    """The case of that number: made in an empty folder, run there, and judged."""
    rng = random.Random(f"{seed}-{number}")
    folder = home / "case"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    maker = MAKERS[number % len(MAKERS)]
    words = maker(rng, sound, folder)
    before = contents(folder, sound.folder)
    os.chdir(folder)
    touched.clear()
    done = run_words(words)
    places = sorted(set(touched))
    os.chdir(home)
    done.number, done.kind = number, maker.__name__
    done.faults += faults_of(done, folder)
    own = [*(str(folder / name) for name in ("out", "swept")), str(home / "matplotlib"), *SCRATCH]
    places = [place for place in places if Path(place).parent != home.parent]  # a library's
    done.faults += [f"touches {p}" for p in places if not any(place in p for place in own)]
    after = contents(folder, sound.folder)
    written = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    writes = "--out" in words and str(folder / "swept") in words
    done.faults += [f"changes {p}" for p in sorted(written) if not (writes and "/swept" in p)]
    return done


def serve(home: Path, seed: int, ask: Connection) -> None:
    """In a child: make the sound files, and answer each number with the outcome of its case."""
    os.environ["COLUMNS"] = "200"
    os.chdir(home)
    os.environ["MPLCONFIGDIR"] = str(home / "matplotlib")
    sound = make_sound_files(home / "sound")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    sys.addaudithook(watch)
    ask.send(None)
    while True:
        ask.send(run_case(ask.recv(), seed, sound, home))


def fuzz(numbers: Sequence[int], seed: int) -> Iterator[Outcome]:
    """The outcome of each case; one in which the child died or hung is a fault too."""
    spawn, left = multiprocessing.get_context("spawn"), list(numbers)
    while left:
        with tempfile.TemporaryDirectory(prefix="fuzz") as home:
            ours, theirs = spawn.Pipe()
            child = spawn.Process(target=serve, args=(Path(home), seed, theirs))
            child.start()
            theirs.close()
            try:
                ours.recv()
                while left:
                    ours.send(left[0])
                    if not ours.poll(KILL_SECONDS):
                        raise TimeoutError
                    yield ours.recv()
                    del left[0]
            except (EOFError, OSError) as error:  # a TimeoutError is one
                kind = MAKERS[left[0] % len(MAKERS)].__name__
                fault = "hangs hard" if isinstance(error, TimeoutError) else "dies"
                yield Outcome(number=left.pop(0), kind=kind, words=[], faults=[fault])
            finally:
                child.kill()
                child.join()


def summary(outcomes: Iterator[Outcome], seed: int) -> dict[str, object]:
    """The cases and exit codes by kind, the slowest case, and every fault with its first cases."""
    started = time.perf_counter()
    codes: dict[str, Counter[str]] = {}
    faults: dict[str, list[Outcome]] = {}
    cases, slowest = 0, Outcome(number=-1, kind="", words=[])
    for done in outcomes:
        cases += 1
        codes.setdefault(done.kind, Counter())[str(done.code)] += 1
        slowest = max(slowest, done, key=lambda outcome: outcome.seconds)
        for fault in done.faults:
            faults.setdefault(f"{done.kind}: {fault}", []).append(done)
    return {
        "seed": seed,
        "cases": cases,
        "seconds": round(time.perf_counter() - started, 1),
        "cases_by_kind": {kind: sum(counted.values()) for kind, counted in codes.items()},
        "exit_codes_by_kind": {kind: dict(counted) for kind, counted in codes.items()},
        "slowest_case": slowest.number,
        "slowest_s": round(slowest.seconds, 1),
        "faults": [
            {
                "fault": fault,
                "cases": len(found),
                "numbers": [done.number for done in found[:SHOWN_CASES]],
                "words": [word[:200] for word in found[0].words],
                "stderr": found[0].err[-500:],
            }
            for fault, found in sorted(faults.items())
        ],
    }


def show(number: int, seed: int) -> None:
    """One case, with all that it printed; its files are left where they are."""
    home = Path(tempfile.mkdtemp(prefix="fuzz"))
    os.environ["COLUMNS"] = "200"
    sound = make_sound_files(home / "sound")
    sys.addaudithook(watch)
    done = run_case(number, seed, sound, home)
    print(
        f"{done.words}\ncode {done.code}, {done.seconds:.1f} s, in {home}\n{done.out}\n{done.err}"
    )
    print(*done.faults, done.trace, sep="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases; 1 where any has a fault."""
    from sushi_dse.report.formats import print_document

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="the number of one case")
    asked = parser.parse_args(argv)
    if asked.only is not None:
        show(asked.only, asked.seed)
        return 0
    found = summary(fuzz(range(asked.cases), asked.seed), asked.seed)
    print_document(found)
    return int(bool(found["faults"]))


if __name__ == "__main__":
    sys.exit(main())
