"""Readers of other packages, found by the entry points that they register for a suffix."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any

from da4ml_core.errors import FrontendError

GROUP = 'da4ml_flow.frontends'


def plugin_suffixes() -> list[str]:
    """The suffixes that installed packages read."""
    return sorted({f'.{point.name.lstrip(".").lower()}' for point in metadata.entry_points(group=GROUP)})


def plugin_version(suffix: str) -> str:
    """Name and version of the package that reads a suffix; empty if there is none."""
    point = _entry_point(suffix)
    return '' if point is None or point.dist is None else f'{point.dist.name} {point.dist.version}'


def find_plugin(suffix: str) -> Callable[..., Any] | None:
    """The reader for a suffix, if a package has one; raises FrontendError where it cannot be imported.

    It is called with the path, the SolverOptions and the input type (or None), and returns an ir.Program.
    """
    point = _entry_point(suffix)
    if point is None:
        return None
    try:
        reader: Callable[..., Any] = point.load()
    except Exception as error:
        raise FrontendError(
            f'the reader of {suffix} files, {point.value}, cannot be imported: {error}',
            hint=f'it is of the package {plugin_version(suffix)}',
        ) from error
    return reader


def _entry_point(suffix: str) -> metadata.EntryPoint | None:
    name = suffix.lstrip('.').lower()
    points = [point for point in metadata.entry_points(group=GROUP) if point.name.lstrip('.').lower() == name]
    if len({point.value for point in points}) > 1:
        raise FrontendError(
            f'{len(points)} packages read {suffix} files: {", ".join(sorted(point.value for point in points))}',
            hint='uninstall all but one',
        )
    return points[0] if points else None
