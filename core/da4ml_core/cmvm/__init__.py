"""The solver of constant-matrix-vector products."""

from da4ml_core.cmvm.solution import Adder, Solution
from da4ml_core.cmvm.solver import solve

__all__ = ['Adder', 'Solution', 'solve']
