"""Which point is next: all of them in order, some by chance, or what Optuna learns from the earlier ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from da4ml_flow.config.sweep import SweepConfig
from da4ml_flow.errors import FlowError
from da4ml_flow.sweep.pareto import Objective, vector
from da4ml_flow.sweep.point import PointRecord
from da4ml_flow.sweep.space import Space, Values

PATIENCE = 50  # suggestions that are known already, before one is taken by chance


class Strategy(Protocol):
    """Asked for points one after the other, told what became of them."""

    @property
    def total(self) -> int:
        """How many points there will be, at most."""
        ...

    def ask(self) -> Values | None:
        """The next point, None after the last."""
        ...

    def tell(self, values: Values, record: PointRecord) -> None:
        """A point has its result, of now or of an earlier call."""
        ...


class Listed:
    """Points that are known from the start: a grid, or a sample of it."""

    def __init__(self, space: Space, sweep: SweepConfig) -> None:
        if sweep.samples is None:
            self._points = space.grid()
            self.total = space.total if not space.conditions else sum(1 for _ in space.grid())
        else:
            self._points = space.sample(sweep.samples, sweep.seed)
            self.total = min(sweep.samples, space.total)

    def ask(self) -> Values | None:
        return next(self._points, None)

    def tell(self, values: Values, record: PointRecord) -> None:
        """Nothing is learnt."""


class Search:
    """Optuna's multi-objective search over the positions on the axes.

    Every point asked for goes into a journal first: a search that goes on repeats it, so that nothing is asked twice.
    """

    def __init__(self, space: Space, sweep: SweepConfig, objectives: Sequence[Objective], journal: Path) -> None:
        try:
            import optuna
        except ImportError:
            raise FlowError(
                'strategy optuna needs Optuna', hint="pip install 'da4ml-flow[sweep]', or strategy: random"
            ) from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna = optuna
        self._space, self._objectives, self._journal = space, tuple(objectives), journal
        self._study = optuna.create_study(
            directions=['minimize'] * len(objectives),
            sampler=optuna.samplers.TPESampler(seed=sweep.seed, n_startup_trials=max(4, min(10, space.total // 8))),
        )
        self.total = min(sweep.samples or 0, space.total)
        self._chance = space.sample(space.total, sweep.seed)
        self._distributions: dict[str, Any] = {
            axis.name: optuna.distributions.IntDistribution(0, len(axis.values) - 1)
            if axis.ordered
            else optuna.distributions.CategoricalDistribution(tuple(range(len(axis.values))))
            for axis in space.axes
        }
        self._asked: dict[tuple[int, ...], Any] = {}
        self._replay = self._read()[: self.total]

    def ask(self) -> Values | None:
        if self._replay:
            return self._begin(self._replay.pop(0))
        if len(self._asked) >= self.total:
            return None
        choices = self._suggested() or self._by_chance()
        if choices is None:
            return None
        with self._journal.open('a', encoding='utf-8') as file:
            file.write(json.dumps(choices) + '\n')
        return self._begin(choices)

    def tell(self, values: Values, record: PointRecord) -> None:
        choices = next((choice for choice in self._asked if self._space.values(choice) == values), None)
        if choices is None:
            return
        found = vector(record.metrics, self._objectives)
        states = self._optuna.trial.TrialState
        self._study.add_trial(
            self._optuna.trial.create_trial(
                params=dict(zip(self._distributions, choices, strict=True)),
                distributions=self._distributions,
                values=None if found is None else list(found),
                state=states.FAIL if found is None else states.COMPLETE,
            )
        )

    def _begin(self, choices: tuple[int, ...]) -> Values:
        values = self._space.values(choices)
        self._asked[choices] = values
        return values

    def _suggested(self) -> tuple[int, ...] | None:
        for _ in range(PATIENCE):
            trial = self._study.ask(self._distributions)
            choices = tuple(int(trial.params[axis.name]) for axis in self._space.axes)
            # only what was measured is in the study: the trial itself was a question
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            if choices not in self._asked and self._space.allows(self._space.values(choices)):
                return choices
        return None

    def _by_chance(self) -> tuple[int, ...] | None:
        for values in self._chance:
            choices = tuple(axis.values.index(tuple(values[key] for key in axis.keys)) for axis in self._space.axes)
            if choices not in self._asked:
                return choices
        return None

    def _read(self) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = []
        with suppress(OSError):
            for line in self._journal.read_text(encoding='utf-8').splitlines():
                with suppress(ValueError, TypeError):  # a line cut short by a kill
                    choices = tuple(int(item) for item in json.loads(line))
                    fits = len(choices) == len(self._space.axes) and all(
                        0 <= item < len(axis.values) for item, axis in zip(choices, self._space.axes, strict=True)
                    )
                    if fits and choices not in found:
                        found.append(choices)
        return found


def strategy_of(space: Space, sweep: SweepConfig, objectives: Sequence[Objective], journal: Path) -> Strategy:
    """The strategy that the section asks for; raises FlowError if its package is missing."""
    if sweep.strategy == 'optuna':
        return Search(space, sweep, objectives, journal)
    return Listed(space, sweep)
