"""What Yosys' `sat` says of a proof: done, refuted by the values of ports, or given up."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from da4ml_flow.errors import Location, ReportParseError

_ROW = re.compile(r'^ *(?:(\d+) +)?\\(\w+) +\S+ +\S+ +([01x]+) *$', re.MULTILINE)
_PROVED = 'SAT proof finished - no model found: SUCCESS!'
_REFUTED = 'SAT proof finished - model found: FAIL!'
_GIVEN_UP = 'Interrupted SAT solver: TIMEOUT!'


class Verdict(NamedTuple):
    """The outcome; if refuted, each port's value in every cycle of the window, undefined bits as 0."""

    outcome: Literal['proved', 'refuted', 'timeout']
    ports: dict[str, tuple[int, ...]]


def parse_sat(text: str, name: str) -> Verdict:
    """The verdict of a log; raises ReportParseError if there is none."""
    if _PROVED in text:
        return Verdict('proved', {})
    if _GIVEN_UP in text:
        return Verdict('timeout', {})
    if _REFUTED not in text:
        raise ReportParseError('the log of Yosys has no verdict of a proof', location=Location(name))
    ports: dict[str, list[tuple[int, int]]] = {}
    for cycle, port, bits in _ROW.findall(text[text.index(_REFUTED) :]):
        ports.setdefault(port, []).append((int(cycle or 1), int(bits.replace('x', '0'), 2)))
    return Verdict('refuted', {port: tuple(value for _, value in sorted(rows)) for port, rows in ports.items()})
