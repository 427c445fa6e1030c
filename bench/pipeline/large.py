"""How long retiming takes on a large program: a perceptron of random weights, with tens of thousands of operations."""

from __future__ import annotations

import argparse
import time

import numpy as np

from da4ml_core.ir import Program
from da4ml_core.passes.schedule import schedule
from da4ml_core.trace import SolverOptions, Tracer, relu


def perceptron(width: int, layers: int) -> Program:
    """Dense layers of 8-bit weights and activations."""
    rng = np.random.default_rng(1)
    tracer = Tracer('perceptron', solver=SolverOptions(extra_depth=2, effort='fast', max_operands=2))
    y = tracer.input((width,), name='x').quantize(True, 3, 4)
    for _ in range(layers):
        y = relu(y @ (rng.integers(-127, 128, (width, width)) / 128)).quantize(False, 4, 4)
    return tracer.finish([y])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--width', type=int, default=64)
    parser.add_argument('--layers', type=int, default=8)
    options = parser.parse_args()
    program = perceptron(options.width, options.layers)
    limits = [*({'max_levels': levels} for levels in (1, 2, 3, 4, 6)), {'max_delay_ns': 4.0}, {'stages': 12}]
    for limit in limits:
        start = time.process_time()
        plan = schedule(program, **limit)
        seconds = time.process_time() - start
        print(f'{program.num_ops} ops, {limit}: {plan.num_stages} stages, {plan.register_bits} bits, {seconds:.1f} s')


if __name__ == '__main__':
    main()
