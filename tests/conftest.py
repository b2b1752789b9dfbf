from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no fault of a law.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of measured facts; it lies beside the repository and not in it."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data is not here")
    return folder
