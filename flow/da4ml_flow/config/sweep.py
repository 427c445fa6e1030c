"""The section `sweep`: which builds one configuration stands for, how they are searched, and where they run."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from da4ml_flow.config.condition import Condition
from da4ml_flow.config.section import Section, problem

KEY = re.compile(r'[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*')
RUNGS: tuple[Literal['estimate', 'synthesize'], ...] = ('estimate', 'synthesize')
Word = Annotated[str, Field(pattern=r'^[A-Za-z0-9_.:/=@%+,-]{1,200}$')]
Line = Annotated[str, Field(min_length=1, max_length=1000, pattern=r'^[^\n\r]*$')]


def axis_keys(name: str) -> tuple[str, ...]:
    """The keys that an axis sets: several, with commas, change together."""
    return tuple(key.strip() for key in name.split(','))


class PruneConfig(Section):
    """Stop a point after its cheap stages when another one, finished or stopped, is clearly better there."""

    after: tuple[Literal['estimate', 'synthesize'], ...] = Field(
        default=RUNGS, min_length=1, description='where to judge: after trace, emit and collect; after synthesis'
    )
    margin: float = Field(
        default=10.0,
        ge=0,
        le=1000,
        allow_inf_nan=False,
        description='how much worse is clear, in % of the range of a figure',
    )


StageName = Literal['trace', 'emit', 'hls', 'lint', 'simulate', 'synthesize', 'implement']


class Needs(NamedTuple):
    """What a step of a point may take while it runs."""

    cores: int
    memory_mb: int


class StageNeedsConfig(Section):
    """What a stage needs, where that is not what a point needs; how long it may take is its `timeout_s`."""

    cores: int | None = Field(default=None, ge=1, le=1000, description='null: as a point')
    memory_mb: int | None = Field(default=None, ge=100, le=10_000_000, description='null: as a point')


class ExecutorConfig(Section):
    """Where points run."""

    kind: Literal['local', 'dask'] = Field(default='local', description='processes here, or Dask distributed')
    workers: int | None = Field(
        default=None, ge=1, le=10_000, description='points at once; null: as many as cores and memory allow'
    )
    memory_mb: int = Field(default=2000, ge=100, le=10_000_000, description='memory that a point may need')
    cores: int = Field(default=1, ge=1, le=1000, description='cores that a point may use')
    stages: dict[StageName, StageNeedsConfig] = Field(
        default_factory=dict,
        description='stage -> what it needs, as {implement: {cores: 4, memory_mb: 16000}}; a point is then built in '
        'steps, each with the resources of its stages',
    )
    walltime: str = Field(default='04:00:00', pattern=r'^\d{1,3}:\d\d:\d\d$', description='limit of a job of a cluster')
    retries: int = Field(default=2, ge=0, le=100, description='new tries of a point whose process was lost')
    address: Word | None = Field(default=None, description='dask: a scheduler that runs; null: a cluster of its own')
    cluster: Literal['local', 'slurm', 'htcondor', 'lsf', 'pbs', 'sge'] = Field(
        default='local', description='dask: what starts its workers'
    )
    queue: Word | None = Field(default=None, description='cluster: queue or partition')
    directives: tuple[Line, ...] = Field(default=(), max_length=50, description='cluster: further lines of a job')
    prologue: tuple[Line, ...] = Field(default=(), max_length=50, description='cluster: shell lines before a point')
    licences: dict[Word, Annotated[int, Field(ge=1, le=10_000)]] = Field(
        default_factory=dict, description='tool -> points at once that may use it, as {vivado: 4}'
    )

    def needs(self, stages: Collection[str]) -> Needs:
        """The most that any of the stages needs."""
        known = {str(name): item for name, item in self.stages.items()}
        each = [known.get(name, StageNeedsConfig()) for name in stages]
        return Needs(
            max((item.cores or self.cores for item in each), default=self.cores),
            max((item.memory_mb or self.memory_mb for item in each), default=self.memory_mb),
        )


class BudgetConfig(Section):
    """When to stop starting points; what is left is for the next call."""

    points: int | None = Field(default=None, ge=1, description='at most so many points')
    hours: float | None = Field(default=None, gt=0, allow_inf_nan=False, description='at most so long')


class SweepConfig(Section):
    """Many builds of one configuration, each with other values for some of its keys."""

    axes: dict[str, Any] = Field(
        min_length=1,
        description='key -> values: a list, {from: 2, to: 8, step: 2}, or {files: "models/*.keras"}; '
        'keys with commas between them change together, each value a list',
    )
    where: tuple[str, ...] = Field(
        default=(), description='conditions on keys, as "optimizer.extra_depth < 2 or rtl.clock_ns >= 4"'
    )
    strategy: Literal['grid', 'random', 'optuna'] = Field(default='grid', description='which points, in which order')
    samples: int | None = Field(default=None, ge=1, description='random, optuna: so many points')
    seed: int = Field(default=1, ge=0, le=2**31 - 1, description='random, optuna: of the choice')
    objectives: tuple[str, ...] | None = Field(
        default=None,
        min_length=2,
        max_length=6,
        description='figures of the Pareto front: metric, or metric/stage, as luts/synthesize; '
        'null: accuracy, LUTs or their estimate, latency or depth',
    )
    prune: PruneConfig | None = Field(default=None, description='stop points early; absent: every point ends')
    executor: ExecutorConfig = Field(default_factory=ExecutorConfig, description='where points run')
    budget: BudgetConfig = Field(default_factory=BudgetConfig, description='limits of one call')

    @model_validator(mode='after')
    def _axes(self) -> Self:
        seen: set[str] = set()
        for name, axis in self.axes.items():
            keys = axis_keys(name)
            for key in keys:
                if not KEY.fullmatch(key):
                    raise problem('value', f'axis {name!r} is no key of a configuration', key='axes')
                if key.split('.')[0] in ('sweep', 'results', 'name'):
                    raise problem('value', f'{key!r} cannot be swept: it names results, and decides none', key='axes')
                if key in seen:
                    raise problem('value', f'{key!r} is in two axes', key='axes')
                seen.add(key)
            _check_axis(name, keys, axis)
        return self

    @model_validator(mode='after')
    def _conditions(self) -> Self:
        for text in self.where:
            try:
                Condition(text)
            except ValueError as error:
                raise problem('value', f'{text!r} is no condition: {error}', key='where') from None
        return self

    @model_validator(mode='after')
    def _samples(self) -> Self:
        if self.strategy != 'grid' and self.samples is None:
            raise problem('combination', f'{self.strategy} needs samples', 'for example samples: 20', 'strategy')
        if self.strategy == 'grid' and self.samples is not None:
            raise problem('combination', 'samples with a grid, which has all points', 'strategy: random', 'samples')
        return self


def _check_axis(name: str, keys: tuple[str, ...], axis: Any) -> None:
    if isinstance(axis, list):
        if not axis:
            raise problem('value', f'axis {name!r} has no values', key='axes')
        if len(keys) > 1:
            for value in axis:
                if not isinstance(value, list) or len(value) != len(keys):
                    raise problem('value', f'each value of {name!r} is a list of {len(keys)}', key='axes')
        return
    if len(keys) > 1:
        raise problem('value', f'{name!r}: keys that change together need a list of values', key='axes')
    kind = set(axis) if isinstance(axis, dict) else set()
    if kind == {'files'} and isinstance(axis['files'], str):
        return
    if not {'from', 'to'} <= kind <= {'from', 'to', 'step'} or not all(map(_is_number, axis.values())):
        raise problem('value', f'axis {name!r}: expected a list, {{from, to, step}} or {{files}}', key='axes')
    step = axis.get('step', 1)
    if step <= 0 or axis['to'] < axis['from'] or (axis['to'] - axis['from']) / step > 1e6:
        raise problem('value', f'axis {name!r}: from {axis["from"]} to {axis["to"]} by {step} is no range', key='axes')


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
