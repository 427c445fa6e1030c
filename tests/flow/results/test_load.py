"""Many writers and many runs: the bench's content in small, and that no question reads the figures of every run."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from da4ml_flow.results.record import StoredPoint, StoredSweep
from da4ml_flow.results.selection import Selection
from da4ml_flow.results.store import Store

BENCH = Path(__file__).parents[3] / 'bench' / 'results'


def bench(*arguments: str) -> str:
    command = [sys.executable, str(BENCH / 'run.py'), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=7200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize('engine', ['sqlite', pytest.param('postgresql', marks=pytest.mark.slow)])
def test_ingesting_at_once(engine, request):
    if engine == 'postgresql':
        request.getfixturevalue('postgres')  # skips without one
    said = bench('--writers', '4', '--runs', '20', '--stored', '0', '--engines', engine)
    assert said.count('lost 0  doubled 0  stored 80') == 2, said


@pytest.mark.slow
@pytest.mark.usefixtures('postgres')
def test_the_whole_bench():
    said = bench()
    assert said.count('lost 0  doubled 0  stored 1600') == 4, said
    found = [line.split()[-1] for line in said.splitlines() if line.startswith('  report')]
    assert len(found) == 16
    assert found[:8] == found[8:]
    assert set(found[:-1]) == {'20'}


@pytest.fixture
def many(place, monkeypatch) -> Store:
    monkeypatch.syspath_prepend(str(BENCH))
    from run_content import run_records

    store = Store(place, create=True)
    points = [StoredPoint(run.uid, {}, run.status, 'full', '', '', run) for run in run_records(0, 120)]
    store.record_points(StoredSweep('s', 's', {}), points)
    return store


QUESTIONS = (
    Selection((), None, (), limit=3),
    Selection((), None, ('luts < 5000',), sort_by='accuracy', descending=True, limit=3),
    Selection((), None, ('luts/implement < 9000 and rtl.clock_ns == 5',), sort_by='fmax_mhz/implement', limit=3),
    Selection((), 'jet', ('luts/implement + ffs/implement < 9000 or not (accuracy >= 61)',), sort_by='luts', limit=3),
)


def test_a_question_is_three_statements_by_indexes(many):
    asked: list[tuple[str, object]] = []
    sa.event.listen(
        many.engine,
        'before_cursor_execute',
        lambda connection, cursor, statement, parameters, context, several: asked.append((statement, parameters)),
    )
    for chosen in QUESTIONS:
        asked.clear()
        found = many.runs(chosen)
        assert len(found) == 3
        assert all(len(run.metrics) == 42 for run in found)
        selects = [item for item in asked if item[0].lstrip().startswith('SELECT')]
        assert len(selects) <= 3
        if many.engine.dialect.name == 'sqlite':  # a server reads a table of this size whole, by its statistics
            by_index(many.engine, selects)


def by_index(engine: sa.Engine, selects: list[tuple[str, object]]) -> None:
    """By the run, or by the name and what its value must be; SQLite knows no sizes of tables before ANALYZE."""
    with engine.connect() as connection:
        steps = [
            row[3]
            for statement, parameters in selects
            for row in connection.exec_driver_sql(f'EXPLAIN QUERY PLAN {statement}', parameters)
        ]
    figures = [step for step in steps if 'metric' in step]
    assert figures
    for step in figures:
        assert step.startswith('SEARCH metric USING'), steps
        assert 'run_id=?' in step or 'name=? AND value' in step, steps
