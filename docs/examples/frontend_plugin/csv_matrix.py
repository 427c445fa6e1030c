"""A matrix in a .csv file, one row an input, as the program that multiplies by it."""

from pathlib import Path

import numpy as np

from da4ml_core.errors import CorruptModel, Location
from da4ml_core.frontends.qonnx_file import parse_type
from da4ml_core.ir import Program
from da4ml_core.trace import SolverOptions, Tracer


def load_csv(path: Path, solver: SolverOptions, input_type: str | None) -> Program:
    """The program of a file; its inputs are fixed<3,4> unless an input type says otherwise."""
    try:
        matrix = np.loadtxt(path, delimiter=',', ndmin=2)
    except ValueError as error:
        raise CorruptModel(f'this is no matrix: {error}', location=Location(str(path))) from None
    tracer = Tracer(path.stem, solver=solver)
    x = tracer.input((len(matrix),), name='x').quantize(*parse_type(input_type or 'fixed<3,4>'), 'RND', 'SAT')
    return tracer.finish(x @ matrix)
