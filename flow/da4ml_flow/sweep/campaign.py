"""The driver of a sweep: hands points to an engine, keeps their records, goes on where an earlier call ended."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from da4ml_flow.config.load import LoadedConfig, with_values
from da4ml_flow.config.model import BuildConfig
from da4ml_flow.config.sweep import RUNGS, SweepConfig
from da4ml_flow.errors import ConfigError, FlowError
from da4ml_flow.report.summary import HEADLINES
from da4ml_flow.results.metrics import Metric
from da4ml_flow.results.record import digest
from da4ml_flow.runner.provenance import now
from da4ml_flow.stages.base import Stage
from da4ml_flow.sweep.engine import Engine, Finished
from da4ml_flow.sweep.pareto import Judge, Objective, objectives_of
from da4ml_flow.sweep.point import Point, PointRecord, Rung, point_of, read_point, task_of, write_point
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

    def point(self, values: Mapping[str, Any]) -> Point:
        """The point; one that is no valid configuration says why, and has a key too."""
        try:
            return point_of(self.config(values), values, self.stages)
        except ConfigError as error:
            problem = error.problems[0]
            text = f'{problem.context}: {problem.message}' if problem.context else problem.message
            return Point(digest([dict(values), text]), values, '', text)

    def points(self) -> Iterator[Point]:
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
        prune = self.sweep.prune
        if prune is None:
            return ('full',)
        costs = {'estimate': config.synthesize or config.implement or config.simulate, 'synthesize': config.implement}
        if config.synthesize is None:
            costs['synthesize'] = None
        return (*(rung for rung in RUNGS if rung in prune.after and costs[rung] is not None), 'full')


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


@dataclass
class Campaign:
    """One call of a sweep; ``records`` are all points that have a result when it ends."""

    plan: Plan
    engine: Engine
    keep: Keep
    listener: Listener
    counts: Counts = field(default_factory=Counts)
    records: list[PointRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        sweep = self.plan.sweep
        self.counts.total = self.plan.strategy.total
        self._judge = Judge(self.plan.objectives, sweep.prune.margin) if sweep.prune else None
        self._seen: set[str] = set()
        self._deferred: list[Point] = []
        self._running: dict[str, tuple[Point, BuildConfig, list[Rung], int]] = {}  # rungs to go, tries so far
        self._warm: set[str] = set()
        self._building: Counter[str] = Counter()  # running points of each family
        self._unkept: list[PointRecord] = []
        self._kept_at = self._began = time.monotonic()
        self._started = 0

    def run(self) -> None:
        """Until every point has its record or the budget is spent; what ended is kept whatever happens."""
        try:
            while True:
                self._fill()
                self.listener.changed(self.counts)
                if not self._running:
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
        for _ in range(self.engine.free()):
            point = self._next()
            if point is None:
                return
            config = self.plan.config(point.values)
            self._started += 1
            self._submit(point, config, list(self.plan.rungs(config)), 0)

    def _submit(self, point: Point, config: BuildConfig, rungs: list[Rung], tries: int) -> None:
        self._running[point.key] = point, config, rungs, tries
        self._building[point.family] += 1
        self.counts.running = len(self._running)
        self.engine.submit(task_of(point, config, self.plan.loaded.root, self.plan.build_root, rungs[0]))

    def _next(self) -> Point | None:
        """The next point that has to be built, and can be now."""
        if self.spent:
            return None
        for position, point in enumerate(self._deferred):
            if self._ready(point):
                return self._deferred.pop(position)
        while len(self._deferred) < LOOKAHEAD:
            values = self.plan.strategy.ask()
            if values is None:
                return None
            point = self.plan.point(values)
            if point.key in self._seen:
                continue
            self._seen.add(point.key)
            known = self.plan.known(point.key)
            if known is not None:
                self._warm.add(point.family)
                self._done(point, known, reused=True)
            elif point.error:
                self._done(point, self._refused(point, point.error, 2))
            elif self._ready(point):
                return point
            else:
                self._deferred.append(point)
            self._flush()
        return None

    def _ready(self, point: Point) -> bool:
        """Whether nothing that it shares is being built for the first time, and its tools have licences to spare."""
        if point.family not in self._warm and self._building[point.family]:
            return False
        licences = self.plan.sweep.executor.licences
        if not licences:
            return True
        used = [tool for _, config, _, _ in self._running.values() for tool in _tools(config)]
        wanted = _tools(self.plan.config(point.values))
        return all(used.count(tool) < licences[tool] for tool in wanted if tool in licences)

    def _ended(self, finished: Finished) -> None:
        point, config, rungs, tries = self._running.pop(finished.key)
        self._building[point.family] -= 1
        self.counts.running = len(self._running)
        record = finished.record
        if record is None:
            if tries < self.plan.sweep.executor.retries:
                self._submit(point, config, rungs, tries + 1)
                return
            text = f'{finished.lost}; tried {tries + 1} times' if tries else finished.lost
            self._done(point, self._refused(point, text, 3))
            return
        self._warm.add(point.family)
        if rungs[0] == 'full' or record.status == 'failed':
            if rungs[0] != 'full':
                self._write(record)
            self._done(point, record)
        elif self._judge is not None and self._judge.judge(record.metrics):
            text = f'worse than another point after {rungs[0]}'
            self._done(
                point, self._write(replace(record, status='pruned', message=text, prune=_prune_data(self.plan.sweep)))
            )
        else:
            self._submit(point, config, rungs[1:], tries)

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
        record = _slim(record, self.plan.objectives)
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


def _slim(record: PointRecord, objectives: Sequence[Objective]) -> PointRecord:
    """Only the figures that a report shows, their words shared: a campaign holds 10^5 of them."""
    wanted = {*HEADLINES, *(objective.metric for objective in objectives)}
    kept = tuple(
        Metric(m.name, m.value, *(sys.intern(word) for word in (m.unit, m.stage, m.tool, m.part)))
        for m in record.metrics
        if m.name in wanted
    )
    values = {sys.intern(key): value for key, value in record.values.items()}
    return replace(record, metrics=kept, values=values, host=sys.intern(record.host), message=record.message[:500])


def _tools(config: BuildConfig) -> list[str]:
    return [section.tool for section in (config.synthesize, config.implement) if section is not None]
