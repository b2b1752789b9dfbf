"""Hardware files: one accelerator, or a space of them where a key offers several values."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sushi_dse.bits import INT8_BITS
from sushi_dse.config.boards import Board, boards_text
from sushi_dse.config.choices import Offer
from sushi_dse.config.document import Document, parse_document, placed, read_document, read_text
from sushi_dse.config.hardware_keys import DATAFLOW_OF, STEMS, HardwareKeys
from sushi_dse.config.keys import checked
from sushi_dse.config.shipped import HARDWARE, is_path, shipped_names, shipped_path
from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import FIELDS_OF, Accelerator, Dataflow
from sushi_dse.hardware.doubt import Doubt
from sushi_dse.hardware.evidence import Calibration
from sushi_dse.hardware.space import AXIS_ORDER, SearchSpace

ABOUT = ("extends", "description", "assumptions", "evidence")  # keys that change no design


class ChainLink(NamedTuple):
    """One file of a chain of extensions, and what it sets by the field's full name."""

    document: Document
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareFile:
    """A hardware file and those that it extends, read and checked."""

    path: Path
    name: str  # the file's, without its suffix
    description: str
    assumptions: tuple[str, ...]
    assumed_by: str  # the name of the file whose assumptions they are: its own, or of a base
    space: SearchSpace
    sources: tuple[str, ...]  # the texts that were read: its own, its bases', the table of boards


def hardware_names() -> list[str]:
    """The names of the hardware files that are shipped, sorted."""
    return shipped_names(HARDWARE)


def load_hardware(name_or_path: str | Path) -> HardwareFile:
    """The hardware file of that name or path; `UserError`, with its place, for a mistake in it.

    Its `space` holds the designs, `space.base` the one of a file that is no search space.
    A word with a slash or the suffix `.yaml` is a path, any other the name of a shipped file.
    """
    given = str(name_or_path)
    path = Path(given) if is_path(given) else shipped_path(HARDWARE, "hardware", given)
    parts = _with_bases(read_document(path))
    settings = _merged(parts)
    _refuse_other_dataflow(parts, settings["dataflow"])
    _refuse_gaps(path, settings)
    sources = [part.document.text for part in parts]
    if any(isinstance(part.document.content.get("device"), str) for part in parts):
        sources.append(boards_text())
    return HardwareFile(
        path=path,
        name=path.stem,
        description=_description(parts),
        assumptions=tuple(settings.get("assumptions", ())),
        assumed_by=next(
            (part.document.path.stem for part in parts if "assumptions" in part.settings), path.stem
        ),
        space=_space(path, settings, _calibration(parts)),
        sources=tuple(sources),
    )


def _part(document: Document) -> ChainLink:
    keys = checked(document, HardwareKeys)
    for stem, field in STEMS.items():
        if {stem, field} <= keys.model_fields_set:
            later = max(stem, field, key=lambda key: document.mark((key,), of_key=True))
            message = f"{stem!r} and {field!r} are two forms of one key; keep one of them"
            raise document.error((later,), message, of_key=True)
    return ChainLink(document, keys.settings())


def _with_bases(document: Document) -> list[ChainLink]:
    """What the file sets, what the one that it extends sets, and so on."""
    parts = [_part(document)]
    while (extends := parts[-1].settings.get("extends")) is not None:
        derived = parts[-1].document
        base = _base(derived, extends)
        if base.path.resolve() in [part.document.path.resolve() for part in parts]:
            message = f"extends: {base.path} leads back to itself; extend another file"
            raise derived.error(("extends",), message)
        parts.append(_part(base))
    return parts


def _base(document: Document, extends: str) -> Document:
    try:
        if is_path(extends):
            path = document.path.parent / extends
        else:
            path = shipped_path(HARDWARE, "hardware", extends)
        text = read_text(path)
    except UserError as error:
        raise document.error(("extends",), f"extends: {error}") from None
    return parse_document(path, text)


def _description(parts: Sequence[ChainLink]) -> str:
    """The file's own, or how it differs from the file that it extends."""
    own = parts[0]
    if len(parts) == 1 or "description" in own.settings:
        return str(own.settings.get("description", ""))
    changed = [str(key) for key in own.document.content if key not in ABOUT]
    other = f" with other {', '.join(changed)}" if changed else ""
    return f"{parts[1].document.path.stem}{other}. {_description(parts[1:])}"


def _refuse_other_dataflow(parts: Sequence[ChainLink], dataflow: Dataflow) -> None:
    """Raise `UserError` for a key that designs of that dataflow do not have.

    The mistake is the key, or, where a file that it extends has the key, the dataflow's choice.
    """
    chosen = [place for place, part in enumerate(parts) if "dataflow" in part.settings]
    chooser = chosen[0] if chosen else len(parts)
    for place, part in enumerate(parts):
        for key in map(str, part.document.content):
            other = DATAFLOW_OF.get(STEMS.get(key, key), dataflow)
            if other != dataflow and place > chooser:
                message = f"a file of {dataflow} designs extends one of {other} designs; "
                message += f"extend one of {dataflow} designs"
                raise parts[chooser].document.error(("dataflow",), message)
            if other != dataflow:
                message = f"{key!r} is a key of {other} designs, and this one is {dataflow}; "
                message += f"leave it out, or write 'dataflow: {other}'"
                raise part.document.error((key,), message, of_key=True)


def _refuse_gaps(path: Path, settings: dict[str, Any]) -> None:
    wanted = FIELDS_OF[settings["dataflow"]]
    missing = [name for name in wanted if name not in {"name", *settings}]
    if missing:
        keys = ", ".join(name.replace("logic_mhz", "coding") for name in missing)
        raise placed(
            path, f"missing: {keys}; add them, or take them from a file by 'extends: NAME'"
        )


def _calibration(parts: Sequence[ChainLink]) -> Calibration | None:
    """What the nearest file that has evidence was fitted on: the design of that file."""
    place = next((place for place, part in enumerate(parts) if part.settings.get("evidence")), None)
    if place is None:
        return None
    settings = _merged(parts[place:])
    path = parts[place].document.path
    _refuse_gaps(path, settings)
    space = _space(path, settings, None)
    if space.axes:
        message = "evidence: stands in the file of a design that was measured, and this is a space"
        message += f" of {space.size}; extend such a file"
        raise parts[place].document.error(("evidence",), message, of_key=True)
    return Calibration(board=space.base, evidence=settings["evidence"])


def _merged(parts: Sequence[ChainLink]) -> dict[str, Any]:
    """What a chain of files sets, the nearer file first."""
    settings: dict[str, Any] = {
        "dataflow": Dataflow.WEIGHT_STATIONARY,
        "multiplier_bits": Offer((INT8_BITS,)),
    }
    for part in reversed(parts):
        settings |= part.settings
    return settings


def _doubts(settings: dict[str, Any]) -> dict[str, Doubt]:
    """The doubt of each value that has one, the board's among them."""
    offers = {"shell_share": settings["device"].shell_share, **settings}
    return {
        key: offer.doubt
        for key, offer in sorted(offers.items())
        if isinstance(offer, Offer) and offer.doubt is not None
    }


def _space(path: Path, settings: dict[str, Any], calibration: Calibration | None) -> SearchSpace:
    board: Board = settings["device"]
    dataflow = settings["dataflow"]
    offered = {
        field: settings[field].values for field in AXIS_ORDER if field in FIELDS_OF[dataflow]
    }
    single: dict[str, Any] = {field: values[0] for field, values in offered.items()}
    base = Accelerator(
        name=path.stem,
        device=board.device(path.stem),
        dataflow=dataflow,
        logic_mhz=settings["logic_mhz"].values[0],
        layer_by_layer=settings["layer_by_layer"],
        pointwise_drain=bool(settings.get("pointwise_drain", Offer((False,))).values[0]),
        **single,
    )
    try:
        return SearchSpace.of(base, offered, calibration, _doubts(settings))
    except ValueError as error:
        raise placed(path, f"{error}; offer fewer values") from None
