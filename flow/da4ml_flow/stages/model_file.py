"""What the flow takes for a model: a model file that a frontend reads, or a program that was saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from da4ml_core.ir import Program

PROGRAM_SUFFIXES = ('.json', '.json.gz')


def load_model(path: Path, *, extra_depth: int | None, effort: str, device: str) -> Program:
    """The program; a saved one is taken as it is. Raises FrontendError, IRError."""
    if path.name.endswith(PROGRAM_SUFFIXES):
        from da4ml_core.ir.serialize import load_program

        return load_program(path)
    from da4ml_core.frontends import load
    from da4ml_core.trace import SolverOptions

    return load(path, solver=SolverOptions(extra_depth=extra_depth, effort=effort, device=device))
