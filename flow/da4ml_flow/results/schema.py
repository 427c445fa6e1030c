"""The schema of a results database: its version, and bringing an older one up to date with a copy kept of it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from da4ml_flow.errors import Location, ResultsError
from da4ml_flow.results import tables
from da4ml_flow.results.place import Place, shown

LOCK = 0x4DA4  # of PostgreSQL's advisory locks: one client at a time makes or changes tables
NO_RESULTS = '`da4ml-flow build` records them; --config or --database names another database'
KEPT_FILE = 'schema-'  # with the version: how copies of older databases end
KEPT_TABLES = 'da4ml_schema_'  # and the schemas on a server that hold them begin


class Upgrade(NamedTuple):
    """From which version a database was brought to this one's, and where it is kept as it was."""

    version: str
    kept: str


def require(place: Place) -> None:
    """Raise ResultsError if there is no file of results; opening it would make one."""
    if isinstance(place, Path) and not place.is_file():
        raise ResultsError('there are no results yet', location=Location(str(place)), hint=NO_RESULTS)


def version_of(connection: sa.Connection) -> str | None:
    """The schema's revision; None for a database without tables, a name that is no revision for one of others."""
    names = sa.inspect(connection).get_table_names()
    if 'alembic_version' in names:
        found = connection.exec_driver_sql('SELECT version_num FROM alembic_version').scalar_one_or_none()
        return None if found is None else str(found)
    return f'of other tables ({", ".join(names[:3])})' if names else None


def bring_up_to_date(engine: sa.Engine, place: Place, *, create: bool) -> Upgrade | None:
    """Make or upgrade the tables if that is needed; returns what was upgraded.

    All of it is one transaction: whatever ends it early leaves the database as it was. Raises ResultsError for a
    database of a newer version, of something else, or, unless ``create``, without results.
    """
    with engine.connect() as connection:
        version = version_of(connection)
    if version == tables.REVISION:
        return None
    where = Location(shown(place))
    if version is None and not create:
        raise ResultsError('there are no results yet', location=where, hint=NO_RESULTS)
    if version is not None and version not in tables.OLDER:
        raise unknown(version, place)
    upgrade = None
    with engine.execution_options(write=True, migrate=True).begin() as connection:
        if not isinstance(place, Path):
            connection.exec_driver_sql(f'SELECT pg_advisory_xact_lock({LOCK})')
        if version_of(connection) == version:  # not made by another process meanwhile
            if version is not None:
                kept = _keep_file(place, version) if isinstance(place, Path) else _keep_tables(connection, version)
                upgrade = Upgrade(version, kept)
            _migrate(connection)
            if isinstance(place, Path) and connection.exec_driver_sql('PRAGMA foreign_key_check').first():
                hint = 'move it away; it is made again from the records in the build folder by `da4ml-flow ingest`'
                raise ResultsError('the database has rows that belong to nothing', location=where, hint=hint)
    return upgrade


def unknown(version: str, place: Place) -> ResultsError:
    """That the schema is of a later version, or of something else."""
    ours = f'this version of da4ml-flow knows {tables.REVISION}'
    hint = 'update da4ml-flow' if version.isdigit() else 'name a database of its own for the results'
    return ResultsError(f'the database has schema {version}; {ours}', location=Location(shown(place)), hint=hint)


def _keep_file(path: Path, version: str) -> str:
    """Copy an SQLite database, whole or not at all; the caller holds its write lock."""
    kept = path.with_name(f'{path.name}.{KEPT_FILE}{version}')
    partial = kept.with_name(f'.{kept.name}.{os.getpid()}')
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
        with partial.open('rb') as file:
            os.fsync(file.fileno())
        partial.replace(kept)
    except (OSError, sqlite3.Error) as error:
        raise ResultsError(
            f'the database is of an older version ({version}), and no copy of it can be kept: {error}',
            location=Location(str(path)),
            hint=f'it is unchanged; make room for {kept} and try again',
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return str(kept)


def _keep_tables(connection: sa.Connection, version: str) -> str:
    """Copy the tables into a schema of their own in the same PostgreSQL database."""
    kept = f'{KEPT_TABLES}{version}'
    connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS {kept} CASCADE')
    connection.exec_driver_sql(f'CREATE SCHEMA {kept}')
    quote = connection.dialect.identifier_preparer.quote
    for name in sa.inspect(connection).get_table_names():
        connection.exec_driver_sql(f'CREATE TABLE {kept}.{quote(name)} AS TABLE {quote(name)}')
    return f'schema {kept} of the database'


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option('script_location', str(Path(__file__).parent / 'migrations').replace('%', '%%'))
    config.attributes['connection'] = connection
    command.upgrade(config, 'head')
