"""Commands with hostile words, places to write to, folders and names; and all kinds of cases."""

import contextlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.fuzz import hostile
from tests.fuzz.cases import (
    AGAIN,
    FORMATS,
    NO_FILES,
    Maker,
    baseline,
    hardware,
    log,
    measured,
    network,
    put,
    results,
    trace,
    workload,
)
from tests.fuzz.files import TINY, Sound


def folder_of_another(path: Path) -> None:
    """A folder that holds a file of someone else."""
    path.mkdir()
    (path / "foreign").write_text("keep me", encoding="utf-8")


def option(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Hostile words where names and numbers are wanted."""
    # Of these the system itself allows no word with a null character in it.
    words = [word for word in (*hostile.NAMES, *hostile.NUMBERS) if "\0" not in word]
    word = rng.choice(words).encode(errors="surrogatepass").decode(errors="surrogateescape")
    layers = ["--workload", str(sound.folder / "layers.yaml")]
    swept, out = str(sound.folder / "swept"), str(folder / "out" / "x")
    trace = ["trace", "generate", "--out", f"{out}.csv"]
    sweep = ["sweep", "--hw", TINY, *layers, "--policy", "sushi", "--workers", "1", "--out", out]
    search = ["search", "--hw", TINY, *layers, "--trials", "3", "--queries", "9", "--policy",
              "sushi", "--out", out]  # fmt: skip
    compared = ["compare", "policies", *layers, "--queries", "9", "--policy", "sushi"]
    network = ["workload", "import", str(sound.folder / "net.onnx"), "--out", f"{out}.yaml"]
    return rng.choice(
        [
            ["cost", "--hw", word], ["cost", "--workload", word],
            ["cost", *layers, "--subnet", word], ["cost", *layers, "--subgraph", word],
            ["cost", *layers, "--plot", word], ["cost", "--format", word],
            ["describe", rng.choice(["hw", "workload", "policy", "metric"]), word],
            ["describe", word], ["schema", word], [word], ["cost", word], ["sweep", word],
            ["compare", "policies", *layers, "--policy", word],
            ["compare", "policies", *layers, "--policy", f"{word}.py:X"],
            ["compare", "policies", *layers, "--trace", word],
            [*compared, "--fail-if", f"sushi.mean_latency_ms > {word}"],
            [*compared, "--fail-if", word, "--format", "junit"],
            [*compared, "--tolerance-percent", word, "--baseline", word],
            [*compared, "--repeats", word], [*compared, "--seed", word],
            [*compared, "--mode", word], [*compared, "--slo-target", word, "--capacity"],
            [*compared, "--loads", word], [*compared, "--loads", f"0.1:1:{word}"],
            [*compared, "--queries-out", word],
            ["pareto", "show", swept, "--objective", word],
            ["pareto", "show", word], ["trace", "describe", word], ["validate", "--subnet", word],
            ["validate", "--measured", word], ["recommend", "--device", word],
            ["recommend", swept, "--max-latency-ms", word],
            ["recommend", swept, "--min-accuracy-percent", word], ["recommend", word],
            ["pareto", "hypervolume", swept, "--reference", word],
            ["pareto", "hypervolume", swept, *["--reference", word] * 3],
            ["pareto", "plot", swept, "--colour", word, "--out", f"{out}.svg"],
            ["pareto", "plot", swept, "--label", word, "--out", f"{out}.svg"],
            ["explain", word, "--hw", TINY, *layers, "--samples", "2"],
            ["explain", "0", "--hw", TINY, *layers, "--samples", word],
            [*sweep, "--queries", word], [*sweep, "--seed", word], [*sweep, "--workers", word],
            [*sweep, "--subnets", word], [*sweep, "--objective", word], [*sweep, "--keep", word],
            [*sweep, "--trace", word], [*sweep, "--cluster", f"{folder}/{word[:99]}"],
            ["sweep", "--hw", TINY, "--queries", word, "--dry-run"],
            [*search, "--seed", word], [*search, "--batch", word], [*search, "--sampler", word],
            [*search, "--storage", word], [*search, "--queries", word],
            ["export", TINY, "--design", word, "--out", f"{out}.yaml"],
            ["export", TINY, "--design", "0", "--to", word, "--out", f"{out}.yaml"],
            [*network, "--name", word], [*network, "--input-shape", word],
            [*network, "--accuracy-percent", word],
            [*trace, "--demands", word], [*trace, "--queries", word], [*trace, "--seed", word],
            [*trace, "--locality", word], [*trace, "--phases", word],
            [*trace, "--mean-phase-queries", word, "--demands", "phases"],
            [*trace, "--colocation", word], [*trace, "--load", word, "--arrivals", "gamma"],
            [*trace, "--queries", "9", "--arrivals", "poisson", "--rate-per-s", word],
            [*trace, "--arrivals", "mmpp", "--load", "0.5", "--mean-burst-s", word],
            [*trace, "--arrivals", "diurnal", "--load", "0.5", "--period-s", word],
            [*trace, "--arrivals", "gamma", "--load", "0.5", "--interarrival-cv", word],
            ["trace", "import", "csv", str(sound.folder / "log.csv"), "--arrived", word,
             "--time-unit", "s", "--out", f"{out}.csv"],
            ["trace", "import", "csv", str(sound.folder / "log.csv"), "--arrived", "time",
             "--time-unit", rng.choice(["s", word]), "--limit", word, "--out", f"{out}.csv"],
        ]
    )  # fmt: skip


def output(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Places to write to at which something else is, or can be nothing."""
    victim, layers = folder / "victim", ["--workload", str(sound.folder / "layers.yaml")]
    victim.write_text("keep me\nand me", encoding="utf-8")
    place = folder / "out" / rng.choice(["x", "x", "../out/x", "deep/x", hostile.FILE_NAMES[2]])
    log, net = str(sound.folder / "log.csv"), str(sound.folder / "net.onnx")
    suffix, words = rng.choice(
        [
            (".csv", ["trace", "generate", "--queries", "9", *layers, "--out"]),
            (".csv", ["trace", "import", "csv", log, "--arrived", "time", "--time-unit", "s",
                      *layers, "--out"]),
            (".yaml", ["workload", "import", net, "--out"]),
            (".yaml", ["export", TINY, "--design", "0", "--out"]),
            (".yaml", ["calibrate", "--measured", str(sound.folder / "measured.csv"), "--out"]),
            (".svg", ["pareto", "plot", str(sound.folder / "swept"), "--out"]),
            (".html", ["cost", *layers, "--plot"]),
            ("", ["sweep", "--hw", TINY, *layers, "--queries", "9", "--workers", "1", "--policy",
                  "sushi", "--out"]),
            ("", ["search", "--hw", TINY, *layers, "--queries", "9", "--trials", "3", "--policy",
                  "sushi", "--out"]),
        ]
    )  # fmt: skip
    place = place.with_name(place.name + rng.choice([suffix, suffix, suffix, ".odd", ".parquet"]))
    makers: list[Callable[[Path], object]] = [
        *NO_FILES,
        lambda path: path.symlink_to(victim) if suffix == "" else None,
        lambda path: path.write_text("keep me", encoding="utf-8") if suffix == "" else None,
        folder_of_another,
    ]
    with contextlib.suppress(OSError):
        rng.choice(makers)(place)
    return [*words, str(place)]


def planted(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Folders of results in which files are links to others, or no files at all."""
    kind = rng.choice(["swept", "exact", "found"])
    swept, victim = folder / "swept", folder / "victim"
    shutil.copytree(sound.folder / kind, swept)
    victim.write_text("keep me\nand me", encoding="utf-8")
    names = [path.name for path in swept.iterdir()]
    name = rng.choice([*names, ".lock", "run.json", "search.journal", "certificate.parquet"])
    (swept / name).unlink(missing_ok=True)
    makers: list[Callable[[Path], object]] = [
        *NO_FILES, *[lambda path: path.symlink_to(victim)] * len(NO_FILES)
    ]  # fmt: skip
    rng.choice(makers)(swept / name)
    made = ["--hw", TINY, "--workload", str(sound.folder / "layers.yaml"), "--out", str(swept)]
    again = [*AGAIN[kind], *made]
    return rng.choice(
        [
            again, again, again,
            ["pareto", "show", str(swept)],
            ["pareto", "plot", str(swept), "--out", str(folder / "out" / "x.html")],
            ["recommend", str(swept)],
            ["export", str(swept), "--design", "1", "--out", str(folder / "out" / "d.yaml")],
        ]
    )  # fmt: skip


POLICIES = [
    "",
    "class Mine",
    "import sys\nsys.exit(0)",
    "raise ValueError('two\\nlines \\x1b[31m')",
    "Mine = 1",
    "class Mine:\n    pass",
    "class Mine:\n    def __init__(self, x): pass\n    select = recache = print",
    *(
        f"class Mine:\n    def select(self, *_): {one}\n    def recache(self, *_): {other}"
        for one in ("return 0", "return -1", "return 'x'", "return None", "raise SystemExit", "1/0")
        for other in ("return 0", "return 10**30", "return float('nan')", "raise KeyError('a\\n')")
    ),
]


def policy(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Policies of a user that are wrong, if not wicked: they are code, and are run."""
    text = rng.choice(POLICIES).encode()
    if rng.random() < 0.2:
        text = rng.choice([b"\xff", b"\0", b"# -*- coding: nonsense -*-\n"]) + text
    path = put(rng, folder, "mine.py", text)
    layers = ["--workload", str(sound.folder / "layers.yaml")]
    words = rng.choice(
        [
            ["compare", "policies", "--queries", "9"],
            ["sweep", "--hw", TINY, "--queries", "9", "--workers", "1", "--out",
             str(folder / "out" / "r")],
            ["search", "--hw", TINY, "--queries", "9", "--trials", "3", "--out",
             str(folder / "out" / "r")],
        ]
    )  # fmt: skip
    return [
        *words,
        *layers,
        "--policy",
        f"{path}:{rng.choice(['Mine', 'Mine', 'mine', '', 'a b'])}",
    ]


def shown(rng: random.Random, sound: Sound, folder: Path) -> list[str]:
    """Names that are hostile to whoever shows them: pages, pictures, tables."""
    name, layer = (json.dumps(rng.choice(hostile.SHOWN)) for _ in range(2))
    text = sound.read("layers.yaml").decode()
    text = text.replace("name: A", f"name: {name}").replace("name: first", f"name: {layer}")
    text = text.replace("two nets", rng.choice(["n", "../../n", "<b>n</b>"]))
    net = put(rng, folder, "net.yaml", text.encode(errors="surrogatepass"))
    picture = str(folder / "out" / rng.choice(["x.svg", "x.html", "x.png"]))
    made = ["sweep", "--hw", TINY, "--workload", net, "--workers", "1", "--out",
            str(folder / "out" / "r")]  # fmt: skip
    return rng.choice(
        [
            ["cost", "--workload", net, "--plot", picture],
            ["cost", "--workload", net, "--format", rng.choice(FORMATS)],
            ["compare", "policies", "--workload", net, "--queries", "9", "--policy", "sushi",
             "--plot", picture],
            [*made, "--trace", "none", "--format", rng.choice(FORMATS)],
            [*made, "--queries", "9", "--policy", "sushi", "--format", rng.choice(FORMATS)],
        ]
    )  # fmt: skip


MAKERS: tuple[Maker, ...] = (
    hardware, workload, trace, measured, results, baseline, log, network, option, option, output,
    planted, shown, policy,
)  # fmt: skip
