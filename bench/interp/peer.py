"""A peer's interpreter, resident in an environment of its own: one JSON command a line in, one JSON answer a line out.

`peer.py alkaid|da4ml`. Commands: {"trace": "mlp" or a Keras model}, {"samples": x.npy}, {"run": threads, "rows": n},
{"outputs": y.npy}. Its own program of each source, from its own tracer.
"""

import importlib
import json
import os
import sys
import time
from typing import Any

import numpy as np
from mlp import HIDDEN_BITS, INPUT_BITS, layers


def traced(package: str, source: str) -> Any:
    """The peer's program of a model, or of the reference MLP."""
    tracing = importlib.import_module(f'{package}.trace')
    trace = tracing.trace if package == 'alkaid' else tracing.comb_trace
    if source != 'mlp':
        os.environ.setdefault('KERAS_BACKEND', 'torch')
        importlib.import_module('hgq')  # registers its layers
        model = importlib.import_module('keras').models.load_model(source, compile=False)
        inputs, outputs = importlib.import_module(f'{package}.converter').trace_model(model)
        return trace(inputs, outputs)
    inputs = (tracing.FVArrayInput if package == 'alkaid' else tracing.FixedVariableArrayInput)((16,))
    relu = importlib.import_module(f'{package}.trace.ops').relu
    y = inputs.quantize(*(np.full(16, int(bits), dtype=int) for bits in INPUT_BITS))
    kernels = list(layers())
    for index, (kernel, bias) in enumerate(kernels):
        y = y @ kernel + bias
        if index < len(kernels) - 1:
            y = relu(y).quantize(*(np.full(len(bias), int(bits), dtype=int) for bits in HIDDEN_BITS))
    return trace(inputs, y)


def main(package: str) -> None:
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # what libraries print is no answer
    program = x = y = None
    for line in sys.stdin:
        command = json.loads(line)
        answer = {}
        if 'trace' in command:
            program = traced(package, command['trace'])
            answer = {'ops': len(program.ops)}
        elif 'samples' in command:
            x = np.load(command['samples'])
        elif 'run' in command:
            rows = x[: command['rows']]
            start = time.perf_counter(), time.process_time()
            y = program.predict(rows, n_threads=command['run'])
            answer = {'wall': time.perf_counter() - start[0], 'cpu': time.process_time() - start[1]}
        else:
            np.save(command['outputs'], np.asarray(y).reshape(len(y), -1)[:1000])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == '__main__':
    main(sys.argv[1])
