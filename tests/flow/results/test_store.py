"""The database: nothing lost, nothing doubled, nothing half, and a clear error when it cannot be used."""

import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from da4ml_flow.errors import ResultsError
from da4ml_flow.results import tables
from da4ml_flow.results.metrics import measure
from da4ml_flow.results.record import Artifact, RunRecord, StageRecord, StageRun, StoredPoint, StoredSweep
from da4ml_flow.results.store import Store, on_network


def run_record(uid: str = 'u1', luts: int = 12, **changes) -> RunRecord:
    record = StageRecord(
        stage='synthesize',
        key='k' * 64,
        settings={},
        inputs={},
        artifacts={'netlist': Artifact('netlist.json', 'b' * 64, 1 << 40)},
        metrics=(
            measure('luts', luts, stage='synthesize', tool='yosys', part='xcup'),
            measure('ffs', 3, stage='synthesize', tool='yosys', part='xcup'),
        ),
        tools=(),
        ok=True,
        message='',
        started='2026-01-01',
        wall_s=1.5,
        package_version='0.1.0',
    )
    values = {
        'uid': uid,
        'name': 'jet',
        'config': {'name': 'jet'},
        'config_hash': 'c' * 64,
        'status': 'ok',
        'started': '2026-01-01',
        'wall_s': 2.0,
        'host': 'h',
        'user': 'u',
        'git_commit': 'd' * 40,
        'git_dirty': True,
        'package_version': '0.1.0',
        'stages': (StageRun('synthesize', 'ok', False, 1.5, '/build', '', record), StageRun('implement', 'skipped')),
    }
    return RunRecord(**{**values, **changes})


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / 'results' / 'da4ml.sqlite'


def rows(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        found = {
            name: connection.execute(f'SELECT count(*) FROM {name}').fetchone()[0] for name in tables.metadata.tables
        }
    connection.close()
    return {name: count for name, count in found.items() if count or not name.startswith('sweep')}


def test_a_run_comes_back(path):
    Store(path, create=True).record(run_record())
    (run,) = Store(path, create=False).runs()
    assert (run.uid, run.name, run.status, run.git_dirty) == ('u1', 'jet', 'ok', True)
    assert run.metrics == run_record().metrics
    assert rows(path) == {'run': 1, 'stage_run': 2, 'tool': 0, 'metric': 2, 'artifact': 1}


def test_recording_twice_replaces(path):
    store = Store(path, create=True)
    store.record(run_record(luts=12))
    store.record(run_record(luts=11))
    (run,) = store.runs()
    assert run.metrics[0].value == 11
    assert rows(path) == {'run': 1, 'stage_run': 2, 'tool': 0, 'metric': 2, 'artifact': 1}


def test_a_run_is_all_or_nothing(path):
    store = Store(path, create=True)
    store.record(run_record(luts=12))
    stages = run_record(luts=11).stages
    broken = replace(run_record(luts=11), stages=(*stages, replace(stages[1], stage=None)))
    with pytest.raises(ResultsError, match='NOT NULL'):
        store.record(broken)
    (run,) = store.runs()
    assert run.metrics[0].value == 12
    assert rows(path)['stage_run'] == 2


def test_runs_newest_first_by_name_and_by_beginning_of_uid(path):
    store = Store(path, create=True)
    for day, (uid, name) in enumerate((('abc1', 'jet'), ('abd2', 'top'), ('xyz3', 'jet'))):
        store.record(run_record(uid, name=name, started=f'2026-01-0{day + 1}'))
    assert [run.uid for run in store.runs()] == ['xyz3', 'abd2', 'abc1']
    assert [run.uid for run in store.runs(limit=1)] == ['xyz3']
    assert [run.uid for run in store.runs(name='jet')] == ['xyz3', 'abc1']
    assert [run.uid for run in store.runs(['abc', 'xyz3'])] == ['xyz3', 'abc1']
    with pytest.raises(ResultsError, match="no run 'abe'"):
        store.runs(['abe'])
    with pytest.raises(ResultsError, match="more than one run begins with 'ab'"):
        store.runs(['ab'])
    with pytest.raises(ResultsError, match="no run '%'"):
        store.runs(['%'])


def test_migrations_make_the_schema_of_the_tables(path):
    with Store(path, create=True).engine.connect() as connection:
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


def test_a_newer_database_is_refused_and_left_alone(path):
    Store(path, create=True).record(run_record())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(ResultsError, match='schema 9999; this version of da4ml-flow knows 0002') as caught:
        Store(path, create=True)
    assert caught.value.hint == 'update da4ml-flow'
    assert rows(path)['run'] == 1


def test_a_database_of_something_else_is_refused(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE songs (title TEXT)')
    connection.close()
    with pytest.raises(ResultsError, match=r'of other tables \(songs\)'):
        Store(path, create=True)


def test_a_file_that_is_no_database(path):
    path.parent.mkdir()
    path.write_text('name: jet\n' * 1000)
    with pytest.raises(ResultsError, match='not a database') as caught:
        Store(path, create=True)
    assert 'move it away' in caught.value.hint
    assert path.read_text().startswith('name: jet')


def test_a_locked_database(path, monkeypatch):
    monkeypatch.setattr('da4ml_flow.results.store.BUSY_TIMEOUT_S', 0)
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


def test_processes_at_once_lose_and_double_nothing(path):
    code = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_store import run_record
        from da4ml_flow.results.store import Store
        for number in range(8):
            Store(Path({str(path)!r}), create=True).record(run_record(f'{{sys.argv[1]}}-{{number}}'))
            Store(Path({str(path)!r}), create=True).record(run_record(f'shared-{{number}}'))
    """)
    workers = [subprocess.Popen([sys.executable, '-c', code, str(number)]) for number in range(3)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    assert rows(path) == {'run': 32, 'stage_run': 64, 'tool': 0, 'metric': 64, 'artifact': 32}


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


def test_points_of_a_sweep_are_there_once_with_their_runs(path):
    sweep = StoredSweep('s1', 'jet', {'axes': {}})
    store = Store(path, create=True)
    store.record_points(sweep, [point('a', run_record()), point('b', None, status='failed')])
    store.record_points(sweep, [point('a', run_record()), point('b', run_record(uid='u2'), finished='t2')])
    store.record_points(StoredSweep('s2', 'jet', {}), [point('a', run_record())])
    assert {name: rows(path)[name] for name in ('run', 'sweep', 'sweep_point')} == {
        'run': 2,
        'sweep': 2,
        'sweep_point': 3,
    }
    assert store.points('s1') == {'a': 't1', 'b': 't2'}
    assert store.points('s3') == {}


def test_a_database_of_the_first_schema_is_read_as_it_is_and_brought_up_to_date_by_writing(path):
    Store(path, create=True).record(run_record())
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "DROP TABLE sweep_point; DROP TABLE sweep; UPDATE alembic_version SET version_num = '0001'"
        )
    connection.close()
    assert [run.uid for run in Store(path, create=False).runs()] == ['u1']
    store = Store(path, create=True)
    store.record_points(StoredSweep('s1', 'jet', {}), [point('a', run_record(uid='u2'))])
    assert {run.uid for run in store.runs()} == {'u1', 'u2'}
