"""The driver of a sweep: hands points to an engine, keeps their records, goes on where an earlier call ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from da4ml_flow.config.load import LoadedConfig, with_values
from da4ml_flow.config.model import BuildConfig
from da4ml_flow.config.sweep import RUNGS, ExecutorConfig, Needs, SweepConfig
from da4ml_flow.errors import ConfigError, FlowError
from da4ml_flow.report.summary import HEADLINES
from da4ml_flow.results.record import digest
from da4ml_flow.runner.provenance import now
from da4ml_flow.stages.base import Stage
from da4ml_flow.sweep.engine import Engine, Finished
from da4ml_flow.sweep.pareto import Judge, Objective, objectives_of
from da4ml_flow.sweep.point import Point, PointRecord, Rung, point_of, read_point, stages_of, task_of, write_point
from da4ml_flow.sweep.records import Records
from da4ml_flow.sweep.space import Space, space_of
from da4ml_flow.sweep.strategy import Strategy, strategy_of

LOOKAHEAD = 200  # points that may wait because what they share is being built
FLUSH_POINTS, FLUSH_S = 200, 2.0
POLL_S = 1.0


@dataclass(slots=True)
class Counts:
    """How far a campaign is; ``total`` is of the whole sweep."""

    total: int = 0
    reused: int = 0
    ok: int = 0
    no: int = 0
    failed: int = 0
    pruned: int = 0
    running: int = 0

    @property
    def made(self) -> int:
        """Points that ended in this call."""
        return self.ok + self.no + self.failed + self.pruned

    @property
    def left(self) -> int:
        return max(0, self.total - self.reused - self.made)


class Listener(Protocol):
    """Hears how a campaign goes."""

    def changed(self, counts: Counts) -> None:
        """Points began or ended."""
        ...

    def ended(self, record: PointRecord) -> None:
        """A point has its record."""
        ...


Keep = Callable[[Sequence[PointRecord]], None]  # takes records that are on disk


@dataclass(frozen=True)
class Plan:
    """A sweep as it was asked for, ready to be run, listed or handed to a cluster."""

    loaded: LoadedConfig
    sweep: SweepConfig
    space: Space
    objectives: tuple[Objective, ...]
    strategy: Strategy
    build_root: Path
    folder: Path
    uid: str
    stages: Sequence[Stage]

    def config(self, values: Mapping[str, Any]) -> BuildConfig:
        """The configuration of a point; raises ConfigError."""
        return with_values(self.loaded, values)

    def point(self, values: Mapping[str, Any]) -> tuple[Point, BuildConfig | None]:
        """The point with its configuration; one that is no valid configuration says why, and has a key too."""
        try:
            config = self.config(values)
        except ConfigError as error:
            problem = error.problems[0]
            text = f'{problem.context}: {problem.message}' if problem.context else problem.message
            return Point(digest([dict(values), text]), values, '', text), None
        return point_of(config, values, self.stages), config

    def points(self) -> Iterator[tuple[Point, BuildConfig | None]]:
        """All points of a strategy that learns nothing."""
        while (values := self.strategy.ask()) is not None:
            yield self.point(values)

    def known(self, key: str) -> PointRecord | None:
        """The record of an earlier call, unless it is worth another try."""
        record = read_point(self.build_root, self.loaded.config.name, key)
        if record is None or record.status == 'failed':
            return None
        if record.status == 'pruned' and record.prune != _prune_data(self.sweep):
            return None
        return record

    def rungs(self, config: BuildConfig) -> tuple[Rung, ...]:
        """The builds that a point goes through, the whole one last."""
        steps: Collection[Rung] = self.sweep.prune.after if self.sweep.prune else ()
        if self.sweep.executor.stages:
            steps = RUNGS
        costs = {'estimate': config.synthesize or config.implement or config.simulate, 'synthesize': config.implement}
        if config.synthesize is None:
            costs['synthesize'] = None
        return (*(rung for rung in RUNGS if rung in steps and costs[rung] is not None), 'full')


def plan_of(loaded: LoadedConfig, build_root: Path, stages: Sequence[Stage]) -> Plan:
    """Check a sweep as a whole; raises ConfigError, FlowError if it is none or needs what is not installed."""
    sweep = loaded.config.sweep
    if sweep is None:
        raise FlowError(
            'this configuration has no sweep', hint='add a section sweep: {axes: {optimizer.extra_depth: [0, 2]}}'
        )
    space = space_of(loaded, sweep)
    objectives = objectives_of(loaded, sweep.objectives)
    definition = sweep.model_dump(mode='json', include={'axes', 'where', 'strategy', 'samples', 'seed'})
    uid = digest([loaded.config.name, definition])[:12]
    folder = build_root / loaded.config.name / 'sweeps' / uid
    folder.mkdir(parents=True, exist_ok=True)
    strategy = strategy_of(space, sweep, objectives, folder / 'asked.jsonl')
    return Plan(loaded, sweep, space, objectives, strategy, build_root, folder, uid, stages)


class _Job(NamedTuple):
    """A point that waits or runs: the builds that it still has to go through, and how often it was lost."""

    point: Point
    config: BuildConfig
    rungs: tuple[Rung, ...]
    done: Rung | None = None
    losses: int = 0

    def needs(self, executor: ExecutorConfig) -> Needs:
        return executor.needs(stages_of(self.config, self.rungs[0], self.done))


@dataclass
class Campaign:
    """One call of a sweep; ``records`` are all points that have a result when it ends."""

    plan: Plan
    engine: Engine
    keep: Keep
    listener: Listener
    counts: Counts = field(default_factory=Counts)
    records: Records = field(init=False)

    def __post_init__(self) -> None:
        sweep = self.plan.sweep
        self.counts.total = self.plan.strategy.total
        self.records = Records(frozenset({*HEADLINES, *(objective.metric for objective in self.plan.objectives)}))
        self._judge = Judge(self.plan.objectives, sweep.prune.margin) if sweep.prune else None
        self._seen: set[str] = set()
        self._deferred: list[_Job] = []
        self._continuing: list[_Job] = []  # points that were begun: next rungs, new tries
        self._running: dict[str, _Job] = {}
        self._warm: set[str] = set()
        self._building: Counter[str] = Counter()  # running points of each family
        self._used: Counter[str] = Counter()  # running points that use each tool
        self._unkept: list[PointRecord] = []
        self._kept_at = self._began = time.monotonic()
        self._started = 0

    def run(self) -> None:
        """Until every point has its record or the budget is spent; what ended is kept whatever happens."""
        try:
            while True:
                self._fill()
                self.listener.changed(self.counts)
                if not self._running:  # with nothing running whatever continues was handed over
                    break
                for finished in self.engine.wait(POLL_S):
                    self._ended(finished)
                self._flush()
        finally:
            self.engine.close()
            self._flush(everything=True)

    @property
    def spent(self) -> bool:
        """Whether the budget of this call allows no further point."""
        budget = self.plan.sweep.budget
        hours = (time.monotonic() - self._began) / 3600
        return (budget.points is not None and self._started >= budget.points) or (
            budget.hours is not None and hours >= budget.hours
        )

    def _fill(self) -> None:
        """Hand over what fits: begun points first, and of those the largest first."""
        executor = self.plan.sweep.executor
        for begun in sorted(self._continuing, key=lambda item: item.needs(executor), reverse=True):
            if self.engine.fits(begun.needs(executor)):
                self._continuing.remove(begun)
                self._submit(begun)
        least = executor.needs(('trace', 'emit') if executor.stages else ())
        while not self._continuing and self.engine.fits(least):
            job = self._next()
            if job is None:
                return
            self._started += 1
            self._submit(job)

    def _submit(self, job: _Job) -> None:
        self._running[job.point.key] = job
        self._building[job.point.family] += 1
        self._used.update(_tools(job.config))
        self.counts.running = len(self._running)
        task = task_of(job.point, job.config, self.plan.loaded.root, self.plan.build_root, job.rungs[0])
        self.engine.submit(task, job.needs(self.plan.sweep.executor))

    def _next(self) -> _Job | None:
        """The next point that has to be built, and can be now."""
        if self.spent:
            return None
        for position, job in enumerate(self._deferred):
            if self._ready(job):
                return self._deferred.pop(position)
        while len(self._deferred) < LOOKAHEAD:
            values = self.plan.strategy.ask()
            if values is None:
                return None
            point, config = self.plan.point(values)
            if point.key in self._seen:
                continue
            self._seen.add(point.key)
            known = self.plan.known(point.key)
            if known is not None:
                self._warm.add(point.family)
                self._done(point, known, reused=True)
            elif config is None:
                self._done(point, self._refused(point, point.error, 2))
            else:
                job = _Job(point, config, self.plan.rungs(config))
                if self._ready(job):
                    return job
                self._deferred.append(job)
            self._flush()
        return None

    def _ready(self, job: _Job) -> bool:
        """Whether nothing that it shares is being built for the first time, and its tools have licences to spare."""
        if job.point.family not in self._warm and job.point.family in self._building:
            return False
        licences = self.plan.sweep.executor.licences
        return all(self._used[tool] < licences[tool] for tool in _tools(job.config) if tool in licences)

    def _ended(self, finished: Finished) -> None:
        job = self._running.pop(finished.key)
        point = job.point
        self._building[point.family] -= 1
        if not self._building[point.family]:
            del self._building[point.family]
        self._used.subtract(_tools(job.config))
        self.counts.running = len(self._running)
        record = finished.record
        if record is None:
            if job.losses < self.plan.sweep.executor.retries:
                self._continuing.append(job._replace(losses=job.losses + 1))
                return
            text = f'{finished.lost}; tried {job.losses + 1} times' if job.losses else finished.lost
            self._done(point, self._refused(point, text, 3))
            return
        self._warm.add(point.family)
        rung, *later = job.rungs
        if rung == 'full' or record.status == 'failed':
            if rung != 'full':
                self._write(record)
            self._done(point, record)
        elif self._hopeless(rung, record):
            text = f'worse than another point after {rung}'
            self._done(
                point, self._write(replace(record, status='pruned', message=text, prune=_prune_data(self.plan.sweep)))
            )
        else:
            self._continuing.append(job._replace(rungs=tuple(later), done=rung))

    def _hopeless(self, rung: Rung, record: PointRecord) -> bool:
        prune = self.plan.sweep.prune
        if self._judge is None or prune is None or rung not in prune.after:
            return False
        return self._judge.judge(record.metrics)

    def _refused(self, point: Point, message: str, exit_code: int) -> PointRecord:
        return self._write(
            PointRecord(
                point.key, point.values, 'failed', 'full', '', message, exit_code, (), 0.0, '', now().isoformat()
            )
        )

    def _write(self, record: PointRecord) -> PointRecord:
        write_point(self.plan.build_root, self.plan.loaded.config.name, record)
        return record

    def _done(self, point: Point, record: PointRecord, *, reused: bool = False) -> None:
        self.plan.strategy.tell(dict(point.values), record)
        self.records.append(record)
        self._unkept.append(record)
        if reused:
            self.counts.reused += 1
            return
        setattr(self.counts, record.status, getattr(self.counts, record.status) + 1)
        self.listener.ended(record)

    def _flush(self, *, everything: bool = False) -> None:
        late = time.monotonic() - self._kept_at > FLUSH_S
        if self._unkept and (everything or late or len(self._unkept) >= FLUSH_POINTS):
            self.keep(tuple(self._unkept))
            self._unkept.clear()
            self._kept_at = time.monotonic()


def _prune_data(sweep: SweepConfig) -> dict[str, Any] | None:
    return None if sweep.prune is None else sweep.prune.model_dump(mode='json')


def _tools(config: BuildConfig) -> list[str]:
    return [section.tool for section in (config.synthesize, config.implement) if section is not None]
