"""From a YAML file and its overrides to a validated configuration, or to every mistake in them at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.config.nearest import nearest
from da4ml_flow.config.source_map import KeyPath, Reader, SourceMap, Span, dotted, split_lines
from da4ml_flow.errors import ConfigError, ConfigProblem, Location

MAX_BYTES = 1_000_000
KINDS = {
    'missing_file': 'DA2008',
    'missing_array': 'DA2011',
    'combination': 'DA2007',
    'literal': 'DA2006',
    'value': 'DA2006',
}


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration, the folder that its paths start from, and where each of its values came from."""

    config: BuildConfig
    root: Path
    source: SourceMap
    data: Mapping[str, Any] = field(default_factory=dict)  # as it was read: what is not in it has its default

    def place(self, *path: str) -> str:
        """Where a value of the file stands, as file:line:column and its key."""
        return f'{self.source.location(self.source.span(path, key=False))} ({dotted(path)})'


def load_config(
    path: Path, overrides: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> LoadedConfig:
    """Read, override (``a.b=value``), validate; raises ConfigError with all problems, in the order of the file."""
    text = _read(path)
    source = SourceMap(str(path), split_lines(text))
    reader = Reader(source, environment)
    data = reader.read(text)
    problems = list(reader.problems)
    if any(problem.code == 'DA2002' for problem in problems):
        raise ConfigError(problems, str(path))  # the rest of the text means nothing any more
    if data is None or data == {}:
        hint = f'`da4ml-flow init MODEL --output {path}` writes one'
        raise ConfigError([ConfigProblem('the configuration is empty', location=Location(str(path)), hint=hint)])
    if not isinstance(data, dict):
        raise ConfigError([source.problem('DA2006', f'expected a mapping of keys, got {_shown(data)}', ())])
    problems += [problem for override in overrides for problem in _apply(data, override, source, environment)]
    config = None
    root = path.absolute().parent
    try:
        # strict JSON rules: "5" is no number and 1 no truth value, but a list becomes a tuple and text a path
        config = BuildConfig.model_validate_json(json.dumps(data), strict=True, context={'root': root})
    except ValidationError as error:
        known_bad = {(problem.context, str(problem.location)) for problem in problems}
        found = [_problem(dict(detail), source) for detail in error.errors(include_url=False)]
        # a value that could not even be read (an unset variable) is not reported a second time
        problems += [item for item in found if (item.context, str(item.location)) not in known_bad]
    if problems or config is None:
        raise ConfigError(sorted(problems, key=_position), str(path))
    return LoadedConfig(config, root, source, data)


def with_values(loaded: LoadedConfig, values: Mapping[str, Any]) -> BuildConfig:
    """The configuration with other values for some keys (``a.b``), and no sweep; raises ConfigError."""
    data = {key: value for key, value in loaded.data.items() if key != 'sweep'}
    for name, value in values.items():
        *sections, last = name.split('.')
        target = data
        for section in sections:
            inner = target.get(section)
            target[section] = dict(inner) if isinstance(inner, dict) else {}  # the loaded data stays as it is
            target = target[section]
        target[last] = value
    try:
        return BuildConfig.model_validate_json(json.dumps(data), strict=True, context={'root': loaded.root})
    except ValidationError as error:
        raise ConfigError(
            [_problem(dict(detail), loaded.source) for detail in error.errors(include_url=False)],
            loaded.source.path,
        ) from None


def _read(path: Path) -> str:
    def refuse(message: str, hint: str = '') -> ConfigError:
        return ConfigError([ConfigProblem(message, location=Location(str(path)), hint=hint)])

    try:
        with path.open('rb') as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        near = nearest(path.name, sorted(name for name in beside if name.endswith(('.yaml', '.yml'))))
        hint = f"did you mean '{path.parent / near}'?" if near else '`da4ml-flow init MODEL` writes one'
        raise refuse('there is no such configuration file', hint) from None
    except IsADirectoryError:
        raise refuse('a folder, not a configuration file') from None
    except OSError as error:
        raise refuse(f'the configuration cannot be read: {error.strerror}') from None
    if len(raw) > MAX_BYTES:
        raise refuse(f'more than {MAX_BYTES} bytes are no configuration')
    try:
        return raw.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b'\n') + 1
        location = Location(str(path), line)
        problem = ConfigProblem('the configuration is not UTF-8 text', location=location)
        raise ConfigError([problem]) from None


def _apply(
    data: dict[str, Any], override: str, source: SourceMap, environment: Mapping[str, str] | None
) -> list[ConfigProblem]:
    """Put one ``a.b=value`` into the data; returns what is wrong with it."""
    option = f'--set {override}'
    name, equals, text = override.partition('=')
    keys = tuple(name.strip().split('.'))
    if not equals or not all(keys):
        hint = 'for example --set rtl.clock_ns=4.0'
        return [ConfigProblem('expected KEY.KEY=VALUE', location=Location(option), hint=hint, code='DA2010')]
    target = data
    for depth, key in enumerate(keys[:-1], 1):
        if target.get(key) is None:
            target[key] = {}
            source.keys[keys[:depth]] = Span(0, 0, option=option)
        target = target[key]
        if not isinstance(target, dict):
            message = f'{dotted(keys[:depth])} holds {_shown(target)}, not keys'
            return [ConfigProblem(message, location=Location(option), code='DA2010')]
    for table in (source.keys, source.values):
        for path in [path for path in table if path[: len(keys)] == keys]:
            del table[path]
    reader = Reader(source, environment, option)
    target[keys[-1]] = reader.read(text, keys)
    source.keys[keys] = Span(0, 0, option=option)
    return reader.problems


def _position(problem: ConfigProblem) -> tuple[bool, int, int]:
    location = problem.location
    if location is None or location.line is None:
        return True, 0, 0
    return False, location.line, location.column or 0


def _section(path: KeyPath) -> type[BaseModel] | None:
    """The model of the mapping at a key path."""
    model: type[BaseModel] = BuildConfig
    for part in path:
        annotation = (
            model.model_fields[part].annotation if isinstance(part, str) and part in model.model_fields else None
        )
        options = [annotation, *getattr(annotation, '__args__', ())]
        found = [item for item in options if isinstance(item, type) and issubclass(item, BaseModel)]
        if not found:
            return None
        model = found[0]
    return model


def key_paths(model: type[BaseModel] = BuildConfig, at: KeyPath = ()) -> list[KeyPath]:
    """Every key that a configuration can have."""
    paths: list[KeyPath] = []
    for key in model.model_fields:
        paths.append((*at, key))
        inner = _section((*at, key))
        if inner is not None:
            paths += key_paths(inner, (*at, key))
    return paths


def _problem(detail: dict[str, Any], source: SourceMap) -> ConfigProblem:
    """Pydantic's finding in our words, at its place in the file."""
    kind, path, value = detail['type'], tuple(detail['loc']), detail['input']
    context = detail.get('ctx', {})
    if kind == 'extra_forbidden':
        return source.problem('DA2004', f'unknown key {path[-1]!r}', path, key=True, hint=_known_key(path))
    if kind == 'missing':
        model = _section(path[:-1])
        told = model.model_fields[str(path[-1])].description if model else None
        place = source.problem(
            'DA2005', f'missing key {path[-1]!r}', path[:-1], key=True, hint=f'add {path[-1]}: ... ({told})'
        )
        return ConfigProblem(
            place.message, location=place.location, context=dotted(path), hint=place.hint, code=place.code
        )
    if kind in KINDS:
        if context['key']:
            path = (*path, context['key'])
        return source.problem(KINDS[kind], context['text'], path, key=bool(context['key']), hint=context['hint'])
    message, hint = _mismatch(kind, context, value)
    return source.problem('DA2006', message, path, hint=hint)


def _known_key(path: KeyPath) -> str:
    """What an unknown key was meant to be: a sibling, a key that only one section has, or the list of what there is."""
    key, model = str(path[-1]), _section(path[:-1])
    siblings = list(model.model_fields) if model else []
    near = nearest(key, siblings)
    if near:
        return f'did you mean {near!r}?'
    elsewhere = [dotted(known) for known in key_paths() if known[-1] == key]
    if len(elsewhere) == 1 or (elsewhere and len(path) == 1):
        return f'did you mean {elsewhere[0]!r}?'
    return f'known keys: {", ".join(siblings)}'


BOUNDS = {
    'greater_than': ('must be greater than {gt}', 'gt'),
    'greater_than_equal': ('must be at least {ge}', 'ge'),
    'less_than': ('must be less than {lt}', 'lt'),
    'less_than_equal': ('must be at most {le}', 'le'),
}
TYPES = {
    'int': 'an integer',
    'float': 'a number',
    'string': 'text',
    'bool': 'true or false',
    'tuple': 'a list',
    'list': 'a list',
    'model': 'a mapping of keys',
    'path': 'text',
    'finite': 'a finite number',
}


def _mismatch(kind: str, context: Mapping[str, Any], value: Any) -> tuple[str, str]:
    """Message and hint for a value that is not what its key takes."""
    if kind == 'literal_error':
        options = [option.strip("'") for option in str(context['expected']).replace(' or ', ', ').split(', ')]
        near = nearest(value, options) if isinstance(value, str) else None
        hint = f'did you mean {near!r}?' if near else ''
        return f'expected {"one of " if len(options) > 1 else ""}{", ".join(options)}, got {_shown(value)}', hint
    if kind in BOUNDS:
        template, name = BOUNDS[kind]
        bound = context[name]
        return f'{value} {template.format(**{name: int(bound) if float(bound).is_integer() else bound})}', ''
    if kind == 'string_pattern_mismatch':
        return f'{_shown(value)} is not a name', 'a letter, then letters, digits and underscores'
    if kind in ('string_too_short', 'too_short'):
        return 'must not be empty', ''
    if kind in ('string_too_long', 'too_long'):
        return f'longer than {context["max_length"]}', ''
    expected = TYPES.get(kind.split('_', maxsplit=1)[0])
    if expected is None:
        return f'{_shown(value)} is not valid here ({kind})', ''
    return f'expected {expected}, got {_shown(value)}', ''


def _shown(value: Any) -> str:
    """A value as the user would say it."""
    if value is None:
        return 'nothing'
    if isinstance(value, str):
        return f'the text {value!r}' if len(value) <= 40 else f'the text {value[:37]!r}...'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return 'a mapping'
    if isinstance(value, list | tuple):
        return 'a list'
    return str(value)
