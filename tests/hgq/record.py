"""Gather a folder that random_layers.py wrote into the recorded set: `python record.py FOLDER recorded.json.xz`.

One JSON document of all models, compressed as a whole: their configurations have most of their text in common.
"""

import io
import json
import lzma
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np

NUM_SAMPLES = 12
TRAINING_ONLY = ('initializer', 'regularizer', 'constraint')


def main() -> None:
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    models = [recorded(path) for path in sorted(folder.glob('*.keras'))]
    text = json.dumps(models, separators=(',', ':'))
    target.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f'{len(models)} models, {target.stat().st_size} bytes')


def recorded(path: Path) -> dict:
    arrays: dict = {}
    names: dict = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = {'shape': item.shape, 'values': np.asarray(item[()], dtype=float).ravel().tolist()}
        elif name.endswith('vars') and len(item):
            names[name] = str(item.attrs.get('name', ''))

    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read('config.json'))
        with h5py.File(io.BytesIO(archive.read('model.weights.h5'))) as root:
            root.visititems(visit)
    with np.load(path.with_suffix('.npz')) as samples:
        data = {name: samples[name][:NUM_SAMPLES].tolist() for name in samples.files}
    return {'name': path.stem, 'config': pruned(config), 'arrays': arrays, 'names': names, 'samples': data}


def pruned(value):
    """The configuration without what only training and building need."""
    if isinstance(value, list):
        return [pruned(item) for item in value]
    if not isinstance(value, dict):
        return value
    dropped = ('build_config', 'compile_config', 'shared_object_id', 'ic', 'ir', 'bc', 'br', 'fc', 'fr', 'beta0')
    return {
        key: pruned(item)
        for key, item in value.items()
        if key not in dropped and not any(key.endswith(word) for word in TRAINING_ONLY)
    }


if __name__ == '__main__':
    main()
