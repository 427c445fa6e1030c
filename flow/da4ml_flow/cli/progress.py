"""What a build says while it runs: to stderr, drawn only on a terminal."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

import click

from da4ml_flow.cli.main import show_error
from da4ml_flow.errors import Da4mlError
from da4ml_flow.report.summary import stage_line
from da4ml_flow.results.record import StageRun
from da4ml_flow.runner.build import Listener


class PlainProgress(Listener, AbstractContextManager['PlainProgress']):
    """A line for each thing that a stage says, and one when it ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    def __init__(self) -> None:
        self.told: set[str] = set()

    def progress(self, stage: str, text: str) -> None:
        click.echo(f'{stage:10}  {text}', err=True)

    def end(self, run: StageRun) -> None:
        click.echo(f'{run.stage:10}  {stage_line(run)}', err=True)

    def error(self, error: Da4mlError) -> None:
        # one cause often stops several stages: it is told once
        if str(error) not in self.told:
            self.told.add(str(error))
            show_error(error)


class LiveProgress(PlainProgress):
    """A line a stage; the running one shows what it does and for how long."""

    def __init__(self) -> None:
        from rich.console import Console

        super().__init__()
        self.console = Console(stderr=True, highlight=False)
        self.status = self.console.status('')
        self.stage, self.text, self.since = '', '', 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.status.stop()

    def begin(self, stage: str) -> None:
        self.stage, self.text, self.since = stage, '', time.monotonic()
        self.status.update(_Elapsed(self))
        self.status.start()

    def progress(self, stage: str, text: str) -> None:
        self.text = text
        if stage != self.stage:
            self.console.print(f'  {stage:10}  {text}', markup=False)

    def end(self, run: StageRun) -> None:
        self.status.stop()
        mark, style = {'ok': ('✓', 'green'), 'skipped': ('-', 'yellow')}.get(run.status, ('✗', 'red'))
        self.console.print(f'[{style}]{mark}[/] [bold]{run.stage:10}[/]  ', end='')
        self.console.print(stage_line(run), markup=False)

    def error(self, error: Da4mlError) -> None:
        self.status.stop()
        super().error(error)


class _Elapsed:
    """What the running stage does, with the seconds so far; rich renders it anew for each frame."""

    def __init__(self, progress: LiveProgress) -> None:
        self.progress = progress

    def __rich__(self) -> str:
        from rich.markup import escape

        seconds = time.monotonic() - self.progress.since
        return f'[bold]{self.progress.stage:10}[/] {seconds:5.0f} s  {escape(self.progress.text)}'


def progress() -> PlainProgress:
    """Live progress on a terminal, lines elsewhere."""
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()
