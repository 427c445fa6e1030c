"""Model files by suffix: which reader a path needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from da4ml_core.errors import FrontendError, Location

if TYPE_CHECKING:
    from da4ml_core.fixed import FixedType
    from da4ml_core.ir import Program
    from da4ml_core.trace import SolverOptions

Reader = Callable[[Path, 'SolverOptions | None', 'FixedType | str | None'], 'Program']


def _keras(path: Path, solver: SolverOptions | None, input_type: FixedType | str | None) -> Program:
    from da4ml_core.frontends.keras_file import load_keras

    if input_type is not None:
        raise FrontendError(
            'an input type is for models that do not quantize their inputs; those of Keras do',
            location=Location(str(path)),
            hint='leave it out',
        )
    return load_keras(path, solver)


def _qonnx(path: Path, solver: SolverOptions | None, input_type: FixedType | str | None) -> Program:
    from da4ml_core.frontends.qonnx_file import load_qonnx

    return load_qonnx(path, solver, input_type)


READERS: Mapping[str, Reader] = MappingProxyType({'.keras': _keras, '.h5': _keras, '.onnx': _qonnx})


def load(path: str | Path, solver: SolverOptions | None = None, input_type: FixedType | str | None = None) -> Program:
    """The program of a model file of any known kind; raises FrontendError for an unknown suffix.

    ``input_type`` is for models that compute with their inputs before they quantize them, say ``'fixed<3,12>'``.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise FrontendError(
            f'no reader for {path.suffix or "files without a suffix"}',
            location=Location(str(path)),
            hint=f'known suffixes: {", ".join(READERS)}',
        )
    return reader(path, solver, input_type)
