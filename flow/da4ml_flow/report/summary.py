"""The figures of runs as tables: one run in short, one in full, many side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from da4ml_flow.report.table import Table
from da4ml_flow.results.metrics import METRICS, Metric, MetricSpec
from da4ml_flow.results.record import RunRecord, StageRun, StoredRun

HEADLINES = (
    'accuracy',
    'sim_samples',
    'sim_mismatches',
    'luts',
    'ffs',
    'dsps',
    'brams',
    'fmax_mhz',
    'wns_ns',
    'latency_cycles',
    'latency_ns',
    'adders',
    'lut_estimate',
    'depth',
)
COLUMNS = ('accuracy', 'luts', 'ffs', 'fmax_mhz', 'latency_cycles', 'latency_ns', 'adders', 'lut_estimate')


def shown(metric: Metric) -> str:
    """The value with the digits and the unit of its row in the table of metrics."""
    return f'{number(METRICS[metric.name], metric.value)} {metric.unit}'.rstrip()


def number(spec: MetricSpec, value: float) -> str:
    """The value with the digits of its row in the table of metrics."""
    return f'{value:,.{spec.digits}f}'


def source(metric: Metric) -> str:
    """What measured it, on what."""
    return ' '.join(part for part in (metric.tool or metric.stage, metric.part) if part)


def headline(metrics: Iterable[Metric]) -> list[Metric]:
    """The figures that sum up a run: of several parts (seeds, modules) of one tool the first, which is the whole."""
    found: dict[tuple[str, str], Metric] = {}
    for metric in metrics:
        if metric.name in HEADLINES and not (metric.name in ('dsps', 'brams') and metric.value == 0):
            found.setdefault((metric.name, metric.stage), metric)
    return sorted(found.values(), key=lambda metric: HEADLINES.index(metric.name))


def summary_table(run: RunRecord) -> Table:
    """The one table at the end of a build."""
    facts: dict[tuple[str, str], list[str]] = {}  # what two stages agree on is one row
    for metric in headline(run.metrics):
        facts.setdefault((METRICS[metric.name].title, shown(metric)), []).append(source(metric))
    rows = [(title, value, ', '.join(sources)) for (title, value), sources in facts.items()]
    # a cached stage took its time when it ran
    times = [(stage.stage, stage.record.wall_s if stage.record else stage.wall_s) for stage in run.stages]
    rows.append(('wall time', f'{sum(seconds for _, seconds in times):.1f} s', _times(times)))
    return Table(f'{run.name}: {run.status}', ('', '', ''), tuple(rows), frozenset({1}))


def _times(times: Sequence[tuple[str, float]]) -> str:
    return ', '.join(f'{stage} {seconds:.1f}' for stage, seconds in times if seconds >= 0.05)


def stage_line(run: StageRun) -> str:
    """How a stage ended, in a line."""
    if run.status == 'skipped':
        return f'skipped: {run.message}'
    how = 'cached' if run.cached else f'{run.wall_s:.1f} s'
    verdict = {'ok': '', 'no': 'NO: ', 'failed': 'FAILED: '}.get(run.status, '')
    facts = f'{verdict}{run.message}' if run.message or verdict else _facts(run)
    return f'{how}  {facts}'.rstrip()


def _facts(run: StageRun) -> str:
    metrics = headline(run.record.metrics) if run.record else []
    return ', '.join(f'{METRICS[metric.name].title} {shown(metric)}' for metric in metrics[:4])


def runs_table(runs: Sequence[StoredRun], title: str = '') -> Table:
    """One row a run, its headline figures in columns."""
    rows = []
    for run in runs:
        first: dict[str, Metric] = {}
        for metric in run.metrics:
            first.setdefault(metric.name, metric)
        cells = [shown(first[name]) if name in first else '' for name in COLUMNS]
        started = run.started[:19].replace('T', ' ')
        rows.append((run.uid, run.name, run.status, started, *cells))
    headers = ('run', 'name', 'status', 'started (UTC)', *(METRICS[name].title for name in COLUMNS))
    return Table(title, headers, tuple(rows), frozenset(range(4, len(headers))))


def run_table(run: StoredRun) -> Table:
    """Every figure of one run."""
    rows = [(metric.stage, metric.name, shown(metric), metric.tool, metric.part) for metric in run.metrics]
    commit = f', commit {run.git_commit[:12]}{" (changed)" if run.git_dirty else ""}' if run.git_commit else ''
    title = f'{run.name} {run.uid}: {run.status}, {run.started[:19]} UTC, {run.wall_s:.1f} s{commit}'
    return Table(title, ('stage', 'metric', 'value', 'tool', 'part'), tuple(rows), frozenset({2}))
