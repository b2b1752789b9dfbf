"""Checks as a JUnit document, which CI systems read."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from sushi_dse.analysis.thresholds import Check
from sushi_dse.errors import printable


def junit(checks: Sequence[Check], *, suite: str) -> str:
    """The checks as a JUnit document: a test case each."""
    suite = printable(suite)  # XML has no control characters
    root = ET.Element("testsuites")
    failures = str(sum(check.missed for check in checks))
    cases = ET.SubElement(
        root, "testsuite", name=suite, tests=str(len(checks)), failures=failures, errors="0"
    )
    for check in checks:
        case = ET.SubElement(cases, "testcase", classname=suite, name=printable(check.name))
        if check.missed:
            ET.SubElement(case, "failure", message=printable(check.detail))
        else:
            ET.SubElement(case, "system-out").text = printable(check.detail)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")
