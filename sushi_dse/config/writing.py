"""The text of our own hardware and workload files, which reads back to the same value."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

from pydantic import ValidationError

from sushi_dse.config.choices import is_fit
from sushi_dse.config.document import MAX_BYTES
from sushi_dse.config.shipped import is_path
from sushi_dse.config.workload_keys import LayerKeys
from sushi_dse.errors import UserError, printable
from sushi_dse.hardware.accelerator import FIELDS_OF, Accelerator, Device
from sushi_dse.hardware.evidence import Evidence
from sushi_dse.workload.caveats import Sharing
from sushi_dse.workload.layers import PlainLayer
from sushi_dse.workload.plain import PlainSubNet

DEFAULTS = {
    name: field.default for name, field in LayerKeys.model_fields.items() if not field.is_required()
}


def yaml_text(value: object) -> str:
    """A text, a truth value or a finite number as a scalar of a YAML file; texts in quotes.

    >>> yaml_text("no"), yaml_text(True), yaml_text(1e-05), yaml_text(100.0), yaml_text(16)
    ('"no"', 'true', '0.00001', '100.0', '16')
    """
    if isinstance(value, float):
        digits = f"{Decimal(repr(value)):f}"  # YAML reads only some forms with an exponent.
        return digits if "." in digits else f"{digits}.0"
    return json.dumps(value, ensure_ascii=False)


def constants_text(
    path: Path,
    base: str,
    accelerator: Accelerator,
    names: Iterable[str],
    *,
    errors: Mapping[str, float],
    evidence: Mapping[str, Evidence],
    origin: str,
) -> str:
    """The text of a file at `path` that extends `base`, a name or a path, with other constants.

    names: the fields of `accelerator` that the file sets; errors: the standard error of each, NaN
    where the measurements do not show it; evidence: by kind of layers; origin: the measurements
    that the constants were fitted on, for the description.
    """
    origin = printable(origin)  # A line break in it would begin a key.
    extends = os.path.relpath(Path(base).absolute(), path.absolute().parent)
    lines = [
        f"extends: {yaml_text(Path(extends).as_posix() if is_path(base) else base)}",
        f"description: {yaml_text(f'{base} with constants fitted on {origin}')}",
        "",
        f"# fitted by `sushi-dse calibrate` on {origin}",
        *(f"{name}: {_fitted(getattr(accelerator, name), errors[name])}" for name in names),
        "evidence:",
        *(f"  {kind}: {found}" for kind, found in evidence.items()),
    ]
    return "\n".join(lines) + "\n"


def _fitted(value: float, error: float) -> str:
    """A fitted constant with its standard error, where the measurements determine it."""
    known = f"{{value: {value:.6f}, error: {error:.6f}}}"
    return known if is_fit(value, error) else f"{value:.6f}"


def hardware_text(accelerator: Accelerator, *, origin: str, assumptions: Sequence[str]) -> str:
    """The text of a hardware file that sets every key and extends no other.

    origin: a sentence without its period that says which design it is, for the description.
    """
    device = ", ".join(
        f"{field.name}: {yaml_text(getattr(accelerator.device, field.name))}"
        for field in fields(Device)
        if field.name != "accelerators"  # which no file tells
    )
    lines = [f"description: {yaml_text(f'{origin}.')}", f"device: {{{device}}}"]
    lines += [
        f"{field.name}: {yaml_text(getattr(accelerator, field.name))}"
        for field in fields(Accelerator)
        if field.name in FIELDS_OF[accelerator.dataflow] and field.name not in ("name", "device")
    ]
    if assumptions:
        lines += ["assumptions:", *(f"  - {yaml_text(text)}" for text in assumptions)]
    return "\n".join(lines) + "\n"


def workload_text(
    subnets: Sequence[PlainSubNet],
    *,
    accuracy_of: str,
    name: str = "",
    description: str = "",
    origin: str = "",
    supernet_layers: Sequence[str] | None = None,
    sharing: Sharing | None = None,
    equal_weights_percent: float | None = None,
    remarks: Mapping[PlainLayer, str] | None = None,
) -> str:
    """The text of a workload file of family `layers`, which reads back to the same SubNets.

    accuracy_of: the metric of the accuracies;
    origin: the source of the SubNets, for a comment; sharing, equal_weights_percent: as of
    `plain_supernet`; remarks: comments behind layers.  `UserError`
    where a layer, or the text, is larger than a workload file may be.
    """
    lines = [f"# {line}" for line in origin.splitlines()]
    if description:
        lines.append(f"description: {yaml_text(description)}")
    lines.append("family: layers")
    if name:
        lines.append(f"name: {yaml_text(name)}")
    lines.append(f"accuracy_of: {yaml_text(accuracy_of)}")
    if supernet_layers is not None:
        lines += ["supernet_layers:", *(f"  - {yaml_text(name)}" for name in supernet_layers)]
    if sharing is not None:
        lines.append(f"sharing: {sharing}")
    if equal_weights_percent is not None:
        lines.append(f"equal_weights_percent: {yaml_text(equal_weights_percent)}")
    lines.append("subnets:")
    for subnet in subnets:
        lines.append(f"  - name: {yaml_text(subnet.name)}")
        if subnet.accuracy_percent is not None:
            lines.append(f"    accuracy_percent: {yaml_text(float(subnet.accuracy_percent))}")
        if subnet.skipped:
            lines += ["    skipped:", *(f"      - {yaml_text(name)}" for name in subnet.skipped)]
        lines.append("    layers:")
        for layer in subnet.layers:
            remark = (remarks or {}).get(layer, "")
            lines.append(f"      - {_layer_text(layer)}" + (f"  # {remark}" if remark else ""))
    text = "\n".join(lines) + "\n"
    if len(text.encode()) > MAX_BYTES:
        count = sum(len(subnet.layers) for subnet in subnets)
        raise UserError(
            f"{count} layers are more than a workload file of {MAX_BYTES} bytes holds; import less"
        )
    return text


def _layer_text(layer: PlainLayer) -> str:
    values = {key: getattr(layer, key) for key in LayerKeys.model_fields}
    try:
        LayerKeys.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key, problem = first["loc"][0], first["msg"].lower()
        raise UserError(
            f"layer {layer.name!r}: {key} is {first['input']}, {problem}; no workload has such"
        ) from None
    kept = {key: value for key, value in values.items() if value != DEFAULTS.get(key)}
    return "{" + ", ".join(f"{key}: {_value_text(value)}" for key, value in kept.items()) + "}"


def _value_text(value: object) -> str:
    """A value of a layer; a list of one, or of numbers that agree on all sides, as one."""
    if not isinstance(value, tuple):
        return yaml_text(value)
    texts = list(map(yaml_text, value))
    is_one = len(texts) == 1 or (isinstance(value[0], int) and len(set(value)) == 1)
    return texts[0] if is_one else f"[{', '.join(texts)}]"
