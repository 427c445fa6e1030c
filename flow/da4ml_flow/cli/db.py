"""`da4ml-flow db`: upgrade, check, export, vacuum."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from da4ml_flow.cli.options import CONFIG, DATABASE, JSON

FILE_FORMS = ('jsonl', 'csv', 'json', 'parquet')


if TYPE_CHECKING:
    from da4ml_flow.errors import Da4mlError


@click.group()
def db() -> None:
    """Upgrade, check, export or shrink the results database.

    It is that of --database, of the environment variable DA4ML_FLOW_DB, of --config, or results/da4ml.sqlite here.
    """


@db.command()
@CONFIG
@DATABASE
@JSON
def upgrade(config_file: Path | None, database: str | None, as_json: bool) -> None:
    """Bring a database of an earlier version to this one's, with a copy kept; opening it does the same."""
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.cli.database import named_database
    from da4ml_flow.results.place import shown
    from da4ml_flow.results.store import Store
    from da4ml_flow.results.tables import REVISION

    place = named_database(database, config_file)
    done = Store(place, create=False).upgrade
    if as_json:
        before, kept = (REVISION, None) if done is None else done
        print_json({'database': shown(place), 'from': before, 'to': REVISION, 'kept': kept})
    elif done is None:
        click.echo(f'{shown(place)} has schema {REVISION}: nothing to do')
    else:
        click.echo(f'{shown(place)} upgraded from schema {done.version} to {REVISION}')
        click.echo(f'as it was it is kept in {done.kept}')


@db.command()
@click.option('--no-files', is_flag=True, help='Look at the database alone: no records, no artifacts.')
@CONFIG
@DATABASE
@JSON
def check(no_files: bool, config_file: Path | None, database: str | None, as_json: bool) -> int:
    """List what is wrong; changes nothing. Exit code 1: something is.

    Looks at the database itself (pages, tables, rows that contradict others), and, where they are reachable from here,
    compares every run with its record and every artifact with its hash.
    """
    from da4ml_flow.cli.console import error_data, print_json
    from da4ml_flow.cli.database import named_database
    from da4ml_flow.cli.main import show_error
    from da4ml_flow.results.check import Inside
    from da4ml_flow.results.place import shown

    place = named_database(database, config_file)
    inside = Inside(place)
    problems: list[Da4mlError] = list(inside.problems)
    counts: dict[str, int] = {}
    if inside.readable and not no_files:
        from da4ml_flow.results.store import Store
        from da4ml_flow.runner.audit import Audit

        audit = Audit(Store(place, create=False))
        problems += audit.problems
        counts = {name: getattr(audit, name) for name in ('runs', 'records', 'unreachable', 'artifacts')}
    if as_json:
        found = [error_data(problem) for problem in problems]
        print_json({'database': shown(place), 'schema': inside.version, 'compared': counts, 'problems': found})
        return 1 if problems else 0
    for problem in problems:
        show_error(problem)
    schema = f', schema {inside.version}' if inside.version else ''
    click.echo(f'{shown(place)}{schema}: {_counted(len(problems), "problem")}')
    if not inside.readable and not no_files:
        click.echo('its runs cannot be read, and were not compared with their records')
    if counts:
        records, absent = counts['records'], counts['unreachable']
        click.echo(f'{_counted(counts["runs"], "run")}: {records} compared with their records, {absent} have none here')
        click.echo(f'{_counted(counts["artifacts"], "artifact")} compared with their hashes')
    return 1 if problems else 0


@db.command()
@click.argument('file', metavar='FILE', type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option('--format', 'form', type=click.Choice(FILE_FORMS), help="Of the file.  [default: its name's ending]")
@click.option('--name', help='Only runs of this name.')
@click.option('--where', multiple=True, metavar='CONDITION', help="As in 'luts < 5000 and rtl.clock_ns == 5'.")
@CONFIG
@DATABASE
def export(
    file: Path,
    form: str | None,
    name: str | None,
    where: tuple[str, ...],
    config_file: Path | None,
    database: str | None,
) -> None:
    """Write all runs to FILE, - for stdout, in the form that its name ends with, or --format.

    .jsonl is a record a line, which `da4ml-flow ingest` reads again. .csv, .json and .parquet have a row for each
    figure of each run; `da4ml-flow report --csv` and --parquet have a row a run.
    """
    from da4ml_flow.cli.database import named_database, open_store
    from da4ml_flow.report.export import FORMS, export_lines, write_lines
    from da4ml_flow.report.export import export as export_rows
    from da4ml_flow.report.figures import figures_rows
    from da4ml_flow.results.record import record_to_json
    from da4ml_flow.results.selection import Selection

    wanted = form or file.suffix.removeprefix('.')
    piped = str(file) == '-'
    if wanted not in FILE_FORMS:
        raise click.UsageError(f'--format says one of {", ".join(FILE_FORMS)}; the name {str(file)!r} does not')
    if piped and wanted == 'parquet':
        raise click.UsageError('parquet needs the name of a file')
    records = open_store(named_database(database, config_file), create=False).records(Selection((), name, where))
    if wanted == 'jsonl':
        lines = (record_to_json(record, indent=None) for record in records)
        if piped:
            write_lines(lines, sys.stdout.buffer)
        else:
            export_lines(lines, file)
    elif piped:
        FORMS[wanted](figures_rows(records), sys.stdout.buffer)
    else:
        export_rows(figures_rows(records), file, wanted)


@db.command()
@click.option('--drop-copies', is_flag=True, help='Remove the copies that upgrades kept, too.')
@CONFIG
@DATABASE
@JSON
def vacuum(drop_copies: bool, config_file: Path | None, database: str | None, as_json: bool) -> None:
    """Give back the space that nothing uses, and renew the statistics by which questions are answered."""
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.cli.database import named_database, open_store
    from da4ml_flow.results import vacuum as space
    from da4ml_flow.results.place import shown

    store = open_store(named_database(database, config_file), create=False)
    before = space.size_of(store)
    dropped = space.drop_copies(store) if drop_copies else []
    space.vacuum(store)
    after = space.size_of(store)
    if as_json:
        print_json({'database': shown(store.place), 'before': before, 'after': after, 'dropped': dropped})
        return
    for copy in dropped:
        click.echo(f'removed {copy}')
    click.echo(f'{shown(store.place)}: {before / 1e6:,.1f} MB, now {after / 1e6:,.1f} MB')
    left = [] if drop_copies else space.copies_of(store)
    if left:
        click.echo(f'copies of older databases, which --drop-copies removes: {", ".join(left)}')


def _counted(count: int, what: str) -> str:
    return f'{count or "no"} {what}{"" if count == 1 else "s"}'
