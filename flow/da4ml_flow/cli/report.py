"""`da4ml-flow report`: recorded runs, as tables and as files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from da4ml_flow.cli.options import CONFIG, DATABASE, JSON

if TYPE_CHECKING:
    from da4ml_flow.report.export import Rows
    from da4ml_flow.report.table import Table
    from da4ml_flow.results.selection import Selection
    from da4ml_flow.results.store import Store

FILE = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
IN_A_TABLE = 20  # runs, where no limit is given


@click.command()
@click.argument('runs', nargs=-1, metavar='[RUN]...')
@CONFIG
@DATABASE
@click.option('--name', help='Only runs of this name.')
@click.option('--where', multiple=True, metavar='CONDITION', help="As in 'luts < 5000 and rtl.clock_ns == 5'.")
@click.option('--sort-by', metavar='KEY', help='A figure or a fact, as luts, luts/implement or accuracy:desc.')
@click.option('--compare', is_flag=True, help='The runs side by side, against the first.')
@click.option('--history', metavar='METRIC', help='One figure over time, as luts or luts/synthesize.')
@click.option('--csv', type=FILE, help='Write the rows as CSV; - is stdout.')
@click.option('--markdown', type=FILE, help='Write the table as Markdown; - is stdout.')
@click.option('--parquet', type=FILE, help='Write the rows as Apache Parquet.')
@click.option('--html', type=FILE, help='Write an interactive page of the runs, or one of the history; - is stdout.')
@click.option(
    '--limit',
    type=click.IntRange(1),
    help=f'At most so many, newest first.  [default: {IN_A_TABLE} in a table, all in files]',
)
@JSON
def report(
    runs: tuple[str, ...],
    config_file: Path | None,
    database: str | None,
    name: str | None,
    where: tuple[str, ...],
    sort_by: str | None,
    compare: bool,
    history: str | None,
    limit: int | None,
    as_json: bool,
    **files: Path | None,
) -> None:
    """Show runs: the newest, or those given by their id, its beginning, or their name, which means its newest run; one
    alone with every figure.

    The database is that of --database, of the environment variable DA4ML_FLOW_DB, of --config, or
    results/da4ml.sqlite here.
    """
    from da4ml_flow.cli.database import named_database, open_store
    from da4ml_flow.results.selection import Selection

    wanted = {form: path for form, path in files.items() if path is not None}
    _check(wanted, as_json=as_json)
    place = named_database(database, config_file)
    if history is not None:
        if runs or where or sort_by or compare:
            raise click.UsageError('runs, --where, --sort-by and --compare are not for --history')
        _history(open_store(place, create=False), history, name, limit, wanted, as_json=as_json)
        return
    key, _, order = (sort_by or '').partition(':')
    if order not in ('', 'asc', 'desc'):
        raise click.UsageError(f'--sort-by ends with :asc or :desc, not :{order}')
    chosen = Selection(runs, name, where, key, order == 'desc', limit)
    show = _comparison if compare else _runs
    show(open_store(place, create=False), chosen, wanted, as_json=as_json)


def _check(wanted: Mapping[str, Path], *, as_json: bool) -> None:
    piped = _piped(wanted) + ['--json'] * as_json
    if '--parquet' in piped:
        raise click.UsageError('--parquet needs the name of a file')
    if len(piped) > 1:
        raise click.UsageError(f'{" and ".join(piped)} cannot both be on stdout')


def _runs(store: Store, chosen: Selection, wanted: Mapping[str, Path], *, as_json: bool) -> None:
    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.report.figures import runs_rows
    from da4ml_flow.report.summary import run_table, runs_table
    from da4ml_flow.results.record import StoredRun

    def table(chosen: Selection) -> Table:
        runs = store.runs(chosen)
        return run_table(runs[0]) if len(chosen.uids) == 1 and runs else runs_table(runs)

    texts = {'markdown': lambda: table(chosen).markdown(), 'html': lambda: _page(store, chosen, wanted['html'])}
    _write(wanted, lambda: runs_rows(lambda: store.records(chosen)), texts)
    short = replace(chosen, limit=chosen.limit or (None if chosen.uids else IN_A_TABLE))
    if as_json:
        print_json(
            [
                {
                    **{key: getattr(run, key) for key in StoredRun.__dataclass_fields__ if key != 'metrics'},
                    'metrics': [metric.data() for metric in run.metrics],
                }
                for run in store.runs(short)
            ]
        )
    elif not _piped(wanted):
        print_table(table(short))


def _comparison(store: Store, chosen: Selection, wanted: Mapping[str, Path], *, as_json: bool) -> None:
    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.report.compare import compare, comparison_data, comparison_rows, differences_table, figures_table

    runs = list(store.records(replace(chosen, limit=chosen.limit or (None if chosen.uids else IN_A_TABLE))))
    if len(runs) < 2:
        raise click.UsageError(f'--compare needs two runs or more, not {len(runs)}')
    comparison = compare(runs)
    tables = [figures_table(comparison), differences_table(comparison)]

    def markdown() -> str:
        return '\n'.join([*(table.markdown() for table in tables), *(f'{note}\n' for note in comparison.notes)])

    texts = {'markdown': markdown, 'html': lambda: _page(store, chosen, wanted['html'], compared=True)}
    _write(wanted, lambda: comparison_rows(comparison), texts)
    if as_json:
        print_json(comparison_data(comparison))
    elif not _piped(wanted):
        for table in tables:
            print_table(table)
        for note in comparison.notes:
            click.echo(note)


def _page(store: Store, chosen: Selection, path: Path, *, compared: bool = False) -> str:
    from da4ml_flow.report.page import MOST_RUNS, page
    from da4ml_flow.results.place import shown

    total = store.count(chosen)
    runs = list(store.records(replace(chosen, limit=min(total, MOST_RUNS) or None)))
    file = None if str(path) == '-' else path
    return page(runs, f'Runs in {shown(store.place)}', file, total=total, compared=compared)


def _history(
    store: Store, key: str, name: str | None, limit: int | None, wanted: Mapping[str, Path], *, as_json: bool
) -> None:
    from dataclasses import asdict

    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.config.nearest import nearest
    from da4ml_flow.errors import ResultsError
    from da4ml_flow.report.history import history_page, history_rows, history_table, series_of
    from da4ml_flow.results.metrics import METRICS

    metric, _, stage = key.partition('/')
    if metric not in METRICS:
        near = nearest(metric, list(METRICS))
        hint = f'did you mean {near!r}?' if near else f'known: {", ".join(METRICS)}'
        raise ResultsError(f'there is no metric {metric!r}', hint=hint)
    found = series_of(metric, store.history(metric, stage, name))
    tables = [history_table(series, limit or IN_A_TABLE) for series in found]
    texts: dict[str, Callable[[], str]] = {
        'markdown': lambda: '\n'.join(table.markdown() for table in tables),
        'html': lambda: history_page(found),
    }
    _write(wanted, lambda: history_rows(found), texts)
    if as_json:
        print_json([{'title': series.title, 'points': [asdict(point) for point in series.points]} for series in found])
    elif not _piped(wanted):
        for table in tables:
            print_table(table)
    if not found:
        click.echo(f'no run has measured {key}', err=True)


def _piped(wanted: Mapping[str, Path]) -> list[str]:
    """What goes to stdout instead of a table."""
    return [f'--{form}' for form, path in wanted.items() if str(path) == '-']


def _write(wanted: Mapping[str, Path], rows: Callable[[], Rows], texts: Mapping[str, Callable[[], str]]) -> None:
    from da4ml_flow.report.export import FORMS, export, export_text

    for form, path in wanted.items():
        if form in FORMS and str(path) == '-':
            FORMS[form](rows(), sys.stdout.buffer)
        elif form in FORMS:
            export(rows(), path, form)
        elif str(path) == '-':
            click.echo(texts[form](), nl=False)
        else:
            export_text(texts[form](), path)
