"""How a sweep goes: one line that is drawn anew on a terminal, a line a point elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

import click

from da4ml_flow.report.figures import value_text
from da4ml_flow.sweep.campaign import Counts
from da4ml_flow.sweep.point import PointRecord


class PlainSweep(AbstractContextManager['PlainSweep']):
    """A line a point, with how many there are and when it may end."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.since = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    def changed(self, counts: Counts) -> None:
        self.counts = counts

    def ended(self, record: PointRecord) -> None:
        values = ', '.join(f'{key.split(".")[-1]}={value_text(value)}' for key, value in record.values.items())
        message = f': {record.message}' if record.status != 'ok' and record.message else ''
        click.echo(f'{self.line()}  {record.status:6} {record.wall_s:6.1f} s  {values}{message}', err=True)

    def line(self) -> str:
        """Done of all, what runs and failed, and the time that is left."""
        counts = self.counts
        width = len(str(counts.total))
        parts = [f'{counts.reused + counts.made:{width}}/{counts.total}']
        if counts.running:
            parts.append(f'{counts.running} running')
        if counts.failed:
            parts.append(f'{counts.failed} failed')
        if counts.made and counts.left:
            seconds = (time.monotonic() - self.since) / counts.made * counts.left
            parts.append(f'ETA {duration(seconds)}')
        return ', '.join(parts)


class LiveSweep(PlainSweep):
    """One line that is always true; points that did not go well stay above it."""

    def __enter__(self) -> Self:
        from rich.console import Console

        super().__init__()
        self.console = Console(stderr=True, highlight=False)
        self.status = self.console.status(self)
        self.status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.status.stop()

    def ended(self, record: PointRecord) -> None:
        if record.status not in ('ok', 'pruned'):
            super().ended(record)

    def __rich__(self) -> str:
        return f'points {self.line()}'


def duration(seconds: float) -> str:
    """As a person says it."""
    if seconds < 120:
        return f'{seconds:.0f} s'
    if seconds < 7200:
        return f'{seconds / 60:.0f} min'
    return f'{seconds / 3600:.1f} h'


def progress() -> PlainSweep:
    """Live on a terminal, lines elsewhere."""
    return LiveSweep() if sys.stderr.isatty() else PlainSweep()
