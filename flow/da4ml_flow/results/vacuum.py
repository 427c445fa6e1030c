"""Giving back the space of a results database that nothing uses, and telling it what is in it now."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from da4ml_flow.errors import Location, ResultsError
from da4ml_flow.results import tables
from da4ml_flow.results.database import database_errors
from da4ml_flow.results.schema import KEPT_FILE, KEPT_TABLES
from da4ml_flow.results.store import Store


def size_of(store: Store) -> int:
    """Bytes on disk: of SQLite the file and what is still in its log, of a server the whole database."""
    if isinstance(store.place, Path):
        files = (store.place.with_name(f'{store.place.name}{suffix}') for suffix in ('', '-wal'))
        return sum(file.stat().st_size for file in files if file.exists())
    with database_errors(store.place), store.engine.connect() as connection:
        return int(connection.scalar(sa.select(sa.func.pg_database_size(sa.func.current_database()))) or 0)


def vacuum(store: Store) -> None:
    """Rewrite an SQLite file without its gaps, free the dead rows of a server's tables; renew the statistics."""
    with database_errors(store.place), store.engine.connect() as connection:
        alone = connection.execution_options(isolation_level='AUTOCOMMIT')
        if isinstance(store.place, Path):
            for statement in ('VACUUM', 'ANALYZE', 'PRAGMA wal_checkpoint(TRUNCATE)'):
                alone.exec_driver_sql(statement).close()
            return
        quote = connection.dialect.identifier_preparer.quote
        names = ', '.join(quote(name) for name in tables.metadata.tables)
        alone.exec_driver_sql(f'VACUUM (ANALYZE) {names}')


def copies_of(store: Store) -> list[str]:
    """The copies that upgrades kept: files beside an SQLite file, schemas of a server's database."""
    if isinstance(store.place, Path):
        folder, prefix = store.place.parent, f'{store.place.name}.{KEPT_FILE}'
        return sorted(str(path) for path in folder.iterdir() if path.name.startswith(prefix) and path.is_file())
    with database_errors(store.place), store.engine.connect() as connection:
        return sorted(name for name in sa.inspect(connection).get_schema_names() if name.startswith(KEPT_TABLES))


def drop_copies(store: Store) -> list[str]:
    """Remove them; returns what was there."""
    copies = copies_of(store)
    if isinstance(store.place, Path):
        for copy in copies:
            try:
                Path(copy).unlink()
            except OSError as error:
                raise ResultsError(f'not removed: {error.strerror}', location=Location(copy)) from error
        return copies
    with database_errors(store.place), store.engine.begin() as connection:
        quote = connection.dialect.identifier_preparer.quote
        for copy in copies:
            connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS {quote(copy)} CASCADE')
    return copies
