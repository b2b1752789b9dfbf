"""Workload files: a SuperNet by the choices of its SubNets, or networks by their layers."""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sushi_dse.config.document import Document, Location, read_document
from sushi_dse.config.keys import Keys, checked, quoted_value
from sushi_dse.config.shipped import WORKLOADS, is_path, shipped_names, shipped_path
from sushi_dse.config.workload_keys import (
    MAX_BLOCKS,
    AlphaNetKeys,
    LayerKeys,
    MobileNetV3Keys,
    NestedTransformerKeys,
    PlainKeys,
    ResNetKeys,
    SlimmableKeys,
    StagedKeys,
    WorkloadKeys,
)
from sushi_dse.errors import UserError, near_names
from sushi_dse.workload.accuracy import AccuracyModel
from sushi_dse.workload.alphanet import AlphaNetChoice, AlphaNetFamily, alphanet_supernet
from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.mobilenet_v3 import (
    MobileNetV3Choice,
    MobileNetV3Family,
    mobilenet_v3_supernet,
)
from sushi_dse.workload.nested_transformer import (
    NestedTransformerChoice,
    NestedTransformerFamily,
    nested_transformer_supernet,
)
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from sushi_dse.workload.resnet import ResNetChoice, ResNetFamily, resnet_supernet
from sushi_dse.workload.slimmable import SlimmableChoice, SlimmableFamily, slimmable_supernet
from sushi_dse.workload.weights import at_other_bits, with_weight_bits

# Most weights x padded pixels of a layer, far beyond any network: counts stay within 64 bits.
MAX_LAYER_WORK = 2**52

Made = TypeVar("Made")
OfGenerated = StagedKeys | AlphaNetKeys | SlimmableKeys | NestedTransformerKeys
Family = TypeVar("Family")
Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFile:
    """A workload file, read and checked, and the SuperNet that it describes."""

    path: Path
    name: str  # value of the key `name`, or the name of the file without its suffix
    description: str
    supernet: SuperNet
    sources: tuple[str, ...]  # texts that were read
    accuracy_model: AccuracyModel | None = None  # prediction for every SubNet of the SuperNet


def workload_names() -> list[str]:
    """The names of the workload files that are shipped, sorted."""
    return shipped_names(WORKLOADS)


def load_workload(name_or_path: str | Path, weight_bits: int | None = None) -> WorkloadFile:
    """The workload file of that name or path, whose `supernet` holds the SubNets.

    A word with a slash or the suffix `.yaml` is a path, any other the name of a shipped file.
    `weight_bits` are those of each weight in place of the file's; a caveat says that accuracies are
    carried over.  `UserError` with the line and column of a mistake.
    """
    given = str(name_or_path)
    path = Path(given) if is_path(given) else shipped_path(WORKLOADS, "workload", given)
    file = workload_of(read_document(path))
    if weight_bits is None:
        return file
    model = file.accuracy_model
    return replace(
        file,
        supernet=at_other_bits(file.supernet, weight_bits),
        accuracy_model=replace(model, weight_bits=weight_bits) if model else None,
    )


def workload_of(document: Document) -> WorkloadFile:
    """The workload in a document; `UserError` with the line and column of a mistake."""
    family = document.content.get("family")
    if family is None:
        raise document.error((), f"the key 'family' is missing; known: {', '.join(FAMILIES)}")
    if not isinstance(family, str) or family not in FAMILIES:
        message = f"unknown family {quoted_value(family)}; {near_names(str(family), FAMILIES)}"
        raise document.error(("family",), message)
    keys, supernet, accuracy_model = FAMILIES[family](document)
    return WorkloadFile(
        path=document.path,
        name=supernet.name,
        description=keys.description,
        supernet=supernet,
        sources=(document.text,),
        accuracy_model=accuracy_model,
    )


Loaded = tuple[WorkloadKeys, SuperNet, AccuracyModel | None]


def _of_family(
    keys_of: type[OfGenerated],
    family_of: Callable[..., Family],
    choice_of: Callable[..., Choice],
    supernet_of: Callable[[Family, Sequence[Choice]], SuperNet],
) -> Callable[[Document], Loaded]:
    """The reader of a family of SuperNets that has no accuracy model."""

    def read(document: Document) -> Loaded:
        keys = checked(document, keys_of)
        _, supernet = _generated(document, keys, family_of, choice_of, supernet_of)
        return keys, supernet, None

    return read


def _mobilenet_v3(document: Document) -> Loaded:
    keys = checked(document, MobileNetV3Keys)
    family, supernet = _generated(
        document, keys, MobileNetV3Family, MobileNetV3Choice, mobilenet_v3_supernet
    )
    fitted = keys.accuracy_model
    if fitted is None:
        return keys, supernet, None
    return (
        keys,
        supernet,
        _made(
            document,
            ("accuracy_model",),
            AccuracyModel,
            fitted,
            family=family,
            weight_bits=keys.weight_bits,
        ),
    )


def _plain(document: Document) -> Loaded:
    keys = checked(document, PlainKeys)
    bits = keys.weight_bits
    networks = [
        PlainSubNet(
            name=subnet.name,
            accuracy_percent=subnet.accuracy_percent,
            layers=_plain_layers(document, ("subnets", i, "layers"), subnet.layers, bits),
            skipped=tuple(subnet.skipped),
        )
        for i, subnet in enumerate(keys.subnets)
    ]
    name, shared = keys.name or document.path.stem, keys.supernet_layers
    _check_supernet_layers(document, networks, shared or [])

    def supernet_of(few: Sequence[PlainSubNet]) -> SuperNet:
        return plain_supernet(
            name,
            few,
            shared,
            accuracy_of=keys.accuracy_of,
            sharing=keys.sharing,
            equal_weights_percent=keys.equal_weights_percent,
        )

    return keys, _cut(document, networks, supernet_of), None


def _plain_layers(
    document: Document, location: Location, listed: Sequence[LayerKeys], bits: int
) -> tuple[PlainLayer, ...]:
    layers = [_plain_layer(document, (*location, j), keys, bits) for j, keys in enumerate(listed)]
    reads = reads_of(layers)
    for j in range(len(layers)):
        try:
            next(reads)
        except ValueError as error:
            raise _refused(document, (*location, j), str(error)) from None
    return tuple(layers)


def _plain_layer(document: Document, location: Location, keys: LayerKeys, bits: int) -> PlainLayer:
    """The layer of those keys, whose weights have so many `bits` where the keys do not say it."""
    own = keys.weight_bits if "weight_bits" in keys.model_fields_set else bits
    layer = _made(document, location, PlainLayer, keys, weight_bits=own)
    _check_work(document, location, layer)
    return layer


def _check_work(document: Document, location: Location, layer: PlainLayer) -> None:
    """Raise `UserError` at `location` where the counts of a layer might not fit 64 bits."""
    if layer.weights * layer.padded_height * layer.padded_width > MAX_LAYER_WORK:
        message = (
            f"layer {quoted_value(layer.name)}: weights x pixels <= {MAX_LAYER_WORK} must hold"
        )
        raise document.error(location, message)


def _check_supernet_layers(
    document: Document, networks: Sequence[PlainSubNet], names: Sequence[str]
) -> None:
    """Raise `UserError` for a name that is given twice, or that no layer of a SubNet has."""
    left = {layer.name for network in networks for layer in network.layers}
    for i, name in enumerate(names):
        if name not in left:
            message = f"supernet_layers: {name!r} is there twice, or no SubNet has it; take it out"
            raise document.error(("supernet_layers", i), message)
        left.remove(name)


FAMILIES: dict[str, Callable[[Document], Loaded]] = {
    "resnet": _of_family(ResNetKeys, ResNetFamily, ResNetChoice, resnet_supernet),
    "mobilenet_v3": _mobilenet_v3,
    "alphanet": _of_family(AlphaNetKeys, AlphaNetFamily, AlphaNetChoice, alphanet_supernet),
    "slimmable": _of_family(SlimmableKeys, SlimmableFamily, SlimmableChoice, slimmable_supernet),
    "nested_transformer": _of_family(
        NestedTransformerKeys,
        NestedTransformerFamily,
        NestedTransformerChoice,
        nested_transformer_supernet,
    ),
    "layers": _plain,
}


def _generated(
    document: Document,
    keys: OfGenerated,
    make_family: Callable[..., Family],
    make_choice: Callable[..., Choice],
    supernet_of: Callable[[Family, Sequence[Choice]], SuperNet],
) -> tuple[Family, SuperNet]:
    for most in ("max_blocks_per_stage", "blocks_per_stage"):
        if sum(getattr(keys, most, ())) > MAX_BLOCKS:
            message = f"{most}: {MAX_BLOCKS} blocks at most must hold, of all stages"
            raise document.error((most,), message)
    name = keys.name or document.path.stem
    family = _made(document, (), make_family, keys, name=name)
    choices = [
        _made(document, ("subnets", i), make_choice, subnet)
        for i, subnet in enumerate(keys.subnets)
    ]
    supernet = with_weight_bits(
        _cut(document, choices, lambda several: supernet_of(family, several)), keys.weight_bits
    )
    for i, subnet in enumerate(supernet.subnets):
        for layer in subnet.layers:
            _check_work(document, ("subnets", i), layer)
    return family, supernet


def _made(
    document: Document, location: Location, make: Callable[..., Made], keys: Keys, **more: Any
) -> Made:
    """The value that `make` makes of the keys; UserError at `location` where it refuses them."""
    elsewhere = {"family", "description", "subnets", "accuracy_model", "weight_bits"}
    given = keys.model_dump(exclude=elsewhere) | more
    try:
        return make(**{key: _frozen(value) for key, value in given.items()})
    except ValueError as error:
        raise _refused(document, location, str(error)) from None


def _frozen(value: object) -> object:
    """A list as a tuple, and every list in it too; any other value unchanged."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _cut(
    document: Document,
    choices: Sequence[Choice],
    supernet_of: Callable[[Sequence[Choice]], SuperNet],
) -> SuperNet:
    """The SuperNet of all choices; UserError at the first SubNet that it cannot be cut into."""

    def refusal(count: int) -> str:
        try:
            supernet_of(choices[:count])
        except ValueError as error:
            return str(error)
        return ""

    if refusal(len(choices)):
        counts = range(1, len(choices) + 1)
        first = bisect_left(counts, True, key=lambda count: bool(refusal(count)))
        raise _refused(document, ("subnets", first), refusal(counts[first]))
    return supernet_of(choices)


def _refused(document: Document, location: Location, message: str) -> UserError:
    """The error at the key that the message names within the entry, or at the entry."""
    words = re.findall(r"\w+", message)
    if ";" not in message and "must" not in message:
        message += "; mend it here"
    named = [(*location, word) for word in words if (*location, word) in document.key_marks]
    return document.error(named[0] if named else location, message)
