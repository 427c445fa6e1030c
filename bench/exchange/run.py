"""Programs exchanged with da4ml and alkaid, both ways: ours in their interpreters, theirs in ours, bit by bit.

    python bench/exchange/run.py --peers PYTHON [--programs 500] [MODEL ...]

`PYTHON` is that of an environment with da4ml and alkaid, and for models with Keras and HGQ2. Random programs over every
operation, every other pair of them optimized, and models (.keras with their recorded inputs beside them as .io.npz), as
loaded and optimized, are written as .dais, .dais.json and .alir.json, run by the peers on our inputs, saved by the
peers, and read again; alkaid's own `convert` takes each to JSON and to Verilog. Random programs of their tracers, and
models that they have traced themselves, are read and run by us.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import da4ml_core as dc
from da4ml_core.api import EXCHANGE_SUFFIXES
from da4ml_core.ir import InputPort, Program, Quantization

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / 'tests'))


def plain_ports(program: Program) -> Program:
    """The program with ports that convert as the formats do."""
    ops = tuple(
        op._replace(attribute=op.attribute._replace(quantization=Quantization(op.attribute.quantization.type)))
        if isinstance(op.attribute, InputPort)
        else op
        for op in program.ops
    )
    return replace(program, ops=ops)


def write(folder: Path, name: str, program: Program, x: Any) -> None:
    program = dc.Program.of(program)
    np.savez(folder / f'{name}.npz', x=x, y=program.predict(x))
    for suffix in EXCHANGE_SUFFIXES[:3]:
        program.save(folder / f'{name}{suffix}')


def read(folder: Path) -> dict[str, Any]:
    """How many files of each kind give the recorded outputs in our interpreter."""
    counts: Counter[str] = Counter()
    wrong = []
    for record in sorted(folder.glob('*.npz')):
        data = np.load(record)
        for again in ('', '_again'):
            for suffix in EXCHANGE_SUFFIXES[:3]:
                path = record.with_name(f'{record.stem}{again}{suffix}')
                if path.exists():
                    found = dc.load(path).predict(data['x'].reshape(len(data['x']), -1))
                    same = np.array_equal(found.reshape(data['y'].shape), data['y'])
                    counts[f'{again}{suffix} {"same" if same else "different"}'] += 1
                    wrong += [] if same else [path.name]
    return {**counts, 'wrong': wrong}


def main() -> None:
    from random_programs import random_program

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', type=Path, nargs='*')
    parser.add_argument('--peers', required=True, metavar='PYTHON')
    parser.add_argument('--programs', type=int, default=500)
    options = parser.parse_args()

    def peer(*arguments: object) -> Any:
        command = [options.peers, str(HERE / 'peer.py'), *map(str, arguments)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(printed.splitlines()[-1])

    with TemporaryDirectory() as scratch:
        ours, theirs = Path(scratch) / 'ours', Path(scratch) / 'theirs'
        ours.mkdir()
        theirs.mkdir()
        for seed in range(options.programs):
            rng = random.Random(seed)
            program = dc.Program.of(plain_ports(random_program(rng, num_ops=25, narrow=seed % 2 == 0)))
            program = program.optimize() if seed % 4 > 1 else program
            write(
                ours,
                f'random{seed}',
                program,
                np.array([[rng.randrange(-4096, 4096) / 64 for _ in range(4)] for _ in range(64)]),
            )
        for model in options.models:
            x = np.load(model.with_name(model.name.removesuffix(model.suffix) + '.io.npz'))['x']
            program = dc.load_model(model)
            write(ours, model.stem, program, np.asarray(x, dtype=np.float64))
            write(ours, f'{model.stem}_optimized', program.optimize(), np.asarray(x, dtype=np.float64))
        print('ours in theirs:', json.dumps(peer('run', ours)))
        print('ours in ours, as written and as saved again by them:', json.dumps(read(ours)))
        print('theirs, traced:', json.dumps(peer('trace', theirs, 0, options.programs)))
        if options.models:
            print('theirs, of models:', json.dumps(peer('convert', theirs, *options.models)))
        print('theirs in ours:', json.dumps(read(theirs)))


if __name__ == '__main__':
    main()
