"""Databases of earlier versions: upgraded with a copy kept, whole or not at all; of later ones: refused."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from old_database import older

from da4ml_flow.errors import ResultsError
from da4ml_flow.results import schema, tables
from da4ml_flow.results.database import open_engine
from da4ml_flow.results.record import StoredPoint, StoredSweep
from da4ml_flow.results.selection import Selection
from da4ml_flow.results.store import Store


def version(place: Path | str) -> str | None:
    with open_engine(place, writing=False).connect() as connection:
        return schema.version_of(connection)


@pytest.mark.parametrize('revision', tables.OLDER)
def test_an_older_database_is_upgraded_and_kept(place, revision):
    older(place, revision)
    store = Store(place, create=False)
    assert [metric.value for run in store.runs() for metric in run.metrics] == [12, 15, 16, 3]
    store.record_points(StoredSweep('s1', 'jet', {}), [StoredPoint('a', {}, 'ok', 'full', '', 't', None)])
    assert version(place) == tables.REVISION
    assert Store(place, create=True).upgrade is None
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        ranks = connection.scalars(sa.select(tables.metric.c.rank).order_by(tables.metric.c.id)).all()
        assert ranks == [0, 1, 2, 0]
        if not isinstance(place, Path):
            assert store.upgrade.kept == f'schema da4ml_schema_{revision} of the database'
            kept = connection.exec_driver_sql(f'SELECT count(*) FROM da4ml_schema_{revision}.metric').scalar()
    assert store.upgrade.version == revision
    if isinstance(place, Path):
        assert store.upgrade.kept == f'{place}.schema-{revision}'
        assert version(Path(store.upgrade.kept)) == revision
        with sqlite3.connect(store.upgrade.kept) as connection:
            kept = connection.execute('SELECT count(*) FROM metric').fetchone()[0]
        connection.close()
        assert [path.name for path in sorted(place.parent.iterdir()) if path.name.startswith('.')] == []
    assert kept == 4
    assert [run.uid for run in store.runs(Selection(conditions=('luts/implement == 15',)))] == ['u1']


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from da4ml_flow.results import schema
from da4ml_flow.results.store import Store
how, place = sys.argv[1], sys.argv[2]
migrate = schema._migrate
def dying(connection):
    migrate(connection)
    os.kill(os.getpid(), signal.SIGKILL if how == 'kill' else signal.SIGINT)
schema._migrate = dying
Store(place if '://' in place else Path(place), create=True)
"""


@pytest.mark.parametrize('how', ['kill', 'interrupt'])
def test_an_interrupted_upgrade_leaves_the_older_database(place, how):
    older(place, '0002')
    done = subprocess.run(
        [sys.executable, '-c', KILLED, how, str(place)], capture_output=True, timeout=120, check=False
    )
    assert done.returncode == (-signal.SIGKILL if how == 'kill' else -signal.SIGINT), done.stderr
    assert version(place) == '0002'
    with open_engine(place, writing=False).connect() as connection:
        assert connection.exec_driver_sql('SELECT count(*) FROM metric').scalar() == 4
    assert len(Store(place, create=True).runs()) == 1
    assert version(place) == tables.REVISION


def test_without_room_for_the_copy_nothing_is_changed(tmp_path):
    place = tmp_path / 'r.sqlite'
    older(place, '0001')
    (tmp_path / 'r.sqlite.schema-0001').mkdir()
    with pytest.raises(ResultsError, match='no copy of it can be kept') as caught:
        Store(place, create=True)
    assert 'it is unchanged' in caught.value.hint
    assert version(place) == '0001'


def test_a_newer_database_is_refused_and_left_alone(place):
    Store(place, create=True)
    with open_engine(place, writing=True).execution_options(write=True).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for create in (True, False):
        with pytest.raises(ResultsError, match='schema 9999; this version of da4ml-flow knows 0004') as caught:
            Store(place, create=create)
        assert caught.value.hint == 'update da4ml-flow'
    assert version(place) == '9999'


def test_an_empty_database_has_no_results_yet(place):
    if isinstance(place, Path):
        place.parent.mkdir()
        place.touch()
    with pytest.raises(ResultsError, match='there are no results yet'):
        Store(place, create=False)
    assert version(place) is None


def test_a_database_of_other_tables_is_refused(place):
    if isinstance(place, Path):
        place.parent.mkdir()
    with open_engine(place, writing=True).execution_options(write=True).begin() as connection:
        connection.exec_driver_sql('CREATE TABLE songs (title TEXT)')
    with pytest.raises(ResultsError, match=r'of other tables \(songs\)') as caught:
        Store(place, create=True)
    assert 'a database of its own' in caught.value.hint


def test_rows_that_belong_to_nothing_stop_an_upgrade(tmp_path):
    place = tmp_path / 'r.sqlite'
    older(place, '0002')
    with sqlite3.connect(place) as connection:
        connection.execute('DELETE FROM run')  # foreign keys are off unless asked for
    connection.close()
    with pytest.raises(ResultsError, match='belong to nothing'):
        Store(place, create=True)
    assert version(place) == '0002'
