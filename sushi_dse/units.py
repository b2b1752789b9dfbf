"""Quantities as people write them (`1.5 MiB`, `19.2 GB/s`), and the unit suffixes of names."""

import re
from fractions import Fraction
from math import isfinite
from typing import NamedTuple


class Unit(NamedTuple):
    """A unit of measurement."""

    symbol: str  # the unit as it is written after a number
    dimension: str  # kind of quantity that the unit measures, a key of SCALES
    scale: Fraction  # size of the unit in the base unit of its dimension


SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9,
         "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}  # fmt: skip
SCALES: dict[str, dict[str, int | str]] = {
    "size": {**SIZES},
    "bandwidth": {f"{symbol}/s": scale for symbol, scale in SIZES.items()},
    "frequency": {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9},
    "time": {"ns": "1e-9", "us": "1e-6", "ms": "1e-3", "s": 1},
    "energy": {"pJ": "1e-12", "nJ": "1e-9", "uJ": "1e-6", "mJ": "1e-3", "J": 1},
    "power": {"mW": "1e-3", "W": 1},
    "energy per bit": {"pJ/bit": "1e-12", "nJ/bit": "1e-9"},
}
UNITS = {
    symbol: Unit(symbol, dimension, Fraction(scale))
    for dimension, scales in SCALES.items()
    for symbol, scale in scales.items()
}

# The suffix of a name, and the symbol of its unit; units that are not in `UNITS` are never parsed.
SUFFIXES = {
    "bytes": "bytes", "kib": "KiB", "mib": "MiB", "gb_per_s": "GB/s", "mhz": "MHz",
    "us": "us", "ms": "ms", "s": "s", "pj": "pJ", "nj": "nJ", "uj": "uJ", "mj": "mJ", "w": "W",
    "mw": "mW", "pj_per_bit": "pJ/bit", "pj_per_byte": "pJ/byte", "percent": "%",
    "points": "points", "cycles": "cycles", "queries_per_s": "queries/s",
    "designs_per_s": "designs/s",
}  # fmt: skip
MOST_SHOWN = 40  # most characters of a wrong text that an error quotes
PER_QUERY = "_per_query"
ANY_METRIC = "accuracy"  # word in names for whichever metric the accuracies are of
ACRONYMS = {"pe": "PE", "dram": "DRAM", "dsp": "DSP", "slo": "SLO", "sgs": "SGS",
            "lut": "LUT", "ff": "FF", "bram36": "BRAM36", "uram288": "URAM288", "mac": "MAC",
            "macs": "MACs"}  # fmt: skip

UNSIGNED = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NUMBER = rf"[+-]?{UNSIGNED}"
TIMES = "(?:([1-9][0-9]{0,3}) *x *)?"  # so many of the same, such as channels of a memory
QUANTITY = re.compile(rf"{TIMES}(?P<number>{NUMBER}) *(?P<unit>[A-Za-z/]*)")
BLANKS = " \t"  # characters that may surround a number in a CSV file


def parse_number(text: str) -> float:
    """The float nearest to the number that `text` writes in decimal digits.

    ValueError where the text is no such number, or one that is too large for a float.  Python alone
    would also read `1_000`, ` 1 `, `nan`, `infinity` and the digits of other scripts.

    >>> parse_number("-12.5"), parse_number("4e3")
    (-12.5, 4000.0)
    """
    if re.fullmatch(NUMBER, text) and isfinite(value := float(text)):
        return value
    raise ValueError(f"{text[:MOST_SHOWN]!r} is no finite number; write one such as 12.5")


def quantity(text: str, unit: str) -> float:
    """The quantity that `text` states, in `unit`: a suffix of names, such as `kib`.

    ValueError, saying what would mend it, where `text` is no number with a unit of the same
    dimension; KeyError where `unit` has no dimension.

    >>> quantity("1.5 MiB", "kib"), quantity("19200 MB/s", "gb_per_s")
    (1536.0, 19.2)
    >>> quantity("2 x 25.6 GB/s", "gb_per_s")
    51.2
    """
    wanted = UNITS["B" if unit == "bytes" else SUFFIXES[unit]]
    example = f"such as '100 {wanted.symbol}'"
    match = QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no {wanted.dimension}; write number and unit, {example}")
    times, number, symbol = match.groups()
    if not symbol:
        raise ValueError(f"{text!r} has no unit; write '{number} {wanted.symbol}'")
    given = UNITS.get(symbol)
    if given is None:
        raise ValueError(f"unknown unit {symbol!r}; {_near_unit(symbol, wanted.dimension)}")
    if given.dimension != wanted.dimension:
        raise ValueError(
            f"{text!r} is a {given.dimension} where a {wanted.dimension} is wanted, {example}"
        )
    try:
        # `parse_number` bounds the number first: a fraction of 1e999999999 would fill the memory.
        exact = Fraction(number) if parse_number(number) else Fraction(0)
        return float(int(times or 1) * exact * given.scale / wanted.scale)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:MOST_SHOWN]!r} is no finite {wanted.dimension}; write fewer digits, {example}"
        ) from None


def _near_unit(symbol: str, dimension: str) -> str:
    """The hint for an unknown unit: the one that differs in case only, or all of the dimension."""
    known = [unit.symbol for unit in UNITS.values() if unit.dimension == dimension]
    near = [name for name in known if name.lower() == symbol.lower()]
    return f"did you mean {near[-1]!r}?" if near else f"known: {', '.join(known)}"


def unit_of(name: str) -> str:
    """The suffix of `name` that is its unit; empty for a count or a ratio.

    >>> unit_of("dram_gb_per_s"), unit_of("energy_mj_per_query"), unit_of("pe_kernels")
    ('gb_per_s', 'mj_per_query', '')
    """
    stem = name.removesuffix(PER_QUERY)
    fitting = (unit for unit in SUFFIXES if stem.endswith(f"_{unit}"))
    unit = max(fitting, key=len, default="")
    return unit + name[len(stem) :] if unit else ""


def label(name: str, accuracy_of: str = ANY_METRIC) -> str:
    """The heading of a table or an axis for the column of that name.

    accuracy_of: the metric that stands for the word `accuracy`, where the column has a unit.

    >>> label("p99_latency_ms"), label("offchip_bytes_per_query"), label("slo_attainment")
    ('p99 latency (ms)', 'offchip (bytes per query)', 'SLO attainment')
    >>> label("mean_accuracy_percent"), label("mean_accuracy_percent", "ImageNet top-1")
    ('mean accuracy (%)', 'mean ImageNet top-1 (%)')
    """
    unit = unit_of(name)
    stem = name[: -len(unit) - 1] if unit else name
    said = {**ACRONYMS, ANY_METRIC: accuracy_of} if unit else ACRONYMS
    words = " ".join(said.get(word, word) for word in stem.split("_"))
    if not unit:
        return words
    bare = unit.removesuffix(PER_QUERY)
    return f"{words} ({SUFFIXES[bare]}{' per query' if bare != unit else ''})"
