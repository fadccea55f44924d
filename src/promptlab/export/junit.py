"""Gates as JUnit XML, which every build server shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from promptlab.analysis.gates import GateResult
from promptlab.basics.files import write_atomically
from promptlab.export.plain_text import plain


def write_junit(results: Sequence[GateResult], path: Path, *, experiment: str) -> None:
    """One test case per gate; a gate that is not met is a failure with its reason."""
    failed = sum(not each.passed for each in results)
    counts = {"tests": str(len(results)), "failures": str(failed), "errors": "0"}
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": plain(experiment), **counts})
    for each in results:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": plain(experiment), "name": plain(each.name), "time": "0"}
        )
        if not each.passed:
            failure = ElementTree.SubElement(case, "failure", {"message": plain(each.reason)})
            failure.text = plain(f"{each.name}: {each.reason}")
    ElementTree.indent(suites)
    write_atomically(path, ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True) + b"\n")
