"""Run a traced program on exact numbers with the reference interpreter."""

from fractions import Fraction

import numpy as np
import pytest

from da4ml_core.interp.ports import exact_code
from da4ml_core.interp.reference import evaluate


@pytest.fixture(scope='session')
def run():
    """Outputs, as arrays of Fractions, of a program on one sample of external numbers."""

    def run_program(program, *inputs):
        flat = [number for x in inputs for number in np.asarray(x).reshape(-1).tolist()]
        codes = [exact_code(flat[port.position], port.quantization) for _, port in program.input_ops()]
        results = iter(evaluate(program, codes))
        numbers = [Fraction(next(results)) * Fraction(2) ** interval.exp for interval in program.output_intervals]
        outputs, start = [], 0
        for shape in program.output_shapes:
            size = int(np.prod(shape))
            array = np.empty(size, dtype=object)
            array[:] = numbers[start : start + size]
            outputs.append(array.reshape(shape))
            start += size
        return outputs

    return run_program
