"""Which figures of several runs are of one kind: of one metric, stage, tool and part; and runs as rows of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from da4ml_flow.report.export import Kind, Rows, Value
from da4ml_flow.results.metrics import METRICS, Metric, MetricSpec
from da4ml_flow.results.record import RunRecord

FACTS: Mapping[str, Kind] = {
    'uid': str,
    'name': str,
    'status': str,
    'started': str,
    'wall_s': float,
    'host': str,
    'user': str,
    'git_commit': str,
    'git_dirty': bool,
    'package_version': str,
    'config_hash': str,
}
ORDER = {name: place for place, name in enumerate(METRICS)}
STAGES = ('trace', 'emit', 'hls', 'lint', 'simulate', 'verify', 'synthesize', 'place', 'implement', 'collect')


class Figure(NamedTuple):
    """What may be compared between runs; Yosys' LUTs and Vivado's are two of them, and so are those of two devices."""

    metric: str
    stage: str
    tool: str
    part: str

    @property
    def spec(self) -> MetricSpec:
        return METRICS[self.metric]

    @property
    def source(self) -> str:
        """What measured it, on what."""
        return ' '.join(part for part in (self.tool or self.stage, self.part) if part)

    @property
    def key(self) -> str:
        """As in a condition on runs, with tool and part where they are known: luts/synthesize/yosys/xcup."""
        return '/'.join(part for part in self if part)


def figures_of(metrics: Iterable[Metric]) -> dict[Figure, float]:
    """The figures of one run: of several parts (seeds, modules) in a stage the first, which is the whole."""
    found: dict[tuple[str, str, str], tuple[Figure, float]] = {}
    for metric in metrics:
        # a latency is one at any clock: its part says at which
        part = '' if metric.name == 'latency_ns' else metric.part
        figure = Figure(metric.name, metric.stage, metric.tool, part)
        found.setdefault((metric.name, metric.stage, metric.tool), (figure, metric.value))
    return dict(found.values())


def ordered(figures: Iterable[Figure]) -> list[Figure]:
    """Each once, in the order of the table of metrics and of the stages."""
    stages = {stage: place for place, stage in enumerate(STAGES)}
    return sorted(set(figures), key=lambda figure: (ORDER[figure.metric], stages.get(figure.stage, 99), *figure))


def settings_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The keys of a resolved configuration, and their values as the file has them."""
    # of imported runs the reports are listed by path and hash, which set nothing
    return dict(_flat({key: value for key, value in config.items() if key != 'reports'}, ''))


def _flat(config: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f'{prefix}{key}.')
        else:
            yield f'{prefix}{key}', value_text(value)


def value_text(value: Any) -> str:
    """A value as the configuration has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def varying(configs: Iterable[Mapping[str, str]]) -> list[str]:
    """The keys whose values differ; one that some lack differs too."""
    keys: dict[str, None] = {}
    first: Mapping[str, str] | None = None
    differing: set[str] = set()
    for config in configs:
        first = config if first is None else first
        keys.update(dict.fromkeys(config))
        differing.update(key for key in keys.keys() - differing if config.get(key) != first.get(key))
    return [key for key in keys if key in differing]


def figures_rows(runs: Iterable[RunRecord]) -> Rows:
    """A row a figure with the facts of its run, of every seed and module; the runs may come from an iterator."""
    measured: dict[str, Kind] = {'stage': str, 'tool': str, 'part': str, 'metric': str, 'value': float, 'unit': str}

    def rows() -> Iterator[Sequence[Value]]:
        for run in runs:
            facts = [getattr(run, name) for name in FACTS]
            yield from ([*facts, m.stage, m.tool, m.part, m.name, m.value, m.unit] for m in run.metrics)

    return Rows({**FACTS, **measured}, rows())


def runs_rows(read: Callable[[], Iterable[RunRecord]]) -> Rows:
    """A row a run: facts, the keys of the configuration that differ, the figures.

    The runs are read twice, for the columns and for the rows: a database may hold more of them than memory does.
    """
    found: set[Figure] = set()

    def settings() -> Iterator[Mapping[str, str]]:
        for run in read():
            found.update(figures_of(run.metrics))
            yield settings_of(run.config)

    keys = [key for key in varying(settings()) if key not in FACTS]
    figures = ordered(found)
    columns: dict[str, Kind] = {**FACTS, **dict.fromkeys(keys, str), **{figure.key: float for figure in figures}}

    def rows() -> Iterator[Sequence[Value]]:
        for run in read():
            facts = [getattr(run, name) for name in FACTS]
            config, values = settings_of(run.config), figures_of(run.metrics)
            yield [*facts, *map(config.get, keys), *map(values.get, figures)]

    return Rows(columns, rows())
