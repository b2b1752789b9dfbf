"""The value of an unquoted scalar of a YAML file: a truth value, a number or a text.

YAML 1.1 turns `no` into False, `010` into 8 and `1:30` into 90, and leaves `1e9` a text.  A scalar
that YAML reads otherwise than it looks is refused here, with what to write instead.
"""

import re
from collections.abc import Callable
from decimal import Decimal

from sushi_dse.units import parse_number

MAX_DIGITS = 15  # most digits of a whole number: a float keeps all of them

Scalar = bool | int | float | str

BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
DECIMAL = re.compile(r"[+-]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][+-][0-9]{1,2})?")


def _no_value(_: str) -> str:
    return "no value is given; write one or leave the key out"


def _truth_value(text: str) -> str:
    return f"YAML reads {text} as true or false; write that, or '{text}' for a text"


def _not_finite(text: str) -> str:
    return f"{text} is not finite; write a finite number"


def _leading_zero(text: str) -> str:
    plain = re.sub(r"^([+-]?)0+(?=[0-9])", r"\1", text)
    return f"{text} has a leading zero, which YAML may read as octal; write {plain}"


def _not_decimal(text: str) -> str:
    return f"{text} is not decimal; write it in decimal digits"


def _base_60(text: str) -> str:
    return f"YAML reads {text} in base 60; write one number, or '{text}' for a text"


def _underscore(text: str) -> str:
    return f"{text} has an underscore; write {text.replace('_', '')}"


def _bare_exponent(text: str) -> str:
    mantissa, exponent = re.split("[eE]", text)
    sign = "" if exponent[0] in "+-" else "+"
    signed = f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}{exponent}"
    digits = f"{Decimal(text):f}"
    mended = f"{digits} or {signed}" if len(digits) <= MAX_DIGITS else signed
    return f"YAML reads {text} as a text; write {mended}"


# The first pattern that matches the whole text, in any case, names what is wrong with it.
TRAPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (r"|~|null", _no_value),
    (r"yes|no|on|off", _truth_value),
    (r"[+-]?\.?(nan|inf|infinity)", _not_finite),
    (r"[+-]?0[0-9]+(\.[0-9]*)?", _leading_zero),
    (r"[+-]?0[xob][0-9a-f_]+", _not_decimal),
    (r"[+-]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?", _base_60),
    (r"[+-]?[0-9][0-9.]*_[0-9_.]*", _underscore),
    (r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)e[+-]?[0-9]{1,2}", _bare_exponent),
    (r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)e[+-]?[0-9]+", _not_finite),
)


def read_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar; ValueError, saying what to write, for one YAML misreads.

    >>> read_scalar("16"), read_scalar("true"), read_scalar("1.0e+9"), read_scalar("19.2 GB/s")
    (16, True, 1000000000.0, '19.2 GB/s')
    """
    if text in BOOLEANS:
        return BOOLEANS[text]
    if INTEGER.fullmatch(text):
        if len(text.lstrip("+-")) > MAX_DIGITS:
            raise ValueError(
                f"{text[:MAX_DIGITS]}... is too large; write {MAX_DIGITS} digits at most"
            )
        return int(text)
    if DECIMAL.fullmatch(text):
        try:
            return parse_number(text)
        except ValueError:
            raise ValueError(_not_finite(f"{text[:MAX_DIGITS]}...")) from None
    for pattern, wrong in TRAPS:
        if re.fullmatch(pattern, text, re.IGNORECASE):
            raise ValueError(wrong(text))
    return text
