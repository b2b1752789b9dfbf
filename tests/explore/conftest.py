"""Searches that nothing cut."""

from pathlib import Path

import pytest

from sushi_dse.explore.search.plan import SAMPLERS
from tests.explore.searches import plan_of, run


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each sampler's search that nothing cut."""
    folders = {sampler: tmp_path_factory.mktemp(sampler) for sampler in SAMPLERS}
    for sampler, folder in folders.items():
        run(folder, plan_of(sampler))
    return folders
