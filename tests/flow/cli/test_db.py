"""`da4ml-flow db` on both engines: runs come back whole from files, damage is listed, space is given back."""

import csv
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from old_database import older
from run_records import run_record

from da4ml_flow.cli.main import run
from da4ml_flow.results import tables
from da4ml_flow.results.database import open_engine
from da4ml_flow.results.record import digest
from da4ml_flow.results.store import Store
from da4ml_flow.runner.build import build


def url(place: Path | str) -> str:
    return f'sqlite:///{place}' if isinstance(place, Path) else place


def rows(place: Path | str) -> list:
    """All of all tables but the numbers of rows, which say in which order they came."""
    with open_engine(place, writing=False).connect() as connection:
        found = []
        for table in (tables.run, tables.stage_run, tables.metric, tables.artifact, tables.tool):
            columns = [column for column in table.c if column.name != 'id' and not column.name.endswith('_id')]
            found.append(sorted(map(repr, connection.execute(sa.select(*columns)))))
        return found


@pytest.fixture
def built(place, request_of, chain, monkeypatch):
    """Two builds with their files, and a run from elsewhere, in the database of the environment."""
    monkeypatch.setenv('DA4ML_FLOW_DB', url(place))
    store = Store(place, create=True)
    store.record(build(request_of(), chain).run)
    chain[2].version = '2.0'  # another lint, on the emit of the first
    store.record(build(request_of(), chain).run)
    config = {'name': 'far', 'text': 'é "\u2028\\'}
    store.record(run_record('elsewhere', config=config, config_hash=digest(config)))
    return store


def said(capsys) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_exported_runs_are_ingested_as_they_were(built, tmp_path, capsys, postgres):
    exported = tmp_path / 'files' / 'runs.jsonl'
    assert run(['db', 'export', str(exported)]) == 0
    assert exported.read_text().count('\n') == 3
    for target in (tmp_path / 'again.sqlite', postgres.fresh()):
        for _ in range(2):
            assert run(['ingest', str(exported), '--database', url(target)]) == 0
        assert rows(target) == rows(built.place)
        assert run(['db', 'check', '--database', url(target)]) == 0
        assert run(['db', 'export', str(tmp_path / 'again.jsonl'), '--database', url(target)]) == 0
        assert (tmp_path / 'again.jsonl').read_bytes() == exported.read_bytes()
    capsys.readouterr()
    assert run(['db', 'export', '-', '--format', 'jsonl', '--name', 'jet', '--where', 'luts/lint > 0']) == 0
    assert said(capsys)[0].count('\n') == 2


def test_a_damaged_line_is_named_and_the_others_are_ingested(built, tmp_path, capsys):
    exported = tmp_path / 'runs.jsonl'
    assert run(['db', 'export', str(exported)]) == 0
    first, second, third, _ = exported.read_text().split('\n')
    exported.write_text('\n'.join((first, second.replace('"jet"', '"get"'), third, '')))
    target = tmp_path / 'again.sqlite'
    assert run(['ingest', str(exported), '--database', url(target)]) == 1
    assert f'{exported}:2' in said(capsys)[1]
    assert len(Store(target, create=False).runs()) == 2


def test_figures_as_rows(built, tmp_path, capsys):
    parquet = pytest.importorskip('pyarrow.parquet')
    for ending in ('csv', 'json', 'parquet'):
        assert run(['db', 'export', str(tmp_path / f'figures.{ending}')]) == 0
    with (tmp_path / 'figures.csv').open(newline='') as file:
        found = list(csv.DictReader(file))
    expected = [(run.uid, m.stage, m.tool, m.name, m.value) for run in built.runs() for m in run.metrics]
    keys = ('uid', 'stage', 'tool', 'metric', 'value')
    assert [(*(row[key] for key in keys[:-1]), float(row['value'])) for row in found] == expected
    typed = json.loads((tmp_path / 'figures.json').read_text())
    assert [tuple(row[key] for key in keys) for row in typed] == expected
    assert parquet.read_table(tmp_path / 'figures.parquet').to_pylist() == typed
    assert run(['db', 'export', str(tmp_path / 'figures.xls')]) == 2
    assert run(['db', 'export', '-', '--format', 'parquet']) == 2
    assert not (tmp_path / 'figures.xls').exists()


def test_files_that_are_as_they_were(built, capsys):
    assert run(['db', 'check']) == 0
    out, _ = said(capsys)
    assert ': no problems' in out
    assert '3 runs: 2 compared with their records, 1 have none here' in out
    assert '5 artifacts compared' in out
    assert run(['db', 'check', '--no-files', '--json']) == 0
    assert json.loads(said(capsys)[0])['compared'] == {}


def test_files_that_are_not(built, tmp_path, capsys):
    records = sorted((tmp_path / 'build' / 'jet' / 'runs').iterdir(), key=lambda path: path.name[9:])
    records[0].write_text(records[0].read_text().replace('"ok"', '"no"', 1))
    with built.engine.begin() as connection:
        uid = records[1].stem
        connection.exec_driver_sql(f"UPDATE run SET name = 'top' WHERE uid = '{uid}'")
        connection.exec_driver_sql("UPDATE metric SET value = 7777 WHERE stage = 'lint'")
    (stage,) = (tmp_path / 'build' / 'jet').glob('synthesize-*/')
    (stage / 'synthesize.txt').write_text('other')
    (stage,) = (tmp_path / 'build' / 'jet').glob('emit-*/')
    (stage / 'emit.txt').unlink()
    before = rows(built.place)
    assert run(['db', 'check', '--json']) == 1
    problems = json.loads(said(capsys)[0])['problems']
    messages = sorted(problem['message'].removeprefix(f'run {uid}') for problem in problems)
    assert messages == [
        ' is not what its record says: name, lint.metrics',
        ": artifact 'emit' of emit is missing",
        ": artifact 'synthesize' of synthesize was changed since",
        'a damaged record: its checksum does not fit',
    ]
    assert rows(built.place) == before
    assert run(['db', 'check']) == 1
    assert ': 4 problems' in said(capsys)[0]
    shutil.rmtree(tmp_path / 'build')
    assert run(['db', 'check']) == 0  # what is not here is no fault


def test_a_stage_that_was_forced_has_later_files(built, request_of, chain, capsys):
    chain[3].action = lambda context: (context.directory / 'synthesize.txt').write_text('of another day')
    built.record(build(request_of(force=('synthesize',)), chain).run)
    assert run(['db', 'check']) == 0
    assert '4 runs: 3 compared' in said(capsys)[0]


def test_upgrade_says_what_it_did(place, capsys):
    older(place, '0002')
    arguments = ['db', 'upgrade', '--database', url(place)]
    assert run(['db', 'check', '--database', url(place)]) == 1
    assert 'schema 0002, not 0004' in said(capsys)[1]
    assert run(arguments) == 0
    out, _ = said(capsys)
    assert 'upgraded from schema 0002 to 0004' in out
    assert 'schema-0002' in out or 'da4ml_schema_0002' in out
    assert run(arguments) == 0
    assert 'has schema 0004: nothing to do' in said(capsys)[0]
    assert run([*arguments, '--json']) == 0
    assert json.loads(said(capsys)[0])['from'] == '0004'


def test_vacuum_gives_space_back_and_drops_copies_if_asked(place, capsys):
    older(place, '0002')
    store = Store(place, create=True)
    for _ in store.record_each(run_record(f'u{number}', config={'text': 'x' * 20_000}) for number in range(50)):
        pass
    with store.engine.execution_options(write=True).begin() as connection:
        connection.execute(tables.run.delete().where(tables.run.c.uid != 'u7'))
    database = ['--database', url(place)]
    assert run(['db', 'vacuum', *database, '--json']) == 0
    done = json.loads(said(capsys)[0])
    assert done['after'] < done['before'] or not isinstance(place, Path)
    if isinstance(place, Path):
        assert done['before'] - done['after'] > 800_000
        assert done['after'] == place.stat().st_size
    assert [run.uid for run in store.runs()] == ['u7']
    assert run(['db', 'vacuum', *database]) == 0
    assert '--drop-copies' in said(capsys)[0]
    assert run(['db', 'vacuum', '--drop-copies', *database, '--json']) == 0
    assert len(json.loads(said(capsys)[0])['dropped']) == 1
    assert run(['db', 'vacuum', '--drop-copies', *database, '--json']) == 0
    assert json.loads(said(capsys)[0])['dropped'] == []
    assert [run.uid for run in store.runs()] == ['u7']


def test_vacuum_of_a_database_that_another_holds(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('da4ml_flow.results.database.BUSY_TIMEOUT_S', 0)
    place = tmp_path / 'r.sqlite'
    Store(place, create=True).record(run_record())
    holder = sqlite3.connect(place, isolation_level=None)
    holder.execute('BEGIN IMMEDIATE')
    assert run(['db', 'vacuum', '--database', url(place)]) == 2
    assert 'locked' in said(capsys)[1]
    holder.close()
    assert run(['db', 'vacuum', '--database', url(place)]) == 0
