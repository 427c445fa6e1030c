"""One figure over time and commits: a line of blocks, a table, rows, and a page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from da4ml_flow.report.export import Kind, Rows
from da4ml_flow.report.table import Table
from da4ml_flow.results.metrics import METRICS
from da4ml_flow.results.record import MetricPoint

BLOCKS = '▁▂▃▄▅▆▇█'
WIDTH, HEIGHT, LEFT, BOTTOM = 900, 220, 70, 30
STYLE = (
    'body{font:15px/1.45 system-ui,sans-serif;max-width:960px;margin:24px auto;padding:0 16px}'
    'h2{font-size:16px;margin:24px 0 0}svg{width:100%;height:auto}svg text{font-size:12px;fill:#667}'
    'path{fill:none;stroke:#2563a8;stroke-width:2}line{stroke:#dde}circle{fill:#2563a8}circle.worse{fill:#c2410c}'
)


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one configuration, of one stage, tool and part, in the order of time."""

    title: str
    metric: str
    points: tuple[MetricPoint, ...]

    @property
    def values(self) -> list[float]:
        return [point.value for point in self.points]

    def worse(self, position: int) -> bool:
        """Whether a value is worse than the one before it."""
        if position == 0:
            return False
        step = self.points[position].value - self.points[position - 1].value
        return step < 0 if METRICS[self.metric].direction == 'higher' else step > 0


def series_of(metric: str, points: Sequence[MetricPoint]) -> list[Series]:
    """A series for each name, configuration and source of the figure; those with the most values first."""
    found: dict[tuple[str, str, str], list[MetricPoint]] = {}
    for point in sorted(points, key=lambda point: point.started):
        source = ' '.join(part for part in (point.tool or point.stage, point.part) if part)
        found.setdefault((point.name, point.config_hash, source), []).append(point)
    same_name = [name for name, _, _ in {(name, config, '') for name, config, _ in found}]
    series = []
    for (name, config, source), items in found.items():
        which = f' (configuration {config[:8]})' if same_name.count(name) > 1 else ''
        series.append(Series(f'{name}{which}: {METRICS[metric].title}, {source}', metric, tuple(items)))
    return sorted(series, key=lambda item: (-len(item.points), item.title))


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """The last values as blocks, from the lowest to the highest."""
    shown = values[-width:]
    if not shown:
        return ''
    low, high = min(shown), max(shown)
    if low == high:
        return BLOCKS[3] * len(shown)
    return ''.join(BLOCKS[round((value - low) / (high - low) * (len(BLOCKS) - 1))] for value in shown)


def history_table(series: Series, limit: int) -> Table:
    """The newest values, with what changed from one to the next."""
    spec = METRICS[series.metric]
    rows = []
    for position in range(len(series.points) - 1, max(-1, len(series.points) - 1 - limit), -1):
        point = series.points[position]
        step = point.value - series.points[position - 1].value if position else 0.0
        change = f'{step:+,.{spec.digits}f}' if step else ''
        verdict = 'worse' if series.worse(position) else 'better' if step and spec.direction != 'neutral' else ''
        commit = f'{point.git_commit[:10]}{"*" if point.git_dirty else ""}' if point.git_commit else ''
        value = f'{point.value:,.{spec.digits}f} {spec.unit}'.rstrip()
        rows.append((point.started[:19].replace('T', ' '), commit, value, change, verdict, point.uid))
    headers = ('started (UTC)', 'commit', spec.title, 'change', '', 'run')
    return Table(f'{series.title}  {sparkline(series.values)}', headers, tuple(rows), frozenset({2, 3}))


def history_rows(found: Sequence[Series]) -> Rows:
    """A row a value."""
    columns: dict[str, Kind] = dict.fromkeys(('name', 'metric', 'stage', 'tool', 'part', 'started', 'commit'), str)
    columns |= {'dirty': bool, 'config_hash': str, 'value': float, 'unit': str, 'run': str}
    rows = (
        (
            *(p.name, series.metric, p.stage, p.tool, p.part, p.started, p.git_commit, p.git_dirty),
            *(p.config_hash, p.value, METRICS[series.metric].unit, p.uid),
        )
        for series in found
        for p in series.points
    )
    return Rows(columns, rows)


def history_page(found: Sequence[Series]) -> str:
    """A drawing a series; what was worse than before is red, and hovering says which run it was."""
    title = html.escape(METRICS[found[0].metric].title) if found else 'no runs'
    parts = [f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>']
    parts.append(f'<style>{STYLE}</style></head><body><h1>{title} over time</h1>')
    parts += [_drawing(series) for series in found]
    return '\n'.join([*parts, '</body></html>\n'])


def _drawing(series: Series) -> str:
    values = series.values
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1, high + 1

    def across(position: int) -> float:
        return LEFT + position * (WIDTH - LEFT - 15) / max(1, len(values) - 1)

    def up(value: float) -> float:
        return 15 + (high - value) * (HEIGHT - BOTTOM - 15) / (high - low)

    spec = METRICS[series.metric]
    parts = [f'<h2>{html.escape(series.title)}</h2><svg viewBox="0 0 {WIDTH} {HEIGHT}">']
    for value in (low, high):
        y = up(value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,.{spec.digits}f}</text>')
    steps = ' '.join(f'{across(place):.1f},{up(value):.1f}' for place, value in enumerate(values))
    parts.append(f'<path d="M{steps.replace(" ", " L")}"/>')
    for place, point in enumerate(series.points):
        said = f'{point.value:,.{spec.digits}f} {spec.unit}, {point.started[:19]} UTC, run {point.uid}'
        if point.git_commit:
            said += f', commit {point.git_commit[:10]}'
        kind = ' class="worse"' if series.worse(place) else ''
        where = f'cx="{across(place):.1f}" cy="{up(point.value):.1f}"'
        parts.append(f'<circle{kind} {where} r="4"><title>{html.escape(said)}</title></circle>')
    first, last = series.points[0].started[:10], series.points[-1].started[:10]
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 6}">{first}</text>')
    parts.append(f'<text x="{WIDTH - 15}" y="{HEIGHT - 6}" text-anchor="end">{last}</text></svg>')
    return ''.join(parts)
