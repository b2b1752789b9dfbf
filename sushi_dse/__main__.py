"""`python -m sushi_dse` is `sushi-dse`."""

import sys
import warnings

from sushi_dse.errors import EXIT_FAULT, message_line
from sushi_dse.interrupts import end_on_interrupt


def main() -> None:
    """Run the tool; a signal ends it from the start, while slow modules are being imported."""
    end_on_interrupt(lambda: "interrupted")
    if not sys.warnoptions:  # Warnings of libraries are for whoever works on this program.
        warnings.simplefilter("ignore")
    try:
        from sushi_dse.cli import main as run
    except Exception as error:  # A library is missing, or of another version.
        reason = message_line(f"{type(error).__name__}: {error}")
        sys.stderr.write(f"error: sushi-dse cannot start ({reason}); install it again\n")
        raise SystemExit(EXIT_FAULT) from None
    run()


if __name__ == "__main__":
    main()
