"""`doctor`: whether the installation works."""

import typer

from sushi_dse.cli import options

EXIT_BROKEN = 2


def doctor(output_format: options.Printed = options.Format.table) -> None:
    """Check this installation: versions, shipped files, folders, extras and a small evaluation.

    It ends with 2 where something is broken; an extra that is absent is no fault.

    Example: sushi-dse doctor --format json
    """
    from dataclasses import asdict

    from sushi_dse.analysis.doctor import ABSENT, BROKEN, examine
    from sushi_dse.report.formats import print_rows
    from sushi_dse.report.printing import say
    from sushi_dse.report.progress import warn

    findings = examine()
    broken = [finding for finding in findings if finding.state == BROKEN]
    rows = [asdict(finding) for finding in findings]
    document = {"ok": not broken, "checks": rows}
    print_rows(rows, list(rows[0]), output_format.value, document=document)
    if output_format is options.Format.table:
        absent = sum(finding.state == ABSENT for finding in findings)
        also = f"; {absent} extras absent, which is no fault" if absent else ""
        say(f"{len(broken)} broken{also}")
    for finding in broken:
        warn(f"{finding.check} is broken: {finding.found}; {finding.mend}")
    if broken:
        raise typer.Exit(EXIT_BROKEN)
