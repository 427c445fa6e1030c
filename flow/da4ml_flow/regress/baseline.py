"""A baseline: which build it is of, what its figures may be, and the hashes of what it was measured on."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, NoReturn, cast, get_args

from da4ml_flow.config.nearest import nearest
from da4ml_flow.config.source_map import KeyPath, Reader, SourceMap, split_lines
from da4ml_flow.errors import ConfigError, ConfigProblem, Location
from da4ml_flow.results.metrics import METRICS, Direction
from da4ml_flow.runner.build import standard_stages
from da4ml_flow.workspace import system_errors, write_durably

Compare = Literal['<=', '>=', '==']
Level = Literal['error', 'warning']
DEFAULT_COMPARE: Mapping[Direction, Compare] = MappingProxyType({'lower': '<=', 'higher': '>=', 'neutral': '=='})
KEYS = ('config', 'set', 'until', 'rules', 'hashes')
RULE_KEYS = ('value', 'compare', 'tolerance', 'level')
PERCENT = re.compile(r'([0-9]+(?:\.[0-9]+)?) ?%( of period)?')
SPREAD = re.compile(r'(?:([0-9]+(?:\.[0-9]+)?) )?spread')
# what is hashed, and the stage that makes it: in the order of the flow
FINGERPRINTS: Mapping[str, str] = MappingProxyType({'program': 'trace', 'rtl': 'emit', 'netlist': 'synthesize'})


class Tolerance(NamedTuple):
    """How much worse than its baseline a figure may be: in its unit, in % of that or of the clock, or in spreads.

    A spread is the range of the figure over the seeds of place and route in this build.
    """

    amount: float = 0.0
    of: Literal['unit', 'value', 'period', 'spread'] = 'unit'

    def margin(self, value: float, clock_ns: float, spread: float = 0.0) -> float:
        """In the unit of the metric; a % of the period is in ns."""
        scale = {'unit': 1.0, 'value': abs(value) / 100, 'period': clock_ns / 100, 'spread': spread}[self.of]
        return self.amount * scale

    def __str__(self) -> str:
        return f'{self.amount:g}' + {'unit': '', 'value': ' %', 'period': ' % of period', 'spread': ' spread'}[self.of]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one figure may be; without a value it is not known yet. ``line`` is that of its key in the file."""

    key: str
    value: float | None
    compare: Compare
    tolerance: Tolerance
    level: Level
    line: int

    @property
    def metric(self) -> str:
        return self.key.split('/')[0]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline file: ``data`` is its text as JSON, ``overrides`` are in the form of ``--set``."""

    path: Path
    data: Mapping[str, Any]
    config: Path
    overrides: tuple[str, ...]
    until: str | None
    rules: tuple[Rule, ...]
    hashes: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.path.stem


def load_baseline(path: Path) -> Baseline:
    """Read a baseline; raises ConfigError with all that is wrong with it, each at its line and key."""
    text = _read(path)
    source = SourceMap(str(path), split_lines(text))
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        _refuse_syntax(path, source, error)
    reader = Reader(source)
    reader.read(text)  # JSON is YAML: this finds where every key is, and which is there twice
    check = _Check(source, list(reader.problems))
    baseline = _baseline(path, data, check)
    if check.problems or baseline is None:
        raise ConfigError(check.problems, str(path))
    return baseline


def baseline_text(data: Mapping[str, Any]) -> str:
    """The file of a baseline: keys in the order that they have, one rule a line."""

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    parts = []
    for key, value in data.items():
        if key in ('rules', 'hashes') and value:
            inner = ',\n'.join(f'    {line(name)}: {line(item)}' for name, item in value.items())
            parts.append(f'  {line(key)}: {{\n{inner}\n  }}')
        else:
            parts.append(f'  {line(key)}: {line(value)}')
    return '{\n' + ',\n'.join(parts) + '\n}\n'


def save_baseline(baseline: Baseline, values: Mapping[str, float], hashes: Mapping[str, str]) -> None:
    """Write the file again with some values and all hashes changed; it is there whole or not at all."""
    data = dict(baseline.data)
    data['rules'] = {
        key: {**rule, 'value': values[key]} if key in values else rule for key, rule in data['rules'].items()
    }
    data['hashes'] = {name: hashes[name] for name in FINGERPRINTS if name in hashes}
    path = baseline.path.resolve()  # a link stays a link
    with system_errors(path):
        write_durably(path, baseline_text(data))


def _read(path: Path) -> str:
    def refuse(message: str, hint: str = '') -> NoReturn:
        raise ConfigError([ConfigProblem(message, location=Location(str(path)), hint=hint)]) from None

    try:
        return path.read_text(encoding='utf-8')
    except FileNotFoundError:
        beside = sorted(item.name for item in path.parent.glob('*.json'))
        near = nearest(path.name, beside)
        refuse('there is no such baseline', f"did you mean '{path.parent / near}'?" if near else '')
    except IsADirectoryError:
        refuse('a folder, not a baseline')
    except UnicodeDecodeError:
        refuse('the baseline is not UTF-8 text')
    except OSError as error:
        refuse(f'the baseline cannot be read: {error.strerror}')


def _no_number(name: str) -> NoReturn:
    raise ValueError(f'{name} is not JSON')


def _refuse_syntax(path: Path, source: SourceMap, error: Exception) -> NoReturn:
    location, message = Location(str(path)), 'nested too deeply' if isinstance(error, RecursionError) else str(error)
    if isinstance(error, json.JSONDecodeError):
        excerpt = source.lines[error.lineno - 1] if error.lineno <= len(source.lines) else ''
        location, message = Location(str(path), error.lineno, error.colno, excerpt), error.msg
    raise ConfigError([ConfigProblem(f'not JSON: {message}', location=location, code='DA2002')]) from None


class _Check:
    """Collects what is wrong, at its place in the file."""

    def __init__(self, source: SourceMap, problems: list[ConfigProblem]) -> None:
        self.source, self.problems = source, problems

    def wrong(self, code: str, message: str, at: KeyPath, *, key: bool = False, hint: str = '') -> None:
        self.problems.append(self.source.problem(code, message, at, key=key, hint=hint))

    def mapping(self, value: Any, at: KeyPath) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self.wrong('DA2006', 'expected an object of keys', at)
        return {}

    def known(self, data: Mapping[str, Any], keys: tuple[str, ...], at: KeyPath) -> None:
        for key in data:
            if key not in keys:
                self.unknown(f'unknown key {key!r}', key, keys, (*at, key))

    def unknown(self, message: str, word: str, known: tuple[str, ...], at: KeyPath) -> None:
        near = nearest(word, known)
        hint = f'did you mean {near!r}?' if near else f'known: {", ".join(known)}'
        self.wrong('DA2004', message, at, key=True, hint=hint)

    def choice(self, value: Any, options: tuple[str, ...], at: KeyPath) -> None:
        if value not in options:
            self.wrong('DA2006', f'expected one of {", ".join(options)}', at)


def _baseline(path: Path, data: Any, check: _Check) -> Baseline | None:
    if not isinstance(data, dict):
        check.wrong('DA2006', 'expected an object of keys', ())
        return None
    check.known(data, KEYS, ())
    for key, meaning in (('config', 'the configuration, from here'), ('rules', 'what the figures may be')):
        if key not in data:
            check.wrong('DA2005', f'missing key {key!r}', (), key=True, hint=f'add "{key}": ... ({meaning})')
    config = path.parent / data['config'] if isinstance(data.get('config'), str) else path
    if 'config' in data and (config == path or not config.is_file()):
        check.wrong(
            'DA2008', f'there is no configuration {data["config"]!r}', ('config',), hint='relative to this file'
        )
    stages = tuple(stage.name for stage in standard_stages())
    if data.get('until') is not None:
        check.choice(data['until'], stages, ('until',))
    overrides = check.mapping(data.get('set', {}), ('set',))
    hashes = check.mapping(data.get('hashes', {}), ('hashes',))
    check.known(hashes, tuple(FINGERPRINTS), ('hashes',))
    for name, value in hashes.items():
        if not isinstance(value, str) or not re.fullmatch('[0-9a-f]{64}', value):
            check.wrong('DA2006', 'expected the 64 digits of a SHA-256', ('hashes', name))
    rules = check.mapping(data.get('rules', {}), ('rules',))
    if not rules and 'rules' in data and isinstance(data['rules'], dict):
        check.wrong('DA2006', 'a baseline without rules checks nothing', ('rules',))
    found = [_rule(key, check.mapping(rule, ('rules', key)), stages, check) for key, rule in rules.items()]
    return Baseline(
        path=path,
        data=MappingProxyType(data),
        config=config,
        overrides=tuple(f'{key}={json.dumps(value)}' for key, value in overrides.items()),
        until=data.get('until'),
        rules=tuple(rule for rule in found if rule is not None),
        hashes=MappingProxyType({name: str(value) for name, value in hashes.items()}),
    )


def _rule(key: str, data: Mapping[str, Any], stages: tuple[str, ...], check: _Check) -> Rule | None:
    at: KeyPath = ('rules', key)
    metric, *rest = key.split('/', 2)  # a part may hold slashes
    spec = METRICS.get(metric)
    if spec is None:
        check.unknown(f'there is no metric {metric!r}', metric, tuple(METRICS), at)
        return None
    if rest and rest[0] not in stages:
        check.unknown(f'there is no stage {rest[0]!r}', rest[0], stages, at)
    check.known(data, RULE_KEYS, at)
    value = data.get('value')
    if 'value' not in data:
        check.wrong('DA2005', "missing key 'value'", at, key=True, hint='null: not known yet, --update fills it in')
    elif value is not None and not _is_number(value):
        check.wrong('DA2006', 'expected a number, or null', (*at, 'value'))
    compare, level = data.get('compare', DEFAULT_COMPARE[spec.direction]), data.get('level', 'error')
    check.choice(compare, get_args(Compare), (*at, 'compare'))
    check.choice(level, get_args(Level), (*at, 'level'))
    tolerance = _tolerance(data.get('tolerance', 0), spec.unit, at, check)
    line = check.source.span(at, key=True).line + 1
    return Rule(key, value, cast(Compare, compare), tolerance, cast(Level, level), line)


def _tolerance(value: Any, unit: str, at: KeyPath, check: _Check) -> Tolerance:
    at = (*at, 'tolerance')
    if _is_number(value) and value >= 0:
        return Tolerance(value)
    match = SPREAD.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        return Tolerance(float(match[1] or 1), 'spread')
    match = PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        check.wrong('DA2006', 'expected a number from 0 up, "2 %", "5 % of period" or "1 spread"', at)
        return Tolerance()
    if match[2] and unit != 'ns':
        check.wrong('DA2006', f'a part of the period is in ns, the metric is in {unit or "counts"}', at)
    return Tolerance(float(match[1]), 'period' if match[2] else 'value')


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
