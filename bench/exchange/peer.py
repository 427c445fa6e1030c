"""The side of the peers: runs the programs of a folder, or traces, runs and saves random ones of its own.

Runs in their environment. `peer.py run FOLDER` compares with the recorded outputs, and saves each program again;
alkaid also converts each by its command, to its JSON, which is run as well, and to Verilog;
`peer.py trace FOLDER FIRST LAST` makes programs of these seeds; `peer.py convert FOLDER MODEL ...` traces models by
their own front ends, for which Keras and HGQ2 must be there. Prints one JSON object, on the last line.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections import Counter
from contextlib import redirect_stdout
from importlib.metadata import entry_points
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

PEERS = {'da4ml': '.dais.json', 'alkaid': '.alir.json'}


def run(folder: Path) -> dict[str, Any]:
    """How many programs give the recorded outputs in each interpreter, and which do not."""
    counts: Counter[str] = Counter()
    wrong = []
    for record in sorted(folder.glob('*.npz')):
        data = np.load(record)
        x, y = data['x'], data['y'].reshape(len(data['x']), -1)
        stem = str(record)[:-4]
        found = {}
        for package, suffix in PEERS.items():
            program = importlib.import_module(f'{package}.types').CombLogic.load(stem + suffix)
            found[suffix] = program.predict(x)
            program.save(f'{stem}_again{suffix}')
        words = np.fromfile(stem + '.dais', dtype='<i4').astype(np.int32)
        interpret = importlib.import_module('da4ml.types').dais_interp_run
        found['.dais'] = interpret(words, np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float64), 1)
        for suffix, outputs in found.items():
            same = np.array_equal(np.asarray(outputs).reshape(y.shape), y)
            counts[f'{suffix} {"same" if same else "different"}'] += 1
            if not same:
                wrong.append(record.stem + suffix)
        outcome = _converted(Path(stem + '.alir.json'), x, y)
        counts[f'converted: {outcome}'] += 1
        if outcome != 'same':
            wrong.append(f'{record.stem}: {outcome}')
    return {**counts, 'wrong': wrong}


def _converted(path: Path, x: Any, y: Any) -> str:
    """What becomes of a program that alkaid converts, which optimizes it anew, to its JSON and to Verilog."""
    command = entry_points(group='console_scripts', name='alkaid')['alkaid'].load()
    with TemporaryDirectory() as scratch:
        target = f'{scratch}/converted.alir.json'
        for flavor, place in (('json', target), ('verilog', f'{scratch}/verilog')):
            sys.argv = ['alkaid', 'convert', str(path), place, '--flavor', flavor]
            try:
                with redirect_stdout(StringIO()):
                    command()
            except (Exception, SystemExit) as cause:  # of theirs, of any kind
                return f'{flavor} refused: {type(cause).__name__} {str(cause)[:200]}'
        outputs = importlib.import_module('alkaid.types').CombLogic.load(target).predict(x.reshape(len(x), -1))
    return 'same' if np.array_equal(np.asarray(outputs).reshape(y.shape), y) else 'different'


def trace(folder: Path, first: int, last: int) -> dict[str, Any]:
    """Random programs of each peer with their outputs; those that it cannot trace or run are only counted.

    da4ml can also replay its operations in Python: where its interpreter gives something else, the replay is recorded.
    """
    counts: Counter[str] = Counter()
    unlike_replay = []
    for package, suffix in PEERS.items():
        tracing = importlib.import_module(f'{package}.trace')
        for seed in range(first, last):
            try:
                program = _random_program(package, tracing, seed)
                x = np.random.default_rng(seed).integers(-64, 64, (64, 4)) / 8
                y = np.asarray(program.predict(x))
                if package == 'da4ml':
                    replayed = np.array([[float(value) for value in program(row, quantize=True)] for row in x])
                    if not np.array_equal(y.reshape(replayed.shape), replayed):
                        unlike_replay.append(seed)
                        y = replayed
                np.savez(folder / f'{package}{seed}.npz', x=x, y=y)
                program.save(folder / f'{package}{seed}{suffix}')
                if package == 'da4ml':
                    program.save_binary(folder / f'{package}{seed}.dais')
            except Exception as cause:  # of theirs, of any kind
                counts[f'{package} {type(cause).__name__}'] += 1
                continue
            counts[f'{package} traced'] += 1
    return {**counts, "da4ml's interpreter unlike its replay": unlike_replay}


def convert(folder: Path, models: list[str]) -> dict[str, Any]:
    """How many of their programs of models give the recorded outputs in their own interpreter; all are saved."""
    keras = importlib.import_module('keras')
    importlib.import_module('hgq')
    counts: Counter[str] = Counter()
    for name in models:
        path = Path(name)
        record = np.load(path.with_suffix('.io.npz'))
        x = np.asarray(record['x'], dtype=np.float64).reshape(len(record['x']), -1)
        model = keras.models.load_model(path, compile=False)
        for package, suffix in PEERS.items():
            tracing = importlib.import_module(f'{package}.trace')
            trace_arrays = tracing.trace if package == 'alkaid' else tracing.comb_trace
            program = trace_arrays(*importlib.import_module(f'{package}.converter').trace_model(model))
            y = np.asarray(program.predict(x))
            counts[f'{package} {"as" if np.array_equal(y, record["y"].reshape(y.shape)) else "not as"} recorded'] += 1
            np.savez(folder / f'{package}_{path.stem}.npz', x=x, y=y)
            program.save(folder / f'{package}_{path.stem}{suffix}')
            if package == 'da4ml':
                program.save_binary(folder / f'{package}_{path.stem}.dais')
    return dict(counts)


def _ints(*numbers: int) -> list[Any]:
    return [np.full(4, number, dtype=int) for number in numbers]


def _random_program(package: str, tracing: Any, seed: int) -> Any:
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    relu = importlib.import_module(f'{package}.trace.ops').relu
    is_new = package == 'alkaid'
    inputs = (tracing.FVArrayInput if is_new else tracing.FixedVariableArrayInput)((4,))
    values = [inputs.quantize(*_ints(rng.randint(0, 1), rng.randint(1, 3), rng.randint(0, 3)))]
    for _ in range(rng.randint(3, 8)):
        a, b = rng.choice(values), rng.choice(values)
        mode = {
            'round_mode': rng.choice(['TRN', 'RND']),
            'overflow_mode': rng.choice(['WRAP', 'SAT', 'SAT_SYM']),
        }
        made = rng.choice(
            [
                lambda a=a: (a @ (numbers.integers(-8, 8, (4, 4)) / 4)).quantize(*_ints(1, 6, 3)),
                lambda a=a, b=b: (a + b * 2.0 ** rng.randint(-2, 2)).quantize(*_ints(1, 6, 3)),
                lambda a=a, b=b: (a - b).quantize(*_ints(1, 6, 3)),
                lambda a=a, b=b: relu(a - b, *_ints(4, 2)),
                lambda a=a, mode=mode: a.quantize(*_ints(1, 3, 1), **mode),
                lambda a=a, b=b: np.maximum(a, b),
                lambda a=a: np.abs(a),
                lambda a=a, b=b: (a * b).quantize(*_ints(1, 6, 3)),
                lambda a=a: np.sin(a.quantize(*_ints(1, 2, 2))).quantize(*_ints(1, 1, 4)),
                lambda a=a, b=b: rng.choice([lambda: a & b, lambda: a | b, lambda: a ^ b])(),
                lambda a=a: ~a,
            ]
        )()
        values.append(made)
    return (tracing.trace if is_new else tracing.comb_trace)(inputs, np.concatenate(values[-2:]))


if __name__ == '__main__':
    command, place, *rest = sys.argv[1:]
    if command == 'run':
        print(json.dumps(run(Path(place))))
    elif command == 'trace':
        print(json.dumps(trace(Path(place), *map(int, rest))))
    else:
        print('\n' + json.dumps(convert(Path(place), rest)))
