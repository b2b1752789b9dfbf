"""How fast the kernels are, beside C and beside the machine's limits: one JSON document.

    python -m benchmarks

Without gcc the fields of C are null.
"""

from benchmarks.kernels import figures
from sushi_dse.report.formats import print_document

if __name__ == "__main__":
    print_document(figures())
