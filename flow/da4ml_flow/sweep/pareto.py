"""What points are worth: their objectives, which of them no other beats, and which are clearly worse early on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from da4ml_flow.config.load import LoadedConfig
from da4ml_flow.config.model import BuildConfig
from da4ml_flow.config.nearest import nearest
from da4ml_flow.errors import ConfigError
from da4ml_flow.results.metrics import METRICS, Metric, MetricSpec
from da4ml_flow.sweep.point import PointRecord

Vector = tuple[float, ...]  # lower is better in every place
PROXIES: Mapping[str, str] = {'luts': 'lut_estimate'}  # what is known before synthesis


class Objective(NamedTuple):
    """A figure that is to be good: the first of this name, and stage if that is said."""

    metric: str
    stage: str = ''

    @property
    def name(self) -> str:
        return f'{self.metric}/{self.stage}' if self.stage else self.metric

    @property
    def spec(self) -> MetricSpec:
        return METRICS[self.metric]

    @property
    def sign(self) -> int:
        """By which a value is multiplied so that lower is better."""
        return -1 if self.spec.direction == 'higher' else 1

    def of(self, metrics: Iterable[Metric]) -> float | None:
        """The value; None if it was not measured."""
        fitting = (m.value for m in metrics if m.name == self.metric and self.stage in ('', m.stage))
        return next(fitting, None)


def objectives_of(loaded: LoadedConfig, names: Sequence[str] | None) -> tuple[Objective, ...]:
    """The objectives by name, else those that the configuration measures; raises ConfigError for unknown ones."""
    if names is None:
        return tuple(map(Objective, _measured(loaded.config)))
    problems = []
    for name in names:
        metric = name.split('/')[0]
        if metric not in METRICS or METRICS[metric].direction == 'neutral':
            near = nearest(metric, list(METRICS))
            hint = f'did you mean {near!r}?' if near and near != metric else f'known: {", ".join(METRICS)}'
            text = f'{name!r} is no figure that can be better or worse'
            problems.append(loaded.source.problem('DA2006', text, ('sweep', 'objectives'), hint=hint))
    if problems:
        raise ConfigError(problems, loaded.source.path)
    return tuple(Objective(*name.split('/', 1)) for name in names)


def _measured(config: BuildConfig) -> list[str]:
    dataset = config.model.dataset
    return [
        *(['accuracy'] if dataset is not None and dataset.labels is not None else []),
        'luts' if config.synthesize or config.implement else 'lut_estimate',
        *(['latency_ns'] if config.rtl.pipeline.limits else ['depth']),
    ]


def vector(metrics: Sequence[Metric], objectives: Sequence[Objective]) -> Vector | None:
    """The objectives with lower better; None if one was not measured."""
    found = [(objective, objective.of(metrics)) for objective in objectives]
    if any(value is None for _, value in found):
        return None
    return tuple(objective.sign * value for objective, value in found if value is not None)


def front(records: Sequence[PointRecord], objectives: Sequence[Objective]) -> list[PointRecord]:
    """The points that no other one beats, best in the first objective first; of equal ones all."""
    rated = (
        (vector(record.metrics, objectives), place)
        for place, record in enumerate(records)
        if record.status in ('ok', 'no')
    )
    kept: list[int] = []
    best: list[Vector] = []
    # whatever beats a point comes before it, and what equals it just before
    for candidate, place in sorted((v, place) for v, place in rated if v is not None):
        if not (best and best[-1] == candidate):
            if any(dominates(better, candidate) for better in best):
                continue
            best.append(candidate)
        kept.append(place)
    return [records[place] for place in kept]


def dominates(one: Vector, other: Vector) -> bool:
    """As good everywhere and better somewhere."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


class Judge:
    """Knows the early figures of all points so far, and tells which new ones are clearly worse."""

    def __init__(self, objectives: Sequence[Objective], margin_percent: float) -> None:
        self.objectives = tuple(objectives)
        self.margin = margin_percent / 100
        self.seen: dict[tuple[str, ...], list[Vector]] = {}
        self.ranges: dict[tuple[str, ...], list[tuple[float, float]]] = {}

    def judge(self, early: Sequence[Metric]) -> bool:
        """Whether another point is better in every early figure, by the margin of its range; remembers this one.

        Figures that are not measured yet count by their estimate, or not at all.
        """
        names, values = self._early(early)
        if len(values) < 2:
            return False
        known = self.seen.setdefault(names, [])
        spans = self.ranges.setdefault(names, [(value, value) for value in values])
        spans[:] = [(min(low, value), max(high, value)) for (low, high), value in zip(spans, values, strict=True)]
        hopeful = tuple(v - self.margin * (high - low) for v, (low, high) in zip(values, spans, strict=True))
        worse = any(dominates(other, hopeful) for other in known)
        if not any(dominates(other, values) or other == values for other in known):
            known[:] = [other for other in known if not dominates(values, other)]
            known.append(values)
        return worse

    def _early(self, metrics: Sequence[Metric]) -> tuple[tuple[str, ...], Vector]:
        names, values = [], []
        for objective in self.objectives:
            for name in (objective, Objective(PROXIES.get(objective.metric, objective.metric))):
                value = name.of(metrics)
                if value is not None:
                    names.append(name.name)
                    values.append(name.sign * value)
                    break
        return tuple(names), tuple(values)
