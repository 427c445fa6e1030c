"""What is wrong inside a results database: its pages, its tables, rows that contradict others; changes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from da4ml_flow.errors import Location, ResultsError
from da4ml_flow.results import tables
from da4ml_flow.results.database import database_errors, open_engine
from da4ml_flow.results.metrics import METRICS
from da4ml_flow.results.place import Place, shown
from da4ml_flow.results.record import digest
from da4ml_flow.results.schema import NO_RESULTS, require, unknown, version_of

SHOWN = 20  # pages that are named
AGAIN = 'move the database away; `da4ml-flow ingest` makes it again from the records in the build folders'
UPGRADE = '`da4ml-flow db upgrade` upgrades it, and so does any command that opens it; a copy is kept'


class Inside:
    """A database that was looked at: ``readable`` if runs can be read from it, whatever else is wrong."""

    def __init__(self, place: Place) -> None:
        """Look at everything; raises ResultsError if there is nothing to look at, or it cannot be reached."""
        require(place)
        self.place = place
        self.version: str | None = None
        self.problems: list[ResultsError] = []
        with database_errors(place):
            self.engine = open_engine(place, writing=False)
            self.readable = True
            self._ask(self._pages)
            self._ask(self._schema)
            if self.version != tables.REVISION:
                self.readable = False
                return
            for question in (self._tables, self._orphans, self._figures, self._configurations):
                self._ask(question)

    def _ask(self, question: Callable[[sa.Connection], Iterator[ResultsError]]) -> None:
        """A transaction a question: damaged pages end it, and the next may still have an answer."""
        try:
            with self.engine.connect() as connection:
                self.problems += question(connection)
        except sa.exc.DBAPIError as error:
            if not _damaged(error):
                raise
            problem = self._unreadable(f'it cannot be read: {" ".join(str(error.orig).split())}')
            if str(problem) not in map(str, self.problems):
                self.problems.append(problem)

    def _problem(self, message: str, hint: str = AGAIN) -> ResultsError:
        return ResultsError(message, location=Location(shown(self.place)), hint=hint)

    def _unreadable(self, message: str) -> ResultsError:
        self.readable = False
        return self._problem(message)

    def _pages(self, connection: sa.Connection) -> Iterator[ResultsError]:
        """SQLite's own check; a server keeps checksums of pages, and refuses to read one that does not fit."""
        if connection.dialect.name == 'sqlite':
            for (text,) in connection.exec_driver_sql(f'PRAGMA integrity_check({SHOWN})').all():
                if text != 'ok':
                    yield self._unreadable(f'the file is damaged: {text}')

    def _schema(self, connection: sa.Connection) -> Iterator[ResultsError]:
        self.version = version_of(connection)
        if self.version is None:
            raise ResultsError('there are no results yet', location=Location(shown(self.place)), hint=NO_RESULTS)
        if self.version in tables.OLDER:
            yield self._problem(f'the database has schema {self.version}, not {tables.REVISION}', UPGRADE)
        elif self.version != tables.REVISION:
            yield unknown(self.version, self.place)

    def _tables(self, connection: sa.Connection) -> Iterator[ResultsError]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        for difference in compare_metadata(MigrationContext.configure(connection), tables.metadata):
            what = ' '.join(str(part) for part in (difference if isinstance(difference, tuple) else difference[0]))
            yield self._unreadable(f'the tables are not those of schema {self.version}: {what}')

    def _orphans(self, connection: sa.Connection) -> Iterator[ResultsError]:
        for table in tables.metadata.sorted_tables:
            for key in table.foreign_keys:
                child, parent = key.parent, key.column.table
                query = (
                    sa.select(sa.func.count())
                    .select_from(table.outerjoin(parent, child == key.column))
                    .where(child.is_not(None), key.column.is_(None))
                )
                count = connection.scalar(query)
                if count:
                    yield self._problem(f'{count} rows of {table.name} belong to no {parent.name}')

    def _figures(self, connection: sa.Connection) -> Iterator[ResultsError]:
        metric = tables.metric
        units = sa.select(metric.c.name, metric.c.unit, sa.func.count()).group_by(metric.c.name, metric.c.unit)
        for name, unit, count in connection.execute(units):
            if name in METRICS and METRICS[name].unit != unit:
                yield self._unreadable(f'{count} figures of {name} are in {unit or "counts"}')
        limit = sys.float_info.max
        infinite = sa.select(sa.func.count()).where(sa.not_(metric.c.value.between(-limit, limit)))
        count = connection.scalar(infinite.select_from(metric))
        if count:
            yield self._unreadable(f'{count} figures are no finite numbers')

        def place(*columns: sa.Column[str]) -> sa.ColumnElement[int]:
            order = sa.func.row_number().over(partition_by=(metric.c.run_id, *columns), order_by=metric.c.id)
            return order.label('_'.join(('of', *(column.name for column in columns))))

        placed = sa.select(metric.c.rank, place(metric.c.name), place(metric.c.name, metric.c.stage)).subquery()
        rank = sa.case((placed.c.of_name == 1, 0), (placed.c.of_name_stage == 1, 1), else_=2)
        count = connection.scalar(sa.select(sa.func.count()).select_from(placed).where(placed.c.rank != rank))
        if count:
            yield self._problem(f'{count} figures have a wrong rank: conditions on runs may miss them')

    def _configurations(self, connection: sa.Connection) -> Iterator[ResultsError]:
        run = tables.run
        query = sa.select(run.c.uid, run.c.config, run.c.config_hash).order_by(run.c.id)
        for uid, config, config_hash in connection.execution_options(yield_per=1000).execute(query):
            try:
                found = digest(json.loads(config))
            except ValueError:
                yield self._unreadable(f'run {uid}: its configuration is no JSON')
                continue
            if found != config_hash:
                yield self._problem(f'run {uid}: its configuration is not the one of its hash')


def _damaged(error: sa.exc.DBAPIError) -> bool:
    """Whether it is the content that cannot be read, and not the database that cannot be reached."""
    state = getattr(error.orig, 'sqlstate', None)
    return type(error) is sa.exc.DatabaseError if state is None else state.startswith('XX')
