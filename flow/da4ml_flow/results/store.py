"""The results database: one transaction a run, upserted by its uid; the JSON records can always rebuild it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from da4ml_flow.errors import Location, ResultsError
from da4ml_flow.results import tables
from da4ml_flow.results.database import database_errors, open_engine
from da4ml_flow.results.metrics import Metric
from da4ml_flow.results.place import Place, shown
from da4ml_flow.results.reading import read_records, read_runs
from da4ml_flow.results.record import MetricPoint, RunRecord, StoredPoint, StoredRun, StoredSweep, canonical_json
from da4ml_flow.results.schema import bring_up_to_date, require
from da4ml_flow.results.selection import EVERY, Selection, selected

Row = dict[str, Any]
CHUNK = 200  # runs that are read at once
# made once: what is written is the same each time
STAGES = tables.stage_run.insert().returning(tables.stage_run.c.id, sort_by_parameter_order=True)
OF_RUN = [table.delete().where(table.c.run_id == sa.bindparam('of')) for table in (tables.metric, tables.stage_run)]


class Store:
    """An open results database; ``upgrade`` says what was an older version, if it was one."""

    def __init__(self, place: Place, *, create: bool) -> None:
        """Open the database, made if ``create``, and brought to this version's schema; raises ResultsError."""
        self.place = place
        if not create:
            require(place)
        elif isinstance(place, Path):
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ResultsError(
                    f'the database cannot be made: {error.strerror}', location=Location(str(place))
                ) from error
        with self._errors():
            self.engine = open_engine(place, writing=create)
            self._writer = self.engine.execution_options(write=True)
            self.upgrade = bring_up_to_date(self.engine, place, create=create)

    def record(self, run: RunRecord) -> None:
        """Put a run in, or in the place of the one with its uid; all of it or nothing."""
        for _ in self.record_each([run]):
            pass

    def record_each(self, runs: Iterable[RunRecord]) -> Iterator[RunRecord]:
        """Put runs in, a transaction each on one connection; yields each when it is there for good."""
        with self._errors(), self._writer.connect() as connection:
            for run in runs:
                with connection.begin():
                    self._record_run(connection, run)
                yield run

    def record_points(self, sweep: StoredSweep, points: Sequence[StoredPoint]) -> None:
        """Put points of a sweep in with their runs, each in the place of the one with its key; all or nothing."""
        with self._errors(), self._writer.begin() as connection:
            definition = canonical_json(dict(sweep.definition))
            row = {'uid': sweep.uid, 'name': sweep.name, 'definition': definition}
            sweep_id = self._upsert(connection, tables.sweep, ('uid',), row)
            # in one order everywhere: two that write the same runs never wait for each other in a circle
            for point in sorted(points, key=lambda point: '' if point.run is None else point.run.uid):
                columns = {
                    'sweep_id': sweep_id,
                    'run_id': None if point.run is None else self._record_run(connection, point.run),
                    'key': point.key,
                    'values': canonical_json(dict(point.values)),
                    'status': point.status,
                    'rung': point.rung,
                    'message': point.message,
                    'finished': point.finished,
                }
                self._upsert(connection, tables.sweep_point, ('sweep_id', 'key'), columns)

    def points(self, sweep_uid: str) -> dict[str, str]:
        """When each recorded point of a sweep was finished, by its key."""
        point, sweep = tables.sweep_point, tables.sweep
        query = sa.select(point.c.key, point.c.finished).join(sweep).where(sweep.c.uid == sweep_uid)
        with self._errors(), self.engine.connect() as connection:
            return {str(key): str(finished) for key, finished in connection.execute(query)}

    def history(self, metric: str, stage: str = '', name: str | None = None) -> list[MetricPoint]:
        """A metric of all runs that measured it, oldest first."""
        run, table = tables.run, tables.metric
        columns = (run.c.uid, run.c.name, run.c.config_hash, run.c.started, run.c.git_commit, run.c.git_dirty)
        query = (
            sa.select(*columns, table.c.stage, table.c.tool, table.c.part, table.c.value)
            .join(run, table.c.run_id == run.c.id)
            .where(table.c.name == metric)
            .order_by(run.c.started, run.c.id, table.c.id)
        )
        if stage:
            query = query.where(table.c.stage == stage)
        if name is not None:
            query = query.where(run.c.name == name)
        with self._errors(), self.engine.connect() as connection:
            return [MetricPoint(*tuple(row)) for row in connection.execute(query)]

    def _record_run(self, connection: sa.Connection, run: RunRecord) -> int:
        columns = {
            'uid': run.uid,
            'name': run.name,
            'config': canonical_json(dict(run.config)),
            'config_hash': run.config_hash,
            'status': run.status,
            'started': run.started,
            'wall_s': run.wall_s,
            'host': run.host,
            'user': run.user,
            'git_commit': run.git_commit,
            'git_dirty': run.git_dirty,
            'package_version': run.package_version,
        }
        run_id = self._upsert(connection, tables.run, ('uid',), columns)
        for statement in OF_RUN:
            connection.execute(statement, {'of': run_id})
        _insert(connection, tables.metric, [{'run_id': run_id, **row} for row in _ranked(run.metrics)])
        rows = [
            {
                'run_id': run_id,
                'stage': stage.stage,
                'key': stage.record.key if stage.record else None,
                'status': stage.status,
                'cached': stage.cached,
                'started': stage.record.started if stage.record else None,
                'wall_s': stage.record.wall_s if stage.record else stage.wall_s,
                'directory': stage.directory,
                'message': stage.message,
            }
            for stage in run.stages
        ]
        inserted = connection.scalars(STAGES, [_storable(row) for row in rows]) if rows else ()
        tools: list[Row] = []
        artifacts: list[Row] = []
        for stage, stage_id in zip(run.stages, inserted, strict=True):
            if stage.record is not None:
                tools += [{'stage_run_id': stage_id, **tool._asdict()} for tool in stage.record.tools]
                artifacts += [
                    {
                        'stage_run_id': stage_id,
                        'name': name,
                        'path': item.path,
                        'sha256': item.sha256,
                        'size': item.size,
                    }
                    for name, item in stage.record.artifacts.items()
                ]
        _insert(connection, tables.tool, tools)
        _insert(connection, tables.artifact, artifacts)
        return run_id

    def _upsert(self, connection: sa.Connection, table: sa.Table, keys: Sequence[str], row: Row) -> int:
        """The id of the row with these keys, new or replaced."""
        statement = _upsert(self.engine.dialect.name, table, tuple(keys), tuple(row))
        return int(connection.execute(statement, _storable(row)).scalar_one())

    def runs(self, selection: Selection = EVERY) -> list[StoredRun]:
        """The runs of a selection with their figures, in its order; raises ResultsError for what is not there."""
        with self._errors(), self.engine.connect() as connection:
            return read_runs(connection, selected(connection, selection, shown(self.place)))

    def count(self, selection: Selection = EVERY) -> int:
        """How many runs a selection has."""
        with self._errors(), self.engine.connect() as connection:
            return len(selected(connection, selection, shown(self.place)))

    def records(self, selection: Selection = EVERY) -> Iterator[RunRecord]:
        """The runs of a selection as records: all that the database knows of them."""
        with self._errors(), self.engine.connect() as connection:
            ids = selected(connection, selection, shown(self.place))
            for begin in range(0, len(ids), CHUNK):
                yield from read_records(connection, ids[begin : begin + CHUNK])

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with database_errors(self.place):
            yield


@cache
def _upsert(dialect: str, table: sa.Table, keys: tuple[str, ...], columns: tuple[str, ...]) -> Any:
    if dialect == 'sqlite':
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    statement = insert(table)
    replaced = {column: statement.excluded[column] for column in columns}
    return statement.on_conflict_do_update(index_elements=keys, set_=replaced).returning(table.c.id)


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(table.insert(), [_storable(row) for row in rows])


def _storable(row: Mapping[str, Any]) -> Row:
    return {key: storable(value) if isinstance(value, str) else value for key, value in row.items()}


def storable(text: str) -> str:
    """Text that every database takes: of what logs and file names hold, PostgreSQL takes no NUL, none half a pair."""
    if text.isascii() and '\0' not in text:
        return text
    return text.replace('\0', '\ufffd').encode('utf-8', 'replace').decode()


def _ranked(metrics: Iterable[Metric]) -> list[Row]:
    """Rows with their rank: see the table."""
    rows: list[Row] = []
    names: set[str] = set()
    stages: set[tuple[str, str]] = set()
    for metric in metrics:
        rank = 0 if metric.name not in names else 1 if (metric.name, metric.stage) not in stages else 2
        names.add(metric.name)
        stages.add((metric.name, metric.stage))
        rows.append({**metric.data(), 'rank': rank})
    return rows
