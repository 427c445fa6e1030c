"""`da4ml-flow regress`: builds against their baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from da4ml_flow.cli.options import JSON

if TYPE_CHECKING:
    from da4ml_flow.cli.progress import PlainProgress
    from da4ml_flow.config.load import LoadedConfig
    from da4ml_flow.regress.baseline import Baseline
    from da4ml_flow.regress.compare import Comparison

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument('baselines', nargs=-1, required=True, metavar='BASELINE...', type=click.Path(path_type=Path))
@click.option('--update', is_flag=True, help='Relax the rules that fail to what is measured, and no others.')
@click.option('--tighten', is_flag=True, help='Tighten the rules of figures that improved, and no others.')
@click.option('--junit', type=FILE, help='Write JUnit XML.')
@click.option('--sarif', type=FILE, help='Write SARIF 2.1.0.')
@click.option('--markdown', type=FILE, help='Write Markdown for a pull request.')
@click.option(
    '--build-root',
    type=click.Path(path_type=Path),
    help="Folder of the results of stages.  [default: 'build' beside each configuration]",
)
@JSON
def regress(
    baselines: tuple[Path, ...],
    update: bool,
    tighten: bool,
    junit: Path | None,
    sarif: Path | None,
    markdown: Path | None,
    build_root: Path | None,
    as_json: bool,
) -> int:
    """Build what each BASELINE is of, and compare the figures.

    Ends with 1 after a regression, naming the metric and the first stage that made something else than when the
    baseline was written; with 3 if a tool failed. Under GitHub Actions it annotates, and adds to the job's summary.
    """
    import os

    from da4ml_flow.cli.console import error_data, print_json, print_table
    from da4ml_flow.cli.progress import progress
    from da4ml_flow.config.load import load_config
    from da4ml_flow.regress import render
    from da4ml_flow.regress.baseline import load_baseline
    from da4ml_flow.regress.junit import junit_xml
    from da4ml_flow.regress.sarif import sarif_text
    from da4ml_flow.report.table import Table
    from da4ml_flow.workspace import system_errors, write_durably

    # every mistake in a file is found before the first build
    jobs = [(found, load_config(found.config, found.overrides)) for found in map(load_baseline, baselines)]
    comparisons: list[Comparison] = []
    changes: list[list[str]] = []
    for baseline, loaded in jobs:
        with progress() as listener:
            done = _compared(baseline, loaded, build_root, listener)
        comparisons.append(done)
        changes.append(_rewrite(done, update, tighten))
        if not as_json:
            print_table(Table(render.headline(done), render.HEADERS, render.rows(done), render.NUMBERS))
            for line in (*(f'note: {note}' for note in render.notes(done)), *changes[-1]):
                click.echo(line)
    root = Path(os.environ.get('GITHUB_WORKSPACE') or Path.cwd())
    texts = {junit: junit_xml, sarif: lambda found: sarif_text(found, root), markdown: render.markdown}
    for path, text in texts.items():
        if path is not None:
            with system_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_durably(path, text(comparisons))
    _tell_github(comparisons, os.environ, err=as_json)
    codes = [_exit_code(done, update) for done in comparisons]
    if as_json:
        data = [
            {**render.json_data(done), 'changes': lines, 'errors': [error_data(error) for error in done.errors]}
            for done, lines in zip(comparisons, changes, strict=True)
        ]
        print_json({'exit_code': max(codes), 'baselines': data})
    return max(codes)


def _compared(baseline: Baseline, loaded: LoadedConfig, build_root: Path | None, listener: PlainProgress) -> Comparison:
    """Build and compare; a build that could not begin is a comparison of nothing."""
    from da4ml_flow.cli.database import record_run
    from da4ml_flow.errors import ConfigError, Da4mlError, ResultsError
    from da4ml_flow.regress.compare import Comparison, compare
    from da4ml_flow.runner.build import Request, build, standard_stages

    root = (build_root or loaded.root / 'build').absolute()
    request = Request(loaded.config, loaded.root, root, baseline.until, frozenset(), loaded.place('model', 'source'))
    try:
        done = build(request, standard_stages(), listener)
        errors = list(done.errors)
        try:
            record_run(done.run, loaded, reused=done.reused)
        except ResultsError as error:
            listener.error(error)
            errors.append(error)
        return compare(baseline, done.run, loaded.config.rtl.clock_ns, tuple(errors))
    except ConfigError:
        raise
    except Da4mlError as error:
        listener.error(error)
        return Comparison(baseline, errors=(error,))


def _rewrite(done: Comparison, update: bool, tighten: bool) -> list[str]:
    """Change the baseline as asked; returns what was changed, a line each."""
    from da4ml_flow.regress.baseline import save_baseline
    from da4ml_flow.regress.compare import exact

    if not (update or tighten):
        return []
    path = done.baseline.path
    if done.errors:
        return [f'{path}: not changed, because the build failed']
    values = {**(done.relaxed() if update else {}), **(done.tightened() if tighten else {})}
    hashes = dict(done.hashes or {})
    before = {rule.key: rule.value for rule in done.baseline.rules}
    lines = []
    for key, value in values.items():
        old = before[key]
        lines.append(f'{path}: {key}: {"null" if old is None else exact(old)} -> {exact(value)}')
    lines += [f'{path}: hash of {name} recorded' for name in hashes if done.baseline.hashes.get(name) != hashes[name]]
    if not lines:
        return [f'{path}: nothing to change']
    save_baseline(done.baseline, values, hashes)
    return lines


def _exit_code(done: Comparison, update: bool) -> int:
    """What --update relaxed fails no more; what it cannot relax still does."""
    if not update or done.errors:
        return done.exit_code
    relaxed = done.relaxed()
    return 1 if any(check.failed and check.key not in relaxed for check in done.checks) else 0


def _tell_github(comparisons: Sequence[Comparison], environment: Mapping[str, str], *, err: bool) -> None:
    from da4ml_flow.regress import render

    if not environment.get('GITHUB_ACTIONS'):
        return
    for line in render.github_annotations(comparisons, environment):
        click.echo(line, err=err)
    summary = environment.get('GITHUB_STEP_SUMMARY')
    if summary:
        with Path(summary).open('a', encoding='utf-8') as file:
            file.write(render.markdown(comparisons) + '\n')
