"""The assertions of a report as a JUnit file, the form that CI systems read."""

from xml.etree import ElementTree as ET  # written here, never parsed

from policyloop.findings import AssertionId, Finding, Report, Result
from policyloop.printing import clean


def junit(report: Report) -> str:
    """One `testsuite` a suite file, one `testcase` an assertion; what is no assertion is an error of its own."""
    root = ET.Element("testsuites", name="policyloop")
    about = {f.assertion: f for f in report.findings if f.assertion}
    suites: dict[str, ET.Element] = {}
    for one in report.ran:
        suite = suites.get(one.id.file)
        if suite is None:
            suite = suites[one.id.file] = ET.SubElement(root, "testsuite", name=clean(one.id.file))
        case = ET.SubElement(suite, "testcase", classname=clean(one.id.suite), name=_name(one.id))
        if one.id in about:
            _explain(case, "failure", about[one.id])
        elif one.result is Result.SKIPPED:
            ET.SubElement(case, "skipped")
    ran = {one.id for one in report.ran}
    others = [f for f in report.findings if f.assertion not in ran]
    if others:
        suite = ET.SubElement(root, "testsuite", name="compiler")
        for finding in others:
            case = ET.SubElement(
                suite, "testcase", classname=finding.error_class.value, name=clean(finding.file or "-")
            )
            _explain(case, "error", finding)
    for suite in root:
        for count, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(count, str(len(list(suite.iter(tag)))))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _name(one: AssertionId) -> str:
    return clean(f"{one.test}: {one.principal} {one.action} {one.resource}")


def _explain(case: ET.Element, tag: str, finding: Finding) -> None:
    element = ET.SubElement(case, tag, type=finding.code, message=clean(finding.message))
    element.text = "\n".join(clean(line) for line in (finding.excerpt or "", *finding.why) if line)
