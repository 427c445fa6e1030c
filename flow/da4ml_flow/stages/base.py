"""What a stage of the flow is: what it reads, what decides its result, and what it hands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import Metric, ToolVersion

__all__ = ['Metric', 'Stage', 'StageContext', 'StageOutcome', 'ToolVersion']


@dataclass(frozen=True, slots=True)
class StageContext:
    """What a stage may use: its configuration, the artifacts it declared, and its own fresh directory."""

    config: BuildConfig
    artifacts: Mapping[str, Path]
    directory: Path
    report: Callable[[str], None]  # takes one line of progress
    earlier: Path | None = None  # what a try with the same key left when it failed or was killed


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What a stage made; ``ok=False`` is the answer no (a mismatch, timing missed), an error is an exception."""

    artifacts: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))  # below the directory
    metrics: tuple[Metric, ...] = ()
    tools: tuple[ToolVersion, ...] = ()
    ok: bool = True
    message: str = ''


class Stage(Protocol):
    """A pure function of its settings and inputs: the same of both give the same artifacts."""

    @property
    def name(self) -> str:
        """The stage's name, which its directory and its metrics carry."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the artifacts that it reads."""
        ...

    @property
    def replaces(self) -> tuple[str, ...]:
        """Names of earlier artifacts that it makes anew: if it fails, the stages after it have neither."""
        ...

    def settings(self, config: BuildConfig) -> Mapping[str, Any] | None:
        """JSON-ready data that decides the result, None if the configuration does not ask for this stage.

        A ``Path`` in it stands for the content of that file, not for its name.
        """
        ...

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        """The tools it would run, found but not started; raises ToolNotFound."""
        ...

    def run(self, context: StageContext) -> StageOutcome:
        """Do the work; raises Da4mlError."""
        ...
