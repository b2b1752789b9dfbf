"""`python -m sushi_dse` is `sushi-dse`."""

from sushi_dse.cli import main

main()
