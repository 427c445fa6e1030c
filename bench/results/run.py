"""Results databases under load: many writers at once, and questions to very many runs, on SQLite and PostgreSQL.

    python bench/results/run.py [--writers 8] [--runs 200] [--stored 100000] [--engines sqlite,postgresql]

First `da4ml-flow ingest` in so many processes at once, each with records of runs of its own, then all once more, each
with those of another: every figure of every run must be there, once. Then a database of so many runs is filled, and
`da4ml-flow report` asked: CPU seconds are those of the whole process, of the server those of all of its processes.
With --keep the databases stay in that folder, and one that is there and full is not filled again. The server is one of
its own, started for this. Needs the folder tests/ beside it for that.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from run_content import run_records

from da4ml_flow.results import tables
from da4ml_flow.results.database import open_engine
from da4ml_flow.results.place import Place, place_of
from da4ml_flow.results.record import RunRecord, StoredPoint, StoredSweep, record_to_json
from da4ml_flow.results.store import Store

QUESTIONS = (
    ('',),
    ('--where', 'luts/synthesize < 1000'),
    ('--where', 'luts < 5000', '--sort-by', 'accuracy:desc'),
    ('--where', 'luts/implement < 3000 and rtl.clock_ns == 5', '--sort-by', 'accuracy:desc'),
    ('--where', 'name == "jet" and status == "ok" and accuracy > 95', '--sort-by', 'fmax_mhz/implement:desc'),
    ('--where', 'optimizer.effort == "max" and started > "2026-02"', '--sort-by', 'latency_ns'),
    ('--where', 'luts/implement + ffs/implement < 1500 or not (accuracy >= 61)', '--sort-by', 'luts'),
    ('--where', 'accuracy > 99.99', '--sort-by', 'luts', '--limit', '1000'),
)
BATCH = 1000
COMMAND = (sys.executable, '-m', 'da4ml_flow.cli.main')
CONTENT = (tables.run, tables.stage_run, tables.metric, tables.tool, tables.artifact)


class Server:
    """A PostgreSQL server of its own, as the tests start it."""

    def __init__(self) -> None:
        sys.path.append(str(Path(__file__).parents[2] / 'tests'))
        from postgres_server import PostgresServer

        self._server = PostgresServer()
        self.fresh, self.stop = self._server.fresh, self._server.stop

    def cpu_s(self) -> float:
        """Of the server and of its processes that have ended."""
        fields = Path(f'/proc/{self._server.process.pid}/stat').read_text().rpartition(')')[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf('SC_CLK_TCK')


def write_records(folder: Path, runs: Iterable[RunRecord]) -> None:
    (folder / 'runs').mkdir(parents=True)
    for run in runs:
        (folder / 'runs' / f'{run.uid}.json').write_text(record_to_json(run))


@contextmanager
def measured(server: Server | None, figures: dict[str, float]) -> Iterator[None]:
    """Wall and CPU seconds of the processes that end meanwhile; of a server's, which end a little later, too."""

    def spent() -> tuple[float, float]:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime, server.cpu_s() if server else 0.0

    own, served = spent()
    begin = time.monotonic()
    yield
    figures['wall_s'] = time.monotonic() - begin
    if server:
        time.sleep(0.3)
    own_after, served_after = spent()
    figures['cpu_s'], figures['server_s'] = own_after - own, served_after - served


def ingest_at_once(url: str, folders: Iterable[Path]) -> None:
    jobs = [
        subprocess.Popen([*COMMAND, 'ingest', folder, '--database', url], stdout=subprocess.DEVNULL)
        for folder in folders
    ]
    codes = [job.wait() for job in jobs]
    if any(codes):
        raise SystemExit(f'ingest ended with {codes}')


def contents(place: Place) -> dict[str, int]:
    with open_engine(place, writing=False).connect() as connection:
        count = sa.func.count()
        return {table.name: connection.scalar(sa.select(count).select_from(table)) or 0 for table in CONTENT}


def expected(runs: Iterable[RunRecord]) -> dict[str, int]:
    """The rows of runs that are there once."""
    found = dict.fromkeys((table.name for table in CONTENT), 0)
    for run in runs:
        records = [stage.record for stage in run.stages if stage.record]
        found['run'] += 1
        found['stage_run'] += len(run.stages)
        found['metric'] += len(run.metrics)
        found['tool'] += sum(len(record.tools) for record in records)
        found['artifact'] += sum(len(record.artifacts) for record in records)
    return found


def compare(place: Place, runs: Iterable[RunRecord]) -> tuple[int, int]:
    """How many runs are lost or not as they were, and how many rows of any table there are too many."""
    runs = list(runs)
    stored = {run.uid: run for run in Store(place, create=False).records()}
    lost = sum(run.uid not in stored or stored[run.uid].metrics != run.metrics for run in runs)
    wanted = expected(runs)
    return lost, sum(max(0, count - wanted[name]) for name, count in contents(place).items())


def writers(url: str, server: Server | None, count: int, each: int, folder: Path) -> list[dict[str, Any]]:
    """Ingest new runs, then the same again, each by another process; a row of figures of either."""
    folders = [folder / str(number) for number in range(count)]
    found = []
    for what, shift in (('new', 0), ('again', 1)):
        row: dict[str, Any] = {'what': f'{count} x {each} runs, {what}'}
        with measured(server, row):
            ingest_at_once(url, folders[shift:] + folders[:shift])
        row['lost'], row['doubled'] = compare(place_of(url, Path()), run_records(0, count * each))
        row['stored'] = contents(place_of(url, Path()))['run']
        found.append(row)
    return found


def fill(place: Place, count: int) -> None:
    """Put runs in as a sweep does, a batch a transaction."""
    store, sweep = Store(place, create=True), StoredSweep('bench', 'bench', {})
    for first in range(contents(place)['run'], count, BATCH):
        runs = run_records(first, min(BATCH, count - first))
        store.record_points(sweep, [StoredPoint(run.uid, {}, run.status, 'full', '', run.started, run) for run in runs])


def ask(url: str, server: Server | None, question: tuple[str, ...]) -> dict[str, Any]:
    """A question through the command line; the runs that it finds are counted."""
    row: dict[str, Any] = {'what': ' '.join(('report', *question)).strip()}
    command = [*COMMAND, 'report', *filter(None, question), '--database', url]
    with measured(server, row):
        shown = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    row['found'] = shown.stdout.count(b'\n') - 1  # below the line of names
    return row


def show(title: str, rows: Iterable[dict[str, Any]]) -> None:
    print(f'\n{title}')
    for row in rows:
        if row.get('lost') or row.get('doubled'):
            raise SystemExit(f'runs were lost or doubled: {row}')
        values = (f'{key} {value:.2f}' if isinstance(value, float) else f'{key} {value}' for key, value in row.items())
        print('  ' + '  '.join(values).replace('what ', '', 1), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--writers', type=int, default=8)
    parser.add_argument('--runs', type=int, default=200, help='of each writer')
    parser.add_argument('--stored', type=int, default=100_000, help='runs in the database that is asked')
    parser.add_argument('--engines', default='sqlite,postgresql')
    parser.add_argument('--keep', type=Path)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number in range(options.writers):
            write_records(folder / str(number), run_records(number * options.runs, options.runs))
        for engine in options.engines.split(','):
            server = None
            if engine == 'postgresql':
                server = Server()
                stack.callback(server.stop)
            kept = options.keep or folder
            first, second = (
                (server.fresh() if server else f'sqlite:///{place}')
                for place in (folder / 'writers.sqlite', kept.absolute() / 'stored.sqlite')
            )
            show(f'{engine}: at once', writers(first, server, options.writers, options.runs, folder))
            if not options.stored:
                continue
            begin = time.monotonic()
            fill(place_of(second, Path()), options.stored)
            print(f'\n{engine}: {options.stored} runs put in, {time.monotonic() - begin:.0f} s', flush=True)
            show(f'{engine}: questions', (ask(second, server, question) for question in QUESTIONS))


if __name__ == '__main__':
    main()
