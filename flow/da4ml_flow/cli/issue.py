"""`da4ml-flow issue`: a run as an archive to attach to a report of a problem."""

from __future__ import annotations

from pathlib import Path

import click

from da4ml_flow.cli.options import JSON


@click.command()
@click.argument('run', metavar='RUN')
@click.option(
    '--build-root', type=click.Path(path_type=Path), default=Path('build'), show_default=True, help='Where builds are.'
)
@click.option('-o', '--output', type=click.Path(path_type=Path), help='The archive; default: issue-RUN.zip here.')
@JSON
def issue(run: str, build_root: Path, output: Path | None, as_json: bool) -> None:
    """Pack a run into a zip file: configuration, versions, RTL, scripts, reports and logs.

    RUN is the beginning of its id, or the path of its record. Names of people, machines and home folders, and what
    looks like a password, a token or a licence server, are taken out; the environment, the model and its data are
    never in it. Look into it before you publish it: the RTL holds your weights.
    """
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.runner.issue import find_run, pack

    record, _ = find_run(run, build_root)
    target = output or Path(f'issue-{record.uid}.zip')
    names = pack(record, target)
    if as_json:
        print_json({'archive': str(target), 'files': names})
    else:
        click.echo(f'{target}: {len(names)} files')
