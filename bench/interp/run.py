"""Throughput of the batch interpreter, a second and a CPU second; optionally beside alkaid's.

    python bench/interp/run.py [program.json.gz ...] [--samples 1000000] [--threads 1,2] [--peers PYTHON]

Without programs it traces the reference MLP, which is also what a peer runs, from the same weights on the same samples;
its outputs must be equal. PYTHON is the interpreter of an environment that has alkaid.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from mlp import HIDDEN_BITS, INPUT_BITS, layers, samples

from da4ml_core.interp import Executable
from da4ml_core.ir import Program
from da4ml_core.ir.serialize import load_program
from da4ml_core.trace import Tracer, relu


def reference_mlp() -> Program:
    tracer = Tracer('mlp')
    y = tracer.input((16,)).quantize(*INPUT_BITS)
    kernels = list(layers())
    for index, (kernel, bias) in enumerate(kernels):
        y = y @ kernel + bias
        if index < len(kernels) - 1:
            y = relu(y).quantize(*HIDDEN_BITS)
    return tracer.finish([y])


def measure(program: Program, x: np.ndarray, threads: int, repeats: int) -> dict:
    executable = Executable(program)
    executable.run(x[:1000])  # the microcode is made on first use
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter(), time.process_time()
        executable.run(x, threads=threads)
        seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return {
        'name': program.name,
        'ops': program.num_ops,
        'samples': len(x),
        'threads': threads,
        'seconds': min(wall for wall, _ in seconds),
        'cpu': min(cpu for _, cpu in seconds),
    }


def show(record: dict) -> None:
    rate = record['samples'] / record['seconds'] / 1e6
    per_cpu = record['samples'] / record['cpu'] / 1e6
    print(
        f'{record["name"]:24} {record["ops"]:6} ops {record["threads"]:2} threads {record["seconds"]:7.3f} s '
        f'{rate:8.3f} M samples/s {rate * record["ops"] / 1e3:6.2f} G op/s; '
        f'a CPU second: {per_cpu:8.3f} M samples {per_cpu * record["ops"] / 1e3:6.2f} G op',
        flush=True,
    )


def compare_with_peer(python: str, program: Program, count: int, repeats: int, threads: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        outputs = Path(directory) / 'outputs.npy'
        script = Path(__file__).with_name('alkaid_peer.py')
        command = [python, str(script), str(count), str(repeats), threads, str(outputs)]
        result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        for line in result.stdout.splitlines():
            show(json.loads(line))
        equal = np.array_equal(np.load(outputs), Executable(program).run(samples(count)[:1000]))
        print(f'outputs {"equal" if equal else "DIFFER"} in the first {min(count, 1000)} samples')
    if not equal:
        sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('programs', nargs='*', type=Path)
    parser.add_argument('--samples', type=int, default=1_000_000)
    parser.add_argument('--threads', default='1')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--peers', metavar='PYTHON')
    arguments = parser.parse_args()
    threads = [int(n) for n in arguments.threads.split(',')]
    for path in arguments.programs:
        program = load_program(path)
        x = np.random.default_rng(7).uniform(-6, 6, (arguments.samples, program.num_inputs))
        for count in threads:
            show(measure(program, x, count, arguments.repeats))
    if not arguments.programs or arguments.peers:
        program = reference_mlp()
        for count in threads:
            show(measure(program, samples(arguments.samples), count, arguments.repeats))
        if arguments.peers:
            compare_with_peer(arguments.peers, program, arguments.samples, arguments.repeats, arguments.threads)


if __name__ == '__main__':
    main()
