"""Once-for-all's `net.config`: the structure that once-for-all writes, from the choices we ship."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sushi_dse.config.document import read_document
from sushi_dse.config.shipped import shipped_folder
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.interchange.imports import ImportedWorkload, import_workload
from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.weights import shared_weight_bytes

IMAGE = {"": (1, 3, 224, 224)}


def imported(*paths: Path, **options: Any) -> ImportedWorkload:
    return import_workload(paths, **options)


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(UserError) as refused:
        imported(path, **options)
    line = str(refused.value)
    assert line.isprintable()
    return line


def sizes(layer: PlainLayer) -> PlainLayer:
    """The layer without its name and number, and without the names of those that it reads."""
    fields = {name: getattr(layer, name) for name in PlainLayer.__dataclass_fields__}
    return PlainLayer(**fields | {"name": "", "input_from": (), "adds": ()})


def divisible(channels: float, divisor: int = 8) -> int:
    """`make_divisible` of once-for-all."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def conv_layer(channels: int, kernels: int, size: int, stride: int = 1) -> dict[str, Any]:
    return {
        "name": "ConvLayer", "kernel_size": size, "stride": stride, "dilation": 1, "groups": 1,
        "bias": False, "has_shuffle": False, "use_se": False, "in_channels": channels,
        "out_channels": kernels, "use_bn": True, "act_func": "relu", "dropout_rate": 0,
        "ops_order": "weight_bn_act",
    }  # fmt: skip


def linear_layer(channels: int, classes: int) -> dict[str, Any]:
    return {
        "name": "LinearLayer", "in_features": channels, "out_features": classes, "bias": True,
        "use_bn": False, "act_func": None, "dropout_rate": 0, "ops_order": "weight_bn_act",
    }  # fmt: skip


def stages_of(family: Any, subnet: Any) -> Iterator[tuple[int, int, float]]:
    """Stage, block and expand ratio; the ratios are those of all blocks that there may be."""
    ratios = list(subnet["block_expand_ratios"])
    one_each = len(ratios) == sum(subnet["blocks_per_stage"])
    starts = subnet["blocks_per_stage"] if one_each else family["max_blocks_per_stage"]
    for stage, blocks in enumerate(subnet["blocks_per_stage"]):
        for block in range(blocks):
            yield stage, block, ratios[sum(starts[:stage]) + block]


def resnet_config(family: Any, subnet: Any) -> dict[str, Any]:
    first, last = subnet["stem_widths"]
    identity = {"name": "IdentityLayer", "in_channels": first, "out_channels": first}
    stem = [conv_layer(3, first, 3, 2)]
    if subnet["stem_residual_conv"]:
        residual = conv_layer(first, first, 3)
        stem.append({"name": "ResidualBlock", "conv": residual, "shortcut": identity})
    stem.append(conv_layer(first, last, 3))
    blocks, channels = [], last
    for stage, block, ratio in stages_of(family, subnet):
        multiplier = subnet["stage_width_multipliers"][stage]
        width = divisible(family["stage_widths"][stage] * multiplier)
        blocks.append({
            "name": "ResNetBottleneckBlock", "in_channels": channels, "out_channels": width,
            "kernel_size": 3, "stride": family["stage_strides"][stage] if block == 0 else 1,
            "expand_ratio": ratio, "mid_channels": divisible(round(width * ratio)),
            "act_func": "relu", "groups": 1, "downsample_mode": "avgpool_conv",
        })  # fmt: skip
        channels = width
    return {
        "name": "ResNets",
        "bn": {"momentum": 0.1, "eps": 1e-05, "ws_eps": None},
        "input_stem": stem,
        "blocks": blocks,
        "classifier": linear_layer(channels, 1000),
    }


def mobilenet_config(family: Any, subnet: Any, *, older: bool = False) -> dict[str, Any]:
    wrapper, key, kind = "ResidualBlock", "conv", "MBConvLayer"
    if older:
        wrapper, key = "MobileInvertedResidualBlock", "mobile_inverted_conv"
        kind = "MBInvertedConvLayer"

    def block_of(channels: int, width: int, ratio: float, size: int, stride: int, se: bool) -> Any:
        same = stride == 1 and channels == width
        identity = {"name": "IdentityLayer", "in_channels": [width], "out_channels": [width]}
        mid = None if ratio == 1 else divisible(round(channels * ratio))
        conv = {"name": kind, "in_channels": channels, "out_channels": width, "kernel_size": size,
                "stride": stride, "expand_ratio": ratio, "mid_channels": mid, "act_func": "h_swish",
                "use_se": se}  # fmt: skip
        return {"name": wrapper, key: conv, "shortcut": identity if same else None}

    first = family["first_conv_width"]
    blocks = [block_of(first, family["first_block_width"], 1, 3, 1, False)]
    channels = family["first_block_width"]
    for stage, block, ratio in stages_of(family, subnet):
        width, se = family["stage_widths"][stage], family["stage_squeeze_excite"][stage]
        stride = family["stage_strides"][stage] if block == 0 else 1
        blocks.append(block_of(channels, width, ratio, family["kernel_size"], stride, se))
        channels = width
    expanded, mixed = family["last_widths"]
    return {
        "name": "MobileNetV3",
        "bn": {"momentum": 0.1, "eps": 1e-05},
        "first_conv": conv_layer(3, first, 3, 2),
        "blocks": blocks,
        "final_expand_layer": conv_layer(channels, expanded, 1),
        "feature_mix_layer": conv_layer(expanded, mixed, 1),
        "classifier": linear_layer(mixed, 1000),
    }


CONFIGS = {"ofa_resnet50": resnet_config, "ofa_mbv3": mobilenet_config}


def written(folder: Path, config: Any, name: str = "net") -> Path:
    (folder / name).mkdir(exist_ok=True)
    path = folder / name / "net.config"
    path.write_text(json.dumps(config, indent=4))
    return path


def shipped(workload: str) -> tuple[dict[str, Any], SuperNet]:
    family = read_document(shipped_folder("workloads") / f"{workload}.yaml").content
    return family, load_workload(workload).supernet


@pytest.mark.parametrize("workload", CONFIGS)
def test_a_net_config_has_the_layers_of_its_choices(workload: str, tmp_path: Path) -> None:
    family, supernet = shipped(workload)
    for choices, subnet in zip(family["subnets"], supernet.subnets, strict=True):
        path = written(tmp_path, CONFIGS[workload](family, choices))
        side = choices["resolution"]
        (read,) = imported(path, input_shapes={"": (1, 3, side, side)}).supernet.subnets
        assert list(map(sizes, read.layers)) == list(map(sizes, subnet.layers))
        assert list(reads_of(read.layers)) == list(reads_of(subnet.layers))


@pytest.mark.parametrize("workload", CONFIGS)
def test_net_configs_of_one_supernet_share_what_they_have_in_common(
    workload: str, tmp_path: Path
) -> None:
    family, supernet = shipped(workload)
    paths = [
        written(tmp_path, CONFIGS[workload](family, choices), choices["name"])
        for choices in family["subnets"]
    ]
    accuracy = [choices["accuracy_percent"] for choices in family["subnets"]]
    together = imported(*paths, input_shapes=IMAGE, accuracy_percent=accuracy)
    (tmp_path / "all.yaml").write_text(together.text)
    read = load_workload(tmp_path / "all.yaml").supernet
    assert [subnet.name for subnet in read.subnets] == [s.name for s in supernet.subnets]
    assert shared_weight_bytes(read) == shared_weight_bytes(supernet)
    assert [s.weight_bytes for s in read.subnets] == [s.weight_bytes for s in supernet.subnets]


def test_the_older_spelling_of_a_net_config_is_the_same_network(tmp_path: Path) -> None:
    family, _ = shipped("ofa_mbv3")
    choices = family["subnets"][0]
    newer = imported(written(tmp_path, mobilenet_config(family, choices)), input_shapes=IMAGE)
    config = mobilenet_config(family, choices, older=True)
    config["blocks"].append({"name": "MobileInvertedResidualBlock", "mobile_inverted_conv": None,
                             "shortcut": {"name": "IdentityLayer"}})  # fmt: skip
    assert imported(written(tmp_path, config), input_shapes=IMAGE).supernet == newer.supernet


def test_other_windows_of_a_depthwise_layer_are_not_shared(tmp_path: Path) -> None:
    family, _ = shipped("ofa_mbv3")
    choices = family["subnets"][0]
    paths = [
        written(tmp_path, mobilenet_config({**family, "kernel_size": size}, choices), f"k{size}")
        for size in (3, 7)
    ]
    together = imported(*paths, input_shapes=IMAGE, accuracy_percent=[75, 76]).supernet
    windows = {layer.name: layer.kernel_height for layer in together.layers}
    assert (windows["s1.b0.dw3x3"], windows["s1.b0.dw7x7"]) == (3, 7)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"name": "ResNet"}, "unknown network 'ResNet'; did you mean 'ResNets'?"),
        ({"classifier": {}}, "the key 'in_features' is missing here; known: no key"),
        ({"classifier": {"in_features": 7, "out_features": 1}}, "in_features is 7, but 1280"),
        ({"first_conv": 3}, "first_conv: keys are wanted, got '3'"),
        ({"first_conv": conv_layer(4, 16, 3)}, "in_channels is '4', but 3 channels come in"),
        ({"first_conv": conv_layer(3, 0, 3)}, "out_channels: a whole number from 1 to"),
        ({"first_conv": conv_layer(3, 10**30, 3)}, "out_channels: a whole number from 1 to"),
        ({"blocks": 5}, "blocks: a list or keys are wanted, got '5'"),
    ],
)
def test_a_broken_net_config_is_one_line_with_its_place(
    change: dict[str, Any], wrong: str, tmp_path: Path
) -> None:
    family, _ = shipped("ofa_mbv3")
    path = written(tmp_path, mobilenet_config(family, family["subnets"][0]) | change)
    line = refusal(path, input_shapes=IMAGE)
    assert wrong in line
    assert line.startswith(f"{path}:")


def test_a_net_config_needs_the_size_of_its_image(tmp_path: Path) -> None:
    family, _ = shipped("ofa_mbv3")
    path = written(tmp_path, mobilenet_config(family, family["subnets"][0]))
    for shapes in ({}, {"": (1, 3, 224)}, {"": (1, 3, 224, 192)}, {"x": (1, 3, 224, 224)}):
        assert "give it, such as --input-shape 1x3x224x224" in refusal(path, input_shapes=shapes)


def changed(config: dict[str, Any], *path: str | int, **values: Any) -> dict[str, Any]:
    """The config with other values in the mapping at `path`."""
    within: Any = config
    for part in path:
        within = within[part]
    within |= values
    return config


def test_a_downsample_may_stride_itself_or_behind_a_pool(tmp_path: Path) -> None:
    family, _ = shipped("ofa_resnet50")
    strides = {}
    for mode in ("avgpool_conv", "conv"):
        config = resnet_config(family, family["subnets"][0])
        for block in config["blocks"]:
            block["downsample_mode"] = mode
        supernet = imported(written(tmp_path, config), input_shapes=IMAGE).supernet
        layers = {layer.name: layer for layer in supernet.subnets[0].layers}
        strides[mode] = layers["s2.b0.downsample"].stride
        assert layers["s2.b0.downsample"].output_height == layers["s2.b0.conv2"].output_height
    assert strides == {"avgpool_conv": (1, 1), "conv": (2, 2)}
    changed(config, "blocks", 0, downsample_mode="max")
    line = refusal(written(tmp_path, config), input_shapes=IMAGE)
    assert "downsample_mode 'max' is unknown; known: avgpool_conv, conv" in line


def test_a_convolution_may_have_its_own_squeeze_excite(tmp_path: Path) -> None:
    family, _ = shipped("ofa_mbv3")
    config = mobilenet_config(family, family["subnets"][0])
    plain = imported(written(tmp_path, config), input_shapes=IMAGE).supernet.subnets[0]
    changed(config, "first_conv", use_se=True)
    squeezed = imported(written(tmp_path, config), input_shapes=IMAGE).supernet.subnets[0]
    assert squeezed.weight_bytes - plain.weight_bytes == 2 * 8 * family["first_conv_width"]


@pytest.mark.parametrize(
    ("path", "values", "wrong"),
    [
        (("first_conv",), {"use_se": "maybe"}, "use_se: true or false is wanted, got 'maybe'"),
        (("first_conv",), {"groups": 7}, "groups must divide kernels and channels"),
        (("blocks", 0, "conv"), {"mid_channels": 5}, "expand_ratio is 1, but mid_channels 5 are"),
        (("blocks", 1, "conv"), {"expand_ratio": "wide"}, "expand_ratio: a number above 0 is"),
        (("blocks", 1, "conv"), {"expand_ratio": -4}, "expand_ratio: a number above 0 is wanted"),
        (("blocks", 1, "conv"), {"kernel_size": 1.5}, "kernel_size: a whole number from 1 to"),
        (("blocks", 1, "conv"), {"in_channels": 1}, "in_channels is '1', but 16 channels come in"),
    ],
)
def test_a_broken_block_is_one_line_with_its_place(
    path: tuple[str | int, ...], values: dict[str, Any], wrong: str, tmp_path: Path
) -> None:
    family, _ = shipped("ofa_mbv3")
    config = changed(mobilenet_config(family, family["subnets"][0]), *path, **values)
    file = written(tmp_path, config)
    line = refusal(file, input_shapes=IMAGE)
    assert wrong in line
    assert line.startswith(f"{file}:")


def test_an_expand_ratio_stands_for_channels_that_are_not_told(tmp_path: Path) -> None:
    family, _ = shipped("ofa_resnet50")
    told = resnet_config(family, family["subnets"][0])
    supernet = imported(written(tmp_path, told), input_shapes=IMAGE).supernet
    for block in told["blocks"]:
        block["mid_channels"] = None
    assert imported(written(tmp_path, told), input_shapes=IMAGE).supernet == supernet


def test_networks_of_two_supernets_are_none_together(tmp_path: Path) -> None:
    paths = []
    for workload, config_of in CONFIGS.items():
        family, _ = shipped(workload)
        paths.append(written(tmp_path, config_of(family, family["subnets"][0]), workload))
    with pytest.raises(UserError) as refused:
        imported(*paths, input_shapes=IMAGE, accuracy_percent=[1, 2])
    assert "\n" not in str(refused.value)


def proxyless_config(blocks: list[dict[str, Any] | None], width: int) -> dict[str, Any]:
    """A network as ProxylessNAS writes it; a block that was taken out is None."""
    listed = []
    for block in blocks:
        same = block is None or (block["in_channels"], block["stride"]) == (
            block["out_channels"],
            1,
        )
        conv = {"name": "ZeroLayer", "stride": 1} if block is None else block
        shortcut = {"name": "IdentityLayer", "in_channels": [8], "out_channels": [8]}
        listed.append(
            {
                "name": "MobileInvertedResidualBlock",
                "mobile_inverted_conv": conv,
                "shortcut": shortcut if same else None,
            }
        )
    return {
        "name": "ProxylessNASNets",
        "bn": {"momentum": 0.1, "eps": 0.001},
        "first_conv": conv_layer(3, 32, 3, 2),
        "blocks": listed,
        "feature_mix_layer": conv_layer(width, 1280, 1),
        "classifier": linear_layer(1280, 10),
    }


def inverted(channels: int, width: int, ratio: int, size: int, stride: int = 1) -> dict[str, Any]:
    return {
        "name": "MBInvertedConvLayer", "in_channels": channels, "out_channels": width,
        "kernel_size": size, "stride": stride, "expand_ratio": ratio,
    }  # fmt: skip


def test_a_proxyless_network_is_its_blocks_and_a_mixed_map(tmp_path: Path) -> None:
    path = tmp_path / "net.config"
    blocks = [inverted(32, 16, 1, 3), inverted(16, 24, 3, 5, 2), None, inverted(24, 24, 6, 7)]
    path.write_text(json.dumps(proxyless_config(blocks, 24)))
    (subnet,) = imported(path, input_shapes=IMAGE).supernet.subnets
    expected = [
        (32, 3, 3, 224, 1), (32, 32, 3, 112, 32), (16, 32, 1, 112, 1),
        (48, 16, 1, 112, 1), (48, 48, 5, 112, 48), (24, 48, 1, 56, 1),
        (144, 24, 1, 56, 1), (144, 144, 7, 56, 144), (24, 144, 1, 56, 1),
        (1280, 24, 1, 56, 1), (10, 1280, 1, 1, 1),
    ]  # fmt: skip
    assert [
        (layer.kernels, layer.channels, layer.kernel_height, layer.height, layer.groups)
        for layer in subnet.layers
    ] == expected
    assert subnet.layers[8].adds == (subnet.layers[5].name,)
    assert subnet.layers[-1].fully_connected


def test_a_dilation_is_counted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "net.config"
    config = proxyless_config([inverted(32, 16, 1, 3)], 16)
    config["first_conv"]["dilation"] = 2
    path.write_text(json.dumps(config))
    workload = imported(path, input_shapes=IMAGE)
    assert workload.networks[0].layers[0].remark.startswith("dilation 2 2: ")
    assert workload.supernet.subnets[0].layers[0].output_height == 112
