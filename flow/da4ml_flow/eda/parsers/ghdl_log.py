"""Warnings in what GHDL prints."""

from __future__ import annotations

import re

from da4ml_flow.eda.parsers.verilator_log import LintWarning

_WARNING = re.compile(
    r'^(?P<file>[^:\n]+):(?P<line>\d+):(?P<column>\d+):(?:@[^:]*:)?\s?(?:\([^)]*\): )?warning: (?P<text>.*?)'
    r'(?: \[-W(?P<kind>[\w-]+)\])?$'
)
_ANY = re.compile(r'\bwarning: ')


def parse_warnings(text: str) -> tuple[LintWarning, ...]:
    """The warnings of a log, in its order; a line that speaks of one and is not understood is one without a place."""
    found = []
    for line in text.splitlines():
        match = _WARNING.match(line)
        if match is not None:
            found.append(LintWarning(match['kind'] or 'UNKNOWN', match['file'], int(match['line']), match['text']))
        elif _ANY.search(line):
            found.append(LintWarning('UNKNOWN', '', 0, line))
    return tuple(found)
