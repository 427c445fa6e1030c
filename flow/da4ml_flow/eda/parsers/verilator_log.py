"""Warnings in what Verilator prints."""

from __future__ import annotations

import re
from typing import NamedTuple

_WARNING = re.compile(
    r'^%Warning-(?P<kind>[A-Z0-9_]+): (?:(?P<file>[^:\n]+):(?P<line>\d+):(?:(?P<column>\d+):)? )?(?P<text>.*)$'
)


class LintWarning(NamedTuple):
    """One warning; ``file`` is empty and ``line`` 0 where it has no place."""

    kind: str
    file: str
    line: int
    text: str

    def __str__(self) -> str:
        place = f'{self.file}:{self.line}: ' if self.file else ''
        return f'{place}{self.kind}: {self.text}'


def parse_warnings(text: str) -> tuple[LintWarning, ...]:
    """The warnings of a log, in its order; a line that starts like one and is not understood is one without a place."""
    found = []
    for line in text.splitlines():
        if not line.startswith('%Warning'):
            continue
        match = _WARNING.match(line)
        if match is None:
            found.append(LintWarning('UNKNOWN', '', 0, line))
        else:
            found.append(LintWarning(match['kind'], match['file'] or '', int(match['line'] or 0), match['text']))
    return tuple(found)
