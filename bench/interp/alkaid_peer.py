"""Interpreter throughput of alkaid on the reference MLP; runs in an environment of its own and prints JSON."""

import json
import sys
import time

import numpy as np
from alkaid.trace import FVArrayInput, trace
from mlp import HIDDEN_BITS, INPUT_BITS, layers, samples


def main(count: int, repeats: int, threads: list[int], outputs: str) -> None:
    inputs = FVArrayInput((16,))
    y = inputs.quantize(*(int(bits) for bits in INPUT_BITS))
    kernels = list(layers())
    for index, (kernel, bias) in enumerate(kernels):
        y = y @ kernel + bias
        if index < len(kernels) - 1:
            y = y.relu().quantize(*(int(bits) for bits in HIDDEN_BITS))
    program = trace(inputs, y)
    x = samples(count)
    for n_threads in threads:
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter(), time.process_time()
            result = program.predict(x, n_threads=n_threads)
            seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
        record = {
            'name': 'alkaid mlp',
            'ops': len(program.ops),
            'samples': count,
            'threads': n_threads,
            'seconds': min(wall for wall, _ in seconds),
            'cpu': min(cpu for _, cpu in seconds),
        }
        print(json.dumps(record), flush=True)
    np.save(outputs, result[:1000])


if __name__ == '__main__':
    main(int(sys.argv[1]), int(sys.argv[2]), [int(n) for n in sys.argv[3].split(',')], sys.argv[4])
