"""What the flow takes for a model: a model file that a frontend reads, or a program that was saved."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from da4ml_core.errors import FrontendError, Location

if TYPE_CHECKING:
    from da4ml_core.ir import Program

PROGRAM_SUFFIXES = ('.json', '.json.gz', '.dais')
_ARCHITECTURE_HEAD = 400  # bytes in which the class of a model is named


def load_model(
    path: Path,
    *,
    extra_depth: int | None,
    effort: str,
    device: str,
    max_operands: int | None = None,
    tables: bool = False,
    input_type: str | None = None,
    softmax: str = 'drop',
    report: Callable[[str], None] = lambda text: None,
) -> Program:
    """The program; a saved one is taken as it is. Raises FrontendError, IRError.

    What a reader warns of, say an ending that it left out, goes to ``report``.
    """
    if path.name.endswith(PROGRAM_SUFFIXES):
        from da4ml_core.api import load as load_program

        if input_type is not None:
            raise FrontendError('a program has the types of its inputs', location=Location(str(path)))
        _refuse_architecture(path)
        return load_program(path)
    from da4ml_core.frontends import load
    from da4ml_core.trace import SolverOptions

    solver = SolverOptions(
        extra_depth=extra_depth, effort=effort, device=device, max_operands=max_operands, tables=tables
    )
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter('always')
        program = load(path, solver=solver, input_type=input_type, softmax=softmax)
    for warning in noted:
        report(f'note: {warning.message}')
    return program


def _refuse_architecture(path: Path) -> None:
    """Raise FrontendError for the architecture of a Keras model, whose suffix is that of a program."""
    if path.suffix != '.json' or not path.is_file():
        return
    with path.open('rb') as file:
        start = file.read(_ARCHITECTURE_HEAD)
    if b'"class_name"' in start:
        raise FrontendError(
            'this is the architecture of a Keras model, without quantizers, and no program',
            location=Location(str(path)),
            hint='quantize it with the section `quantization`; its weights lie beside it, or in model.weights',
        )
