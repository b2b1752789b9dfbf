"""The browser that tests open pages in, where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def opened(address: str, profile: Path, *options: str) -> str:
    """The page at an address as it stands in the end, with no network; skips without a browser."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is on the PATH: {', '.join(BROWSERS)}")
    command = [
        found, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", *options,
        f"--user-data-dir={profile}", "--virtual-time-budget=15000",
        "--host-resolver-rules=MAP * ~NOTFOUND", address,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
