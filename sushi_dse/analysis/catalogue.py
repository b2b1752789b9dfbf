"""The facts about named hardware, workloads, policies, metrics and boards, with assumptions."""

from collections.abc import Callable
from dataclasses import asdict

from sushi_dse.config.boards import boards
from sushi_dse.config.hardware_file import hardware_names, load_hardware
from sushi_dse.config.workload_file import load_workload, workload_names
from sushi_dse.errors import UserError, near_names
from sushi_dse.evaluation.metrics import METRICS, find_metric
from sushi_dse.hardware.accelerator import FIELDS_OF
from sushi_dse.hardware.resources import infeasible_reason, logic_share, resources
from sushi_dse.hardware.timing import attainable_logic_mhz
from sushi_dse.model.energy import power
from sushi_dse.model.standing import borrowed_constants
from sushi_dse.policies.catalogue import POLICIES, find_policy
from sushi_dse.workload.weights import bits_said, shared_weight_bytes

Facts = dict[str, object]


def hardware_facts(name: str) -> Facts:
    """The constants, axes, resources and assumptions of a hardware file; `UserError` without it."""
    file = load_hardware(name)
    base = file.space.base
    facts: Facts = {"description": file.description, "designs": file.space.size}
    facts |= {
        f"axis {axis.name}": ", ".join(f"{value:g}" for value in axis.values)
        for axis in file.space.axes
    }
    axes = {axis.name for axis in file.space.axes}
    facts |= {
        key: getattr(base, key)
        for key in FIELDS_OF[base.dataflow]
        if key not in axes and key not in ("name", "device")
    }
    device = asdict(base.device)
    del device["accelerators"]  # which no file tells
    facts["device"] = ", ".join(f"{key} {value}" for key, value in device.items())
    if not axes:
        used = resources(base)
        attainable = attainable_logic_mhz(base, logic_share(used, base.device))
        facts |= {f"takes {key}": value for key, value in used.by_name.items()}
        drawn = power(base)
        facts["draws"] = f"{drawn.static_w:.3g} W static, {drawn.clock_w:.3g} W for its clock"
        facts["attainable clock"] = f"{int(attainable)} MHz, of logic and buffers"
        facts["fits its device"] = infeasible_reason(base) or "yes"
    facts |= {
        f"{'plausible' if doubt.error is None else 'fitted'} {key}": doubt.said
        for key, doubt in file.space.doubts.items()
    }
    if file.space.calibration:
        facts |= {
            f"evidence for {kind}": str(evidence)
            for kind, evidence in file.space.calibration.evidence.items()
        }
    if borrowed := borrowed_constants(file.space):
        facts["borrowed constants"] = borrowed
    kind = "assumption" if file.assumed_by == file.name else f"{file.assumed_by}'s assumption"
    facts |= {f"{kind} {i}": text for i, text in enumerate(file.assumptions, start=1)}
    return facts


def workload_facts(name: str) -> Facts:
    """The SubNets of a workload with their MACs and weights; `UserError` without it."""
    file = load_workload(name)
    supernet = file.supernet
    facts: Facts = {
        "description": file.description,
        "accuracy_of": supernet.accuracy_of,
        "supernet_layers": len(supernet.layers),
        "weight_bits": bits_said(supernet),
        "convolution_weight_bytes_shared_by_all": shared_weight_bytes(supernet),
    }
    facts |= {f"caveat {i}": text for i, text in enumerate(supernet.caveats, start=1)}
    for subnet in supernet.subnets:
        known = subnet.accuracy_percent
        accuracy = "unknown" if known is None else f"{known:g} %"
        facts[f"subnet {subnet.name}"] = (
            f"accuracy {accuracy}, {len(subnet.layers)} layers, "
            f"{subnet.macs / 1e6:.1f} million MACs, {subnet.weight_bytes / 2**20:.2f} MiB weights"
        )
    return facts


def policy_facts(name: str) -> Facts:
    """The rule of a policy; `UserError` without it."""
    return {"policy": name, "rule": find_policy(name).summary}


def metric_facts(name: str) -> Facts:
    """The meaning and direction of a metric; `UserError` without it."""
    metric = find_metric(name)
    return {"metric": name, "meaning": metric.meaning, "better": metric.better}


def device_facts(name: str) -> Facts:
    """The blocks and memory of a board that hardware files may name; `UserError` without it."""
    if name not in boards():
        raise UserError(f"unknown device {name!r}; {near_names(name, boards())}")
    board = boards()[name]
    facts: Facts = {**dict(board), **asdict(board.device(name))}
    if board.shell_share.doubt:
        facts["plausible shell_share"] = board.shell_share.doubt.said
    return facts


FACTS: dict[str, Callable[[str], Facts]] = {
    "hw": hardware_facts,
    "workload": workload_facts,
    "policy": policy_facts,
    "metric": metric_facts,
    "device": device_facts,
}
NAMES: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "hw": lambda: [(name, load_hardware(name).description) for name in hardware_names()],
    "workload": lambda: [(name, load_workload(name).description) for name in workload_names()],
    "policy": lambda: [(name, policy.summary) for name, policy in POLICIES.items()],
    "metric": lambda: [(name, metric.meaning) for name, metric in METRICS.items()],
    "device": lambda: [
        (name, f"{board.part}, {board.offchip}") for name, board in boards().items()
    ],
}
