"""The sound files that are made hostile; the tool itself writes those that it can."""

import contextlib
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fuzz.hostile import ROOT

TINY = str(ROOT / "tests" / "data" / "tiny.yaml")
LAYERS = """family: layers
name: two nets
accuracy_of: top-1
subnets:
  - name: A
    accuracy_percent: 70.5
    layers:
      - {name: first, kernels: 16, channels: 3, kernel_height: 3, kernel_width: 3, height: 32,
         width: 32, padding: 1}
      - {name: last, kernels: 10, channels: 16, kernel_height: 1, kernel_width: 1, height: 1,
         width: 1, fully_connected: true}
  - name: B
    accuracy_percent: 65.0
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
LOG_LINES = "".join(
    f'{{"time": {i * 1.5}, "size": {i * i}, "top1": {70 + i}, "limit": {9.5 + i}}}\n'
    for i in range(9)
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
COMPARISON = ["compare", "policies", "--queries", "9", "--policy", "sushi", "--policy", "no-sgs"]


@dataclass(frozen=True)
class Sound:
    """The files that are made hostile, by name."""

    folder: Path

    def read(self, name: str) -> bytes:
        """The sound file of that name."""
        return (self.folder / name).read_bytes()


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


def printed(words: list[str]) -> str:
    """What the tool prints for a command that is in order."""
    from sushi_dse.cli import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main(words)
    return out.getvalue()


def make_sound_files(folder: Path) -> Sound:
    """The sound files, in a new folder."""
    from tests.onnx_nets import Net

    folder.mkdir()
    shipped = [*ROOT.glob("hwconfigs/zcu104*.yaml"), ROOT / "hwconfigs" / "kv260.yaml"]
    for path in (*shipped, *ROOT.glob("workloads/*.yaml"), Path(TINY)):
        shutil.copy(path, folder)
    texts = {
        "layers.yaml": LAYERS,
        "measured.csv": MEASURED,
        "azure.csv": AZURE,
        "log.csv": LOG,
        "timeloop.yaml": TIMELOOP,
        "zigzag.yaml": ZIGZAG,
        "ofa.json": json.dumps(OFA),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    net = Net()
    net.save(folder / "net.onnx", net.conv(net.conv("x", 3, 4, 3), 4, 8, 3, stride=2))
    layers = ["--workload", str(folder / "layers.yaml")]
    swept = ["sweep", "--hw", TINY, *layers, "--workers", "1"]
    made = {
        "swept": [*swept, "--queries", "20", "--out"],
        "exact": [*swept, "--exact", "--out"],
        "trace.csv": ["trace", "generate", *layers, "--queries", "20", "--out"],
        "trace.parquet": ["trace", "generate", *layers, "--queries", "20", "--out"],
        "full.yaml": ["export", TINY, "--design", "0", "--out"],
        "found": ["search", "--hw", TINY, *layers, "--queries", "9", "--trials", "6", "--batch",
                  "3", "--policy", "sushi", "--out"],
    }  # fmt: skip
    for name, words in made.items():
        printed([*words, str(folder / name)])
        if not (folder / name).exists():
            raise RuntimeError(f"sound file {name} was not made")
    baseline = printed([*COMPARISON, *layers, "--format", "json"])
    (folder / "baseline.json").write_text(baseline, encoding="utf-8")
    return Sound(folder)
