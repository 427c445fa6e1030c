"""`da4ml-flow ingest`: runs of any folders into the database; what it shares with import-reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from da4ml_flow.cli.options import CONFIG, DATABASE, JSON

if TYPE_CHECKING:
    from da4ml_flow.runner.imports import Found

FOLDERS = click.argument(
    'folders', nargs=-1, required=True, metavar='DIR...', type=click.Path(exists=True, path_type=Path)
)


@click.command()
@FOLDERS
@CONFIG
@DATABASE
@JSON
def ingest(folders: tuple[Path, ...], config_file: Path | None, database: str | None, as_json: bool) -> int:
    """Put the runs in folders into the database: records of builds, and reports of tools that someone else ran.

    Every build leaves its record in build/NAME/runs: of them a lost database is made again, and those of several
    machines come together. A project folder with reports is a run, too, as import-reports reads it. A run that is
    there already is not doubled. A file of `db export`, *.jsonl, may stand for a folder. Exit code 1: a record or a
    report is damaged; the rest is recorded.
    """
    from da4ml_flow.runner.imports import read_tree

    return put(read_tree, folders, config_file, database, as_json)


def put(
    read: Callable[[Path], Found],
    folders: tuple[Path, ...],
    config_file: Path | None,
    database: str | None,
    as_json: bool,
) -> int:
    """Read the folders, record every run, show what was found and what is wrong; 1 if anything is."""
    from da4ml_flow.cli.console import error_data, print_json
    from da4ml_flow.cli.database import named_database, open_store
    from da4ml_flow.cli.main import show_error

    place = named_database(database, config_file)
    found = [read(folder) for folder in folders]
    runs = {run.uid: run for item in found for run in item.runs}
    problems = [problem for item in found for problem in item.problems]
    files = sum(item.files for item in found)
    if runs:
        for _ in open_store(place, create=True).record_each(runs.values()):
            pass
    if as_json:
        shown = [{'uid': run.uid, 'name': run.name, 'metrics': len(run.metrics)} for run in runs.values()]
        print_json({'files': files, 'runs': shown, 'problems': [error_data(problem) for problem in problems]})
    else:
        for problem in problems:
            show_error(problem)
        for run in runs.values():
            click.echo(f'{run.uid}  {run.name}: {len(run.metrics)} figures')
        bad = f', {len(problems)} with a problem' if problems else ''
        click.echo(f'{len(runs)} runs from {files} files{bad}')
    return 1 if problems else 0
