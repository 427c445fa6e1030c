"""`da4ml-flow report`: recorded runs."""

from __future__ import annotations

from pathlib import Path

import click

from da4ml_flow.cli.options import JSON


@click.command()
@click.argument('runs', nargs=-1, metavar='[RUN]...')
@click.option('-c', '--config', 'config_file', type=click.Path(path_type=Path), help='Use the database of this file.')
@click.option('--database', metavar='URL', help='Use this database, as in sqlite:///results/da4ml.sqlite.')
@click.option('--name', help='Only runs of this name.')
@click.option('--limit', type=click.IntRange(1), default=20, show_default=True, help='At most so many, newest first.')
@JSON
def report(
    runs: tuple[str, ...],
    config_file: Path | None,
    database: str | None,
    name: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show runs: the newest, or those given by the beginning of their id; one alone with every figure.

    The database is that of --database, of the environment variable DA4ML_FLOW_DB, of --config, or
    results/da4ml.sqlite here.
    """
    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.cli.database import chosen_database
    from da4ml_flow.config.load import load_config
    from da4ml_flow.errors import ResultsError
    from da4ml_flow.report.summary import run_table, runs_table
    from da4ml_flow.results.store import Store

    loaded = load_config(config_file) if config_file is not None else None
    path = chosen_database(database, loaded)
    if path is None:
        raise ResultsError('this configuration records no results', hint='results: {database: sqlite:///...}')
    found = Store(path, create=False).runs(runs, name=name, limit=None if runs else limit)
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
