"""Verilator's coverage data: what a real run wrote, and that damage is refused."""

import random
from pathlib import Path

import pytest

from da4ml_flow.eda.parsers.verilator_coverage import Covered, parse_coverage
from da4ml_flow.errors import ReportParseError

# of a counter of two bits that counted to three without a reset
REAL = (Path(__file__).parent / 'reports' / 'coverage.dat').read_text()


def test_the_points_of_a_real_run() -> None:
    assert parse_coverage(REAL) == {'branch': Covered(1, 2), 'line': Covered(2, 2), 'toggle': Covered(6, 8)}


@pytest.mark.parametrize(
    ('old', 'new', 'line'),
    [
        ('# SystemC::Coverage-3', '# SystemC::Coverage-4', 1),
        ("TOP.counter' 0\n", "TOP.counter' -1\n", 5),
        ("TOP.counter' 0\n", "TOP.counter'\n", 5),
        ('v_branch/counter', 'branch', 12),
        ('\x01l\x024', '', 12),
        ('else', 'if', 13),
    ],
)
def test_what_is_malformed_is_refused_with_its_line(old: str, new: str, line: int) -> None:
    assert old in REAL
    with pytest.raises(ReportParseError) as caught:
        parse_coverage(REAL.replace(old, new, 1) if old != 'else' else twice(REAL))
    assert caught.value.location.line == line


def twice(text: str) -> str:
    lines = text.split('\n')
    return '\n'.join([*lines[:12], lines[11], *lines[12:]])


def test_no_point_is_no_coverage() -> None:
    for text in ('', '# SystemC::Coverage-3\n'):
        with pytest.raises(ReportParseError):
            parse_coverage(text)


def test_truncations_are_refused_or_whole_lines() -> None:
    """What is left after whole lines is a report of fewer points, which no reader can know; the rest is refused."""
    for end in range(len(REAL)):
        if REAL[:end].endswith('\n') and end > 30:
            assert parse_coverage(REAL[:end])
        else:
            with pytest.raises(ReportParseError):
                parse_coverage(REAL[:end])


def test_damage_raises_nothing_else() -> None:
    generator = random.Random(0)
    for _ in range(3000):
        at = generator.randrange(len(REAL))
        text = REAL[:at] + generator.choice("\0\x01\x02'\n 9Cé") + REAL[at + generator.randrange(3) :]
        try:
            found = parse_coverage(text)
        except ReportParseError as error:
            place = error.location.line
        else:
            place = 1
            assert all(kind.reached <= kind.points <= 13 for kind in found.values())
        assert 1 <= place <= text.count('\n') + 1
