"""Quantities as people write them (`1.5 MiB`, `19.2 GB/s`), and the units that end our names."""

import re
from fractions import Fraction
from math import isfinite
from typing import NamedTuple


class Unit(NamedTuple):
    """How a unit is written, what it measures, and its size in the base unit of that dimension."""

    symbol: str
    dimension: str
    scale: Fraction


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

# A unit as a name ends in it, and its symbol; quantities without a `UNITS` entry are only labelled.
SUFFIXES = {
    "bytes": "bytes", "kib": "KiB", "mib": "MiB", "gb_per_s": "GB/s", "mhz": "MHz",
    "us": "us", "ms": "ms", "s": "s", "pj": "pJ", "nj": "nJ", "uj": "uJ", "mj": "mJ", "w": "W",
    "mw": "mW", "pj_per_bit": "pJ/bit", "pj_per_byte": "pJ/byte", "percent": "%",
    "cycles": "cycles", "queries_per_s": "queries/s", "designs_per_s": "designs/s",
}  # fmt: skip
MOST_SHOWN = 40  # characters of a wrong text
PER_QUERY = "_per_query"
ACRONYMS = {"pe": "PE", "dram": "DRAM", "dsp": "DSP", "slo": "SLO", "sgs": "SGS",
            "bram36": "BRAM36", "uram288": "URAM288", "mac": "MAC", "macs": "MACs"}  # fmt: skip

UNSIGNED = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NUMBER = rf"[+-]?{UNSIGNED}"
QUANTITY = re.compile(rf"(?P<number>{NUMBER}) *(?P<unit>[A-Za-z/]*)")
BLANKS = " \t"  # which may stand around a number in a CSV file


def parse_number(text: str) -> float:
    """The float nearest to the number that `text` writes in decimal digits, and nothing else.

    ValueError where it writes none, or one past all floats: Python alone would also read `1_000`,
    ` 1 `, `nan`, `infinity` and the digits of other scripts.

    >>> parse_number("-12.5"), parse_number("4e3")
    (-12.5, 4000.0)
    """
    if re.fullmatch(NUMBER, text) and isfinite(value := float(text)):
        return value
    raise ValueError(f"{text[:MOST_SHOWN]!r} is no finite number; write one such as 12.5")


def quantity(text: str, unit: str) -> float:
    """The quantity that `text` states, in `unit`: a suffix of our names, such as `kib`.

    Raises ValueError, saying what would mend it, where `text` is no number with a unit of the same
    dimension; KeyError for a `unit` that measures none.

    >>> quantity("1.5 MiB", "kib"), quantity("19200 MB/s", "gb_per_s")
    (1536.0, 19.2)
    """
    wanted = UNITS["B" if unit == "bytes" else SUFFIXES[unit]]
    example = f"such as '100 {wanted.symbol}'"
    match = QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no {wanted.dimension}; write number and unit, {example}")
    number, symbol = match.groups()
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
        # What is no float would be a fraction of endlessly many digits.
        exact = Fraction(number) if parse_number(number) else Fraction(0)
        return float(exact * given.scale / wanted.scale)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:MOST_SHOWN]!r} is no finite {wanted.dimension}; write fewer digits, {example}"
        ) from None


def _near_unit(symbol: str, dimension: str) -> str:
    """The unit that differs in case only, or all units of the dimension."""
    known = [unit.symbol for unit in UNITS.values() if unit.dimension == dimension]
    near = [name for name in known if name.lower() == symbol.lower()]
    return f"did you mean {near[-1]!r}?" if near else f"known: {', '.join(known)}"


def unit_of(name: str) -> str:
    """The unit that ends `name`, as a suffix; empty for a count or a ratio.

    >>> unit_of("dram_gb_per_s"), unit_of("energy_mj_per_query"), unit_of("pe_kernels")
    ('gb_per_s', 'mj_per_query', '')
    """
    stem = name.removesuffix(PER_QUERY)
    fitting = (unit for unit in SUFFIXES if stem.endswith(f"_{unit}"))
    unit = max(fitting, key=len, default="")
    return unit + name[len(stem) :] if unit else ""


def label(name: str) -> str:
    """A column's name as the heading of a table or an axis.

    >>> label("p99_latency_ms"), label("offchip_bytes_per_query"), label("slo_attainment")
    ('p99 latency (ms)', 'offchip (bytes per query)', 'SLO attainment')
    """
    unit = unit_of(name)
    stem = name[: -len(unit) - 1] if unit else name
    words = " ".join(ACRONYMS.get(word, word) for word in stem.split("_"))
    if not unit:
        return words
    bare = unit.removesuffix(PER_QUERY)
    return f"{words} ({SUFFIXES[bare]}{' per query' if bare != unit else ''})"
