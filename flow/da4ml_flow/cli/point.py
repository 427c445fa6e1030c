"""`da4ml-flow point`: what a job of an emitted array runs."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument('tasks', type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument('index', type=click.IntRange(0))
@click.option('--of', 'jobs', type=click.IntRange(1), help='So many jobs share the tasks.  [default: one job a task]')
def point(tasks: Path, index: int, jobs: int | None) -> int:
    """Build the points of TASKS that job INDEX has to: those that `da4ml-flow sweep --emit` wrote.

    Each leaves its record; `da4ml-flow sweep` collects them. A point that has one already is not built again.
    """
    from da4ml_flow.sweep.point import read_point, read_tasks, run_task

    found = read_tasks(tasks)
    codes = [0]
    for task in found[index :: jobs or max(1, len(found))]:
        known = read_point(Path(task['build_root']), task['config']['name'], task['key'])
        record = known if known is not None and known.status in ('ok', 'no') else run_task(task)
        codes.append(record.exit_code)
        values = ', '.join(f'{key}={value}' for key, value in record.values.items())
        click.echo(f'{record.status:6}  {values}  {record.message}'.rstrip())
    return max(codes)
