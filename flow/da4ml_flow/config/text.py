"""A configuration as commented YAML: what `config show` prints and `init` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from da4ml_flow.config.load import LoadedConfig
from da4ml_flow.config.model import BuildConfig
from da4ml_flow.config.source_map import KeyPath

PLAIN = re.compile(r'[A-Za-z_./][A-Za-z0-9_./+:-]*')
RESERVED = {'true', 'false', 'null', 'on', 'off', 'yes', 'no', 'y', 'n'}  # the last six are truth values to YAML 1.1


def render_yaml(config: BaseModel, comment: Callable[[KeyPath], str], root: Path | None = None) -> str:
    """The configuration with a comment after each key that has one; paths are written relative to the root."""
    return ''.join(f'{line}\n' for line in _lines(config, (), comment, root))


def show(loaded: LoadedConfig) -> str:
    """The resolved configuration, saying which values are defaults and which were overridden."""

    def origin(path: KeyPath) -> str:
        span = loaded.source.values.get(path)
        return 'default' if span is None else 'from --set' if span.option else ''

    return render_yaml(loaded.config, origin, loaded.root)


def describe(config: BuildConfig, root: Path | None = None) -> str:
    """The configuration, with what each key means beside it."""
    return render_yaml(config, _description, root)


def plain_data(config: BuildConfig, root: Path | None = None) -> dict[str, Any]:
    """The configuration as JSON-ready data, its paths relative to the root where they are below it."""
    data: dict[str, Any] = json.loads(config.model_dump_json())
    for section, key in (
        (data['model'], 'source'),
        (data['model'], 'weights'),
        (data['model']['dataset'], 'path'),
        ((data['quantization'] or {}).get('calibration'), 'path'),
    ):
        if section is not None and section[key] is not None:
            section[key] = _relative(Path(section[key]), root)
    return data


def _description(path: KeyPath) -> str:
    model: Any = BuildConfig
    text = ''
    for part in path:
        field = model.model_fields[part]
        text = field.description or ''
        options = [field.annotation, *getattr(field.annotation, '__args__', ())]
        model = next((item for item in options if isinstance(item, type) and issubclass(item, BaseModel)), None)
    return text


def _lines(section: BaseModel, at: KeyPath, comment: Callable[[KeyPath], str], root: Path | None) -> Iterator[str]:
    indent = '  ' * len(at)
    for key in type(section).model_fields:
        value, path = getattr(section, key), (*at, key)
        note = comment(path)
        if isinstance(value, BaseModel):
            yield f'{indent}{key}:' + (f'  # {note}' if note and note != 'default' else '')
            yield from _lines(value, path, comment, root)
        else:
            yield f'{indent}{key}: {scalar(value, root)}' + (f'  # {note}' if note else '')


def scalar(value: Any, root: Path | None = None) -> str:
    """A value in one line of YAML; a path is written from the root."""
    if isinstance(value, Path):
        value = _relative(value, root)
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in RESERVED and value[-1] != ':':
        return value
    return json.dumps(value, ensure_ascii=False)  # flow style YAML


def _relative(path: Path, root: Path | None) -> str:
    if str(path).startswith('python:'):
        module, _, function = str(path).removeprefix('python:').rpartition(':')
        return f'python:{_relative(Path(module), root)}:{function}'
    return str(path.relative_to(root)) if root is not None and path.is_relative_to(root) else str(path)
