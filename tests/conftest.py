from pathlib import Path

import pytest
from hypothesis import settings

from tests import paths

# A slow machine is no fault of a law.  `pytest --hypothesis-profile=thorough` draws more.
settings.register_profile("quick", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=400)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of measured facts; it lies beside the repository and not in it."""
    folder = paths.ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data is not here")
    return folder
