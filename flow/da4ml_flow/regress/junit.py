"""Comparisons as JUnit XML: a suite a baseline, a case a rule, and one for the build itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from da4ml_flow.regress.compare import Comparison

NOT_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


def junit_xml(comparisons: Sequence[Comparison]) -> str:
    """The whole file. A warning is a case that passes and says so."""
    root = ElementTree.Element('testsuites', name='da4ml-flow regress')
    totals = {'tests': 0, 'failures': 0, 'errors': 0}
    for comparison in comparisons:
        suite = ElementTree.SubElement(root, 'testsuite', name=_clean(comparison.baseline.name))
        counts = _fill(suite, comparison)
        for key, count in counts.items():
            suite.set(key, str(count))
            totals[key] += count
        suite.set('skipped', '0')
        suite.set('time', f'{comparison.wall_s:.3f}')
    for key, count in totals.items():
        root.set(key, str(count))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _fill(suite: ElementTree.Element, comparison: Comparison) -> dict[str, int]:
    name = _clean(comparison.baseline.name)
    build = ElementTree.SubElement(suite, 'testcase', classname=name, name='build', time=f'{comparison.wall_s:.3f}')
    if comparison.errors:  # a case has one error element
        first = comparison.errors[0]
        found = ElementTree.SubElement(build, 'error', type=first.code, message=_clean(first.message))
        found.text = _clean('\n\n'.join(str(error) for error in comparison.errors))
    for check in comparison.checks:
        case = ElementTree.SubElement(suite, 'testcase', classname=name, name=_clean(check.key), time='0.000')
        text = _clean(f'{check.text}; {comparison.origin}')
        if check.failed:
            ElementTree.SubElement(case, 'failure', type=check.verdict, message=_clean(check.text)).text = text
        elif check.bad:
            ElementTree.SubElement(case, 'system-out').text = f'warning: {text}'
    return {
        'tests': 1 + len(comparison.checks),
        'failures': sum(check.failed for check in comparison.checks),
        'errors': int(bool(comparison.errors)),
    }


def _clean(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return NOT_XML.sub('?', text)
