"""What `db check` finds inside a database: each fault by itself, on both engines where both can have it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from run_records import run_record

from da4ml_flow.errors import ResultsError
from da4ml_flow.results import tables
from da4ml_flow.results.check import Inside
from da4ml_flow.results.database import open_engine
from da4ml_flow.results.record import StoredPoint, StoredSweep, digest
from da4ml_flow.results.store import Store

CONFIG = {'name': 'jet', 'rtl': {'clock_ns': 5.0}}


def filled(place: Path | str) -> None:
    store = Store(place, create=True)
    for number in range(3):
        store.record(run_record(f'u{number}', config=CONFIG, config_hash=digest(CONFIG)))
    store.record_points(StoredSweep('s', 'jet', {}), [StoredPoint('a', {}, 'failed', 'full', '', 't', None)])


def change(place: Path | str, *statements: str) -> None:
    """As someone else would, without what keeps rows together."""
    engine = open_engine(place, writing=True).execution_options(write=True, migrate=True)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def dump(place: Path | str) -> list:
    with open_engine(place, writing=False).connect() as connection:
        version = connection.exec_driver_sql('SELECT * FROM alembic_version').all()
        return [version, *(connection.execute(sa.select(table)).all() for table in tables.metadata.sorted_tables)]


SAID = {
    'UPDATE metric SET rank = 1 WHERE run_id = 2': '2 figures have a wrong rank',
    "UPDATE metric SET value = 9e999 WHERE name = 'ffs'": '3 figures are no finite numbers',
    "UPDATE metric SET unit = 'MHz' WHERE name = 'luts'": '3 figures of luts are in MHz',
    "UPDATE run SET config = '{}' WHERE uid = 'u1'": 'run u1: its configuration is not the one of its hash',
    "UPDATE run SET config = '{' WHERE uid = 'u1'": 'run u1: its configuration is no JSON',
    'DROP INDEX ix_run_started': 'the tables are not those of schema 0004: add_index',
}


def test_each_fault_inside(place):
    filled(place)
    assert Inside(place).problems == []
    whole = dump(place)
    for statement, said in SAID.items():
        if '9e999' in statement and not isinstance(place, Path):
            statement = statement.replace('9e999', "'infinity'")
        restore = Store(place, create=True)
        change(place, statement)
        before = dump(place)
        found = Inside(place)
        assert [said in str(problem) for problem in found.problems] == [True], found.problems
        assert found.readable is ('rank' in said or 'hash' in said)
        assert dump(place) == before
        if 'INDEX' not in statement:
            for number in range(3):
                restore.record(run_record(f'u{number}', config=CONFIG, config_hash=digest(CONFIG)))
            assert Inside(place).problems == []
    assert [len(rows) for rows in dump(place)] == [len(rows) for rows in whole]


def test_rows_that_belong_to_nothing(tmp_path):
    place = tmp_path / 'r.sqlite'
    filled(place)
    change(place, 'DELETE FROM run WHERE id = 2', 'DELETE FROM sweep')
    said = sorted(problem.message for problem in Inside(place).problems)
    assert said == [
        '1 rows of sweep_point belong to no sweep',
        '2 rows of metric belong to no run',
        '2 rows of stage_run belong to no run',
    ]


DAMAGE = {
    'its beginning': (lambda data: b'\xff' * 4096 + data[4096:], 'not a database'),
    'a page': (lambda data: data[:-4096] + b'\xff' * 4096, 'malformed'),
    'one letter': (lambda data: data.replace(b'2026-01-01', b'2027-01-01', 1), 'the file is damaged: row 3 missing'),
}


@pytest.mark.parametrize('what', DAMAGE)
def test_damaged_files(tmp_path, what):
    place = tmp_path / 'r.sqlite'
    filled(place)
    with closing(sqlite3.connect(place)) as connection:
        connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    damage, said = DAMAGE[what]
    data = damage(place.read_bytes())
    place.write_bytes(data)
    found = Inside(place)
    assert said in str(found.problems[0])
    assert not found.readable
    assert place.read_bytes() == data


def test_a_damaged_page_of_a_server(postgres):
    place = postgres.fresh()
    filled(place)
    name = postgres.used[-1]
    with open_engine(place, writing=False).connect() as connection:
        version = connection.exec_driver_sql('SHOW server_version_num').scalar_one()
    # pages of a copy of files are not in the server's memory yet
    strategy = ' STRATEGY file_copy' if int(version) >= 150_000 else ''
    postgres.run(f'CREATE DATABASE damaged TEMPLATE {name}{strategy}')
    with open_engine(postgres.url('damaged'), writing=False).connect() as connection:
        path = connection.exec_driver_sql("SELECT pg_relation_filepath('metric')").scalar_one()
    file = postgres.folder / 'data' / path
    file.write_bytes(b'\xff' * file.stat().st_size)
    found = Inside(postgres.url('damaged'))
    assert 'invalid page in block 0' in str(found.problems[0])
    assert not found.readable


@pytest.mark.parametrize(('version', 'said'), [('0002', 'db upgrade'), ('9999', 'update da4ml-flow')])
def test_other_versions_are_said_and_left_alone(place, version, said):
    filled(place)
    change(place, f"UPDATE alembic_version SET version_num = '{version}'")
    before = dump(place)
    found = Inside(place)
    assert said in str(found.problems[0])
    assert (len(found.problems), found.version, found.readable) == (1, version, False)
    assert dump(place) == before


def test_nothing_to_look_at(place):
    with pytest.raises(ResultsError, match='no results yet'):
        Inside(place)
    assert not isinstance(place, Path) or not place.exists()
