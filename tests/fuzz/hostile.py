"""Inputs that no honest user writes: sound files, and what a seed makes of them."""

import copy
import gzip
import io
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests import paths

ROOT = paths.ROOT

NUMBERS = [
    *("0", "-0.0", "-1", "1", "2", "7", "0.5", "1e-300", "1.0e+300", "1e400", "1e18", "65536"),
    *("4294967296", "9223372036854775807", "9223372036854775808", "9" * 30, "9" * 5000),
    *("nan", ".nan", "NaN", ".inf", "-.inf", "Infinity", "0x10", "010", "1_000", "1:30", "1e9"),
    *("true", "null", "~", "", "[]", "{}", "[1, 2]", "'8'", "1 MiB", "1e9 GB/s", "-5 MHz"),
    *("{min: 1, max: 9, step: 0}", "{min: 1, max: 1e15, step: 1}", "{min: 1, max: 9, factor: 1}"),
    *("\u0663", "1,5", "--", "!!python/object/apply:os.system ['touch pwned']", "&a [*a]", "*b"),
]
NAMES = [
    *("../../pwned", "/etc/passwd", "/dev/stdin", "a\0b", "a\nb", "x" * 5000, "", " ", ".", ".."),
    *("=cmd|'/C calc'!A0", "+1+1", "@SUM(1)", "-2", "[/x]", "[bold]", "[link=file:///x]y[/link]"),
    *("\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\r\rover", "\x9b31m", "\u202eevil", "\ufeff"),
    *("<script>alert(1)</script>", "a|b", "`id`", "$(id)", "%s%n", "{0.__class__}", "\ud800"),
    *(
        "CON",
        "nul.csv",
        "~root",
        "-h",
        "--help",
        "F",
        "sushi",
        "zcu104",
        "\u00e9\u0301",
        "\U0001f600",
    ),
]
TEXTS = [name for name in NAMES if "\ud800" not in name]  # which Unicode can hold
SHOWN = [
    *(name for name in TEXTS if name.strip() and "\0" not in name),
    *("<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "]]>", "&lt;&#x41;"),
    *("$x$", "_hidden", "a`b`", "\\frac{", "'\"", "\u2028", "\ufffe", "![x](http://x)"),
]
BYTES = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[2J", b"\r\n", b"\r", b'"', b",", b";", b"\t"]
FILE_NAMES = [
    "[/x]",
    "[bold]",
    "a\nb",
    "\x1b[31m",
    "=cmd|",
    "-h",
    "x" * 200,
    "\udcff",
    "\u202e",
    "%s",
]

Mutation = Callable[[random.Random, bytes], bytes]


def flipped(rng: random.Random, content: bytes) -> bytes:
    """Some bits of it flipped."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 20])):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(rng: random.Random, content: bytes) -> bytes:
    """A piece of it gone, as often as not its end."""
    start = rng.randrange(len(content) + 1)
    end = len(content) if rng.random() < 0.5 else min(len(content), start + rng.randrange(1, 64))
    return content[:start] + content[end:]


def doubled(rng: random.Random, content: bytes) -> bytes:
    """A piece of it several times."""
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start : start + rng.randrange(200)] * 3 + content[start:]


def inserted(rng: random.Random, content: bytes) -> bytes:
    """Bytes within it that do not belong there."""
    start = rng.randrange(len(content) + 1)
    return content[:start] + rng.choice(BYTES) + content[start:]


def renumbered(rng: random.Random, content: bytes) -> bytes:
    """Some of its numbers hostile ones."""
    return _replaced(rng, content, rb"-?\d+(\.\d+)?", NUMBERS)


def renamed(rng: random.Random, content: bytes) -> bytes:
    """Some of its words hostile ones, in quotes or without."""
    names = [*NAMES, *(json.dumps(name) for name in NAMES)]
    return _replaced(rng, content, rb"[A-Za-z_][\w./-]*", names)


def _replaced(rng: random.Random, content: bytes, what: bytes, by: list[str]) -> bytes:
    places = list(re.finditer(what, content))
    chosen = rng.sample(places, min(len(places), rng.choice([1, 1, 2, 4])))
    for match in sorted(chosen, reverse=True, key=lambda match: match.start()):
        new = rng.choice(by).encode(errors="surrogatepass")
        content = content[: match.start()] + new + content[match.end() :]
    return content


def relined(rng: random.Random, content: bytes) -> bytes:
    """A line dropped, doubled, moved or indented."""
    lines = content.splitlines(keepends=True) or [b""]
    place, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines.insert(other, lines[place])
        case 2:
            lines[place], lines[other] = lines[other], lines[place]
        case _:
            lines[place] = b" " * rng.randrange(1, 5) + lines[place]
    return b"".join(lines)


def replaced(rng: random.Random, content: bytes) -> bytes:
    """Another file altogether."""
    deep = rng.choice([10, 100, 100_000])
    bomb = "".join(
        f"{c}: &{c} [{', '.join(['*' + p] * 9)}]\n" for p, c in zip("abcdef", "bcdefg", strict=True)
    )
    return rng.choice(
        [
            b"",
            b"\n",
            b"null",
            b"[]",
            b"{}",
            b"0",
            b"a: &a [x]\n" + bomb.encode(),
            b"[" * deep,
            b"{a: " * deep,
            b'{"a":' * deep + b"1" + b"}" * deep,
            b"[" * deep + b"]" * deep,
            b"? " * deep,
            b"- " * deep,
            b"a" * 2**21,
            b"9" * 10**5,
            rng.randbytes(rng.randrange(500)),
            content.decode(errors="replace").encode("utf-16"),
            content.decode(errors="replace").encode("utf-8-sig"),
            content.replace(b"\n", b"\r\n"),
            content.replace(b"\n", b"\r"),
            gzip.compress(content),
            b"PAR1" + content + b"PAR1",
            b"%PDF-1.7\n",
        ]
    )


TEXT_MUTATIONS: list[Mutation] = [
    renumbered, renumbered, renumbered, renamed, renamed, relined, flipped, cut, doubled, inserted,
    replaced,
]  # fmt: skip
BYTE_MUTATIONS: list[Mutation] = [flipped, flipped, cut, doubled, inserted, replaced]


def mutated(rng: random.Random, content: bytes, mutations: list[Mutation]) -> bytes:
    """The content after one mutation, or a few."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        content = rng.choice(mutations)(rng, content)
    return content


def mutated_json(rng: random.Random, content: bytes) -> bytes:
    """A JSON document with a value somewhere in it exchanged, dropped or doubled."""
    document = json.loads(content)
    hostile: list[Any] = [
        None, True, 0, -1, 1e308, 10**30, float("nan"), float("inf"), "", "x", [], {}, [[]], [None],
        {"a": 1}, *rng.sample(NAMES, 3),
    ]  # fmt: skip
    for _ in range(rng.choice([1, 1, 2, 5])):
        holders = [node for node in _nodes(document) if isinstance(node, dict | list) and node]
        if not holders:
            break
        holder = rng.choice(holders)
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        key = rng.choice(list(keys))
        match rng.randrange(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[rng.choice(NAMES)] = copy.deepcopy(holder[key])
            case _:
                holder[key] = copy.deepcopy(rng.choice(hostile))
    return json.dumps(document).encode(errors="surrogatepass")


def _nodes(value: Any) -> list[Any]:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(node for child in below for node in _nodes(child))]


def mutated_parquet(rng: random.Random, content: bytes) -> bytes:
    """A Parquet file whose bytes are damaged, or whose columns are others than they should be."""
    if rng.random() < 0.4:
        return mutated(rng, content, BYTE_MUTATIONS)
    table = pq.read_table(io.BytesIO(content))
    for _ in range(rng.choice([1, 1, 2, 4])):
        if not table.num_columns:
            break
        place = rng.randrange(table.num_columns)
        name, rows = table.column_names[place], table.num_rows
        kind = rng.randrange(6)
        if kind == 0:
            table = table.remove_column(place)
        elif kind == 1:
            table = table.append_column(rng.choice([name, "x", *TEXTS]), table[place])
        elif kind == 2:
            table = table.slice(rng.randrange(rows + 1), rng.randrange(3))
        else:
            odd = rng.choice(
                [None, 0, -1, 2**62, -0.0, 1e308, float("nan"), float("inf"), "F", b"\xff", True,
                 [1.0], {"a": 1}, rng.choice(TEXTS)]
            )  # fmt: skip
            table = table.set_column(place, name, pa.array([odd] * rows))
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def part_named(folder: Path, name: str, content: bytes) -> str:
    """The name of a part with that content in a folder: its checksum holds, so that it is read.

    A certificate keeps its name, as its checksum stands in the part beside it.
    """
    from sushi_dse.store.parts import part_name
    from sushi_dse.store.run import Run

    if not name.startswith("part-"):
        return name
    return part_name(Run.read(folder).hash, int(name.split("-")[1]), content)


def generated_hardware(rng: random.Random) -> bytes:
    """A hardware file of keys that exist, and values that may be anything."""
    from sushi_dse.config.hardware_keys import HardwareKeys

    keys = rng.sample(list(HardwareKeys.model_fields), rng.randrange(1, 8))
    values = [*NUMBERS, *map(json.dumps, NAMES[:20]), "8", "64", "100", "64 KiB", "19.2 GB/s"]
    values += ["{from: 1, to: 1000000, step: 1}", "{from: 1, to: 1000000, factor: 10}"] * 3
    values += ["[1, 1000000]", "[2, 4, 8]", "1000000", "999999999999999", "0.000000001"]
    lines = [f"{key}: {rng.choice(values)}" for key in keys if key != "extends"]
    return "\n".join(["extends: zcu104", *lines]).encode()


def generated_layers(rng: random.Random) -> bytes:
    """A workload of layers of any size."""
    sizes = ["1", "3", "64", "224", "65536", "1048576", *NUMBERS[:12]]

    def layer(number: int) -> str:
        name = rng.choice([f"l{number}", json.dumps(rng.choice(NAMES))])
        keys = ["kernels", "channels", "kernel_height", "kernel_width", "height", "width"]
        sides = ["[2, 1]", "[0, 1, 1, 0]", "[]", f"[{rng.choice(sizes)}, {rng.choice(sizes)}]"]
        names = ["l0", "l1", "[l0, l1]", "[l0, l0]", "[]", json.dumps(rng.choice(NAMES)), "[[l0]]"]
        values = {
            "stride": sizes + sides,
            "padding": sizes + sides,
            "groups": sizes,
            "adds": names,
            "input_from": names,
        }
        keys += rng.sample(list(values), rng.randrange(4))
        sized = ", ".join(f"{key}: {rng.choice(values.get(key, sizes))}" for key in keys)
        return f"      - {{name: {name}, {sized}}}"

    subnets = [
        f"  - name: {json.dumps(rng.choice([*NAMES, 'A', 'B']))}\n"
        f"    accuracy_percent: {rng.choice(['50.0', '70.5', *NUMBERS])}\n    layers:\n"
        + "\n".join(layer(i) for i in range(rng.randrange(1, 4)))
        for _ in range(rng.randrange(1, 4))
    ]
    return ("family: layers\naccuracy_of: top-1\nsubnets:\n" + "\n".join(subnets)).encode()


def generated_csv(rng: random.Random, header: str) -> bytes:
    """A CSV file under that header whose fields may be anything."""
    columns = header.split(",")
    ending = rng.choice(["\n", "\r\n", "\r"])
    fields = ["1", "2.5", "75", *NUMBERS, *TEXTS, '"', '""', "'"]
    rows = [
        ",".join(rng.choice(fields) for _ in range(len(columns) + rng.choice([0, 0, 0, 1, -1])))
        for _ in range(rng.randrange(6))
    ]
    return ending.join([header, *rows, ""]).encode(errors="surrogatepass")
