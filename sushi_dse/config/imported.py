"""Workload files that `workload import` writes: networks by their layers."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from sushi_dse.config.document import MAX_BYTES
from sushi_dse.config.workload_keys import LayerKeys
from sushi_dse.config.writing import yaml_text
from sushi_dse.errors import UserError
from sushi_dse.supernet import PlainLayer, PlainSubNet

DEFAULTS = {
    name: field.default for name, field in LayerKeys.model_fields.items() if not field.is_required()
}


def workload_text(
    subnets: Sequence[PlainSubNet],
    *,
    name: str = "",
    description: str = "",
    origin: str = "",
    supernet_layers: Sequence[str] | None = None,
    remarks: Mapping[PlainLayer, str] | None = None,
) -> str:
    """The text of a workload file of family `layers`, which reads back to the same SubNets.

    origin: what they come from, for a comment; remarks: comments behind layers.
    `UserError` where a layer or the whole is larger than a workload file may have it.
    """
    lines = [f"# {line}" for line in origin.splitlines()]
    if description:
        lines.append(f"description: {yaml_text(description)}")
    lines.append("family: layers")
    if name:
        lines.append(f"name: {yaml_text(name)}")
    if supernet_layers is not None:
        lines += ["supernet_layers:", *(f"  - {yaml_text(name)}" for name in supernet_layers)]
    lines.append("subnets:")
    for subnet in subnets:
        lines.append(f"  - name: {yaml_text(subnet.name)}")
        lines.append(f"    top1_percent: {yaml_text(float(subnet.top1_percent))}")
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
    return "{" + ", ".join(f"{key}: {yaml_text(value)}" for key, value in kept.items()) + "}"
