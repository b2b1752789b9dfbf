"""The shipped SuperNets by name, and single layers."""

from collections.abc import Callable
from typing import Any

import yaml

from sushi_dse.workload.alphanet import AlphaNetChoice, AlphaNetFamily, alphanet_supernet
from sushi_dse.workload.layers import SuperNet
from sushi_dse.workload.mobilenet_v3 import (
    MobileNetV3Choice,
    MobileNetV3Family,
    mobilenet_v3_supernet,
)
from sushi_dse.workload.resnet import ResNetChoice, ResNetFamily, resnet_supernet
from tests import paths

WORKLOADS = paths.ROOT / "workloads"


def tuples(document: dict[str, Any]) -> dict[str, Any]:
    return {key: frozen(value) for key, value in document.items()}


def frozen(value: Any) -> Any:
    """A list, and every list in it, as a tuple."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def load(name: str) -> tuple[Any, list[Any], Callable[..., SuperNet]]:
    """The family, the choices and the generator of a workload file."""
    document = yaml.safe_load((WORKLOADS / f"{name}.yaml").read_text(encoding="utf-8"))
    for beside_the_family in ("description", "accuracy_model"):
        document.pop(beside_the_family, None)
    family_type, choice_type, build = {
        "resnet": (ResNetFamily, ResNetChoice, resnet_supernet),
        "alphanet": (AlphaNetFamily, AlphaNetChoice, alphanet_supernet),
        "mobilenet_v3": (MobileNetV3Family, MobileNetV3Choice, mobilenet_v3_supernet),
    }[document.pop("family")]
    choices = [choice_type(**tuples(entry)) for entry in document.pop("subnets")]
    return family_type(**tuples(document)), choices, build  # type: ignore[return-value] # by family


RESNET, RESNET_CHOICES, _ = load("ofa_resnet50")
MBV3, MBV3_CHOICES, _ = load("ofa_mbv3")
SUPERNETS = {
    "ofa_resnet50": resnet_supernet(RESNET, RESNET_CHOICES),
    "ofa_mbv3": mobilenet_v3_supernet(MBV3, MBV3_CHOICES),
}
