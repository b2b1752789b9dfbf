"""Commands on hostile files, by what is hostile: a maker writes the files and names the command."""

import contextlib
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import hostile
from benchmarks.hostile import ROOT

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
LOG = "time,size,top1,limit\n" + "".join(
    f"{i * 1.5},{i * i},{70 + i},{9.5 + i}\n" for i in range(9)
)
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
    files = yaml_files(
        "tiny.yaml", "zcu104.yaml", "zcu104_measured.yaml", "kv260.yaml", "full.yaml"
    )
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
    words = rng.choice(
        [["validate", "--format", rng.choice(FORMATS)], ["validate"], ["calibrate", *out]]
    )
    return [*words, "--measured", path]


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
    common = [path, "--workload", str(sound.folder / "layers.yaml")]
    common += ["--out", str(folder / "out" / "t.csv")]
    common += rng.choice([[], ["--limit", "3"], ["--load", "0.8"]])
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
