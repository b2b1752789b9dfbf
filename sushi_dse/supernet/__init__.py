"""SuperNets, the SubNets cut from them, and their layers.

A SuperNet is described by a family and by each SubNet's choices within it (depths, widths, expand
ratios, resolution); the layers are generated.  A network that is in no SuperNet lists its layers.
"""

from sushi_dse.supernet.layers import (
    Layer,
    PlainLayer,
    SubNet,
    SuperNet,
    SuperNetLayer,
    shared_weight_bytes,
)
from sushi_dse.supernet.mobilenet_v3 import (
    MobileNetV3Choice,
    MobileNetV3Family,
    mobilenet_v3_supernet,
)
from sushi_dse.supernet.plain import PlainSubNet, plain_supernet
from sushi_dse.supernet.resnet import ResNetChoice, ResNetFamily, resnet_supernet
from sushi_dse.supernet.stages import linear

__all__ = [
    "Layer",
    "MobileNetV3Choice",
    "MobileNetV3Family",
    "PlainLayer",
    "PlainSubNet",
    "ResNetChoice",
    "ResNetFamily",
    "SubNet",
    "SuperNet",
    "SuperNetLayer",
    "linear",
    "mobilenet_v3_supernet",
    "plain_supernet",
    "resnet_supernet",
    "shared_weight_bytes",
]
