"""`reproduce`: the paper's headline figures beside the model's."""

from sushi_dse.cli import options


def reproduce(output_format: options.Printed = options.Format.table) -> None:
    """Print the paper's headline figures beside the model's, each with its command.

    Example: sushi-dse reproduce --format json
    """
    from sushi_dse.analysis.reproduce import best_rows
    from sushi_dse.analysis.reproduce import reproduce as run
    from sushi_dse.report.views import print_reproduction

    rows = list(run())
    print_reproduction(rows, best_rows(rows), output_format.value)
