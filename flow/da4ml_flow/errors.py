"""Every exception that the flow raises.

FlowError(Da4mlError)
├── ConfigError           every problem of one configuration file at once, each a ConfigProblem
├── ToolError             ToolNotFound, ToolVersion, ToolFailed, ToolTimeout
├── DatasetError
├── ReportParseError
├── WorkspaceError
├── StageFailed
└── ResultsError

Codes are ``DA2xxx``; exit codes: 2 the user's input or environment, 3 a tool failed, 70 a bug of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from da4ml_core.errors import Da4mlError, Location

__all__ = [
    'ConfigError',
    'ConfigProblem',
    'Da4mlError',
    'DatasetError',
    'FlowError',
    'Location',
    'ReportParseError',
    'ResultsError',
    'StageFailed',
    'ToolError',
    'ToolFailed',
    'ToolNotFound',
    'ToolTimeout',
    'ToolVersionError',
    'WorkspaceError',
]


class FlowError(Da4mlError):
    """Base of the flow's errors."""

    code = 'DA2000'


class ConfigProblem(FlowError):
    """One thing wrong with a configuration; a part of a ConfigError."""

    code = 'DA2001'


class ConfigError(FlowError, ValueError):
    """Every problem of a configuration, in the order of the file."""

    def __init__(self, problems: Sequence[ConfigProblem], source: str = '') -> None:
        self.problems = tuple(problems)
        self.source = source
        first = self.problems[0]
        super().__init__(first.message, location=first.location, context=first.context, hint=first.hint)
        self.code = first.code

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if len(lines) > 1:
            lines.append(f'{len(lines)} errors in {self.source or "the configuration"}')
        return '\n\n'.join(lines)


class DatasetError(FlowError, ValueError):
    """A file of samples that cannot be read, or does not hold what the configuration says."""

    code = 'DA2050'


class ToolError(FlowError):
    """A tool that is missing, too old, failed or hung."""

    code = 'DA2100'
    exit_code = 3


class ToolNotFound(ToolError):
    """A tool that is nowhere it was looked for; the hint says how to get it."""

    code = 'DA2101'


class ToolVersionError(ToolError):
    """A tool whose version is unknown or not supported."""

    code = 'DA2102'


class ToolFailed(ToolError):
    """A tool that ended with an error; the location is the first error in its log."""

    code = 'DA2103'


class ToolTimeout(ToolError, TimeoutError):
    """A tool that was stopped because it ran too long."""

    code = 'DA2104'


class ReportParseError(FlowError, ValueError):
    """A report that is not what its tool is known to write; never read as a zero."""

    code = 'DA2200'
    exit_code = 3


class WorkspaceError(FlowError, OSError):
    """A run directory that cannot be written: no space, no permission, not a directory."""

    code = 'DA2300'


class StageFailed(FlowError):
    """An error inside a stage, with the paths of its work directory rewritten to where it is kept."""

    code = 'DA2301'

    def __init__(self, stage: str, cause: Da4mlError, work: Path, kept: Path | None, notes: Sequence[str] = ()) -> None:
        """``kept`` is where the files of ``work`` are now, None if there were none; ``notes`` go before the cause's."""

        def moved(text: str) -> str:
            return text if kept is None else text.replace(str(work), str(kept))

        location = cause.location
        if location is not None:
            location = replace(location, path=moved(location.path))
        notes = [*notes, *(moved(note) for note in cause.notes)]
        if kept is not None:
            notes.append(f'stage {stage}: its files are kept in {kept}')
        super().__init__(
            moved(cause.message),
            location=location,
            context=cause.context,
            notes=notes,
            hint=moved(cause.hint),
            code=cause.code,
        )
        self.stage = stage
        self.exit_code = cause.exit_code


class ResultsError(FlowError):
    """A record or a database of results that cannot be read or written."""

    code = 'DA2400'
