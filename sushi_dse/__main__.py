"""`python -m sushi_dse` is `sushi-dse`."""

from sushi_dse.interrupts import end_on_interrupt


def main() -> None:
    """Run the tool; a signal ends it from the start, while slow modules are being imported."""
    end_on_interrupt(lambda: "interrupted")
    from sushi_dse.cli import main as run

    run()


if __name__ == "__main__":
    main()
