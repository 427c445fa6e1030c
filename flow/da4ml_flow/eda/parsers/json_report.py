"""JSON reports: checked access that says where a report is not what it should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from da4ml_flow.errors import Location, ReportParseError


class JsonReport:
    """The object of a JSON text; every look-up raises ReportParseError with the line where the key should be."""

    def __init__(self, text: str, source: str, tool: str) -> None:
        self.source = source
        self.tool = tool
        self._lines = text.splitlines()
        try:
            data = json.loads(text, object_pairs_hook=_once)
        except ValueError as error:
            line = getattr(error, 'lineno', 1)
            raise self.error(f'not JSON: {getattr(error, "msg", error)}', line=line) from error
        except RecursionError as error:
            raise self.error('not JSON: nested too deeply') from error
        self.data = self.mapping(data, 'the report')

    def mapping(self, value: Any, key: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.error(f'{key} is not an object', key)
        return value

    def member(self, mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """The object under a key."""
        return self.mapping(self._value(mapping, key), key)

    def count(self, mapping: Mapping[str, Any], key: str) -> int:
        """The integer >= 0 under a key."""
        value = self._value(mapping, key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.error(f'{key} is not a count: {value!r}', key)
        return value

    def positive(self, mapping: Mapping[str, Any], key: str) -> float:
        """The number > 0 under a key."""
        value = self._value(mapping, key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value <= 0:
            raise self.error(f'{key} is not a positive number: {value!r}', key)
        return float(value)

    def error(self, message: str, key: str = '', line: int | None = None) -> ReportParseError:
        if line is None and key:
            needle = json.dumps(key)[1:-1]
            line = next((number for number, text in enumerate(self._lines, 1) if needle in text), None)
        return ReportParseError(f'{self.tool} report: {message}', location=Location(self.source, line or 1))

    def _value(self, mapping: Mapping[str, Any], key: str) -> Any:
        if key not in mapping:
            raise self.error(f'there is no {key!r}')
        return mapping[key]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different: of two figures by one name none is right."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(
            key for position, (key, _) in enumerate(pairs) if any(key == other for other, _ in pairs[:position])
        )
        raise ValueError(f'{twice!r} is there twice in an object')
    return found
