from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.units import SUFFIXES, UNITS, label, parse_number, quantity, unit_of


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1.5 MiB", "kib", 1536.0),
        ("256 KiB", "kib", 256.0),
        ("1 GiB", "kib", 1048576.0),
        ("2048 B", "kib", 2.0),
        ("1.024 kB", "kib", 1.0),
        ("1.024 KB", "kib", 1.0),
        ("2 MB", "bytes", 2e6),
        ("19.2 GB/s", "gb_per_s", 19.2),
        ("19200 MB/s", "gb_per_s", 19.2),
        ("1 GiB/s", "gb_per_s", 1.073741824),
        ("100 MHz", "mhz", 100.0),
        ("0.1 GHz", "mhz", 100.0),
        ("100000 kHz", "mhz", 100.0),
        ("77 us", "us", 77.0),
        ("0.077 ms", "us", 77.0),
        ("1 s", "ms", 1000.0),
        ("0.3 pJ", "pj", 0.3),
        ("1 nJ", "pj", 1000.0),
        ("500 mW", "w", 0.5),
        ("15 pJ/bit", "pj_per_bit", 15.0),
        ("100MHz", "mhz", 100.0),
        ("1.0e+2 MHz", "mhz", 100.0),
        ("-1 us", "us", -1.0),
        (".5 MiB", "kib", 512.0),
        ("2 x 25.6 GB/s", "gb_per_s", 51.2),
        ("2x 16 KiB", "kib", 32.0),
    ],
)
def test_a_quantity_is_read_in_the_unit_that_is_asked(
    text: str, unit: str, expected: float
) -> None:
    assert quantity(text, unit) == expected


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)))
def test_a_quantity_is_the_float_nearest_to_what_is_written(tenths: int, symbol: str) -> None:
    unit = {u: name for name, u in SUFFIXES.items()}
    base = {"size": "KiB", "bandwidth": "GB/s", "frequency": "MHz", "time": "us", "energy": "pJ",
            "power": "W", "energy per bit": "pJ/bit"}[UNITS[symbol].dimension]  # fmt: skip
    exact = Fraction(tenths, 10) * UNITS[symbol].scale / UNITS[base].scale
    assert quantity(f"{tenths / 10} {symbol}", unit[base]) == float(exact)


@pytest.mark.parametrize(
    ("text", "unit", "mend"),
    [
        ("19.2 GB/s", "kib", "'19.2 GB/s' is a bandwidth where a size is wanted"),
        ("1.5 MiB", "gb_per_s", "'1.5 MiB' is a size where a bandwidth is wanted"),
        ("100", "mhz", "write '100 MHz'"),
        ("100 mhz", "mhz", "did you mean 'MHz'?"),
        ("100 kib", "kib", "did you mean 'KiB'?"),
        ("100 parsec", "us", "known: ns, us, ms, s"),
        ("fast", "mhz", "write number and unit"),
        ("", "mhz", "write number and unit"),
        ("100 MHz each", "mhz", "write number and unit"),
        ("1 2 MHz", "mhz", "write number and unit"),
        ("\u0661 MHz", "mhz", "write number and unit"),  # an Arabic digit
        ("nan MHz", "mhz", "write number and unit"),
        ("100 MHz\n", "mhz", "write number and unit"),
    ],
)
def test_a_text_that_is_no_such_quantity_is_refused_with_what_mends_it(
    text: str, unit: str, mend: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        quantity(text, unit)
    assert mend in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text())
def test_any_text_is_a_finite_quantity_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert abs(quantity(text, "kib")) < float("inf")


@pytest.mark.parametrize(
    "text", ["1e308 GB", "1" * 5000 + " B", "0." + "1" * 5000 + " B", "1e999999999 B", "1e-99 GB"]
)
def test_a_quantity_of_any_size_is_read_or_refused_at_once(text: str) -> None:
    with suppress(ValueError):
        assert quantity(text, "kib") < 1e-80


FIELDS = st.text("0123456789.eE+-_ naif\u0663\uff11x", max_size=6)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_back_from_what_is_written_of_it(value: float) -> None:
    for text in (repr(value), f"{value:+.17e}"):
        assert parse_number(text).hex() == value.hex()


@given(FIELDS)
def test_a_number_is_ascii_digits_with_a_point_and_an_exponent(text: str) -> None:
    mantissa, e, exponent = text.replace("E", "e").partition("e")
    whole, _, part = mantissa.removeprefix("-" if text[:1] == "-" else "+").partition(".")
    ends = exponent[1:] if exponent[:1] in ("+", "-") else exponent

    def digits(characters: str) -> bool:
        return all("0" <= each <= "9" for each in characters)

    is_number = digits(whole + part + ends) and bool(whole + part) and bool(ends or not e)
    try:
        assert parse_number(text) == float(text)
        assert is_number
    except ValueError:
        assert not is_number or abs(float(text)) == float("inf")


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 400])
def test_a_number_past_all_floats_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no finite number; write one such as"):
        parse_number(text)


@pytest.mark.parametrize(
    ("name", "unit", "heading"),
    [
        ("p99_latency_ms", "ms", "p99 latency (ms)"),
        ("accuracy_percent", "percent", "accuracy (%)"),
        ("persistent_buffer_kib", "kib", "persistent buffer (KiB)"),
        ("dram_gb_per_s", "gb_per_s", "DRAM (GB/s)"),
        ("dram_pj_per_bit", "pj_per_bit", "DRAM (pJ/bit)"),
        ("offchip_bytes_per_query", "bytes_per_query", "offchip (bytes per query)"),
        ("energy_mj_per_query", "mj_per_query", "energy (mJ per query)"),
        ("throughput_queries_per_s", "queries_per_s", "throughput (queries/s)"),
        ("switches_per_query", "", "switches per query"),
        ("slo_attainment", "", "SLO attainment"),
        ("mac_energy_mj_per_query", "mj_per_query", "MAC energy (mJ per query)"),
        ("pe_kernels", "", "PE kernels"),
        ("recache_every_queries", "", "recache every queries"),
        ("policy", "", "policy"),
        ("ms", "", "ms"),
    ],
)
def test_a_name_is_labelled_with_the_unit_that_ends_it(name: str, unit: str, heading: str) -> None:
    assert unit_of(name) == unit
    assert label(name) == heading
