"""Model files by suffix: which reader a path needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from da4ml_core.errors import FrontendError, Location

if TYPE_CHECKING:
    from da4ml_core.ir import Program
    from da4ml_core.trace import SolverOptions

Reader = Callable[[str | Path, 'SolverOptions | None'], 'Program']


def _keras(path: str | Path, solver: SolverOptions | None) -> Program:
    from da4ml_core.frontends.keras_file import load_keras

    return load_keras(path, solver)


READERS: Mapping[str, Reader] = MappingProxyType({'.keras': _keras})


def load(path: str | Path, solver: SolverOptions | None = None) -> Program:
    """The program of a model file of any known kind; raises FrontendError for an unknown suffix."""
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise FrontendError(
            f'no reader for {path.suffix or "files without a suffix"}',
            location=Location(str(path)),
            hint=f'known suffixes: {", ".join(READERS)}',
        )
    return reader(path, solver)
