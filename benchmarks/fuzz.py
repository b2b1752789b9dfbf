"""Whether any file can end in a traceback, a hang, or a touch of what is none of the tool's.

    python -m benchmarks.fuzz --cases 10000 --seed 1
    python -m benchmarks.fuzz --seed 1 --only 4711      one case again, with what it printed

A case is a command of the tool on files that a seed made hostile.  It runs in this tool's process,
in a child whose memory is bounded, and must end in a documented exit code, in time, with one line
for an error that names the file and what would mend it, with no control character, and with no file
written but those that it was asked for.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import hostile
from benchmarks.hostile import ROOT

EXIT_CODES = (0, 1, 2, 3)
MOST_SECONDS = 20.0  # on a machine that does other work as well
MOST_BYTES = 6 * 2**30  # of address space, of which numba and arrow reserve more than they use
MOST_CHARACTERS = 1500  # of an error's line
CHUNK = 100
MEND = re.compile(
    r";|must|wanted|known|did you mean|see sushi-dse|is missing|give |name |run |write |choose|at "
    r"most|at least|needs|none of|larger than|where the header|may "
)
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
TINY = str(ROOT / "tests" / "data" / "tiny.yaml")
FORMATS = ["table", "json", "jsonl", "markdown"]
LAYERS = """family: layers
name: two nets
subnets:
  - name: A
    top1_percent: 70.5
    layers:
      - {name: first, kernels: 16, channels: 3, kernel_height: 3, kernel_width: 3, height: 32,
         width: 32, padding: 1}
      - {name: last, kernels: 10, channels: 16, kernel_height: 1, kernel_width: 1, height: 1,
         width: 1, fully_connected: true}
  - name: B
    top1_percent: 65.0
    layers:
      - {name: first, kernels: 8, channels: 3, kernel_height: 3, kernel_width: 3, height: 32,
         width: 32, padding: 1, stride: 2}
"""
MEASURED = """subnet,layer,latency_us,K,C,R,S,H,W,stride,pad
A,first,120.5,64,64,3,3,56,56,1,1
A,second,80,128,64,3,3,28,28,2,1
B,first,40.25,256,256,1,1,14,14,1,0
"""
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
    f"2023-11-16 18:17:0{i}.9799600,{4808 - 90 * i},{10 + i}\n" for i in range(8)
)
LOG = "time,size,top1,limit\n" + "".join(f"{i * 1.5},{i * i},{70 + i},{9.5 + i}\n" for i in range(9))
TIMELOOP = """problem:
  version: 0.4
  shape:
    name: CNN_Layer
    dimensions: [C, M, R, S, N, P, Q]
    coefficients:
    - {name: Wstride, default: 1}
    data_spaces:
    - {name: Weights, projection: [[[C]], [[M]], [[R]], [[S]]]}
  instance: {C: 3, M: 16, R: 3, S: 3, N: 1, P: 32, Q: 32, Wstride: 1, Hstride: 1}
"""
ZIGZAG = """- id: 0
  operator_type: Conv
  equation: O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]
  dimension_relations: [ix=1*ox+1*fx, iy=1*oy+1*fy]
  loop_dims: [B, G, K, C, OY, OX, FY, FX]
  loop_sizes: [1, 1, 8, 3, 16, 16, 3, 3]
  operand_precision: {W: 8, I: 8, O: 16, O_final: 8}
  operand_source: {W: 0, I: 0}
  padding: [[1, 1], [1, 1]]
"""


@dataclass(frozen=True)
class Sound:
    """The files that are made hostile, by name."""

    folder: Path

    def read(self, name: str) -> bytes:
        """The sound file of that name."""
        return (self.folder / name).read_bytes()


@dataclass
class Outcome:
    """How a case ended: its command, and what is wrong with that, if anything."""

    number: int
    kind: str
    words: list[str]
    code: int | None = None
    seconds: float = 0.0
    out: str = ""
    err: str = ""
    faults: list[str] = field(default_factory=list)


Maker = Callable[[random.Random, Sound, Path], list[str]]  # writes the files; the command's words


def put(rng: random.Random, folder: Path, name: str, content: bytes) -> str:
    """The path of a file with that content; now and then its name is hostile, or it is none."""
    path = folder / name
    if rng.random() < 0.04:
        with contextlib.suppress(OSError):
            odd = folder / f"{rng.choice(hostile.FILE_NAMES)}{path.suffix}"
            odd.write_bytes(content)
            return str(odd)
    match rng.randrange(200):
        case 0:
            path.mkdir()
        case 1:
            path.symlink_to(path)
        case 2:
            path.symlink_to("/dev/zero")
        case 3:
            os.mkfifo(path)
        case 4:
            path.symlink_to("/proc/self/mem")
        case 5:
            path.symlink_to("/dev/null")
        case 6:
            pass
        case _:
            path.write_bytes(content)
    return str(path)


def yaml_files(*names: str) -> Callable[[random.Random, Sound], bytes]:
    """One of those files, mutated."""
    return lambda rng, sound: hostile.mutated(
        rng, sound.read(rng.choice(names)), hostile.TEXT_MUTATIONS
    )


def hardware(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Hardware files, for every command that reads one."""
    files = yaml_files("tiny.yaml", "zcu104.yaml", "zcu104_measured.yaml", "kv260.yaml", "full.yaml")
    content = hostile.generated_hardware(rng) if rng.random() < 0.4 else files(rng, sound)
    hw = put(rng, folder, "hw.yaml", content)
    layers = str(sound.folder / "layers.yaml")
    return rng.choice(
        [
            ["cost", "--hw", hw, "--workload", layers, "--format", rng.choice(FORMATS)],
            ["describe", "hw", hw, "--format", rng.choice(FORMATS)],
            ["export", hw, "--design", "0", "--out", str(folder / "out" / "d.yaml")],
            ["export", hw, "--to", "hls", "--out", str(folder / "out" / "d.h")],
            ["export", hw, "--to", "timeloop", "--out", str(folder / "out" / "d.yaml")],
            ["trace", "generate", "--hw", hw, "--workload", layers, "--queries", "20", "--out",
             str(folder / "out" / "t.csv")],
            ["compare", "policies", "--hw", hw, "--workload", layers, "--queries", "9"],
            ["validate", "--hw", hw, "--measured", str(sound.folder / "measured.csv")],
            ["calibrate", "--hw", hw, "--measured", str(sound.folder / "measured.csv"), "--out",
             str(folder / "out" / "c.yaml")],
        ]
    )  # fmt: skip


def workload(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Workload files."""
    files = yaml_files("layers.yaml", "layers.yaml", "ofa_resnet50.yaml", "ofa_mbv3.yaml")
    content = hostile.generated_layers(rng) if rng.random() < 0.4 else files(rng, sound)
    net = put(rng, folder, "net.yaml", content)
    out = str(folder / "out" / "r")
    return rng.choice(
        [
            ["cost", "--workload", net, "--format", rng.choice(FORMATS)],
            ["cost", "--workload", net, "--subnet", rng.choice(["A", "F", *hostile.TEXTS])],
            ["describe", "workload", net, "--format", rng.choice(FORMATS)],
            ["sweep", "--hw", TINY, "--workload", net, "--queries", "5", "--workers", "1",
             "--policy", "sushi", "--out", out],
            ["sweep", "--hw", TINY, "--workload", net, "--trace", "none", "--workers", "1",
             "--out", out],
        ]
    )  # fmt: skip


def trace(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Trace files, CSV and Parquet."""
    if rng.random() < 0.4:
        content = hostile.mutated_parquet(rng, sound.read("trace.parquet"))
        path = put(rng, folder, "trace.parquet", content)
    else:
        content = hostile.mutated(rng, sound.read("trace.csv"), hostile.TEXT_MUTATIONS)
        if rng.random() < 0.3:
            header = "arrived_ms,min_accuracy_percent,max_latency_ms"
            content = hostile.generated_csv(rng, header + rng.choice(["", "", ",slowdown", ",x"]))
        path = put(rng, folder, rng.choice(["trace.csv", "trace.csv", "trace.parquet"]), content)
    layers = str(sound.folder / "layers.yaml")
    return rng.choice(
        [
            ["trace", "describe", path, "--format", rng.choice(FORMATS)],
            ["trace", "describe", path],
            ["sweep", "--hw", TINY, "--workload", layers, "--trace", path, "--workers", "1",
             "--policy", "sushi", "--out", str(folder / "out" / "r")],
            ["compare", "policies", "--workload", layers, "--trace", path],
        ]
    )  # fmt: skip


def measured(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """CSV files of measured layers."""
    content = hostile.mutated(rng, sound.read("measured.csv"), hostile.TEXT_MUTATIONS)
    if rng.random() < 0.3:
        content = hostile.generated_csv(rng, MEASURED.partition("\n")[0])
    path = put(rng, folder, "board.csv", content)
    out = ["--out", str(folder / "out" / "c.yaml")]
    return rng.choice(
        [["validate", "--format", rng.choice(FORMATS)], ["validate"], ["calibrate", *out]]
    ) + ["--measured", path]


def results(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Folders of results: their parts, `run.json` and certificate."""
    exact = rng.random() < 0.4
    swept = folder / "swept"
    shutil.copytree(sound.folder / ("exact" if exact else "swept"), swept)
    names = sorted(path.name for path in swept.iterdir() if path.name != ".lock")
    for name in rng.sample(names, rng.choice([1, 1, 2])):
        content = (swept / name).read_bytes()
        (swept / name).unlink()
        if name.endswith(".json"):
            mutate = hostile.mutated_json if rng.random() < 0.7 else _mutated_text
            put(rng, swept, name, mutate(rng, content))
        else:
            changed = hostile.mutated_parquet(rng, content)
            put(rng, swept, hostile.part_named(name, changed), changed)
    made = ["--hw", TINY, "--workload", str(sound.folder / "layers.yaml")]
    shown = ["--format", rng.choice(FORMATS)]
    again = ["--exact"] if exact else ["--queries", "20"]
    return rng.choice(
        [
            ["pareto", "show", str(swept), *shown],
            ["pareto", "show", str(swept), "--objective", "dsp"],
            ["pareto", "hypervolume", str(swept), *shown],
            ["pareto", "verify", str(swept), *made],
            ["pareto", "verify", str(swept), *made],
            ["recommend", str(swept), "--max-latency-ms", "9", *shown],
            ["recommend", str(swept), "--device", "KV260"],
            ["export", str(swept), "--design", "3", "--out", str(folder / "out" / "d.yaml")],
            ["sweep", *made, *again, "--workers", "1", "--out", str(swept)],
        ]
    )


def baseline(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Comparisons that were stored as JSON."""
    mutate = hostile.mutated_json if rng.random() < 0.7 else _mutated_text
    path = put(rng, folder, "baseline.json", mutate(rng, sound.read("baseline.json")))
    return [*COMPARISON, "--workload", str(sound.folder / "layers.yaml"), "--baseline", path,
            "--format", rng.choice([*FORMATS, "junit"])]  # fmt: skip


COMPARISON = ["compare", "policies", "--queries", "9", "--policy", "sushi", "--policy", "no-sgs"]


def log(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Request logs."""
    azure = rng.random() < 0.5
    content = (AZURE if azure else LOG).encode()
    if rng.random() < 0.2:
        content = hostile.generated_csv(rng, content.decode().partition("\n")[0])
    content = hostile.mutated(rng, content, hostile.TEXT_MUTATIONS)
    path = put(rng, folder, "log.csv", content)
    common = [path, "--workload", str(sound.folder / "layers.yaml"), "--out",
              str(folder / "out" / "t.csv"), *rng.choice([[], ["--limit", "3"], ["--load", "0.8"]])]  # fmt: skip
    if azure:
        return ["trace", "import", "azure-llm", *common]
    unit = rng.choice(["s", "ms", "us", "iso"])
    asked = rng.choice(
        [[], ["--accuracy", "size", "--rank"], ["--accuracy", "top1", "--latency", "limit"]]
    )
    return ["trace", "import", "csv", *common, "--arrived", "time", "--time-unit", unit, *asked]


def network(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Networks in other tools' files."""
    name = rng.choice(["net.onnx", "ofa.json", "timeloop.yaml", "zigzag.yaml"])
    if name.endswith(".onnx"):
        content = hostile.mutated(rng, sound.read(name), hostile.BYTE_MUTATIONS)
    elif name.endswith(".json") and rng.random() < 0.5:
        content = hostile.mutated_json(rng, sound.read(name))
    else:
        content = _mutated_text(rng, sound.read(name))
    path = put(rng, folder, name, content)
    shape = ["--input-shape", "1x3x32x32"] if name in ("net.onnx", "ofa.json") else []
    skip = rng.choice([[], ["--skip-unsupported"]])
    return ["workload", "import", path, *shape, *skip, "--out", str(folder / "out" / "w.yaml")]


def option(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Hostile words where names and numbers are wanted."""
    # Of these the system itself allows no word with a null character in it.
    words = [word for word in (*hostile.NAMES, *hostile.NUMBERS) if "\0" not in word]
    word = rng.choice(words).encode(errors="surrogatepass").decode(errors="surrogateescape")
    layers = ["--workload", str(sound.folder / "layers.yaml")]
    condition = f"sushi.mean_latency_ms > {word}"
    return rng.choice(
        [
            ["cost", "--hw", word], ["cost", "--workload", word],
            ["cost", *layers, "--subnet", word], ["cost", *layers, "--subgraph", word],
            ["describe", rng.choice(["hw", "workload", "policy", "metric"]), word],
            ["compare", "policies", *layers, "--policy", word],
            ["compare", "policies", *layers, "--trace", word],
            ["compare", "policies", *layers, "--queries", "9", "--fail-if", condition],
            ["pareto", "show", str(sound.folder / "swept"), "--objective", word],
            ["pareto", "show", word], ["trace", "describe", word], ["validate", "--subnet", word],
            ["validate", "--measured", word], ["recommend", "--device", word],
            ["recommend", str(sound.folder / "swept"), "--max-latency-ms", word],
            ["pareto", "hypervolume", str(sound.folder / "swept"), "--reference", word],
            ["explain", word, "--hw", TINY, *layers, "--samples", "2"],
            ["sweep", "--hw", TINY, "--queries", word, "--dry-run"], [word], ["cost", word],
            ["export", TINY, "--design", word, "--out", str(folder / "out" / "d.yaml")],
            ["trace", "generate", "--demands", word, "--out", str(folder / "out" / "t.csv")],
            ["trace", "generate", "--queries", "9", "--arrivals", "poisson", "--rate-per-s", word,
             "--out", str(folder / "out" / "t.csv")],
        ]
    )  # fmt: skip


def _mutated_text(rng: random.Random, content: bytes) -> bytes:
    return hostile.mutated(rng, content, hostile.TEXT_MUTATIONS)


MAKERS: tuple[Maker, ...] = (
    hardware, workload, trace, measured, results, baseline, log, network, option
)  # fmt: skip


def make_sound_files(folder: Path) -> Sound:
    """The sound files, in a new folder; the tool itself writes those that it can."""
    from tests.onnx_nets import Net

    folder.mkdir()
    for path in (*ROOT.glob("hwconfigs/zcu104*.yaml"), ROOT / "hwconfigs" / "kv260.yaml",
                 *ROOT.glob("workloads/*.yaml"), Path(TINY)):  # fmt: skip
        shutil.copy(path, folder)
    texts = {"layers.yaml": LAYERS, "measured.csv": MEASURED, "timeloop.yaml": TIMELOOP,
             "zigzag.yaml": ZIGZAG}  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text)
    net = Net()
    net.save(folder / "net.onnx", net.conv(net.conv("x", 3, 4, 3), 4, 8, 3, stride=2))
    (folder / "ofa.json").write_text(json.dumps(OFA))
    layers = ["--workload", str(folder / "layers.yaml")]
    swept = ["sweep", "--hw", TINY, *layers, "--workers", "1"]
    for words in (
        [*swept, "--queries", "20", "--out", str(folder / "swept")],
        [*swept, "--exact", "--out", str(folder / "exact")],
        ["trace", "generate", *layers, "--queries", "20", "--out", str(folder / "trace.csv")],
        ["trace", "generate", *layers, "--queries", "20", "--out", str(folder / "trace.parquet")],
        ["export", TINY, "--design", "0", "--out", str(folder / "full.yaml")],
    ):
        done = run_words(words)
        if done.code:
            raise RuntimeError(f"{words}: {done.err}")
    done = run_words([*COMPARISON, *layers, "--format", "json"])
    (folder / "baseline.json").write_text(done.out)
    return Sound(folder)


def conv(channels: int, kernels: int, *, stride: int = 1, size: int = 3) -> dict[str, Any]:
    """A convolution of a `net.config`."""
    return {
        "name": "ConvLayer", "kernel_size": size, "stride": stride, "dilation": 1, "groups": 1,
        "bias": False, "has_shuffle": False, "in_channels": channels, "out_channels": kernels,
        "use_bn": True, "act_func": "relu", "dropout_rate": 0, "ops_order": "weight_bn_act",
    }  # fmt: skip


OFA = {
    "name": "MobileNetV3", "bn": {"momentum": 0.1, "eps": 1e-5},
    "first_conv": conv(3, 16, stride=2),
    "blocks": [
        {
            "name": "ResidualBlock",
            "conv": {
                "name": "MBConvLayer", "in_channels": 16, "out_channels": 16, "kernel_size": 3,
                "stride": 1, "expand_ratio": 1, "mid_channels": 16, "act_func": "relu",
                "use_se": False,
            },
            "shortcut": {"name": "IdentityLayer", "in_channels": [16], "out_channels": [16],
                         "use_bn": False, "act_func": None, "dropout_rate": 0,
                         "ops_order": "weight_bn_act"},
        }
    ],
    "final_expand_layer": conv(16, 96, size=1),
    "feature_mix_layer": conv(96, 128, size=1),
    "classifier": {"name": "LinearLayer", "in_features": 128, "out_features": 10, "bias": True,
                   "use_bn": False, "act_func": None, "dropout_rate": 0,
                   "ops_order": "weight_bn_act"},
}  # fmt: skip


class OutOfTimeError(BaseException):
    """A case that did not end."""


def _alarm(*_: object) -> None:
    raise OutOfTimeError


def run_words(words: Sequence[str], seconds: float = MOST_SECONDS) -> Outcome:
    """What a command does: its code, its output, and a fault for anything but an exit."""
    from sushi_dse.cli import main

    done = Outcome(number=0, kind="", words=list(words))
    # As Python has them on a terminal or in a pipe: what is no Unicode ends in an error on one.
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="", write_through=True)
    err = io.TextIOWrapper(
        io.BytesIO(), encoding="utf-8", errors="backslashreplace", newline="", write_through=True
    )
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    started = time.perf_counter()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(list(words))
    except SystemExit as stop:
        done.code = int(stop.code or 0)
    except OutOfTimeError as error:
        done.faults.append(f"hang: {_place(error)}")
    except BaseException as error:
        done.faults.append(f"traceback: {type(error).__name__}: {_place(error)}: {error!s:.80}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    done.seconds = time.perf_counter() - started
    done.out, done.err = (stream.buffer.getvalue().decode() for stream in (out, err))
    return done


def _place(error: BaseException) -> str:
    """The innermost of our lines in a traceback."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "sushi_dse" in f.filename]
    if not frames:
        return "no line of ours"
    return f"{frames[-1].filename.partition('sushi_dse/')[2]}:{frames[-1].lineno}"


def faults_of(done: Outcome, folder: Path, sound: Sound) -> Iterator[str]:
    """What is wrong with how a command ended."""
    if done.code is not None and done.code not in EXIT_CODES:
        yield f"exit code {done.code}"
    for name, text in (("stdout", done.out), ("stderr", done.err)):
        unprintable = UNPRINTABLE.search(text)
        if unprintable:
            yield f"control character {unprintable[0]!r} on {name}"
    if "Traceback" in done.err:
        yield "traceback on stderr"
    if any("Warning: " in line for line in done.err.splitlines()):
        yield f"Python's warning on stderr: {done.err[:120]!r}"
    if done.code == 2:
        errors = [line for line in done.err.splitlines() if not line.startswith("warning: ")]
        if len(errors) != 1 or not errors[0].startswith("error: "):
            yield f"{len(errors)} lines of error"
        line = errors[-1] if errors else ""
        if len(line) > MOST_CHARACTERS:
            yield f"an error of over {MOST_CHARACTERS} characters: {_masked(line)}"
        if not MEND.search(line):
            yield f"no mend: {_masked(line)}"
        named = [*(word for word in done.words if "/" in word), "--", "unknown", "trace: "]
        if done.kind != "option" and not any(_shown(word) in line for word in named):
            yield f"names no file: {_masked(line)}"


def _masked(line: str) -> str:
    """A message without what differs from case to case."""
    line = re.sub(r"[^ ]*/(case|sound-\d+)/", "", line)
    return re.sub(r"\d+", "#", re.sub(r"'[^']*'", "'..'", line))[:110]


def _shown(word: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in word).split("\\")[0]


def contents(*folders: Path) -> dict[str, object]:
    """All that lies in the folders, but for what was asked to be written to `out`."""
    found: dict[str, object] = {}
    for top in folders:
        for path in top.rglob("*"):
            if "out" not in path.relative_to(top).parts[:1]:
                status = path.lstat()
                found[str(path)] = status.st_mode, status.st_mtime_ns, status.st_size
    return found


TOUCHES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink", "os.link")
RUNS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")
touched: list[str] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what Python is about to write, run or connect to."""
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            touched.append(str(path))
    elif event in TOUCHES:
        touched.append(str(arguments[0]))
    elif event in RUNS:
        touched.append(f"{event} {arguments[0]}")


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
    places = set(touched)
    os.chdir(home)
    done.number, done.kind = number, maker.__name__
    own = [str(folder / "out"), str(folder / "swept"), "/dev/null", "__pycache__"]
    done.faults += faults_of(done, folder, sound)
    done.faults += [f"touches {p}" for p in places if not any(place in p for place in own)]
    after = contents(folder, sound.folder)
    written = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    resumes = words[0] == "sweep" and str(folder / "swept") in words
    done.faults += [f"changes {p}" for p in written if not (resumes and "/swept" in p)]
    return done


state: dict[str, Any] = {}


def begin(home: Path) -> None:
    """What a child does first: bound its memory, and make the sound files."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    os.environ["COLUMNS"] = "200"
    os.chdir(home)
    state["home"], state["sound"] = home, make_sound_files(home / f"sound-{os.getpid()}")
    sys.addaudithook(watch)


def run_cases(numbers: Sequence[int], seed: int) -> list[Outcome]:
    """Those cases, in a child."""
    done = []
    for number in numbers:
        (state["home"] / "number").write_text(str(number))
        done.append(run_case(number, seed, state["sound"], state["home"]))
    return done


def fuzz(cases: int, seed: int) -> Iterator[Outcome]:
    """The outcome of each case; one in which the child died is a fault too."""
    spawn, numbers = multiprocessing.get_context("spawn"), list(range(cases))
    while numbers:
        with (
            tempfile.TemporaryDirectory() as home,
            ProcessPoolExecutor(1, spawn, initializer=begin, initargs=(Path(home),)) as pool,
        ):
            try:
                while numbers:
                    yield from pool.submit(run_cases, numbers[:CHUNK], seed).result()
                    del numbers[:CHUNK]
            except BrokenProcessPool:
                died = int((Path(home) / "number").read_text())
                yield Outcome(died, MAKERS[died % len(MAKERS)].__name__, [], faults=["died"])
                numbers = [number for number in numbers if number > died]


def report(outcomes: Iterator[Outcome]) -> int:
    """Print what was found, a line a kind of fault with its first case; how many faults there are."""
    codes: dict[str, Counter[int | None]] = {}
    found: dict[str, list[Outcome]] = {}
    slowest, count = Outcome(0, "", []), 0
    for done in outcomes:
        count += 1
        codes.setdefault(done.kind, Counter())[done.code] += 1
        slowest = max(slowest, done, key=lambda case: case.seconds)
        for fault in done.faults:
            found.setdefault(f"{done.kind}: {fault}", []).append(done)
    for fault, cases in sorted(found.items()):
        print(f"{len(cases):5} x {fault}\n        first {cases[0].number}: {str(cases[0].words)[:300]}")
    for kind, counted in codes.items():
        ends = ", ".join(f"{n} with {code}" for code, n in sorted(counted.items(), key=str))
        print(f"{kind}: {ends}")
    print(f"{count} cases, {sum(map(len, found.values()))} faults, {len(found)} kinds; the slowest "
          f"took {slowest.seconds:.1f} s: {slowest.number}")  # fmt: skip
    return len(found)


def show(number: int, seed: int) -> None:
    """One case, with all that it printed; its files are left where they are."""
    home = Path(tempfile.mkdtemp())
    begin(home)
    done = run_case(number, seed, state["sound"], home)
    print(f"{done.words}\ncode {done.code}, {done.seconds:.1f} s, in {home}\n{done.out}\n{done.err}")
    print(*done.faults, sep="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases; 1 where any has a fault."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one case")
    asked = parser.parse_args(argv)
    if asked.only is not None:
        show(asked.only, asked.seed)
        return 0
    return int(report(fuzz(asked.cases, asked.seed)) > 0)


if __name__ == "__main__":
    sys.exit(main())
