import sys
from pathlib import Path

from sushi_dse.arrow import arrow_reader

PACKAGE = Path(__file__).parents[1] / "sushi_dse"


def test_what_arrow_reads_holds_no_object_of_pythons() -> None:
    content = bytes(range(256))
    before = sys.getrefcount(content)
    reader = arrow_reader(content)
    assert sys.getrefcount(content) == before
    assert reader.read() == content


def test_bytes_reach_arrow_by_that_copy_alone() -> None:
    users = [path.name for path in PACKAGE.rglob("*.py") if "BufferReader(" in path.read_text()]
    assert users == ["arrow.py"]
