"""YAML text as plain data, with the place in the text of every key and value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from da4ml_flow.errors import ConfigProblem, Location

KeyPath = tuple[str | int, ...]
MAX_NODES = 100_000  # aliases of aliases grow without bound
MAX_EXCERPT = 100
TAG = 'tag:yaml.org,2002:'
ENVIRONMENT = re.compile(r'\$\{env:([^}]*)\}')
NO_TAG = 'leave the tag out'
NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')


CORE_SCHEMA = (
    ('bool', re.compile(r'true|True|TRUE|false|False|FALSE')),
    ('int', re.compile(r'[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+')),
    ('float', re.compile(r'[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)')),
    ('null', re.compile(r'~|null|Null|NULL|')),
)


def plain_type(text: str) -> str:
    """The YAML 1.2 type of a scalar without quotes: ``on`` and ``1:30`` are text, ``5e-1`` is a number."""
    return next((kind for kind, pattern in CORE_SCHEMA if pattern.fullmatch(text)), 'str')


class NodeLoader(yaml.SafeLoader):
    """Nodes without types: the types are ours to find."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of one line, counted from 0; ``option`` is the text of a command-line option instead."""

    line: int
    column: int
    length: int = 1
    option: str = ''


def split_lines(text: str) -> list[str]:
    """The lines as YAML counts them."""
    return re.split('\r\n|[\n\r\x85\u2028\u2029]', text)


@dataclass(slots=True)
class SourceMap:
    """Where each key and value came from: the file, or an option that overrode it."""

    path: str
    lines: list[str]
    keys: dict[KeyPath, Span] = field(default_factory=dict)
    values: dict[KeyPath, Span] = field(default_factory=dict)

    def span(self, path: KeyPath, *, key: bool) -> Span:
        """The place of a key path, or of the nearest enclosing one that was written."""
        tables = (self.keys, self.values) if key else (self.values, self.keys)
        for table in tables:
            if path in table:
                return table[path]
        for length in range(len(path) - 1, -1, -1):  # the key of a section tells more than its first line
            for table in (self.keys, self.values):
                if path[:length] in table:
                    return table[path[:length]]
        return Span(0, 0)

    def location(self, span: Span) -> Location:
        if span.option:
            return Location(span.option)
        text = self.lines[span.line] if span.line < len(self.lines) else ''
        excerpt, column = _crop(text, span.column)
        # the column of the file in the text, the column of the excerpt under it
        length = max(1, min(span.length, len(excerpt) - column))
        if column == span.column:
            return Location(self.path, span.line + 1, span.column + 1, excerpt, length)
        return Location(f'{self.path}:{span.line + 1}:{span.column + 1}')

    def problem(self, code: str, message: str, path: KeyPath, *, key: bool = False, hint: str = '') -> ConfigProblem:
        return ConfigProblem(
            message, location=self.location(self.span(path, key=key)), context=dotted(path), hint=hint, code=code
        )


def dotted(path: KeyPath) -> str:
    """The key path as the user writes it: ``implement.seeds[0]``."""
    text = ''
    for part in path:
        text += f'[{part}]' if isinstance(part, int) else f'.{part}' if text else part
    return text


def _crop(text: str, column: int) -> tuple[str, int]:
    """The line without tabs and control characters, cut if it is very long; the column in what is left."""
    text = ''.join(character if character.isprintable() else ' ' for character in text)
    if len(text) <= MAX_EXCERPT:
        return text, column
    if column < MAX_EXCERPT - 20:
        return text[:MAX_EXCERPT] + '…', column
    return text, -1


class Reader:
    """One pass over the YAML nodes of a text; mistakes are collected, not raised."""

    def __init__(self, source: SourceMap, environment: Mapping[str, str] | None = None, option: str = '') -> None:
        self.source = source
        self.environment = os.environ if environment is None else environment
        self.option = option
        self.problems: list[ConfigProblem] = []
        self.count = 0

    def read(self, text: str, at: KeyPath = ()) -> Any:
        """The data of the text, put at a key path; None after a syntax error."""
        try:
            node = yaml.compose(text, Loader=NodeLoader)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            self.problems.append(self._syntax(error, text))
            return None
        if node is None:
            return None
        return self._value(node, at, ())

    def _syntax(self, error: Exception, text: str) -> ConfigProblem:
        if self.option:
            return ConfigProblem(
                'the value is not YAML', location=Location(self.option), hint='quote it for the shell', code='DA2010'
            )
        hint = ''
        if isinstance(error, yaml.MarkedYAMLError):
            mark = error.problem_mark or error.context_mark
            message = ', '.join(part for part in (error.context, error.problem) if part)
            span = Span(mark.line, mark.column) if mark else Span(0, 0)
        elif isinstance(error, yaml.reader.ReaderError):
            before = text[: error.position]
            span = Span(before.count('\n'), len(before) - before.rfind('\n') - 1)
            message = f'character U+{ord(text[error.position]):04X} is not allowed'
        else:
            span, message = Span(0, 0), 'nested too deeply' if isinstance(error, RecursionError) else str(error)
        line = self.source.lines[span.line] if span.line < len(self.source.lines) else ''
        if '\t' in line[: span.column + 1]:
            span = Span(span.line, line.index('\t'))
            message, hint = 'a tab where YAML wants spaces', 'indent with spaces'
        elif span.line >= len(self.source.lines) > 0:
            span = Span(len(self.source.lines) - 1, len(self.source.lines[-1]))
        return ConfigProblem(
            f'not YAML: {message}' if not hint else message,
            location=self.source.location(span),
            hint=hint,
            code='DA2002',
        )

    def _span(self, node: yaml.Node) -> Span:
        if self.option:
            return Span(0, 0, option=self.option)
        start, end = node.start_mark, node.end_mark
        if isinstance(node, yaml.MappingNode) and not node.flow_style and start.line != end.line:
            return Span(start.line, start.column)
        length = end.column - start.column if end.line == start.line else 1
        return Span(start.line, start.column, max(1, length))

    def _problem(self, code: str, message: str, span: Span, path: KeyPath, hint: str = '') -> None:
        self.problems.append(
            ConfigProblem(message, location=self.source.location(span), context=dotted(path), hint=hint, code=code)
        )

    def _value(self, node: yaml.Node, path: KeyPath, parents: tuple[int, ...]) -> Any:
        span = self._span(node)
        self.source.values[path] = span
        self.count += 1
        if id(node) in parents or self.count > MAX_NODES:
            if self.count <= MAX_NODES:
                self._problem('DA2002', 'an alias of what contains it', span, path)
            elif self.count == MAX_NODES + 1:
                self._problem('DA2002', f'more than {MAX_NODES} values', span, path)
            return None
        inside = (*parents, id(node))
        if not isinstance(node, yaml.ScalarNode) and node.tag not in (f'{TAG}map', f'{TAG}seq'):
            self._problem('DA2006', f'a {node.tag.removeprefix(TAG)!r} is nothing to configure', span, path, NO_TAG)
            return None
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, path, inside))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index), inside) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, span, path)
        return None

    def _items(self, node: yaml.MappingNode, path: KeyPath, parents: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Span] = {}
        for key_node, value_node in node.value:
            span = self._span(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem('DA2002', 'a key must be one word', span, path)
                continue
            key = key_node.value
            if key in seen:
                first = f'first in line {seen[key].line + 1}'
                self._problem('DA2003', f'key {key!r} is there twice', span, (*path, key), first)
                continue
            seen[key] = span
            self.source.keys[(*path, key)] = span
            yield key, self._value(value_node, (*path, key), parents)

    def _scalar(self, node: yaml.ScalarNode, span: Span, path: KeyPath) -> Any:
        text, tag = str(node.value), node.tag.removeprefix(TAG)
        if '${env:' in text:
            text = self._substituted(text, span, path)
        if tag == 'str' and node.style is None:
            tag = plain_type(text)
        try:
            return convert(tag, text)
        except (KeyError, ValueError):
            self._problem('DA2006', f'{text[:40]!r} is not of the type {tag!r}', span, path, NO_TAG)
            return None

    def _substituted(self, text: str, span: Span, path: KeyPath) -> str:
        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            if not NAME.fullmatch(name):
                self._problem('DA2009', f'{name!r} is not a name of an environment variable', span, path)
            elif name not in self.environment:
                hint = f'export {name}=... , or write the value here'
                self._problem('DA2009', f'the environment variable {name} is not set', span, path, hint)
            return self.environment.get(name, '')

        return ENVIRONMENT.sub(value, text)


def convert(tag: str, text: str) -> Any:
    """The value of a scalar; raises KeyError for a tag that configuration does not have, ValueError for wrong text."""
    if tag == 'int':
        return int(text, 0) if text[:2] in ('0o', '0x') else int(text)
    if tag == 'float':
        return float(re.sub(r'\.(inf|nan)', r'\1', text.lower()))
    if tag == 'bool':
        return {'true': True, 'false': False}[text.lower()]
    return {'str': text, 'null': None}[tag]
