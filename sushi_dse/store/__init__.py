"""The results of a sweep on disk, and what they are of."""

from sushi_dse.store.folder import Store
from sushi_dse.store.identity import (
    MODEL_VERSION,
    SCHEMA_VERSION,
    check_inputs,
    point_id,
    read_inputs,
    results_name,
)
from sushi_dse.store.parts import (
    Part,
    part_bytes,
    read_results,
    read_tables,
    stored_parts,
)

__all__ = [
    "MODEL_VERSION",
    "SCHEMA_VERSION",
    "Part",
    "Store",
    "check_inputs",
    "part_bytes",
    "point_id",
    "read_inputs",
    "read_results",
    "read_tables",
    "results_name",
    "stored_parts",
]
