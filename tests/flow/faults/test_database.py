"""A database that is locked, read-only, full, damaged or someone else's: said so, and the record of the run is kept."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from fault_project import Project, clear, fill

from da4ml_flow.cli.main import run

DATABASE = 'results/da4ml.sqlite'


@contextmanager
def locked(path: Path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute('BEGIN EXCLUSIVE')
        yield
        connection.execute('ROLLBACK')


@contextmanager
def replaced(path: Path, data: bytes | None):
    """Other bytes in the place of the database, or a folder."""
    aside = path.with_name('aside')
    for suffix in ('-wal', '-shm'):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.rename(aside)
    if data is None:
        path.mkdir()
    else:
        path.write_bytes(data)
    yield
    if data is None:
        path.rmdir()
    else:
        path.unlink()
        for suffix in ('-wal', '-shm'):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    aside.rename(path)


@contextmanager
def of_the_future(path: Path):
    with closing(sqlite3.connect(path)) as connection, connection:
        (before,) = connection.execute('SELECT version_num FROM alembic_version').fetchone()
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    yield
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('UPDATE alembic_version SET version_num = ?', (before,))


FAULTS: dict[str, tuple[Callable[[Path], AbstractContextManager[None]], tuple[str, ...]]] = {
    'locked': (locked, ('locked', 'another process')),
    'not a database': (lambda path: replaced(path, b'a letter to my grandmother\n' * 300), ('not a database',)),
    'cut off': (lambda path: replaced(path, path.read_bytes()[:5000]), ('malformed', 'move it away')),
    'a page overwritten': (
        lambda path: replaced(path, path.read_bytes()[:4096] + b'\xff' * 4096 + path.read_bytes()[8192:]),
        ('malformed', 'move it away'),
    ),
    'a folder': (lambda path: replaced(path, None), ('unable to open',)),
    'newer': (of_the_future, ('9999', 'update da4ml-flow')),
}


def rows(path: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute('SELECT uid, (SELECT count(*) FROM metric) FROM run ORDER BY uid').fetchall()


@pytest.mark.parametrize('fault', FAULTS)
def test_a_database_that_fails(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    monkeypatch.setattr('da4ml_flow.results.database.BUSY_TIMEOUT_S', 1)
    database = project.root / DATABASE
    assert project.build('--until', 'emit') == 0
    # the log of writes into the file itself, which some of the faults copy
    with closing(sqlite3.connect(database)) as connection:
        connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    before = rows(database)
    project.config.write_text(project.config.read_text().replace('5.0', '5.0, pipeline: {max_levels: 1}'))
    break_it, words = FAULTS[fault]
    with break_it(database):
        assert project.build('--until', 'emit') == 2, project.said
        clear(project.said, 'the run is not in the database', 'nothing is lost', *words)
        assert set(project.stages.values()) <= {('ok', True), ('ok', False)}
    assert rows(database) == before
    # the record is there, and ingesting puts it into the database
    assert run(['ingest', str(project.root / 'build'), '--database', f'sqlite:///{database}']) == 0
    capsys.readouterr()
    assert len(rows(database)) == 2
    assert project.build('--until', 'emit') == 0
    assert set(project.stages.values()) == {('ok', True)}


def test_a_lost_database_is_made_again(project: Project) -> None:
    assert project.build('--until', 'emit') == 0
    database = project.root / DATABASE
    before = rows(database)
    database.unlink()
    assert project.build('--until', 'emit') == 0
    assert rows(database) == before
    assert stat.S_ISREG(database.stat().st_mode)


def test_a_database_on_a_full_disk(
    project: Project, small_disk: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = small_disk.root / 'team.sqlite'
    monkeypatch.setenv('DA4ML_FLOW_DB', f'sqlite:///{database}')
    assert project.build('--until', 'emit') == 0
    before = rows(database)
    project.config.write_text(project.config.read_text().replace('5.0', '5.0, pipeline: {max_levels: 1}'))
    filler = fill(small_disk.root, 0)
    assert project.build('--until', 'emit') == 2
    clear(project.said, 'nothing is lost', 'full', 'what was there before is intact')
    filler.unlink()
    assert rows(database) == before
    assert run(['ingest', str(project.root / 'build')]) == 0
    capsys.readouterr()
    assert len(rows(database)) == 2
