"""Throughput of the interpreter and of the compiled form, beside alkaid's and da4ml's, in turns.

    python bench/interp/run.py [MODEL.keras ...] [--samples 1000000] [--threads 1,2] [--repeats 3] [--peers PYTHON]

The reference MLP, then each model. Everyone runs the program that its own tracer makes, on the same samples, with
outputs that must be equal in the first 1000. Turns are interleaved; the table has medians, a second (wall) and a CPU
second, and the ratio to alkaid in both. A batch is as many samples as make 50 MB.
PYTHON is the interpreter of an environment with alkaid and da4ml, and for models with Keras, a backend and hgq2.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from mlp import HIDDEN_BITS, INPUT_BITS, layers

import da4ml_core as dc
from da4ml_core.interp import Executable
from da4ml_core.ir import Program
from da4ml_core.trace import Tracer, relu

BATCH_BYTES = 50e6
DA4ML_SHARE = 10  # it runs that part of the samples: it is slow
Run = Callable[[int, int], dict[str, float]]  # threads, rows -> wall, cpu


def reference_mlp() -> Program:
    tracer = Tracer('mlp')
    y = tracer.input((16,)).quantize(*INPUT_BITS)
    kernels = list(layers())
    for index, (kernel, bias) in enumerate(kernels):
        y = y @ kernel + bias
        if index < len(kernels) - 1:
            y = relu(y).quantize(*HIDDEN_BITS)
    return tracer.finish([y])


class Peer:
    """One of the peers with its program of one source."""

    def __init__(self, python: str, package: str, source: str) -> None:
        script = Path(__file__).with_name('peer.py')
        command = [python, str(script), package]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ops = self.ask(trace=source)['ops']

    def ask(self, **command: object) -> dict:
        print(json.dumps(command), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f'{self._process.args} stopped at {command}')
        return json.loads(answer)

    def run(self, threads: int, rows: int) -> dict:
        return self.ask(run=threads, rows=rows)

    def outputs(self, folder: Path) -> np.ndarray:
        self.ask(outputs=str(folder / 'y.npy'))
        return np.load(folder / 'y.npy')


class Ours:
    """Our program, interpreted or compiled."""

    def __init__(self, program: Program, x: np.ndarray, compiled: bool) -> None:
        self._executable = Executable(program)
        self._x = x
        self._compiled = compiled
        self.ops = program.num_ops
        start = time.perf_counter(), time.process_time()
        self._y = self._executable.run(x[:1], compiled=compiled)  # the first use makes the code
        if compiled:
            print(f'{program.name}: ready after {time.perf_counter() - start[0]:.1f} s, or from the cache', flush=True)

    def run(self, threads: int, rows: int) -> dict:
        start = time.perf_counter(), time.process_time()
        self._y = self._executable.run(self._x[:rows], threads=threads, compiled=self._compiled)
        return {'wall': time.perf_counter() - start[0], 'cpu': time.process_time() - start[1]}

    def outputs(self, folder: Path) -> np.ndarray:
        return self._y[:1000]


def compare(source: str, arguments: argparse.Namespace, folder: Path) -> bool:
    """Print the table of one program; whether all outputs are equal."""
    program = reference_mlp() if source == 'mlp' else dc.load_model(source)
    rows = max(1000, min(arguments.samples, int(BATCH_BYTES / 8 / program.num_inputs)))
    batches = -(-arguments.samples // rows)
    x = np.random.default_rng(7).uniform(-6, 6, (rows, *program.input_shapes[0]))
    np.save(folder / 'x.npy', x)
    engines: dict[str, Ours | Peer] = {}
    if arguments.peers:
        engines |= {name: Peer(arguments.peers, name, source) for name in arguments.packages}
    engines |= {'interpreter': Ours(program, x, False), 'compiled': Ours(program, x, True)}
    for engine in engines.values():
        if isinstance(engine, Peer):
            engine.ask(samples=str(folder / 'x.npy'))
    expected = None
    equal = True
    for name, engine in engines.items():
        engine.run(1, 1000)
        outputs = engine.outputs(folder)
        expected = outputs if expected is None else expected
        if not np.array_equal(outputs, expected):
            equal = False
            print(f'outputs of {name} DIFFER')
    if equal:
        print(f'outputs of {", ".join(engines)} equal')
    times: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(arguments.repeats):
        for threads in arguments.threads:
            for name, engine in engines.items():
                parts = max(1, batches // DA4ML_SHARE) if name == 'da4ml' else batches
                count = rows if name != 'da4ml' or batches >= DA4ML_SHARE else max(1000, rows // DA4ML_SHARE)
                taken = [engine.run(threads, count) for _ in range(parts)]
                seconds = tuple(sum(each[kind] for each in taken) / (parts * count) for kind in ('wall', 'cpu'))
                times.setdefault((name, threads), []).append(seconds)
    medians = {key: tuple(median(each) for each in zip(*found, strict=True)) for key, found in times.items()}
    print(f'{Path(source).stem}, {arguments.samples} samples in batches of {rows}, medians of {arguments.repeats}')
    print(f'{"":12} {"ops":>6} threads  ns/sample  CPU ns  M samples/s  times alkaid  in CPU  1 thread / this')
    for (name, threads), (wall, cpu) in medians.items():
        base = medians.get(('alkaid', threads))
        ratios = f'{base[0] / wall:13.2f} {base[1] / cpu:7.2f}' if base else f'{"":21}'
        first = medians[name, arguments.threads[0]][0] / wall
        print(
            f'{name:12} {engines[name].ops:6} {threads:7} {wall * 1e9:10.1f} {cpu * 1e9:7.1f} {1e-6 / wall:12.3f} '
            f'{ratios} {first:16.2f}',
            flush=True,
        )
    return equal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='*')
    parser.add_argument('--samples', type=int, default=1_000_000)
    parser.add_argument('--threads', type=lambda text: [int(n) for n in text.split(',')], default=[1])
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--peers', metavar='PYTHON')
    parser.add_argument('--packages', type=lambda text: text.split(','), default=['alkaid', 'da4ml'])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        equal = [compare(source, arguments, Path(folder)) for source in ('mlp', *arguments.models)]
    sys.exit(not all(equal))


if __name__ == '__main__':
    main()
