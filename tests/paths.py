"""Where the repository and its test data lie."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "data" / "tiny.yaml"  # a space of few small designs
