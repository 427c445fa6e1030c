"""`da4ml-flow report`: recorded runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from da4ml_flow.cli.options import JSON

if TYPE_CHECKING:
    from da4ml_flow.results.place import Place

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument('runs', nargs=-1, metavar='[RUN]...')
@click.option('-c', '--config', 'config_file', type=click.Path(path_type=Path), help='Use the database of this file.')
@click.option('--database', metavar='URL', help='Use this database, as in sqlite:///results/da4ml.sqlite.')
@click.option('--name', help='Only runs of this name.')
@click.option('--where', multiple=True, metavar='CONDITION', help="As in 'luts < 5000 and rtl.clock_ns == 5'.")
@click.option('--sort-by', metavar='KEY', help='A figure or a fact, as luts, luts/implement or accuracy:desc.')
@click.option('--history', metavar='METRIC', help='One figure over time, as luts or luts/synthesize.')
@click.option('--csv', 'csv_file', type=FILE, help='Write the history as CSV.')
@click.option('--html', 'html_file', type=FILE, help='Write the history as a page.')
@click.option('--limit', type=click.IntRange(1), default=20, show_default=True, help='At most so many, newest first.')
@JSON
def report(
    runs: tuple[str, ...],
    config_file: Path | None,
    database: str | None,
    name: str | None,
    where: tuple[str, ...],
    sort_by: str | None,
    history: str | None,
    csv_file: Path | None,
    html_file: Path | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show runs: the newest, or those given by the beginning of their id; one alone with every figure.

    The database is that of --database, of the environment variable DA4ML_FLOW_DB, of --config, or
    results/da4ml.sqlite here.
    """
    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.cli.database import named_database, open_store
    from da4ml_flow.report.summary import run_table, runs_table
    from da4ml_flow.results.selection import Selection

    place = named_database(database, config_file)
    if history is None and (csv_file or html_file):
        raise click.UsageError('--csv and --html are for --history')
    if history is not None:
        if where or sort_by:
            raise click.UsageError('--where and --sort-by are not for --history')
        _history(place, history, name, limit, csv_file, html_file, as_json=as_json)
        return
    key, _, order = (sort_by or '').partition(':')
    if order not in ('', 'asc', 'desc'):
        raise click.UsageError(f'--sort-by ends with :asc or :desc, not :{order}')
    chosen = Selection(runs, name, where, key, order == 'desc', None if runs else limit)
    found = open_store(place, create=False).runs(chosen)
    if as_json:
        print_json(
            [
                {
                    **{key: getattr(run, key) for key in type(run).__dataclass_fields__ if key != 'metrics'},
                    'metrics': [metric.data() for metric in run.metrics],
                }
                for run in found
            ]
        )
    elif len(runs) == 1:
        print_table(run_table(found[0]))
    else:
        print_table(runs_table(found))


def _history(
    place: Place,
    key: str,
    name: str | None,
    limit: int,
    csv_file: Path | None,
    html_file: Path | None,
    *,
    as_json: bool,
) -> None:
    from dataclasses import asdict

    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.cli.database import open_store
    from da4ml_flow.config.nearest import nearest
    from da4ml_flow.errors import ResultsError
    from da4ml_flow.report.history import history_csv, history_page, history_table, series_of
    from da4ml_flow.results.metrics import METRICS
    from da4ml_flow.workspace import system_errors, write_durably

    metric, _, stage = key.partition('/')
    if metric not in METRICS:
        near = nearest(metric, list(METRICS))
        hint = f'did you mean {near!r}?' if near else f'known: {", ".join(METRICS)}'
        raise ResultsError(f'there is no metric {metric!r}', hint=hint)
    found = series_of(metric, open_store(place, create=False).history(metric, stage, name))
    for path, text in ((csv_file, history_csv), (html_file, history_page)):
        if path is not None:
            with system_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_durably(path, text(found))
    if as_json:
        print_json([{'title': series.title, 'points': [asdict(point) for point in series.points]} for series in found])
        return
    for series in found:
        print_table(history_table(series, limit))
    if not found:
        click.echo(f'no run has measured {key}', err=True)
