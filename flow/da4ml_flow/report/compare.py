"""Runs side by side: each figure with its change from the first run, and what differs in what they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any, Literal

from da4ml_flow.report.export import Kind, Rows, Value
from da4ml_flow.report.figures import Figure, figures_of, ordered, settings_of, varying
from da4ml_flow.report.summary import number
from da4ml_flow.report.table import Table
from da4ml_flow.results.metrics import MetricSpec
from da4ml_flow.results.record import RunRecord

Verdict = Literal['better', 'worse', 'same', '']
BY_DIFFERENCE = frozenset({'accuracy', 'float_accuracy', 'wns_ns', 'tns_ns', 'whs_ns'})  # shares, and what has a sign
FACTS = ('status', 'git_commit', 'git_dirty', 'package_version', 'host')


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of all runs; several stages that agree on it in every run are one line."""

    figures: tuple[Figure, ...]
    values: tuple[float | None, ...]

    @property
    def spec(self) -> MetricSpec:
        return self.figures[0].spec

    @property
    def source(self) -> str:
        return ', '.join(dict.fromkeys(figure.source for figure in self.figures))

    def verdict(self, place: int) -> Verdict:
        """How a run is against the first; '' if one of them has no such figure, or if no direction is better."""
        first, value = self.values[0], self.values[place]
        if place == 0 or first is None or value is None:
            return ''
        if isclose(first, value, rel_tol=1e-9):
            return 'same'
        if self.spec.direction == 'neutral':
            return ''
        return 'better' if (value < first) == (self.spec.direction == 'lower') else 'worse'

    def ratio(self, place: int) -> float | None:
        """To the first run; None where it means nothing."""
        first, value = self.values[0], self.values[place]
        if first is None or value is None or first <= 0 or value < 0 or self.spec.name in BY_DIFFERENCE:
            return None
        return value / first

    def change(self, place: int) -> str:
        """From the first run: in percent, as a factor from two up, or as a difference where a ratio means nothing."""
        first, value = self.values[0], self.values[place]
        if place == 0 or first is None or value is None:
            return ''
        if self.verdict(place) == 'same':
            return '='
        ratio = self.ratio(place)
        if ratio is None:
            return f'{"+" if value > first else ""}{number(self.spec, value - first)}'
        return f'{100 * (ratio - 1):+.1f} %' if 0.5 < ratio < 2 else f'x {ratio:.3g}'


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs against the first of them."""

    runs: tuple[RunRecord, ...]
    lines: tuple[Line, ...]
    differences: tuple[tuple[str, tuple[str | None, ...]], ...]  # key -> its value in each run

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the runs, with their uids if two have one name."""
        names = [run.name for run in self.runs]
        return tuple(run.name if len(set(names)) == len(names) else f'{run.name} {run.uid}' for run in self.runs)

    @property
    def notes(self) -> list[str]:
        """Which figures stand in several lines, because tools or devices differ."""
        sources: dict[tuple[str, str], list[str]] = {}
        for line in self.lines:
            for figure in line.figures:
                if figure.tool:
                    sources.setdefault((line.spec.title, figure.stage), []).append(figure.source)
        found: dict[str, list[str]] = {}
        for (title, stage), named in sources.items():
            if len(named) > 1:
                found.setdefault(f'{", ".join(named)} ({stage})', []).append(title)
        return [f'never compared with each other: {", ".join(titles)} of {which}' for which, titles in found.items()]


def compare(runs: Sequence[RunRecord]) -> Comparison:
    """The figures and the differences of two runs or more."""
    measured = [figures_of(run.metrics) for run in runs]
    lines: dict[tuple[str, str, tuple[float | None, ...]], list[Figure]] = {}
    for figure in ordered(figure for run in measured for figure in run):
        values = tuple(run.get(figure) for run in measured)
        # of two devices the figures are two, even if they happen to be the same number
        apart = figure.source if figure.part or None in values else ''
        lines.setdefault((figure.metric, apart, values), []).append(figure)
    made_from = [{**_facts(run), **settings_of(run.config)} for run in runs]
    return Comparison(
        tuple(runs),
        tuple(Line(tuple(figures), values) for (_, _, values), figures in lines.items()),
        tuple((key, tuple(item.get(key) for item in made_from)) for key in varying(made_from)),
    )


def _facts(run: RunRecord) -> dict[str, str]:
    facts = {name: str(getattr(run, name)) for name in FACTS if getattr(run, name) is not None}
    tools = {f'version of {tool.name}': tool.version for s in run.stages if s.record for tool in s.record.tools}
    return {**facts, **tools}


def figures_table(comparison: Comparison) -> Table:
    """A line a figure: the value of each run, and its change from the first."""
    rows: list[tuple[str, ...]] = []
    marks: dict[tuple[int, int], str] = {}
    for line in comparison.lines:
        cells = [line.spec.title, line.source]
        for place, value in enumerate(line.values):
            cells.append('' if value is None else f'{number(line.spec, value)} {line.spec.unit}'.rstrip())
            if place:
                verdict = line.verdict(place)
                if verdict in ('better', 'worse'):
                    marks[len(rows), len(cells)] = marks[len(rows), len(cells) - 1] = verdict
                cells.append(f'{line.change(place)} {verdict if verdict != "same" else ""}'.strip())
        rows.append(tuple(cells))
    headers = ['', '', comparison.labels[0]]
    for label in comparison.labels[1:]:
        headers += [label, 'against the first']
    numbers = frozenset({2, *range(3, len(headers), 2)})
    return Table('', tuple(headers), tuple(rows), numbers, marks)


def differences_table(comparison: Comparison) -> Table:
    """What differs in the configuration, the versions and the state of the sources."""
    rows = tuple((key, *('' if v is None else v for v in values)) for key, values in comparison.differences)
    return Table('what differs', ('', *comparison.labels), rows)


def comparison_rows(comparison: Comparison) -> Rows:
    """A row a figure and run."""
    columns: dict[str, Kind] = dict.fromkeys(('metric', 'stage', 'tool', 'part', 'unit', 'run', 'name'), str)
    columns |= {'value': float, 'first': float, 'ratio': float, 'verdict': str}
    rows: list[Sequence[Value]] = []
    for line in comparison.lines:
        for figure in line.figures:
            for place, run in enumerate(comparison.runs):
                found = (line.values[place], line.values[0], line.ratio(place), line.verdict(place))
                rows.append((*figure, figure.spec.unit, run.uid, run.name, *found))
    return Rows(columns, rows)


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """JSON-ready."""
    return {
        'runs': [{'uid': run.uid, 'name': run.name, 'status': run.status} for run in comparison.runs],
        'figures': [
            {
                **figure._asdict(),
                'unit': line.spec.unit,
                'better': line.spec.direction,
                'values': list(line.values),
                'ratios': [line.ratio(place) for place in range(len(line.values))],
                'verdicts': [line.verdict(place) for place in range(len(line.values))],
            }
            for line in comparison.lines
            for figure in line.figures
        ],
        'differences': {key: list(values) for key, values in comparison.differences},
        'notes': comparison.notes,
    }
