"""A design as a hardware file of our own, which reads back to the same Accelerator."""

from dataclasses import fields

from sushi_dse.config.writing import yaml_text
from sushi_dse.exporting.chosen import Chosen
from sushi_dse.hardware import Accelerator, Device


def hardware_yaml(chosen: Chosen) -> str:
    """The text of a hardware file with every key, that extends no other."""
    design = chosen.accelerator
    device = ", ".join(
        f"{field.name}: {yaml_text(getattr(design.device, field.name))}" for field in fields(Device)
    )
    lines = [f"description: {yaml_text(f'{chosen.origin}.')}", f"device: {{{device}}}"]
    lines += [
        f"{field.name}: {yaml_text(getattr(design, field.name))}"
        for field in fields(Accelerator)
        if field.name not in ("name", "device")
    ]
    if chosen.assumptions:
        lines += ["assumptions:", *(f"  - {yaml_text(text)}" for text in chosen.assumptions)]
    return "\n".join(lines) + "\n"
