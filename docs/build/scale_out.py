"""Times and sizes of sweeps: measured, and of those too large to try reckoned from rates."""

import json
from pathlib import Path

from sushi_dse.explore.blocks import steady_block_designs

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
RATES, GROWTH = REFERENCE / "scale_out.json", REFERENCE / "scaling.json"
SPACES = (1e9, 1e12)  # designs
CLUSTERS = {"2 cores": (1, 2), "64 cores": (1, 64), "4 x 64": (4, 64), "64 x 64": (64, 64)}
UNITS_S = {"days": 86400, "h": 3600, "min": 60, "s": 1}


def duration(seconds: float) -> str:
    """So many seconds in the unit that suits them."""
    unit = next((unit for unit, own in UNITS_S.items() if seconds >= 2 * own), "s")
    return f"{seconds / UNITS_S[unit]:,.0f} {unit}"


def volume(size_bytes: float) -> str:
    """So many bytes in the unit that suits them."""
    power = min(int(len(f"{size_bytes:.0f}") - 1) // 3, 5)
    return f"{size_bytes / 1000**power:,.0f} {('bytes', 'kB', 'MB', 'GB', 'TB', 'PB')[power]}"


def scale() -> str:
    """A table of times and sizes; a time in which the cores wait for the command has a star."""
    rates = json.loads(RATES.read_text(encoding="utf-8"))
    head = ["designs", "parts", "fronts", "all rows", *CLUSTERS]
    lines = [head, ["---"] * len(head)]
    for designs in SPACES:
        blocks = -(-int(designs) // steady_block_designs(int(designs)))
        cells = [f"{designs:.0e}".replace("e+0", "e").replace("e+", "e"), f"{blocks:,}"]
        cells += [
            volume(blocks * rates["bytes_a_front"]),
            volume(designs * rates["bytes_a_design"]),
        ]
        for hosts, cores in CLUSTERS.values():
            computing_s = designs / (rates["designs_per_s_and_core"] * hosts * cores)
            handed_per_s = rates["cluster_blocks_per_s"] if hosts > 1 else float("inf")
            command_s = blocks / min(handed_per_s, rates["written_blocks_per_s"])
            cells.append(
                duration(max(computing_s, command_s)) + ("*" if command_s > computing_s else "")
            )
        lines.append(cells)
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return (
        f"`{rates['command']}` found {rates['designs_per_s_and_core']:,} designs a second and "
        f"core, {rates['bytes_a_design']:.0f} bytes for all rows of a design and "
        f"{rates['bytes_a_front']:,} for a block's front; the command writes "
        f"{rates['written_blocks_per_s']} parts a second, and exchanges "
        f"{rates['cluster_blocks_per_s']} blocks a second with a cluster.\n\n{table}\n"
    )


def growth() -> str:
    """A table of sweeps that were run: time and the most memory, all processes together."""
    found = json.loads(GROWTH.read_text(encoding="utf-8"))
    lines = [["a sweep", "designs", "seconds", "designs a second", "MiB at most", "MiB stored"]]
    lines.append(["---"] * len(lines[0]))
    for row in found["rows"]:
        lines.append(
            [row["setting"], f"{row['designs']:,}", f"{row['seconds']:.1f}",
             f"{row['designs_per_s']:,.0f}", f"{row['peak_mib']:,.0f}",
             f"{row['stored_mib']:,.1f}"]
        )  # fmt: skip
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"`{found['command']}`, on {found['cores']} cores:\n\n{table}\n"
