"""Coverage from the `coverage.dat` that a design compiled with `verilator --coverage` writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from da4ml_flow.errors import Location, ReportParseError

_HEAD = '# SystemC::Coverage-3'
_POINT = re.compile(r"C '(?P<keys>(?:\x01[A-Za-z_]+\x02[^\x01\x02']*)+)' (?P<count>\d+)")
_PAGE = re.compile(r'v_(?P<kind>[a-z]+)/.+')


class Covered(NamedTuple):
    """How many points of a kind there are, and how many of them were reached."""

    reached: int
    points: int


def parse_coverage(text: str, source: str = 'coverage.dat') -> Mapping[str, Covered]:
    """Points by kind ('line', 'branch', 'toggle', ...); a kind without a point is absent.

    A point that several instances have is as many points. Raises ReportParseError for what is not such a file: each
    line has to be whole, and to end.
    """
    lines = text.split('\n')
    if lines[0] != _HEAD:
        raise _error(f'it does not begin with {_HEAD!r}', source, 1)
    if lines[-1]:
        raise _error('the last line is cut off', source, len(lines))
    counts: dict[str, list[int]] = {}
    seen: set[str] = set()
    for number, line in enumerate(lines[1:-1], 2):
        point = _POINT.fullmatch(line)
        if point is None:
            raise _error('no coverage point', source, number)
        pairs = [pair.split('\x02') for pair in point['keys'].split('\x01')[1:]]
        keys = dict(pairs)
        page = _PAGE.fullmatch(keys.get('page', ''))
        kind_again = keys.get('t', page and page['kind'])
        if (
            page is None
            or kind_again != page['kind']
            or len(keys) != len(pairs)
            or not {'f', 'l', 'n', 'o', 'h'} <= keys.keys()
        ):
            raise _error('a coverage point without kind or place', source, number)
        if point['keys'] in seen:
            raise _error('a coverage point is there twice', source, number)
        seen.add(point['keys'])
        counts.setdefault(page['kind'], []).append(int(point['count']))
    if not counts:
        raise _error('there is no coverage point', source, 1)
    return {kind: Covered(sum(count > 0 for count in found), len(found)) for kind, found in sorted(counts.items())}


def _error(message: str, source: str, line: int) -> ReportParseError:
    return ReportParseError(f'Verilator coverage: {message}', location=Location(source, line))
