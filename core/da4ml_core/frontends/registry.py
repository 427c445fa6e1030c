"""Model files by suffix, and functions by name: which reader a source needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from da4ml_core.errors import FrontendError, Location
from da4ml_core.frontends.plugins import find_plugin, plugin_suffixes
from da4ml_core.frontends.python_function import is_function_source, load_function
from da4ml_core.ir.collection import collector_rests

if TYPE_CHECKING:
    from da4ml_core.fixed import FixedType
    from da4ml_core.ir import Program
    from da4ml_core.trace import SolverOptions

Reader = Callable[[Path, 'SolverOptions | None', 'FixedType | str | None', str], 'Program']


def _keras(path: Path, solver: SolverOptions | None, input_type: FixedType | str | None, softmax: str) -> Program:
    from da4ml_core.frontends.keras_file import load_keras

    if input_type is not None:
        raise FrontendError(
            'an input type is for models that do not quantize their inputs; those of Keras do',
            location=Location(str(path)),
            hint='leave it out',
        )
    if softmax != 'drop':
        raise FrontendError(
            'only the softmax of an .onnx model is kept by choice; a QSoftmax is exact as it is',
            location=Location(str(path)),
            hint='leave the choice out',
        )
    return load_keras(path, solver)


def _qonnx(path: Path, solver: SolverOptions | None, input_type: FixedType | str | None, softmax: str) -> Program:
    from da4ml_core.frontends.qonnx_file import load_qonnx

    return load_qonnx(path, solver, input_type, softmax)


def _pt2(path: Path, solver: SolverOptions | None, input_type: FixedType | str | None, softmax: str) -> Program:
    from da4ml_core.frontends.pytorch.archive import read_pt2
    from da4ml_core.frontends.qonnx_file import noted, program_of

    return noted(program_of(read_pt2(path), solver, input_type, softmax))


PICKLES = ('.pt', '.pth', '.pkl', '.pickle')
READERS: Mapping[str, Reader] = MappingProxyType({'.keras': _keras, '.h5': _keras, '.onnx': _qonnx, '.pt2': _pt2})


def load(
    path: str | Path,
    solver: SolverOptions | None = None,
    input_type: FixedType | str | None = None,
    softmax: str = 'drop',
) -> Program:
    """The program of a model file of any known kind; raises FrontendError for an unknown suffix.

    ``input_type`` is for models that compute with their inputs before they quantize them, say ``'fixed<3,12>'``.
    ``softmax`` at the end of an ONNX model is dropped ('drop'), or computed by tables ('keep').
    """
    with collector_rests():
        return _loaded(Path(path), solver, input_type, softmax)


def _loaded(path: Path, solver: SolverOptions | None, input_type: FixedType | str | None, softmax: str) -> Program:
    if is_function_source(path):
        return load_function(path, solver, input_type)
    check_no_pickle(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        plugin = find_plugin(path.suffix)
        if plugin is not None:
            return _checked(plugin(path, solver or _default_solver(), input_type), path)
        raise FrontendError(
            f'no reader for {path.suffix or "files without a suffix"}',
            location=Location(str(path)),
            hint=f'known suffixes: {", ".join([*READERS, *plugin_suffixes()])}',
        )
    return reader(path, solver, input_type, softmax)


def check_no_pickle(path: Path) -> None:
    """Raise FrontendError for files that can only be read by executing what they say."""
    if path.suffix.lower() in PICKLES:
        raise FrontendError(
            f'{path.suffix} files are pickles, which execute code when they are read: they are refused',
            location=Location(str(path)),
            hint='of torch: torch.export.save(torch.export.export(module, (x,)), "model.pt2"), '
            'or a function that makes the module: python:file.py:function',
        )


def _default_solver() -> SolverOptions:
    from da4ml_core.trace import SolverOptions

    return SolverOptions()


def _checked(program: object, path: Path) -> Program:
    """What a plugin returned, verified: code of others is trusted no more than a file."""
    from da4ml_core.ir import Program
    from da4ml_core.ir.verify import verify

    if not isinstance(program, Program):
        raise FrontendError(
            f'the reader of {path.suffix} files returned a {type(program).__name__}, no program',
            location=Location(str(path)),
        )
    verify(program)
    return program
