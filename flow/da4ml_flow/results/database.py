"""Connections to a results database as each kind needs them, and its errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from da4ml_flow.errors import Location, ResultsError
from da4ml_flow.results.place import Place, shown

BUSY_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 10
NETWORK_FILE_SYSTEMS = {'nfs', 'nfs4', 'cifs', 'smb3', 'fuse.sshfs', 'lustre', 'gpfs', 'beegfs', 'ceph', 'afs', '9p'}
REASONS = (
    ('locked', 'another process holds it; try again'),
    ('full', 'free some space; what was there before is intact'),
    ('disk I/O', 'its disk is full or fails; what was there before is intact'),
    ('readonly', 'it is read-only'),
    ('not a database', 'move it away; it is made again from the records in the build folder'),
    ('malformed', 'move it away; it is made again from the records in the build folder'),
    ('unable to open', 'check that its folder exists and can be written'),
    ('connection is bad', 'check that the server runs there and takes connections'),
    ('connection timeout', 'check that the server runs there and takes connections'),
    ('resolve host', 'check the name of the server in the URL'),
    ('password', 'check the user and the password: ~/.pgpass or PGPASSWORD keeps them out of files'),
    ('permission denied', 'the user of this URL lacks a right; `GRANT ALL` on the database and its schema gives it'),
    ('No space left', 'free some space on the server; what was there before is intact'),
)


def open_engine(place: Place, *, writing: bool) -> sa.Engine:
    """An engine without a pool; of SQLite its transactions begin where ours do, at once as writers if they write."""
    if not isinstance(place, Path):
        return _server_engine(place)
    url = sa.URL.create('sqlite', database=str(place))
    engine = sa.create_engine(url, connect_args={'timeout': BUSY_TIMEOUT_S}, poolclass=sa.NullPool)

    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin where we say
        connection.execute(f'PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}')
        connection.execute('PRAGMA foreign_keys = ON')
        if writing:
            connection.execute(f'PRAGMA journal_mode = {"DELETE" if on_network(place) else "WAL"}')

    def begun(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get('isolation_level') == 'AUTOCOMMIT':
            return
        if options.get('migrate'):  # a table that is made anew would take the rows that refer to it along
            connection.exec_driver_sql('PRAGMA foreign_keys = OFF')
        # a reader that becomes a writer half-way fails on a busy database, whatever the timeout
        connection.exec_driver_sql('BEGIN IMMEDIATE' if options.get('write') else 'BEGIN')

    sa.event.listen(engine, 'connect', connected)
    sa.event.listen(engine, 'begin', begun)
    return engine


def _server_engine(url: str) -> sa.Engine:
    if find_spec('psycopg') is None:
        hint = "pip install 'da4ml-flow[postgres]'"
        raise ResultsError('PostgreSQL needs psycopg', location=Location(shown(url)), hint=hint)
    try:
        parsed = sa.make_url(url).set(drivername='postgresql+psycopg')
    except (ArgumentError, ValueError):
        hint = 'write postgresql://user@host/database'
        raise ResultsError('not a URL of PostgreSQL', location=Location(shown(url)), hint=hint) from None
    arguments = {} if 'connect_timeout' in parsed.query else {'connect_timeout': CONNECT_TIMEOUT_S}
    return sa.create_engine(parsed, connect_args=arguments, poolclass=sa.NullPool)


@contextmanager
def database_errors(place: Place) -> Iterator[None]:
    """Turn what the database or its file refuses into a ResultsError that says where and what to do."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = ' '.join(str(error.orig if isinstance(error, DBAPIError) else error).split())
        hint = next((hint for word, hint in REASONS if word in reason), '')
        raise ResultsError(f'the database fails: {reason}', location=Location(shown(place)), hint=hint) from error


def on_network(path: Path) -> bool:
    """Whether the file is on a network file system, where SQLite's write-ahead log is not safe."""
    try:
        mounts = [line.split() for line in Path('/proc/self/mounts').read_text().splitlines()]
    except OSError:
        return False
    real = path.absolute().parent.resolve()
    inside = [(len(fields[1]), fields[2]) for fields in mounts if real.is_relative_to(fields[1].replace(r'\040', ' '))]
    return bool(inside) and max(inside)[1] in NETWORK_FILE_SYSTEMS
