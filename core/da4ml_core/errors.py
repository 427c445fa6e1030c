"""Every exception that the compiler raises, and the diagnostic that each one carries.

Da4mlError
├── TraceError            UnsupportedOperation, SymbolicBool, FormatError
├── SolveError            InvalidMatrix, BudgetExceeded, SelfCheckFailed
├── IRError               VerificationError, ParseError, VersionError
├── InterpError
├── CodegenError
└── FrontendError

Misuse of an argument also inherits the builtin that a caller would expect (``ValueError``, ``TypeError``).
Each class has a stable code, ``DA1xxx`` in the core and ``DA2xxx`` in the flow; ``str(error)`` is the whole diagnostic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file: the line and column count from 1; the excerpt is the line itself, the span is in columns."""

    path: str
    line: int | None = None
    column: int | None = None
    excerpt: str | None = None
    span: int = 1

    def __str__(self) -> str:
        parts = [self.path, *(str(part) for part in (self.line, self.column) if part is not None)]
        return ':'.join(parts)


class Da4mlError(Exception):
    """Base of all errors: what happened, where, and how to fix it."""

    code = 'DA1000'
    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        location: Location | None = None,
        context: str = '',
        notes: Sequence[str] = (),
        hint: str = '',
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.context = context
        self.notes = tuple(notes)
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return render(self)


def render(error: Da4mlError) -> str:
    """The diagnostic as text, in the form that rustc made familiar."""
    lines = [f'error[{error.code}]: {error.message}']
    location = error.location
    if location is not None:
        suffix = f' ({error.context})' if error.context else ''
        lines.append(f'  --> {location}{suffix}')
        if location.excerpt is not None and location.line is not None:
            number = f'{location.line:4d}'
            lines.append(f'{number} | {location.excerpt}')
            pad = ' ' * ((location.column or 1) - 1)
            hint = f' {error.hint}' if error.hint else ''
            lines.append(f'     | {pad}{"^" * max(1, location.span)}{hint}')
    elif error.context:
        lines.append(f'  --> {error.context}')
    lines.extend(f'  note: {note}' for note in error.notes)
    if error.hint and (location is None or location.excerpt is None or location.line is None):
        lines.append(f'  help: {error.hint}')
    return '\n'.join(lines)


class TraceError(Da4mlError):
    """A symbolic expression that cannot become a program."""

    code = 'DA1100'


class UnsupportedOperation(TraceError, TypeError):
    """An operation that has no exact fixed-point meaning here."""

    code = 'DA1101'


class UnsupportedAttribute(UnsupportedOperation, AttributeError):
    """A method or property of numpy's arrays that symbolic arrays do not have."""


class SymbolicBool(TraceError, TypeError):
    """A symbolic value was used where Python needs a concrete truth value."""

    code = 'DA1102'


class FormatError(TraceError, ValueError):
    """A number, type or interval that is not a fixed-point one."""

    code = 'DA1103'


class SolveError(Da4mlError):
    """A constant-matrix-vector product that cannot be solved as asked."""

    code = 'DA1200'


class InvalidMatrix(SolveError, ValueError):
    """A matrix, or a description of its inputs, that is not valid; the message names the offending index."""

    code = 'DA1201'


class BudgetExceeded(SolveError):
    """No adder graph fits the depth asked for; ``feasible`` is the smallest depth that one does fit."""

    code = 'DA1202'

    def __init__(self, message: str, *, feasible: int, hint: str = '') -> None:
        super().__init__(message, hint=hint or f'the smallest feasible depth is {feasible}')
        self.feasible = feasible


class SelfCheckFailed(SolveError):
    """The solver's graph does not compute its matrix: a bug of ours."""

    code = 'DA1203'
    exit_code = 70


class IRError(Da4mlError):
    """A program that breaks the laws of the intermediate representation."""

    code = 'DA1300'


class VerificationError(IRError):
    """All violations that the verifier found, one line each in ``violations``."""

    code = 'DA1301'

    def __init__(self, violations: Sequence[str]) -> None:
        self.violations = tuple(violations)
        count = len(self.violations)
        super().__init__(
            f'the program breaks {count} law{"s" if count != 1 else ""} of the IR',
            notes=self.violations[:20],
        )


class ParseError(IRError, ValueError):
    """Text or JSON that is not a program."""

    code = 'DA1302'


class VersionError(IRError, ValueError):
    """A program written by a newer or unknown version of the format."""

    code = 'DA1303'


class InterpError(Da4mlError, ValueError):
    """Data that a program cannot be run on."""

    code = 'DA1400'


class CodegenError(Da4mlError):
    """A program that cannot be written as hardware, or a name that is not a legal identifier."""

    code = 'DA1500'


class FrontendError(Da4mlError):
    """A model file that cannot be read, or a layer that is not supported."""

    code = 'DA1600'


class UnsupportedLayer(FrontendError):
    """A layer, or an option of a layer, that has no exact translation here."""

    code = 'DA1601'


class CorruptModel(FrontendError):
    """A model file that is truncated, inconsistent or not what its suffix says."""

    code = 'DA1602'


class MissingDependency(FrontendError, ImportError):
    """An optional package that this kind of model needs is not installed."""

    code = 'DA1603'
