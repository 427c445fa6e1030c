"""How long retiming and emission of a large program take: a model, or a perceptron of random weights.

    python bench/pipeline/large.py --model MODEL.keras

CPU seconds of one thread. Without a model it is a perceptron with tens of thousands of operations.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import da4ml_core as dc
from da4ml_core.codegen import emit_verilog, emit_vhdl
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', type=Path, help='.keras, .h5, .onnx or .json.gz instead of the perceptron')
    parser.add_argument('--width', type=int, default=64)
    parser.add_argument('--layers', type=int, default=8)
    options = parser.parse_args()
    start = time.process_time()
    program = dc.load_model(options.model) if options.model else perceptron(options.width, options.layers)
    print(f'{program.num_ops} ops, made in {time.process_time() - start:.1f} s')
    limits = [*({'max_levels': levels} for levels in (1, 2, 3, 4, 6)), {'max_delay_ns': 4.0}, {'stages': 12}]
    for limit in limits:
        start = time.process_time()
        plan = schedule(program, **limit)
        seconds = time.process_time() - start
        emission = []
        for emit in (emit_verilog, emit_vhdl):
            start = time.process_time()
            emit(plan, 'kernel')
            emission.append(f'{time.process_time() - start:.1f}')
        print(
            f'{limit}: {plan.num_stages} stages, {plan.register_bits} bits, retimed in {seconds:.1f} s, '
            f'Verilog in {emission[0]} s, VHDL in {emission[1]} s',
            flush=True,
        )


if __name__ == '__main__':
    main()
