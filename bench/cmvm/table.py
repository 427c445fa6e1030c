"""The table of the benchmark: rows of figures, how they are shown, and how they are saved."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

RATIOS = ('adders', 'bits', 'own_bits', 'cpu_s')


class Figures(NamedTuple):
    """What one solver made of one problem; ``own_bits`` is what the peer says that its graph costs."""

    adders: float
    bits: float
    own_bits: float
    depth: float
    cpu_s: float
    wall_s: float
    peak_mb: float


class Row(NamedTuple):
    """One line: a solver on a case, and where it is ours, its ratios to a peer's line."""

    mode: str
    case: str
    who: str
    threads: int
    figures: Figures
    ratios: dict[str, float]

    @property
    def json(self) -> dict[str, Any]:
        return {**self._asdict(), 'figures': self.figures._asdict()}


def medians(problems: Sequence[Figures]) -> Figures:
    """Of seeds: the median of every figure."""
    return Figures(*np.median(np.array(problems, dtype=float), axis=0).tolist())


def totals(problems: Sequence[Figures]) -> Figures:
    """Of layers: sums, and the deepest and the largest of them."""
    table = np.array(problems, dtype=float)
    sums = Figures(*table.sum(axis=0).tolist())
    depth, peak_mb = (float(table[:, Figures._fields.index(name)].max()) for name in ('depth', 'peak_mb'))
    return sums._replace(depth=depth, peak_mb=peak_mb)


def ratios(
    ours: Sequence[Figures], theirs: Sequence[Figures], fold: Callable[[Sequence[Figures]], Figures]
) -> dict[str, float]:
    """Ours by theirs: the median of the ratios of seeds, or the ratio of the totals.

    Of ``own_bits`` it is our bits by what the peer says of its own.
    """
    pairs = [(ours, theirs)] if fold is totals else [([a], [b]) for a, b in zip(ours, theirs, strict=True)]
    found = {}
    for name in RATIOS:
        mine = 'bits' if name == 'own_bits' else name
        each = [getattr(fold(a), mine) / max(getattr(fold(b), name), 1e-9) for a, b in pairs]
        found[name] = float(np.median(each))
    return found


def number(value: float, digits: int = 0) -> str:
    return '-' if math.isnan(value) else f'{value:,.{digits}f}'


def cells(row: Row) -> list[str]:
    """The columns after mode and case."""
    figures = row.figures
    places = zip(figures, (0, 0, 0, 1, 3 if figures.cpu_s < 1 else 1, 3 if figures.wall_s < 1 else 1, 1), strict=True)
    change = [
        '' if name not in row.ratios or math.isnan(row.ratios[name]) else f'{100 * (row.ratios[name] - 1):+.1f} %'
        for name in RATIOS[:3]
    ]
    speed = f'x{row.ratios["cpu_s"]:.2g}' if row.ratios else ''
    return [row.who, str(row.threads), *(number(value, digits) for value, digits in places), *change, speed]


HEADS = (
    *('who', 'threads', 'adders', 'LUT bits', 'own bits', 'depth', 'CPU s', 'wall s', 'peak MB'),
    *('Δ adders', 'Δ bits', 'Δ own bits', 'CPU'),
)
WIDTHS = (42, 7, 8, 9, 9, 6, 8, 8, 8, 9, 9, 10, 7)


def show(row: Row) -> str:
    """A line for the console."""
    columns = [cell.rjust(width) for cell, width in zip(cells(row), WIDTHS, strict=True)]
    return cells(row)[0].ljust(WIDTHS[0]) + ' '.join(columns[1:])


def head() -> str:
    names = [name.rjust(width) for name, width in zip(HEADS, WIDTHS, strict=True)]
    return HEADS[0].ljust(WIDTHS[0]) + ' '.join(names[1:])


def markdown(rows: Sequence[Row]) -> str:
    """All rows, a table for each mode."""
    lines: list[str] = []
    for mode in dict.fromkeys(row.mode for row in rows):
        heads = ('case', *HEADS)
        lines += [f'## {mode}', '', f'| {" | ".join(heads)} |', '|---' * len(heads) + '|']
        lines += [f'| {" | ".join((row.case, *cells(row)))} |' for row in rows if row.mode == mode]
        lines.append('')
    return '\n'.join(lines)


def summary(rows: Sequence[Row]) -> list[str]:
    """For every kind of row of ours, lowest, median and highest change of the cases."""
    lines = ['who, against whom: lowest / median / highest of the changes']
    rival = ''
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        if not row.ratios:
            rival = row.who
        else:
            kinds.setdefault(f'{row.mode}, {row.threads} thread(s): {row.who} against {rival}', []).append(row)
    for kind, members in kinds.items():
        parts = [f'{kind}, {len(members)} cases:']
        for name in RATIOS[:3]:
            changes = [100 * (row.ratios[name] - 1) for row in members if not math.isnan(row.ratios[name])]
            if changes:
                low, middle, high = min(changes), float(np.median(changes)), max(changes)
                parts.append(f'{name} {low:+.1f} / {middle:+.1f} / {high:+.1f} %')
        lines.append('- ' + ' '.join(parts))
    return lines


def save(rows: Sequence[Row], stem: Path, facts: dict[str, Any]) -> None:
    """``stem``.json and ``stem``.md."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    table = {**facts, 'rows': [row.json for row in rows]}
    stem.with_suffix('.json').write_text(json.dumps(table, indent=1) + '\n')
    title = ', '.join(f'{name} {value}' for name, value in facts.items())
    stem.with_suffix('.md').write_text('\n'.join([title, '', markdown(rows), *summary(rows), '']))
