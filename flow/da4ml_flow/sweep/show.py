"""A sweep as a table, as rows to write, and as one interactive HTML page that needs no network."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from da4ml_flow.report.embed import embedded
from da4ml_flow.report.export import Kind, Rows, Value
from da4ml_flow.report.figures import value_text
from da4ml_flow.report.summary import HEADLINES
from da4ml_flow.report.table import Table
from da4ml_flow.results.metrics import METRICS
from da4ml_flow.sweep.pareto import Objective, front
from da4ml_flow.sweep.point import PointRecord

MOST_DRAWN = 4000


def measured(records: Sequence[PointRecord], objectives: Sequence[Objective]) -> tuple[Objective, ...]:
    """The objectives that any point has a figure for."""
    return tuple(o for o in objectives if any(o.of(record.metrics) is not None for record in records))


def varying(records: Sequence[PointRecord]) -> list[str]:
    """The swept keys that differ between the points, in their order."""
    keys = dict.fromkeys(key for record in records for key in record.values)
    return [key for key in keys if len({json.dumps(record.values.get(key)) for record in records}) > 1]


def front_table(records: Sequence[PointRecord], objectives: Sequence[Objective], title: str) -> Table:
    """The Pareto front, one row a point."""
    chosen = measured(records, objectives)
    keys = varying(records)
    rows = []
    for record in front(records, chosen):
        figures = [_figure(objective, record) for objective in chosen]
        rows.append((*(value_text(record.values.get(key)) for key in keys), *figures, record.run_uid))
    headers = (*keys, *(objective.spec.title for objective in chosen), 'run')
    return Table(title, headers, tuple(rows), frozenset(range(len(keys), len(keys) + len(chosen))))


def point_rows(records: Sequence[PointRecord], objectives: Sequence[Objective]) -> Rows:
    """Every point with its values and figures; ``front`` is 1 on the Pareto front."""
    best = {record.key for record in front(records, measured(records, objectives))}
    keys = list(dict.fromkeys(key for record in records for key in record.values))
    columns = _columns(records)
    kinds: dict[str, Kind] = {
        **dict.fromkeys(keys, str),
        'status': str,
        'front': int,
        **dict.fromkeys(map(_label, columns), float),
        'wall_s': float,
        'run': str,
        'message': str,
    }

    def row(record: PointRecord) -> tuple[Value, ...]:
        figures = {(m.name, m.stage): m.value for m in reversed(record.metrics)}
        return (
            *(value_text(record.values.get(key)) for key in keys),
            record.status,
            int(record.key in best),
            *map(figures.get, columns),
            record.wall_s,
            record.run_uid,
            record.message,
        )

    return Rows(kinds, map(row, records))


def page(records: Sequence[PointRecord], objectives: Sequence[Objective], title: str) -> str:
    """The page: two figures against each other, a third in colour; hover shows a point, click its run."""
    chosen = measured(records, objectives)
    best = {record.key for record in front(records, chosen)}
    columns = _columns(records)
    data: dict[str, Any] = {
        'title': title,
        'total': len(records),
        'objectives': [_label((o.metric, o.stage)) for o in chosen],
        'columns': [
            {
                'name': _label(column),
                'title': METRICS[column[0]].title,
                'unit': METRICS[column[0]].unit,
                'stage': column[1],
                'better': METRICS[column[0]].direction,
            }
            for column in columns
        ],
        'points': [
            {
                'values': {key: value_text(value) for key, value in record.values.items()},
                'status': record.status,
                'front': record.key in best,
                'figures': _row(record, columns),
                'run': record.run_uid,
                'message': record.message,
                'wall': record.wall_s,
                'finished': record.finished[:19].replace('T', ' '),
            }
            for record in _drawn(records, best)
        ],
    }
    return embedded('da4ml_flow.sweep', 'page.html', title, data)


def _drawn(records: Sequence[PointRecord], best: Collection[str]) -> list[PointRecord]:
    """What a browser can draw: all points, or of too many the front and some of the others, evenly."""
    if len(records) <= MOST_DRAWN:
        return list(records)
    inner = [place for place, record in enumerate(records) if record.key not in best]
    outer = [place for place, record in enumerate(records) if record.key in best]
    chosen = _evenly(outer, MOST_DRAWN)
    return [records[place] for place in sorted([*chosen, *_evenly(inner, MOST_DRAWN - len(chosen))])]


def _evenly(places: Sequence[int], count: int) -> list[int]:
    if len(places) <= count:
        return list(places)
    return [places[number * len(places) // count] for number in range(count)]


def _columns(records: Sequence[PointRecord]) -> list[tuple[str, str]]:
    found = dict.fromkeys((metric.name, metric.stage) for record in records for metric in record.metrics)
    order = {name: place for place, name in enumerate(HEADLINES)}
    return sorted(found, key=lambda column: order.get(column[0], len(order)))


def _row(record: PointRecord, columns: Sequence[tuple[str, str]]) -> list[float | None]:
    figures = {(m.name, m.stage): m.value for m in reversed(record.metrics)}  # of several parts the first
    return [figures.get(column) for column in columns]


def _label(column: tuple[str, str]) -> str:
    return '/'.join(part for part in column if part)


def _figure(objective: Objective, record: PointRecord) -> str:
    value = objective.of(record.metrics)
    return '' if value is None else f'{value:,.{objective.spec.digits}f} {objective.spec.unit}'.rstrip()
