"""Values as our YAML files have them, such that reading gives back the very same value."""

import json
from decimal import Decimal


def yaml_text(value: object) -> str:
    """A text, a truth value or a finite number as a scalar of a YAML file; texts in quotes.

    >>> yaml_text("no"), yaml_text(True), yaml_text(1e-05), yaml_text(100.0), yaml_text(16)
    ('"no"', 'true', '0.00001', '100.0', '16')
    """
    if isinstance(value, float):
        digits = f"{Decimal(repr(value)):f}"  # an exponent would be read in some forms only
        return digits if "." in digits else f"{digits}.0"
    return json.dumps(value, ensure_ascii=False)
