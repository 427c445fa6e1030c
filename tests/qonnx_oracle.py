"""ONNX models with the outputs that qonnx computes for them: recorded ones, and new ones from a generator."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np

from da4ml_core.frontends.qonnx_file import read_qonnx
from da4ml_core.interp import predict
from da4ml_core.trace import SolverOptions

FAST = SolverOptions(effort='fast')
NUM_RECORDED = 12


def check(path: Path, x: np.ndarray, expected: np.ndarray) -> None:
    """Every output of a model is the same."""
    model = read_qonnx(path, FAST)
    y = model.finish(predict(model.program, x)).reshape(expected.shape)
    assert np.count_nonzero(y != expected) == 0, path.name


def check_recorded(archive: Path, index: int, folder: Path) -> None:
    with np.load(archive) as recorded:
        path = folder / f'{archive.stem}_{index}.onnx'
        path.write_bytes(recorded[f'model_{index}'].tobytes())
        check(path, recorded[f'x_{index}'], recorded[f'y_{index}'])


def check_generated(python: str, generator: Path, seed: int, count: int, folder: Path) -> Counter[str]:
    """Check new models of a generator, run by a Python with qonnx; how often they have each operation."""
    subprocess.run([python, '-W', 'ignore', str(generator), str(folder), str(seed), str(count)], check=True)
    used: Counter[str] = Counter()
    for path in sorted(folder.glob('*.onnx')):
        recorded = np.load(path.with_suffix('.npz'))
        check(path, recorded['x'], recorded['y'])
        used.update(json.loads(path.with_suffix('.json').read_text()))
    return used


def record(folder: Path, archive: Path) -> None:
    """Write the recorded set from the first models of a folder that a generator filled."""
    arrays = {}
    for index, path in enumerate(sorted(folder.glob('*.onnx'))[:NUM_RECORDED]):
        arrays[f'model_{index}'] = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        with np.load(path.with_suffix('.npz')) as data:
            arrays |= {f'{name}_{index}': data[name] for name in ('x', 'y')}
    np.savez_compressed(archive, **arrays)
