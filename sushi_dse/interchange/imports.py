"""Networks in files of ONNX, Once-for-all (`net.config`), Timeloop and ZigZag, as workloads.

Each reader makes a list of layers with the same weights and MACs.  Operators that the cost model
does not charge are named; operators with real work that no layer can represent are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sushi_dse.config.document import parse_document, placed
from sushi_dse.config.keys import EntryError
from sushi_dse.config.workload_file import workload_of
from sushi_dse.config.workload_keys import metric_name
from sushi_dse.config.writing import workload_text
from sushi_dse.errors import UserError
from sushi_dse.interchange.foreign import ForeignValue, read_foreign
from sushi_dse.interchange.network import ImportedNetwork, plain_name
from sushi_dse.interchange.ofa import read_ofa
from sushi_dse.interchange.shapes import Shape, parse_shapes
from sushi_dse.interchange.sharing import all_weights_told, equal_weights_percent, shared_names
from sushi_dse.interchange.timeloop_in import read_timeloop
from sushi_dse.interchange.zigzag import is_zigzag, read_zigzag
from sushi_dse.workload.caveats import Sharing
from sushi_dse.workload.layers import SuperNet
from sushi_dse.workload.plain import PlainSubNet
from sushi_dse.workload.rated import of_unknown_accuracy

__all__ = ["ImportedNetwork", "ImportedWorkload", "import_workload", "parse_shapes"]

ONNX_SUFFIX = ".onnx"
UNNAMED = "imported"  # name of a workload that is given none
INSTALL_ONNX = "reading ONNX needs the package onnx: pip install 'sushi-dse[onnx]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedWorkload:
    """The networks of the files that were read, as the SubNets of one SuperNet."""

    supernet: SuperNet
    networks: tuple[ImportedNetwork, ...]
    text: str  # text of the workload file
    equal_weights_percent: float | None  # of what the networks share; None where no file tells

    @property
    def notes(self) -> list[str]:
        """The lines about what was read, what is not charged, and what is unknown."""
        lines = []
        for subnet, network in zip(self.supernet.subnets, self.networks, strict=True):
            size = f"{subnet.macs / 1e6:.1f} million MACs, {subnet.weight_bytes / 2**20:.2f} MiB"
            lines.append(f"{subnet.name}: {len(subnet.layers)} layers, {size} of weights")
            lines += [f"{subnet.name}: {line}" for line in network.notes]
        if self.equal_weights_percent is not None:
            equal = f"{self.equal_weights_percent:.3g} % of those that files tell are equal"
            lines.append(f"weights that the networks would share were compared: {equal}")
        if of_unknown_accuracy(self.supernet.subnets):
            lines.append("the accuracy is not known; give it by --accuracy-percent")
        return lines

    @property
    def warnings(self) -> list[str]:
        """The lines about what the user has probably not meant."""
        return list(self.supernet.caveats)


def import_workload(
    paths: Sequence[Path],
    *,
    name: str = "",
    accuracy_of: str = "",
    accuracy_percent: Sequence[float] = (),
    input_shapes: Mapping[str, Shape] | None = None,
    skip_unsupported: bool = False,
) -> ImportedWorkload:
    """The networks in the files; UserError where one cannot be read, or they share no SuperNet.

    Every file is a network; files of Timeloop, which hold a layer each, are one network together.
    accuracy_of: the metric of the accuracies, without which it is called that of the workload, so
    that no other is taken for the same.
    accuracy_percent: one for each network, or none, where it is not known.
    input_shapes: shapes of the inputs of ONNX networks by name, "" for the only input; for
    Once-for-all the shape of the image.
    """
    if name != plain_name(name):
        raise UserError(f"--name {name!r}: letters, digits and _ . / : - are wanted, 100 at most")
    if accuracy_of:
        try:
            metric_name(accuracy_of)
        except EntryError as error:
            raise UserError(f"--accuracy-of: {error}") from None
    networks = _read(paths, dict(input_shapes or {}), skip_unsupported)
    if accuracy_percent and len(accuracy_percent) != len(networks):
        raise UserError(
            f"--accuracy-percent: {len(networks)} networks are read, {len(accuracy_percent)} "
            "figures given; give one for each, in their order"
        )
    if len(networks) > 1 and not accuracy_percent:
        raise UserError(
            f"{len(networks)} networks are read: give --accuracy-percent once for each, in their "
            "order"
        )
    subnets = [
        PlainSubNet(
            name=subnet,
            accuracy_percent=accuracy,
            layers=tuple(c.layer for c in network.layers),
            skipped=network.skipped,
        )
        for subnet, accuracy, network in zip(
            _subnet_names(paths, networks), accuracy_percent or (None,), networks, strict=True
        )
    ]
    sources = ", ".join(plain_name(path.name) for path in paths)
    remarks = {c.layer: c.remark for network in networks for c in network.layers if c.remark}
    supernet_layers, equal_percent = shared_names(networks), None
    sharing: Sharing | None = None
    if len(networks) > 1:
        equal_percent = equal_weights_percent(networks)
        is_told = all_weights_told(networks)
        sharing = "compared" if equal_percent == 100 and is_told else "assumed"
    text = workload_text(
        subnets,
        accuracy_of=accuracy_of or f"accuracy of {name or subnets[0].name}",
        name=name,
        description=f"{len(subnets)} network{'s' * (len(subnets) > 1)} imported from {sources}.",
        origin="Layers read by `sushi-dse workload import`."
        + ("" if accuracy_percent else "\naccuracy_percent is not known: write what you measured."),
        supernet_layers=supernet_layers,
        sharing=sharing,
        equal_weights_percent=equal_percent,
        remarks=remarks,
    )
    return ImportedWorkload(
        supernet=_read_back(paths[0], text),
        networks=tuple(networks),
        text=text,
        equal_weights_percent=equal_percent,
    )


def _read_back(source: Path, text: str) -> SuperNet:
    """The SuperNet that the text of a workload file describes; UserError where it is none."""
    try:
        return workload_of(parse_document(Path(UNNAMED), text)).supernet
    except UserError as error:
        reason = str(error).partition(": ")[2]
        raise UserError(f"{source}: makes no workload: {reason}; import less at a time") from None


def _read(
    paths: Sequence[Path], input_shapes: dict[str, Shape], skip_unsupported: bool
) -> list[ImportedNetwork]:
    networks, problems = [], []
    for path in paths:
        if path.suffix.lower() == ONNX_SUFFIX:
            several = len(paths) > 1
            networks.append(_read_onnx(path, input_shapes, skip_unsupported, several))
            continue
        top = read_foreign(path)
        if top.is_mapping and (problem := top.find("problem")):
            problems.append(problem)
        elif is_zigzag(top):
            networks.append(read_zigzag(top, skip_unsupported=skip_unsupported))
        elif top.is_mapping and top.find("blocks") and top.find("name"):
            networks.append(read_ofa(top, resolution=_resolution(path, input_shapes)))
        elif top.is_mapping and top.find("family"):
            raise placed(path, "is a workload file already; give it to --workload")
        else:
            raise placed(
                path,
                "is no ONNX file, no net.config of Once-for-all and no workload of Timeloop or "
                "ZigZag; name one of these",
            )
    if problems and networks:
        raise placed(problems[0].path, "holds one layer; import Timeloop's files by themselves")
    if problems:
        networks.append(_one_network(problems))
    for network in networks if input_shapes else ():
        if not network.has_input_shape:
            raise placed(network.source, "tells its sizes; leave --input-shape out")
    return networks


def _read_onnx(
    path: Path, input_shapes: Mapping[str, Shape], skip_unsupported: bool, with_weights: bool
) -> ImportedNetwork:
    try:
        from sushi_dse.interchange.onnx_layers import read_onnx
    except ImportError:
        raise UserError(INSTALL_ONNX) from None
    return read_onnx(
        path,
        input_shapes=input_shapes,
        skip_unsupported=skip_unsupported,
        with_weights=with_weights,
    )


def _resolution(path: Path, input_shapes: Mapping[str, Shape]) -> int:
    """The side of the image; UserError where its shape is missing or is not 1x3xSxS."""
    shape = input_shapes.get("", ())
    if len(shape) != 4 or shape[:2] != (1, 3) or shape[2] != shape[3]:
        raise placed(
            path, "does not tell the size of its image; give it, such as --input-shape 1x3x224x224"
        )
    return shape[2]


def _one_network(problems: Sequence[ForeignValue]) -> ImportedNetwork:
    """The network of Timeloop's files, which hold a layer each, in their order."""
    layers, names = [], set[str]()
    for i, problem in enumerate(problems):
        name = plain_name(problem.path.stem)
        if name in names or name.isdigit() or not name:
            name = f"layer{i}"
        names.add(name)
        layers.append(read_timeloop(problem, name))
    partial = sum(problem.has_include for problem in problems)
    note = f"{partial} files include others, which are not read: a size that they leave out is 1"
    return ImportedNetwork(
        source=problems[0].path, layers=tuple(layers), assumptions=(note,) * bool(partial)
    )


def _subnet_names(paths: Sequence[Path], networks: Sequence[ImportedNetwork]) -> list[str]:
    """The names of the SubNets: those of the files, or of the folders where files cannot name them.

    UserError where two SubNets would get one name.
    """
    names = [plain_name(path.stem) for path in paths]
    if len(networks) < len(paths) or len(set(names)) < len(names):
        names = [plain_name(path.resolve().parent.name) for path in paths][: len(networks)]
    if len(set(names)) < len(names) or not all(names):
        raise UserError(f"the files give SubNets one name ({names[0]!r}); rename one of them")
    return names
