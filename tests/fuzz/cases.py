"""Commands on hostile files, by what is hostile: a maker writes the files and names the command."""

import contextlib
import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from tests.fuzz import hostile
from tests.fuzz.files import AZURE, COMPARISON, LOG, LOG_LINES, MEASURED, TINY, Sound
from tests.fuzz.onnx_files import mutated_onnx

FORMATS = ["table", "json", "jsonl", "markdown"]

Maker = Callable[[random.Random, Sound, Path], list[str]]  # writes the files; the command's words


def put(rng: random.Random, folder: Path, name: str, content: bytes) -> str:
    """The path of a file with that content; now and then its name is hostile, or it is none."""
    path = folder / name
    if rng.random() < 0.04:
        with contextlib.suppress(OSError):
            odd = folder / f"{rng.choice(hostile.FILE_NAMES)}{path.suffix}"
            odd.write_bytes(content)
            return str(odd)
    make = rng.choice(NO_FILES) if rng.random() < 0.05 else None
    if make is None:
        path.write_bytes(content)
    else:
        make(path)
    return str(path)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**36)


def _socket(path: Path) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as made:  # of a long path
        made.bind(str(path))


NO_FILES: tuple[Callable[[Path], object], ...] = (
    Path.mkdir,
    os.mkfifo,
    _sparse,
    _socket,
    lambda path: path.symlink_to(path),
    lambda path: path.symlink_to("nowhere"),
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to("/dev/null"),
    lambda path: path.symlink_to("/dev/tty"),
    lambda path: path.symlink_to("/proc/self/mem"),
    lambda path: path.symlink_to("/proc/kmsg"),
    lambda path: None,
)


def yaml_files(*names: str) -> Callable[[random.Random, Sound], bytes]:
    """One of those files, mutated."""
    return lambda rng, sound: hostile.mutated(
        rng, sound.read(rng.choice(names)), hostile.TEXT_MUTATIONS
    )


def hardware(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Hardware files, for every command that reads one."""
    files = yaml_files(
        "tiny.yaml", "zcu104.yaml", "zcu104_measured.yaml", "kv260.yaml", "full.yaml"
    )
    content = hostile.generated_hardware(rng) if rng.random() < 0.4 else files(rng, sound)
    hw = put(rng, folder, "hw.yaml", content)
    layers = str(sound.folder / "layers.yaml")
    space = ["--hw", hw, "--workload", layers]
    return rng.choice(
        [
            ["sweep", *space, "--trace", "none", "--dry-run"],
            ["search", *space, "--queries", "9", "--trials", "2", "--batch", "2", "--policy",
             "sushi", "--out", str(folder / "out" / "r")],
            ["explain", "0", *space, "--queries", "9", "--samples", "2"],
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
    files = yaml_files("layers.yaml", "layers.yaml", "ofa_resnet50.yaml", "ofa_mbv3.yaml",
                       "alphanet.yaml", "slimmable_resnet50.yaml")  # fmt: skip
    content = hostile.generated_layers(rng) if rng.random() < 0.4 else files(rng, sound)
    net = put(rng, folder, "net.yaml", content)
    out = str(folder / "out" / "r")
    return rng.choice(
        [
            ["cost", "--workload", net, "--format", rng.choice(FORMATS)],
            ["cost", "--workload", net, "--subnet", rng.choice(["A", "F", *hostile.TEXTS])],
            ["describe", "workload", net, "--format", rng.choice(FORMATS)],
            ["subnets", "--workload", net, "--queries", "9", "--choose", "2"],
            ["sweep", "--hw", TINY, "--workload", net, "--queries", "5", "--workers", "1",
             "--policy", "sushi", "--out", out],
            ["sweep", "--hw", TINY, "--workload", net, "--trace", "none", "--workers", "1",
             "--out", out],
            ["sweep", "--hw", TINY, "--workload", net, "--trace", "none", "--workers", "1",
             "--subnets", "2", "--out", out],
            ["trace", "generate", "--workload", net, "--queries", "9", "--load", "0.5",
             "--arrivals", "gamma", "--out", f"{out}.csv"],
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
    picture = str(folder / "out" / f"x{rng.choice(['.svg', '.html'])}")
    return rng.choice(
        [
            ["trace", "describe", path, "--format", rng.choice(FORMATS)],
            ["trace", "describe", path],
            ["trace", "describe", path, "--plot", picture],
            ["compare", "policies", "--workload", layers, "--trace", path, "--policy", "sushi",
             "--plot", picture],
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
    words = rng.choice(
        [
            ["validate", "--format", rng.choice(FORMATS)],
            ["validate", "--plot", str(folder / "out" / "x.svg")],
            ["calibrate", *out],
        ]
    )
    return [*words, "--measured", path]


def results(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Folders of results: their parts, `run.json` and certificate."""
    kind = rng.choice(["swept", "exact", "found"])
    swept = folder / "swept"
    shutil.copytree(sound.folder / kind, swept)
    names = sorted(path.name for path in swept.iterdir() if path.name != ".lock")
    for name in rng.sample(names, rng.choice([1, 1, 2])):
        content = (swept / name).read_bytes()
        (swept / name).unlink()
        if not name.endswith(".parquet"):
            json_text = name.endswith(".json") and rng.random() < 0.7
            mutate = hostile.mutated_json if json_text else mutated_text
            put(rng, swept, name, mutate(rng, content))
        else:
            changed = hostile.mutated_parquet(rng, content)
            put(rng, swept, hostile.part_named(sound.folder / kind, name, changed), changed)
    made = ["--hw", TINY, "--workload", str(sound.folder / "layers.yaml")]
    shown = ["--format", rng.choice(FORMATS)]
    picture = str(folder / "out" / f"x{rng.choice(['.svg', '.html'])}")
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
            ["pareto", "plot", str(swept), "--out", picture],
            [*AGAIN[kind], *made, "--out", str(swept)], [*AGAIN[kind], *made, "--out", str(swept)],
        ]
    )  # fmt: skip


AGAIN = {  # how the folders of results are made, and gone on with
    "swept": ["sweep", "--queries", "20", "--workers", "1"],
    "exact": ["sweep", "--exact", "--workers", "1"],
    "found": ["search", "--queries", "9", "--trials", "6", "--batch", "3", "--policy", "sushi"],
}


def baseline(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Comparisons that were stored as JSON."""
    mutate = hostile.mutated_json if rng.random() < 0.7 else mutated_text
    path = put(rng, folder, "baseline.json", mutate(rng, sound.read("baseline.json")))
    return [*COMPARISON, "--workload", str(sound.folder / "layers.yaml"), "--baseline", path,
            "--format", rng.choice([*FORMATS, "junit"])]  # fmt: skip


def log(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Request logs."""
    azure = rng.random() < 0.5
    content = (AZURE if azure else rng.choice([LOG, LOG_LINES])).encode()
    if rng.random() < 0.2:
        content = hostile.generated_csv(rng, content.decode().partition("\n")[0])
    content = hostile.mutated(rng, content, hostile.TEXT_MUTATIONS)
    path = put(rng, folder, "log.csv", content)
    common = [path, "--workload", str(sound.folder / "layers.yaml")]
    common += ["--out", str(folder / "out" / "t.csv")]
    common += rng.choice([[], ["--limit", "3"], ["--load", "0.8"]])
    if azure:
        return ["trace", "import", "azure-llm", *common]
    unit = rng.choice(["s", "ms", "us", "iso"])
    common += rng.choice([[], [], ["--skip-incomplete"]])
    asked = rng.choice(
        [[], ["--accuracy", "size", "--rank"], ["--accuracy", "top1", "--latency", "limit"]]
    )
    return ["trace", "import", "csv", *common, "--arrived", "time", "--time-unit", unit, *asked]


def network(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Networks in other tools' files."""
    name = rng.choice(["net.onnx", "ofa.json", "timeloop.yaml", "zigzag.yaml"])
    if name.endswith(".onnx") and rng.random() < 0.6:
        content = mutated_onnx(rng, sound.read(name))
    elif name.endswith(".onnx"):
        content = hostile.mutated(rng, sound.read(name), hostile.BYTE_MUTATIONS)
    elif name.endswith(".json") and rng.random() < 0.5:
        content = hostile.mutated_json(rng, sound.read(name))
    else:
        content = mutated_text(rng, sound.read(name))
    path = put(rng, folder, name, content)
    shape = ["--input-shape", "1x3x32x32"] if name in ("net.onnx", "ofa.json") else []
    skip = rng.choice([[], ["--skip-unsupported"]])
    return ["workload", "import", path, *shape, *skip, "--out", str(folder / "out" / "w.yaml")]


def mutated_text(rng: random.Random, content: bytes) -> bytes:
    """A text after a mutation or a few."""
    return hostile.mutated(rng, content, hostile.TEXT_MUTATIONS)
