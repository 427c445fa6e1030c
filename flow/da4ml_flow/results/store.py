"""The results database: one transaction a run, upserted by its uid; the JSON records can always rebuild it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from da4ml_flow.errors import Location, ResultsError
from da4ml_flow.results import tables
from da4ml_flow.results.metrics import Metric
from da4ml_flow.results.record import (
    MetricPoint,
    RunRecord,
    StageRun,
    StoredPoint,
    StoredRun,
    StoredSweep,
    canonical_json,
)

BUSY_TIMEOUT_S = 30
NETWORK_FILE_SYSTEMS = {'nfs', 'nfs4', 'cifs', 'smb3', 'fuse.sshfs', 'lustre', 'gpfs', 'beegfs', 'ceph', 'afs', '9p'}
REASONS = (
    ('locked', 'another process holds it; try again'),
    ('full', 'free some space; what was there before is intact'),
    ('disk I/O', 'its disk is full or fails; what was there before is intact'),
    ('readonly', 'it is read-only'),
    ('not a database', 'move it away; it is made again from the records in the build folder'),
    ('malformed', 'move it away; it is made again from the records in the build folder'),
    ('unable to open', 'check that its folder exists and can be written'),
)


class Store:
    """An open results database."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open the database, made or brought to this version's schema if ``create``; raises ResultsError."""
        self.path = path
        if not create and not path.is_file():
            raise ResultsError(
                'there are no results yet',
                location=Location(str(path)),
                hint='`da4ml-flow build` records them; --config or --database names another database',
            )
        self._writing = create
        with self._errors():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ResultsError(
                    f'the database cannot be made: {error.strerror}', location=Location(str(path))
                ) from error
            url = sa.URL.create('sqlite', database=str(path))
            self.engine = sa.create_engine(url, connect_args={'timeout': BUSY_TIMEOUT_S}, poolclass=sa.NullPool)
            sa.event.listen(self.engine, 'connect', self._connected)
            sa.event.listen(self.engine, 'begin', self._begun)
            self._writer = self.engine.execution_options(write=True)
            self._check_schema()

    def record(self, run: RunRecord) -> None:
        """Put a run in, or in the place of the one with its uid; all of it or nothing."""
        with self._errors(), self._writer.begin() as connection:
            self._record_run(connection, run)

    def record_points(self, sweep: StoredSweep, points: Sequence[StoredPoint]) -> None:
        """Put points of a sweep in with their runs, each in the place of the one with its key; all or nothing."""
        with self._errors(), self._writer.begin() as connection:
            row = {'uid': sweep.uid, 'name': sweep.name, 'definition': canonical_json(dict(sweep.definition))}
            upsert = insert(tables.sweep).values(row).on_conflict_do_update(index_elements=['uid'], set_=row)
            sweep_id = connection.execute(upsert.returning(tables.sweep.c.id)).scalar_one()
            for point in points:
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
                statement = insert(tables.sweep_point).values(columns)
                connection.execute(statement.on_conflict_do_update(index_elements=['sweep_id', 'key'], set_=columns))

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
        statement = insert(tables.run).values(columns)
        upsert = statement.on_conflict_do_update(index_elements=['uid'], set_=columns).returning(tables.run.c.id)
        run_id = int(connection.execute(upsert).scalar_one())
        for table in (tables.metric, tables.stage_run):
            connection.execute(table.delete().where(table.c.run_id == run_id))
        metrics = [{'run_id': run_id, **metric.data()} for metric in run.metrics]
        if metrics:
            connection.execute(tables.metric.insert(), metrics)
        for stage in run.stages:
            self._record_stage(connection, run_id, stage)
        return run_id

    def _record_stage(self, connection: sa.Connection, run_id: int, stage: StageRun) -> None:
        record = stage.record
        columns = {
            'run_id': run_id,
            'stage': stage.stage,
            'key': record.key if record else None,
            'status': stage.status,
            'cached': stage.cached,
            'started': record.started if record else None,
            'wall_s': record.wall_s if record else stage.wall_s,
            'directory': stage.directory,
            'message': stage.message,
        }
        # the same statement each time: it is compiled once
        inserted = connection.execute(tables.stage_run.insert().returning(tables.stage_run.c.id), columns)
        stage_id = inserted.scalar_one()
        if record is None:
            return
        tools = [{'stage_run_id': stage_id, **tool._asdict()} for tool in record.tools]
        artifacts = [
            {'stage_run_id': stage_id, 'name': name, 'path': item.path, 'sha256': item.sha256, 'size': item.size}
            for name, item in record.artifacts.items()
        ]
        if tools:
            connection.execute(tables.tool.insert(), tools)
        if artifacts:
            connection.execute(tables.artifact.insert(), artifacts)

    def runs(self, uids: Sequence[str] = (), *, name: str | None = None, limit: int | None = None) -> list[StoredRun]:
        """The runs of these uids (or beginnings of uids), or the newest ones; newest first."""
        run = tables.run
        query = sa.select(run).order_by(run.c.started.desc(), run.c.id.desc())
        if uids:
            query = query.where(run.c.id.in_([self._resolve(uid) for uid in uids]))
        if name is not None:
            query = query.where(run.c.name == name)
        if limit is not None:
            query = query.limit(limit)
        with self._errors(), self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
            metrics: dict[int, list[Metric]] = {row['id']: [] for row in rows}
            table = tables.metric
            wanted = sa.select(table).where(table.c.run_id.in_(list(metrics))).order_by(table.c.id)
            for item in connection.execute(wanted).mappings():
                metrics[item['run_id']].append(
                    Metric(item['name'], item['value'], item['unit'], item['stage'], item['tool'], item['part'])
                )
        fields = StoredRun.__dataclass_fields__.keys() - {'metrics'}
        return [StoredRun(**{key: row[key] for key in fields}, metrics=tuple(metrics[row['id']])) for row in rows]

    def _resolve(self, uid: str) -> int:
        run = tables.run
        query = sa.select(run.c.id, run.c.uid).where(run.c.uid.startswith(uid, autoescape=True)).limit(3)
        with self._errors(), self.engine.connect() as connection:
            found = connection.execute(query).all()
        exact = [row.id for row in found if row.uid == uid]
        if len(exact) == 1 or len(found) == 1:
            return int((exact or [found[0].id])[0])
        if not found:
            hint = '`da4ml-flow report` lists the runs'
            raise ResultsError(f'there is no run {uid!r}', location=Location(str(self.path)), hint=hint)
        names = ', '.join(row.uid for row in found)
        raise ResultsError(f'more than one run begins with {uid!r}', location=Location(str(self.path)), hint=names)

    def _connected(self, connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin where we say
        connection.execute(f'PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}')
        connection.execute('PRAGMA foreign_keys = ON')
        if self._writing:
            connection.execute(f'PRAGMA journal_mode = {"DELETE" if on_network(self.path) else "WAL"}')

    def _begun(self, connection: sa.Connection) -> None:
        # a reader that becomes a writer half-way fails on a busy database, whatever the timeout
        write = connection.get_execution_options().get('write')
        connection.exec_driver_sql('BEGIN IMMEDIATE' if write else 'BEGIN')

    def _check_schema(self) -> None:
        with self.engine.connect() as connection:
            version = _version(connection)
        if version == tables.REVISION or (version in tables.OLDER and not self._writing):
            return
        if version is not None and version not in tables.OLDER:
            raise ResultsError(
                f'the database has schema {version}; this version of da4ml-flow knows {tables.REVISION}',
                location=Location(str(self.path)),
                hint='update da4ml-flow',
            )
        with self._writer.begin() as connection:
            if _version(connection) == version:  # not made by another process meanwhile
                _migrate(connection)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = str(error.orig if isinstance(error, DBAPIError) else error)
            hint = next((hint for word, hint in REASONS if word in reason), '')
            location = Location(str(self.path))
            raise ResultsError(f'the database fails: {reason}', location=location, hint=hint) from error


def _version(connection: sa.Connection) -> str | None:
    """The schema's revision; None for a database without tables, a name that is no revision for one of others."""
    names = sa.inspect(connection).get_table_names()
    if 'alembic_version' in names:
        found = connection.exec_driver_sql('SELECT version_num FROM alembic_version').scalar_one_or_none()
        return None if found is None else str(found)
    return f'of other tables ({", ".join(names[:3])})' if names else None


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option('script_location', str(Path(__file__).parent / 'migrations').replace('%', '%%'))
    config.attributes['connection'] = connection
    command.upgrade(config, 'head')


def on_network(path: Path) -> bool:
    """Whether the file is on a network file system, where SQLite's write-ahead log is not safe."""
    try:
        mounts = [line.split() for line in Path('/proc/self/mounts').read_text().splitlines()]
    except OSError:
        return False
    real = path.absolute().parent.resolve()
    inside = [(len(fields[1]), fields[2]) for fields in mounts if real.is_relative_to(fields[1].replace(r'\040', ' '))]
    return bool(inside) and max(inside)[1] in NETWORK_FILE_SYSTEMS
