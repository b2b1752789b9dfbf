"""Families of SuperNets made of stages of blocks, and the base of the Once-for-all ones.

"Once-for-All: Train One Network and Specialize it for Efficient Deployment" (ICLR 2020): stages of
elastic depth, and blocks of elastic expand ratio.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from math import inf
from typing import Any, Protocol

from sushi_dse.workload.layers import PlainLayer, SubNet, SuperNet, SuperNetLayer, placed
from sushi_dse.workload.rated import Rated

LARGEST_ROUNDING_LOSS = 0.1  # largest share of the channels that rounding down may remove


def rounded_channels(channels: float, divisor: int) -> int:
    """The multiple of `divisor` nearest to `channels`, or the next one where that loses over 10 %.

    The MobileNet and Once-for-all code bases round so (`make_divisible`).

    >>> rounded_channels(256 * 0.65, 8), rounded_channels(18, 8)
    (168, 24)
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < (1 - LARGEST_ROUNDING_LOSS) * channels else rounded


class OfSubNets(Protocol):
    """A family of SubNets."""

    @property
    def name(self) -> str:
        """The name of the SuperNet."""

    @property
    def accuracy_of(self) -> str:
        """The metric that the accuracies of its SubNets are of."""


class OfStages(OfSubNets, Protocol):
    """A family of SubNets that are made of stages of blocks."""

    @property
    def stage_widths(self) -> tuple[Any, ...]:
        """The output channels of each stage, or the choices of them: [stage]."""


class OfElasticDepth(OfStages, Protocol):
    """A family whose stages may have fewer or more blocks."""

    @property
    def min_blocks_per_stage(self) -> tuple[int, ...]:
        """The least number of blocks of each stage: [stage]."""

    @property
    def max_blocks_per_stage(self) -> tuple[int, ...]:
        """The greatest number of blocks of each stage: [stage]."""


def check_family(family: OfStages, by_stage: Sequence[str]) -> None:
    """Raise `ValueError` unless fields by stage have an entry for each, and numbers are above 0."""
    for name in by_stage:
        if len(getattr(family, name)) != len(family.stage_widths):
            raise ValueError(
                f"{family.name}: {name} needs one entry for each of the "
                f"{len(family.stage_widths)} stage_widths, got {len(getattr(family, name))}"
            )
    check_numbers(family)


def check_numbers(family: OfSubNets, *, beside: Sequence[str] = ()) -> None:
    """Raise `ValueError` unless the numbers of a family, but for fields `beside`, are above 0."""
    for field in fields(family):  # type: ignore[arg-type] # a dataclass, which no protocol can say
        if field.name in beside:
            continue
        value = getattr(family, field.name)
        entries = list(_entries(value))
        if () in entries:
            raise ValueError(f"{family.name}: {field.name} is empty")
        numbers = [entry for entry in entries if isinstance(entry, int | float)]
        if not all(0 < number < inf for number in numbers if not isinstance(number, bool)):
            raise ValueError(f"{family.name}: {field.name} > 0 must hold, got {value}")


def _entries(value: object) -> Iterator[object]:
    """What is in a tuple and in the tuples in it, of which only empty ones come as they are."""
    if isinstance(value, tuple) and value:
        for entry in value:
            yield from _entries(entry)
    else:
        yield value


def check_depths(family: OfElasticDepth) -> None:
    """Raise `ValueError` where the least number of blocks of a stage is above the greatest."""
    for least, most in zip(family.min_blocks_per_stage, family.max_blocks_per_stage, strict=True):
        if least > most:
            raise ValueError(
                f"{family.name}: min_blocks_per_stage <= max_blocks_per_stage must hold, "
                f"got {least} and {most}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFamily:
    """The choices that a SuperNet made of stages of blocks offers to its SubNets.

    `ValueError` unless tuples by stage have one entry for each stage and numbers are above 0.
    """

    name: str
    accuracy_of: str  # metric that the accuracies of its SubNets are of
    stage_widths: tuple[int, ...]  # [stage]: output channels
    stage_strides: tuple[int, ...]  # [stage]: stride of the first block
    min_blocks_per_stage: tuple[int, ...]  # [stage]
    max_blocks_per_stage: tuple[int, ...]  # [stage]
    expand_ratios: tuple[float, ...]
    channel_divisor: int = 8  # every number of channels is a multiple of this one
    classes: int = 1000

    def __post_init__(self) -> None:
        check_family(self, self._by_stage())
        check_depths(self)

    def _by_stage(self) -> tuple[str, ...]:
        return ("stage_strides", "min_blocks_per_stage", "max_blocks_per_stage")

    def inner_channels(self, channels: int, expand_ratio: float) -> int:
        """The channels within a block that expands `channels` by `expand_ratio`."""
        return rounded_channels(round(channels * expand_ratio), self.channel_divisor)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedChoice:
    """One SubNet's choices within a `StagedFamily`; `ValueError` unless resolution is above 0."""

    name: str
    accuracy_percent: float | None = None  # None where it is not known
    resolution: int  # height and width of the image
    blocks_per_stage: tuple[int, ...]
    # One ratio for each block, or one for each block of the largest SubNet: a stage with fewer
    # blocks then ignores its last ones.
    block_expand_ratios: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.resolution > 0:
            raise ValueError(
                f"SubNet {self.name!r}: resolution > 0 must hold, got {self.resolution}"
            )


def check_allowed(what: str, value: float, allowed: Sequence[float]) -> None:
    """Raise `ValueError`, with the allowed values, where `value` is none of them."""
    if value not in allowed:
        raise ValueError(f"{what} {value} is not a choice; allowed: {', '.join(map(str, allowed))}")


def check_by_stage(subnet: str, name: str, entries: Sequence[object], family: OfStages) -> None:
    """Raise `ValueError` unless a choice of a SubNet has one entry for each stage."""
    if len(entries) != len(family.stage_widths):
        raise ValueError(
            f"{subnet}: {name} needs one entry for each of the "
            f"{len(family.stage_widths)} stages, got {len(entries)}"
        )


def check_blocks(subnet: str, blocks: Sequence[int], family: OfElasticDepth) -> None:
    """Raise `ValueError` unless each stage of a SubNet has a number of blocks that it may have."""
    check_by_stage(subnet, "blocks_per_stage", blocks, family)
    bounds = zip(family.min_blocks_per_stage, family.max_blocks_per_stage, blocks, strict=True)
    for stage, (least, most, count) in enumerate(bounds, start=1):
        if not least <= count <= most:
            raise ValueError(f"{subnet}: stage {stage} has {least} to {most} blocks, got {count}")


def ratios_by_stage(family: StagedFamily, choice: StagedChoice) -> list[tuple[float, ...]]:
    """The expand ratios of the blocks of each stage: [stage][block].

    A number of blocks or an expand ratio that the family does not have raises a `ValueError`.
    """
    subnet, blocks = f"SubNet {choice.name!r}", choice.blocks_per_stage
    check_blocks(subnet, blocks, family)
    one_each, ratios = sum(blocks), choice.block_expand_ratios
    one_possible = sum(family.max_blocks_per_stage)
    if len(ratios) not in (one_each, one_possible):
        raise ValueError(
            f"{subnet}: block_expand_ratios needs {one_each} entries, one for each block, "
            f"or {one_possible}, one for each block of the largest SubNet; got {len(ratios)}"
        )
    given = blocks if len(ratios) == one_each else family.max_blocks_per_stage
    stages = [
        ratios[sum(given[:stage]) : sum(given[:stage]) + count]
        for stage, count in enumerate(blocks)
    ]
    for stage, of_stage in enumerate(stages, start=1):
        for block, ratio in enumerate(of_stage):
            what = f"{subnet}: expand ratio of block s{stage}.b{block}"
            check_allowed(what, ratio, family.expand_ratios)
    return stages


def cut_supernet(
    family: OfSubNets,
    largest: Sequence[PlainLayer],
    subnets: Sequence[tuple[Rated, Sequence[PlainLayer]]],
) -> SuperNet:
    """The SuperNet of `family`: its largest SubNet's layers, and SubNets cut from it by name."""
    numbers = {layer.name: number for number, layer in enumerate(largest)}
    return SuperNet(
        name=family.name,
        accuracy_of=family.accuracy_of,
        layers=tuple(
            SuperNetLayer(
                name=layer.name,
                kernels=layer.kernels,
                channels_per_group=layer.channels_per_group,
                kernel_height=layer.kernel_height,
                kernel_width=layer.kernel_width,
                weight_bits=layer.weight_bits,
            )
            for layer in largest
        ),
        subnets=tuple(
            SubNet(
                name=choice.name,
                accuracy_percent=choice.accuracy_percent,
                layers=tuple(placed(layer, numbers[layer.name]) for layer in layers),
            )
            for choice, layers in subnets
        ),
    )
