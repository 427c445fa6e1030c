"""`da4ml-flow build`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from da4ml_flow.cli.options import CONFIG_FILE, JSON, OVERRIDES


@click.command()
@CONFIG_FILE
@OVERRIDES
@click.option('--until', metavar='STAGE', help='Stop after this stage.')
@click.option('--force', multiple=True, metavar='STAGE', help='Run this stage even if its result is there.')
@click.option(
    '--build-root',
    type=click.Path(path_type=Path),
    help="Folder of the results of stages.  [default: 'build' beside CONFIG]",
)
@JSON
def build(
    config_file: Path,
    overrides: tuple[str, ...],
    until: str | None,
    force: tuple[str, ...],
    build_root: Path | None,
    as_json: bool,
) -> int:
    """Build CONFIG: trace, emit, lint, simulate, verify, synthesize, implement, collect.

    A stage whose inputs are those of an earlier build is not run again; a build that was killed goes on after the
    last finished stage.
    """
    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.cli.database import record_run
    from da4ml_flow.cli.progress import progress
    from da4ml_flow.config.load import load_config
    from da4ml_flow.report.summary import summary_table
    from da4ml_flow.runner.build import Request, standard_stages
    from da4ml_flow.runner.build import build as run_build

    loaded = load_config(config_file, overrides)
    root = (build_root or loaded.root / 'build').absolute()
    request = Request(loaded.config, loaded.root, root, until, frozenset(force), loaded.place('model', 'source'))
    with progress() as listener:
        done = run_build(request, standard_stages(), listener)
    if as_json:
        print_json(_data(done))
    else:
        if done.reused:
            click.echo(f'nothing to do: run {done.run.uid} is this build', err=True)
        if done.run.metrics:
            print_table(summary_table(done.run))
    record_run(done.run, loaded, reused=done.reused)
    return done.exit_code


def _data(done: Any) -> dict[str, Any]:
    from da4ml_flow.cli.console import error_data

    run = done.run
    metrics: dict[str, list[dict[str, Any]]] = {}
    for metric in run.metrics:
        data = metric.data()
        metrics.setdefault(data.pop('name'), []).append(data)
    return {
        'run_id': run.uid,
        'name': run.name,
        'status': run.status,
        'exit_code': done.exit_code,
        'reused': done.reused,
        'stages': [
            {
                'stage': stage.stage,
                'status': stage.status,
                'cached': stage.cached,
                'wall_s': stage.wall_s,
                'key': stage.record.key if stage.record else None,
                'directory': stage.directory,
                'message': stage.message,
            }
            for stage in run.stages
        ],
        'metrics': metrics,
        'artifacts': {
            name: str(Path(stage.directory) / artifact.path)
            for stage in run.stages
            if stage.record
            for name, artifact in stage.record.artifacts.items()
        },
        'errors': [error_data(error) for error in done.errors],
    }
