"""The points of a sweep: the product of its axes, less what its conditions exclude."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from da4ml_flow.config.condition import Condition
from da4ml_flow.config.load import LoadedConfig, with_values
from da4ml_flow.config.sweep import SweepConfig, axis_keys
from da4ml_flow.config.text import plain_data
from da4ml_flow.errors import ConfigError, ConfigProblem

Values = dict[str, Any]
OF_ONE_AXIS = ('DA2004', 'DA2006', 'DA2008', 'DA2011')  # mistakes that no other axis can mend


class Axis(NamedTuple):
    """Keys that change together, and the values that they take in turn."""

    name: str
    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    @property
    def ordered(self) -> bool:
        """Whether its values are numbers that grow: neighbours are alike."""
        firsts = [value[0] for value in self.values]
        numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in firsts)
        return len(self.keys) == 1 and numbers and firsts == sorted(firsts)


@dataclass(frozen=True)
class Space:
    """The axes of a sweep over a configuration; a point is a number below ``total``, the last axis runs fastest."""

    loaded: LoadedConfig
    axes: tuple[Axis, ...]
    conditions: tuple[Condition, ...]

    @property
    def total(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    def choices(self, index: int) -> tuple[int, ...]:
        """The position on each axis."""
        found: list[int] = []
        for axis in reversed(self.axes):
            index, position = divmod(index, len(axis.values))
            found.append(position)
        return tuple(reversed(found))

    def values(self, choices: tuple[int, ...]) -> Values:
        """What the keys are there."""
        return {
            key: value
            for axis, choice in zip(self.axes, choices, strict=True)
            for key, value in zip(axis.keys, axis.values[choice], strict=True)
        }

    def allows(self, values: Mapping[str, Any]) -> bool:
        """Whether all conditions hold."""
        if not self.conditions:
            return True
        data = dict(self._base)
        for name, value in values.items():
            *sections, last = name.split('.')
            target = data
            for section in sections:
                target[section] = dict(target.get(section) or {})
                target = target[section]
            target[last] = value
        return all(condition.holds(data) for condition in self.conditions)

    def grid(self) -> Iterator[Values]:
        """Every point that is allowed."""
        for index in range(self.total):
            values = self.values(self.choices(index))
            if self.allows(values):
                yield values

    def sample(self, count: int, seed: int) -> Iterator[Values]:
        """So many different allowed points by chance, or all if there are no more."""
        generator = random.Random(seed)
        seen: set[int] = set()
        found = 0
        while found < count and len(seen) < self.total:
            index = generator.randrange(self.total)
            if index in seen:
                if 2 * len(seen) < self.total:
                    continue
                rest = [item for item in range(self.total) if item not in seen]
                index = generator.choice(rest)
            seen.add(index)
            values = self.values(self.choices(index))
            if self.allows(values):
                found += 1
                yield values

    @cached_property
    def _base(self) -> Values:
        return plain_data(self.loaded.config, self.loaded.root)


def space_of(loaded: LoadedConfig, sweep: SweepConfig) -> Space:
    """Resolve ranges and files, and try every value of every axis once; raises ConfigError with all that is wrong."""
    axes: list[Axis] = []
    problems: list[ConfigProblem] = []
    for name, axis in sweep.axes.items():
        keys = axis_keys(name)
        values = _axis_values(keys, axis, loaded.root)
        if not values:
            problems.append(_at_axis(loaded, name, f'no file fits {axis["files"]!r}'))
        axes.append(Axis(name, keys, values))
    for entry in axes:
        for value in entry.values:
            try:
                with_values(loaded, dict(zip(entry.keys, value, strict=True)))
            except ConfigError as error:
                problems += [
                    _at_axis(loaded, entry.name, f'{problem.context}: {problem.message}', problem.hint, problem.code)
                    for problem in error.problems
                    if problem.code in OF_ONE_AXIS
                ]
    if problems:
        different = {(problem.message, str(problem.location)): problem for problem in problems}
        raise ConfigError(list(different.values()), loaded.source.path)
    return Space(loaded, tuple(axes), tuple(map(Condition, sweep.where)))


def _axis_values(keys: tuple[str, ...], axis: Any, root: Path) -> tuple[tuple[Any, ...], ...]:
    if isinstance(axis, list):
        return tuple(tuple(value) if len(keys) > 1 else (value,) for value in axis)
    if 'files' in axis:
        return tuple((str(path.relative_to(root)),) for path in sorted(root.glob(axis['files'])) if path.is_file())
    first, last, step = axis['from'], axis['to'], axis.get('step', 1)
    count = math.floor((last - first) / step + 1e-9) + 1
    return tuple((round(first + index * step, 12),) for index in range(count))


def _at_axis(loaded: LoadedConfig, name: str, message: str, hint: str = '', code: str = 'DA2006') -> ConfigProblem:
    return loaded.source.problem(code, message, ('sweep', 'axes', name), hint=hint)
