import sys

from sushi_dse.files import arrow_reader
from tests import paths

PACKAGE = paths.ROOT / "sushi_dse"


def test_what_arrow_reads_holds_no_object_of_pythons() -> None:
    content = bytes(range(256))
    before = sys.getrefcount(content)
    reader = arrow_reader(content)
    assert sys.getrefcount(content) == before
    assert reader.read() == content


def test_bytes_reach_arrow_by_that_copy_alone() -> None:
    users = [path.name for path in PACKAGE.rglob("*.py") if "BufferReader(" in path.read_text()]
    assert users == ["files.py"]
