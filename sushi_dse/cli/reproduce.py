"""`reproduce`: what is measured and published of SGS, beside the model's figures."""

from sushi_dse.cli import options


def reproduce(output_format: options.Printed = options.Format.table) -> None:
    """Print what residency saves as measured, and the published figures beside the model's.

    Beside the means over a stream stand the best single SubNet, what would be saved if loads did
    not overlap computation, and where the published latency gain is reached.

    Example: sushi-dse reproduce --format json
    """
    from sushi_dse.analysis.reproduce import reproduce as run
    from sushi_dse.report.reproduction import print_reproduction

    print_reproduction(run(), output_format.value)
