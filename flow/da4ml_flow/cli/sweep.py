"""`da4ml-flow sweep`: many builds of one configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from da4ml_flow.cli.options import CONFIG_FILE, JSON, OVERRIDES

if TYPE_CHECKING:
    from da4ml_flow.sweep.campaign import Campaign, Plan
    from da4ml_flow.sweep.engine import Engine

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@CONFIG_FILE
@OVERRIDES
@click.option('--workers', type=click.IntRange(1), help='Points at once.  [default: as the configuration says]')
@click.option('--dry-run', is_flag=True, help='Show the points, and which have a result; build nothing.')
@click.option('--emit', type=click.Choice(['slurm', 'htcondor']), help='Write a job array of what is missing.')
@click.option('--csv', 'csv_file', type=FILE, help='Write every point as CSV.')
@click.option('--html', 'html_file', type=FILE, help='Write the page here.  [default: below the build folder]')
@click.option('--max-points', type=click.IntRange(1), help='Build at most so many points now.')
@click.option('--max-hours', type=click.FloatRange(0, min_open=True), help='Begin no point after so long.')
@click.option(
    '--build-root',
    type=click.Path(path_type=Path),
    help="Folder of the results of stages.  [default: 'build' beside CONFIG]",
)
@JSON
def sweep(
    config_file: Path,
    overrides: tuple[str, ...],
    workers: int | None,
    dry_run: bool,
    emit: str | None,
    csv_file: Path | None,
    html_file: Path | None,
    max_points: int | None,
    max_hours: float | None,
    build_root: Path | None,
    as_json: bool,
) -> int:
    """Build every point of the section `sweep` of CONFIG, and show the Pareto front.

    Points share the stages that they have in common. What has a result is not built again: a sweep that was stopped,
    or got new values, goes on; points that failed are tried again. A failed point stops no other.
    """
    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.config.load import load_config
    from da4ml_flow.errors import FlowError
    from da4ml_flow.report.export import export, export_text
    from da4ml_flow.runner.build import standard_stages
    from da4ml_flow.sweep.campaign import plan_of
    from da4ml_flow.sweep.show import front_table, page, point_rows

    limits = {'executor.workers': workers, 'budget.points': max_points, 'budget.hours': max_hours}
    given = tuple(f'sweep.{key}={value}' for key, value in limits.items() if value is not None)
    loaded = load_config(config_file, (*overrides, *given))
    root = (build_root or loaded.root / 'build').absolute()
    plan = plan_of(loaded, root, standard_stages())
    if dry_run or emit:
        if plan.sweep.strategy == 'optuna':
            raise FlowError('a search finds its points on the way', hint='strategy: grid, or random')
        return _list(plan, as_json=as_json) if dry_run else _emit(plan, emit, as_json=as_json)
    campaign = _run(plan)
    records, counts = campaign.records, campaign.counts
    text = f'{loaded.config.name}: {len(records)} points'
    page_file = html_file or plan.folder / 'index.html'
    if records:
        export_text(page(records, plan.objectives, text), page_file)
        if csv_file is not None:
            export(point_rows(records, plan.objectives), csv_file, 'csv')
    if as_json:
        print_json(_data(campaign))
    else:
        print_table(front_table(records, plan.objectives, f'{text}, the Pareto front'))
        for record in records:
            if record.status == 'failed':
                click.echo(f'failed: {_values(record.values)}: {record.message}', err=True)
        click.echo(f'{_summary(counts)}; page: {page_file}', err=True)
        if counts.left:
            click.echo(f'{counts.left} points are left: the same command goes on', err=True)
    return max([0, *(record.exit_code for record in records if record.status != 'pruned')])


def _run(plan: Plan) -> Campaign:
    from da4ml_flow.cli.database import chosen_database
    from da4ml_flow.cli.sweep_progress import progress
    from da4ml_flow.sweep.campaign import Campaign
    from da4ml_flow.sweep.ledger import Ledger

    database = chosen_database(None, plan.loaded)
    keep = Ledger(plan, database).keep if database is not None else lambda records: None
    with progress() as listener:
        campaign = Campaign(plan, _engine(plan), keep, listener)
        campaign.run()
    return campaign


def _engine(plan: Plan) -> Engine:
    executor = plan.sweep.executor
    if executor.kind == 'dask':
        from da4ml_flow.sweep.dask_engine import DaskEngine

        return DaskEngine(executor)
    from da4ml_flow.sweep.engine import LocalEngine, fitting_workers

    return LocalEngine(executor.workers or fitting_workers(executor.memory_mb, executor.cores))


def _list(plan: Plan, *, as_json: bool) -> int:
    """The points, and what of them is there."""
    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.report.figures import value_text
    from da4ml_flow.report.table import Table
    from da4ml_flow.runner.build import Request, cached_stages

    rows, data = [], []
    for point, config in plan.points():
        known = plan.known(point.key)
        cached: tuple[str, ...] = ()
        if known is None and config is not None:
            request = Request(config, plan.loaded.root, plan.build_root)
            cached = cached_stages(request, plan.stages)
        state = known.status if known else 'wrong' if point.error else 'to do'
        rows.append((*(value_text(value) for value in point.values.values()), state, point.error or ', '.join(cached)))
        data.append({'values': dict(point.values), 'state': state, 'cached': list(cached), 'error': point.error})
    if as_json:
        print_json({'points': data})
        return 0
    keys = tuple(key for axis in plan.space.axes for key in axis.keys)
    print_table(Table(f'{len(rows)} points', (*keys, 'state', 'cached stages'), tuple(rows)))
    return 0


def _emit(plan: Plan, system: Any, *, as_json: bool) -> int:
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.sweep.array import emit_array
    from da4ml_flow.sweep.point import task_of

    tasks = [
        task_of(point, config, plan.loaded.root, plan.build_root)
        for point, config in plan.points()
        if config is not None and plan.known(point.key) is None
    ]
    if not tasks:
        click.echo('nothing to do: every point has a result', err=True)
        return 0
    array = emit_array(system, tasks, plan.loaded.config.name, plan.sweep.executor, plan.folder / system)
    if as_json:
        print_json({'points': len(tasks), 'jobs': array.jobs, 'script': str(array.script), 'submit': array.submit})
    else:
        click.echo(f'{len(tasks)} points in {array.jobs} jobs; submit them, and collect them with this command again:')
        click.echo(array.submit)
    return 0


def _data(campaign: Campaign) -> dict[str, Any]:
    from da4ml_flow.sweep.pareto import front
    from da4ml_flow.sweep.point import point_data
    from da4ml_flow.sweep.show import measured

    plan, counts = campaign.plan, campaign.counts
    best = {record.key for record in front(campaign.records, measured(campaign.records, plan.objectives))}
    return {
        'sweep': plan.uid,
        'counts': {name: getattr(counts, name) for name in type(counts).__dataclass_fields__ if name != 'running'},
        'left': counts.left,
        'objectives': [objective.name for objective in plan.objectives],
        'points': [{**point_data(record), 'front': record.key in best} for record in campaign.records],
    }


def _summary(counts: Any) -> str:
    states = ('ok', 'no', 'failed', 'pruned')
    made = [f'{getattr(counts, state)} {state}' for state in states if getattr(counts, state)]
    if not counts.made:
        return f'nothing to do: {counts.reused} points have their results'
    known = f'; {counts.reused} had a result' if counts.reused else ''
    return f'{counts.made} points built: {", ".join(made)}{known}'


def _values(values: Any) -> str:
    from da4ml_flow.report.figures import value_text

    return ', '.join(f'{key}={value_text(value)}' for key, value in values.items())
