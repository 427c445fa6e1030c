"""Runs as the database has them: in short for tables, and as the records that they were made from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from da4ml_flow.results import tables
from da4ml_flow.results.metrics import METRICS, Metric, ToolVersion
from da4ml_flow.results.record import Artifact, RunRecord, StageRecord, StageRun, StoredRun

ROWS = 500  # ids in one question: every database takes so many parameters
SHORT = tuple(name for name in StoredRun.__dataclass_fields__ if name != 'metrics')


def read_runs(connection: sa.Connection, ids: Sequence[int]) -> list[StoredRun]:
    """The runs with these ids in this order, with their figures."""
    columns = [tables.run.c[name] for name in SHORT]
    rows = _by_id(connection, sa.select(tables.run.c.id, *columns), tables.run.c.id, ids)
    metrics = _metrics(connection, ids)
    return [
        StoredRun(**{name: row[name] for name in SHORT}, metrics=tuple(metrics.get(number, ())))
        for number in ids
        for row in rows.get(number, ())
    ]


def read_records(connection: sa.Connection, ids: Sequence[int]) -> Iterator[RunRecord]:
    """The runs with these ids in this order, with all that the tables have: settings and inputs they do not."""
    runs = _by_id(connection, sa.select(tables.run), tables.run.c.id, ids)
    stages = _by_id(connection, sa.select(tables.stage_run), tables.stage_run.c.run_id, ids)
    metrics = _metrics(connection, ids)
    numbers = [row['id'] for rows in stages.values() for row in rows]
    tools = _by_id(connection, sa.select(tables.tool), tables.tool.c.stage_run_id, numbers)
    artifacts = _by_id(connection, sa.select(tables.artifact), tables.artifact.c.stage_run_id, numbers)
    for number in ids:
        for row in runs.get(number, ()):
            own = metrics.get(number, [])
            fields = {name: row[name] for name in RunRecord.__dataclass_fields__ if name not in ('config', 'stages')}
            yield RunRecord(
                **fields,
                config=MappingProxyType(json.loads(row['config'])),
                stages=tuple(
                    _stage(stage, row, own, tools.get(stage['id'], ()), artifacts.get(stage['id'], ()))
                    for stage in stages.get(number, ())
                ),
            )


def _stage(
    row: sa.RowMapping,
    run: sa.RowMapping,
    metrics: Iterable[Metric],
    tools: Iterable[sa.RowMapping],
    artifacts: Iterable[sa.RowMapping],
) -> StageRun:
    record = None
    if row['key'] is not None:
        record = StageRecord(
            stage=row['stage'],
            key=row['key'],
            settings=MappingProxyType({}),
            inputs=MappingProxyType({}),
            artifacts=MappingProxyType(
                {item['name']: Artifact(item['path'], item['sha256'], item['size']) for item in artifacts}
            ),
            metrics=tuple(metric for metric in metrics if metric.stage == row['stage']),
            tools=tuple(ToolVersion(item['name'], item['version'], item['path']) for item in tools),
            ok=row['status'] == 'ok',
            message=row['message'],
            started=row['started'] or '',
            wall_s=row['wall_s'],
            package_version=run['package_version'],
        )
    wall_s = 0.0 if row['cached'] else row['wall_s']
    return StageRun(row['stage'], row['status'], row['cached'], wall_s, row['directory'], row['message'], record)


def _metrics(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[Metric]]:
    """Figures that this version does not know are passed over."""
    found = _by_id(connection, sa.select(tables.metric), tables.metric.c.run_id, ids)
    return {
        number: [
            Metric(row['name'], row['value'], row['unit'], row['stage'], row['tool'], row['part'])
            for row in rows
            if row['name'] in METRICS
        ]
        for number, rows in found.items()
    }


def _by_id(
    connection: sa.Connection, query: sa.Select[Any], column: sa.ColumnElement[int], ids: Sequence[int]
) -> dict[int, list[sa.RowMapping]]:
    """The rows that belong to each id, in the order in which they were written."""
    found: dict[int, list[sa.RowMapping]] = {}
    for begin in range(0, len(ids), ROWS):
        wanted = query.where(column.in_(ids[begin : begin + ROWS])).order_by(query.get_final_froms()[0].c.id)
        for row in connection.execute(wanted).mappings():
            found.setdefault(row[column], []).append(row)
    return found
