"""The database: nothing lost, nothing doubled, nothing half, and a clear error when it cannot be used."""

import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from run_records import run_record

from da4ml_flow.errors import ResultsError
from da4ml_flow.results import tables
from da4ml_flow.results.database import on_network, open_engine
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.results.record import StoredPoint, StoredSweep
from da4ml_flow.results.selection import Selection
from da4ml_flow.results.store import Store


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / 'results' / 'da4ml.sqlite'


def rows(place: Path | str) -> dict[str, int]:
    engine = open_engine(place, writing=False)
    with engine.connect() as connection:
        found = {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table))
            for name, table in tables.metadata.tables.items()
        }
    return {name: count for name, count in found.items() if count or not name.startswith('sweep')}


def test_a_run_comes_back(place):
    Store(place, create=True).record(run_record())
    (run,) = Store(place, create=False).runs()
    assert (run.uid, run.name, run.status, run.git_dirty) == ('u1', 'jet', 'ok', True)
    assert run.metrics == run_record().metrics
    assert rows(place) == {'run': 1, 'stage_run': 2, 'tool': 0, 'metric': 2, 'artifact': 1}


def test_recording_twice_replaces(place):
    store = Store(place, create=True)
    store.record(run_record(luts=12))
    store.record(run_record(luts=11))
    (run,) = store.runs()
    assert run.metrics[0].value == 11
    assert rows(place) == {'run': 1, 'stage_run': 2, 'tool': 0, 'metric': 2, 'artifact': 1}


def test_a_run_is_all_or_nothing(place):
    store = Store(place, create=True)
    store.record(run_record(luts=12))
    stages = run_record(luts=11).stages
    broken = replace(run_record(luts=11), stages=(*stages, replace(stages[1], stage=None)))
    with pytest.raises(ResultsError, match=r'(?i)not[- ]null'):
        store.record(broken)
    (run,) = store.runs()
    assert run.metrics[0].value == 12
    assert rows(place)['stage_run'] == 2


def test_runs_newest_first_by_name_and_by_beginning_of_uid(place):
    store = Store(place, create=True)
    for day, (uid, name) in enumerate((('abc1', 'jet'), ('abd2', 'top'), ('xyz3', 'jet'))):
        store.record(run_record(uid, name=name, started=f'2026-01-0{day + 1}'))
    assert [run.uid for run in store.runs()] == ['xyz3', 'abd2', 'abc1']
    assert [run.uid for run in store.runs(Selection(limit=1))] == ['xyz3']
    assert [run.uid for run in store.runs(Selection(name='jet'))] == ['xyz3', 'abc1']
    assert [run.uid for run in store.runs(Selection(('abc', 'xyz3')))] == ['abc1', 'xyz3']  # as given
    assert [run.uid for run in store.runs(Selection(('jet', 'abd', 'jet')))] == ['xyz3', 'abd2']  # the newest of a name
    store.record(run_record('jet', name='top', started='2026-01-09'))
    assert [run.uid for run in store.runs(Selection(('jet',)))] == ['jet']  # a uid comes before a name
    with pytest.raises(ResultsError, match="no run 'abe'"):
        store.runs(Selection(('abe',)))
    with pytest.raises(ResultsError, match="more than one run begins with 'ab'"):
        store.runs(Selection(('ab',)))
    with pytest.raises(ResultsError, match="no run '%'"):
        store.runs(Selection(('%',)))


def test_migrations_make_the_schema_of_the_tables(place):
    with Store(place, create=True).engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_pragmas(path):
    with Store(path, create=True).engine.connect() as connection:
        assert connection.exec_driver_sql('PRAGMA journal_mode').scalar() == 'wal'
        assert connection.exec_driver_sql('PRAGMA foreign_keys').scalar() == 1
        assert connection.exec_driver_sql('PRAGMA busy_timeout').scalar() == 30_000


def test_no_database_yet(path):
    with pytest.raises(ResultsError, match='no results yet'):
        Store(path, create=False)
    assert not path.exists()


def test_a_file_that_is_no_database(path):
    path.parent.mkdir()
    path.write_text('name: jet\n' * 1000)
    with pytest.raises(ResultsError, match='not a database') as caught:
        Store(path, create=True)
    assert 'move it away' in caught.value.hint
    assert path.read_text().startswith('name: jet')


def test_a_locked_database(path, monkeypatch):
    monkeypatch.setattr('da4ml_flow.results.database.BUSY_TIMEOUT_S', 0)
    store = Store(path, create=True)
    store.record(run_record())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute('BEGIN IMMEDIATE')
    with pytest.raises(ResultsError, match='locked'):
        store.record(run_record('u2'))
    assert [run.uid for run in store.runs()] == ['u1']  # readers are not held up
    holder.execute('ROLLBACK')
    holder.close()
    store.record(run_record('u2'))
    assert rows(path)['run'] == 2


def test_the_parent_is_a_file(tmp_path):
    (tmp_path / 'results').write_text('')
    with pytest.raises(ResultsError, match='cannot be made'):
        Store(tmp_path / 'results' / 'da4ml.sqlite', create=True)


WORKER = """
import sys
sys.path[:0] = [FOLDERS]
from pathlib import Path
from run_records import run_record
from da4ml_flow.results.store import Store
me, count, place = sys.argv[1], int(sys.argv[2]), sys.argv[3]
place = place if '://' in place else Path(place)
for number in range(count):
    Store(place, create=True).record(run_record(f'{me}-{number}'))
    Store(place, create=True).record(run_record(f'shared-{number}'))
"""


def test_processes_at_once_lose_and_double_nothing(place):
    code = WORKER.replace('FOLDERS', repr(str(Path(__file__).parents[2])))
    command = [sys.executable, '-c', code]
    workers = [subprocess.Popen([*command, str(number), '8', str(place)]) for number in range(3)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    assert rows(place) == {'run': 32, 'stage_run': 64, 'tool': 0, 'metric': 64, 'artifact': 32}


def test_network_file_systems_are_known(tmp_path, monkeypatch):
    assert not on_network(tmp_path / 'a.sqlite')
    mounts = f'/dev/sda / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n'
    monkeypatch.setattr(Path, 'read_text', lambda self: mounts)
    assert on_network(tmp_path / 'a.sqlite')
    assert not on_network(Path('/usr/a.sqlite'))


def test_the_version_of_the_newest_migration():
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(tables.__file__).parent / 'migrations'))
    assert scripts.get_current_head() == tables.REVISION
    assert sa.__version__.startswith('2.')


def point(key: str, run=None, **changes) -> StoredPoint:
    values = {
        'key': key,
        'values': {'rtl.clock_ns': 5},
        'status': 'ok',
        'rung': 'full',
        'message': '',
        'finished': 't1',
    }
    return StoredPoint(**{**values, 'run': run, **changes})


def test_points_of_a_sweep_are_there_once_with_their_runs(place):
    sweep = StoredSweep('s1', 'jet', {'axes': {}})
    store = Store(place, create=True)
    store.record_points(sweep, [point('a', run_record()), point('b', None, status='failed')])
    store.record_points(sweep, [point('a', run_record()), point('b', run_record(uid='u2'), finished='t2')])
    store.record_points(StoredSweep('s2', 'jet', {}), [point('a', run_record())])
    assert {name: rows(place)[name] for name in ('run', 'sweep', 'sweep_point')} == {
        'run': 2,
        'sweep': 2,
        'sweep_point': 3,
    }
    assert store.points('s1') == {'a': 't1', 'b': 't2'}
    assert store.points('s3') == {}


def test_texts_that_a_server_would_not_take(place):
    odd = replace(run_record().stages[1], message='a\0b \udcff', directory='/x' * 500)
    long = 'very_long_folder_name' * 10
    metrics = (measure('luts', 1, stage='synthesize', tool='t' * 99, part='p' * 999),)
    record = replace(run_record().stages[0].record, metrics=metrics, tools=(ToolVersion('t' * 99, 'v' * 999, ''),))
    store = Store(place, create=True)
    store.record(run_record(name=long, stages=(odd, replace(run_record().stages[0], record=record))))
    (run,) = store.records()
    assert (run.name, run.stages[0].message) == (long, 'a\ufffdb ?')
    assert run.metrics == metrics


def test_records_come_back(place):
    store = Store(place, create=True)
    original = run_record('u2')
    store.record(run_record('u1'))
    store.record(original)
    assert list(store.records(Selection(('u2',)))) == [original]


def test_each_run_is_there_for_good_when_it_is_said(place):
    store, other = Store(place, create=True), Store(place, create=True)
    for number, run in enumerate(store.record_each(run_record(f'u{number}') for number in range(3)), 1):
        assert run.uid in {run.uid for run in other.runs()}
        assert len(other.runs()) == number


def test_a_server_that_is_not_there(tmp_path):
    pytest.importorskip('psycopg')
    with pytest.raises(ResultsError, match='connection is bad') as caught:
        Store(f'postgresql://me:secret@/runs?host={tmp_path}', create=True)
    assert 'check that the server runs there' in caught.value.hint
    assert 'secret' not in str(caught.value)
    assert 'postgresql://me:***@/runs' in str(caught.value)
