"""The keys of workload files: for each family the fields of its dataclasses in `workload`."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from sushi_dse.bits import INT8_BITS
from sushi_dse.config.choices import choices, read_number
from sushi_dse.config.keys import EntryError, Keys, quoted_value
from sushi_dse.workload.caveats import Sharing
from sushi_dse.workload.slimmable import Block

# Bounds far beyond any network, so that a mistyped number does not fill the memory.
Size = Annotated[int, Field(gt=0, le=2**16)]
Width = Annotated[int, Field(gt=0, le=2**20)]  # The last layer of a language model is 2**18 wide.
Blocks = Annotated[int, Field(gt=0, le=1000)]
MAX_BLOCKS = 1000  # most blocks of all stages together
Pixels = Annotated[int, Field(ge=0, le=2**16)]
Stride = tuple[Size, Size]
Padding = tuple[Pixels, Pixels, Pixels, Pixels]
Ratio = Annotated[float, Field(gt=0, le=100)]
WeightBits = Literal[4, 8, 16]
MAX_SUBNETS = 32  # The number of candidate SubGraphs grows with that of pairs of SubNets.
MAX_LAYERS = 4096
MAX_METRIC_CHARACTERS = 120  # of the name of a metric, which stands along the axes of figures
TwoSizes = Annotated[list[Size], Field(min_length=2, max_length=2)]


def _sides(*names: str) -> Callable[[object], object]:
    """A reader of one whole number for all sides, or of a list with one for each."""

    def read(value: object) -> object:
        if isinstance(value, list | tuple) and len(value) == len(names):
            return tuple(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return (value,) * len(names)
        wanted = f"a whole number, or [{', '.join(names)}], is wanted"
        raise EntryError(f"{wanted}, got {quoted_value(value)}")

    return read


def _names(value: object) -> object:
    """A list of names, or one name, as a tuple of names."""
    if isinstance(value, list | tuple):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


def metric_name(value: str) -> str:
    """The name of a metric; `EntryError` where it is no short line of text."""
    if value.strip() and value.isprintable() and len(value) <= MAX_METRIC_CHARACTERS:
        return value
    raise EntryError(
        f"the metric's name is wanted, such as 'ImageNet top-1', {MAX_METRIC_CHARACTERS} "
        f"characters at most, got {quoted_value(value)}"
    )


class WorkloadKeys(Keys):
    """The keys of every workload file."""

    family: str
    accuracy_of: Annotated[str, AfterValidator(metric_name)]
    name: str = ""
    description: str = ""
    weight_bits: WeightBits = INT8_BITS  # of each weight, where a layer does not say it


class ChoiceKeys(Keys):
    """The keys of a SubNet of every family."""

    name: str
    accuracy_percent: Annotated[float, Field(ge=0, le=100)] | None = None  # not known


class StagedChoiceKeys(ChoiceKeys):
    """The keys of a SubNet of family `mobilenet_v3`, and of every one made of stages of blocks."""

    resolution: Size
    blocks_per_stage: list[Blocks]
    block_expand_ratios: list[Ratio]


class StagedKeys(WorkloadKeys):
    """The keys of a SuperNet made of stages of blocks."""

    stage_widths: list[Size]
    stage_strides: list[Size]
    min_blocks_per_stage: list[Blocks]
    max_blocks_per_stage: list[Blocks]
    expand_ratios: list[Ratio]
    channel_divisor: Size = 8
    classes: Size = 1000
    subnets: Sequence[StagedChoiceKeys] = Field(min_length=1, max_length=MAX_SUBNETS)


class ResNetChoiceKeys(StagedChoiceKeys):
    """The keys of a SubNet of family `resnet`."""

    stem_residual_conv: bool
    stem_widths: TwoSizes
    stage_width_multipliers: list[Ratio]


class ResNetKeys(StagedKeys):
    """The keys of a workload of family `resnet`."""

    stem_widths: TwoSizes
    width_multipliers: list[Ratio]
    subnets: Sequence[ResNetChoiceKeys] = Field(min_length=1, max_length=MAX_SUBNETS)


class AccuracyModelKeys(Keys):
    """The keys of the accuracy model of a SuperNet: the fields of `AccuracyModel`."""

    origin: str
    resolution: Size
    measured_subnets: Annotated[int, Field(gt=0)]
    measured_accuracy_percent: Annotated[list[float], Field(min_length=2, max_length=2)]
    held_out_rmse_percent: Annotated[float, Field(ge=0, le=100)]
    base_accuracy_percent: Annotated[float, Field(ge=0, le=100)]
    block_gain_percent: list[list[float]]
    stage_interaction_percent: list[float]


class MobileNetV3Keys(StagedKeys):
    """The keys of a workload of family `mobilenet_v3`."""

    first_conv_width: Size
    first_block_width: Size
    stage_squeeze_excite: list[bool]
    last_widths: TwoSizes
    kernel_size: Size
    accuracy_model: AccuracyModelKeys | None = None


class AlphaNetChoiceKeys(ChoiceKeys):
    """The keys of a SubNet of family `alphanet`."""

    resolution: Size
    first_conv_width: Size
    stage_widths: list[Size]
    blocks_per_stage: list[Blocks]
    stage_kernel_sizes: list[Size]
    stage_expand_ratios: list[Ratio]
    last_width: Size


class AlphaNetKeys(WorkloadKeys):
    """The keys of a workload of family `alphanet`."""

    first_conv_widths: list[Size]
    stage_widths: list[list[Size]]
    stage_strides: list[Size]
    stage_squeeze_excite: list[bool]
    min_blocks_per_stage: list[Blocks]
    max_blocks_per_stage: list[Blocks]
    stage_expand_ratios: list[list[Ratio]]
    kernel_sizes: list[Size]
    last_widths: list[Size]
    channel_divisor: Size = 8
    classes: Size = 1000
    subnets: Sequence[AlphaNetChoiceKeys] = Field(min_length=1, max_length=MAX_SUBNETS)


def read_widths(value: object) -> object:
    """The numbers of one number, a list of them, or a range."""
    return list(choices(value, read_number))


class SlimmableChoiceKeys(ChoiceKeys):
    """The keys of a SubNet of family `slimmable`."""

    width_multiplier: Ratio


class SlimmableKeys(WorkloadKeys):
    """The keys of a workload of family `slimmable`."""

    block: Block
    resolution: Size
    first_conv_width: Size
    first_kernel_size: Size
    first_pool: bool = False
    stage_widths: list[Size]
    stage_strides: list[Size]
    blocks_per_stage: list[Blocks]
    stage_expand_ratios: list[Ratio]
    last_width: Size | None = None
    width_multipliers: Annotated[list[Ratio], BeforeValidator(read_widths)]
    channel_divisor: Size = 8
    classes: Size = 1000
    subnets: Sequence[SlimmableChoiceKeys] = Field(min_length=1, max_length=MAX_SUBNETS)


class NestedTransformerChoiceKeys(ChoiceKeys):
    """The keys of a SubNet of family `nested_transformer`."""

    ffn_widths: list[Width]
    skips_blocks: bool = False


class NestedTransformerKeys(WorkloadKeys):
    """The keys of a workload of family `nested_transformer`."""

    blocks: Annotated[int, Field(gt=0, le=300)]  # of some fifteen layers: `MAX_LAYERS` together
    hidden_width: Size
    query_heads: Size
    key_value_heads: Size
    head_width: Size
    key_value_blocks: Size
    sliding_window: Width
    full_attention_every: Size
    ffn_widths: list[Width]
    skippable_blocks: Sequence[Annotated[int, Field(ge=0, le=2**16)]] = ()
    low_rank: Size
    block_embedding_width: Size
    hidden_states: Annotated[int, Field(gt=0, le=64)]
    vocabulary: Width
    context_tokens: Width
    tokens_per_query: Size = 1
    context_bits: WeightBits = INT8_BITS
    subnets: Sequence[NestedTransformerChoiceKeys] = Field(min_length=1, max_length=MAX_SUBNETS)


class LayerKeys(Keys):
    """The keys of a layer that is listed."""

    name: str
    kernels: Width
    channels: Width
    kernel_height: Size
    kernel_width: Size
    height: Size
    width: Size
    stride: Annotated[Stride, BeforeValidator(_sides("rows", "columns"))] = (1, 1)
    padding: Annotated[Padding, BeforeValidator(_sides("top", "bottom", "left", "right"))] = (
        0,
        0,
        0,
        0,
    )
    groups: Width = 1
    fully_connected: bool = False
    of_request: bool = False
    block: str = ""
    input_from: Names = ()
    adds: Names = ()
    weight_bits: WeightBits = INT8_BITS


class PlainChoiceKeys(ChoiceKeys):
    """The keys of a network whose layers are listed."""

    layers: Sequence[LayerKeys] = Field(min_length=1, max_length=MAX_LAYERS)
    skipped: Sequence[str] = ()  # operators with real work that are no layer


class PlainKeys(WorkloadKeys):
    """The keys of a workload of family `layers`."""

    supernet_layers: list[str] | None = None  # Without names, layers share weights by number.
    sharing: Sharing | None = None
    equal_weights_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    subnets: Sequence[PlainChoiceKeys] = Field(min_length=1, max_length=MAX_SUBNETS)


FAMILY_KEYS: dict[str, type[WorkloadKeys]] = {
    "resnet": ResNetKeys,
    "mobilenet_v3": MobileNetV3Keys,
    "alphanet": AlphaNetKeys,
    "slimmable": SlimmableKeys,
    "nested_transformer": NestedTransformerKeys,
    "layers": PlainKeys,
}
