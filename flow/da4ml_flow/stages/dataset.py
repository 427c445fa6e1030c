"""Samples and labels out of an .npz file, checked."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from da4ml_flow.config.model import DatasetConfig
from da4ml_flow.config.nearest import nearest
from da4ml_flow.errors import DatasetError, Location


class Dataset(NamedTuple):
    """Samples along the first axis, and the class of each if known."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64] | None


def load_dataset(config: DatasetConfig) -> Dataset:
    """The dataset of a configuration; raises DatasetError."""
    inputs = load_array(config.path, config.inputs, key='model.dataset.inputs')
    if config.labels is None:
        return Dataset(inputs, None)
    labels = load_array(config.path, config.labels, key='model.dataset.labels')
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(axis=1)  # one-hot
    labels = labels.reshape(len(labels), -1)
    if labels.shape != (len(inputs), 1) or not np.array_equal(labels, np.rint(labels)):
        raise _error(
            config.path,
            f'array {config.labels!r} of shape {labels.shape} holds no class label for each of {len(inputs)} samples',
            'model.dataset.labels',
            'integers, or one-hot rows',
        )
    return Dataset(inputs, labels[:, 0].astype(np.int64))


def load_array(path: Path, name: str, key: str = '') -> NDArray[Any]:
    """One numeric array of an .npz file with at least one sample; nothing in the file is executed."""
    with _archive(path, key) as archive:
        if name not in archive.files:
            near = nearest(name, archive.files)
            hint = f'did you mean {near!r}?' if near else f'its arrays: {", ".join(archive.files) or "none"}'
            raise _error(path, f'no array {name!r} in the dataset', key, hint)
        array: NDArray[Any] = archive[name]
    if array.dtype.kind not in 'biuf':
        raise _error(path, f'array {name!r} holds {array.dtype}, not numbers', key)
    if array.ndim == 0 or len(array) == 0:
        raise _error(path, f'array {name!r} of shape {array.shape} holds no samples', key)
    return array.astype(np.int8) if array.dtype.kind == 'b' else array


def accuracy_percent(outputs: NDArray[Any], data: Dataset, config: DatasetConfig) -> float:
    """Samples whose largest output is that of their label; one output alone means class 1 where it is positive."""
    outputs = outputs.reshape(len(data.inputs), -1)
    classes = max(2, outputs.shape[1])
    labels = data.labels
    if labels is None or labels.min() < 0 or labels.max() >= classes:
        raise _error(
            config.path,
            f'the labels in {config.labels!r} are not classes 0 to {classes - 1} of the model',
            'model.dataset.labels',
        )
    guesses = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0)
    return round(100 * float(np.mean(guesses == labels)), 6)


def array_shapes(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and kind (a letter of numpy) of every array of an .npz file."""
    with _archive(path, '') as archive:
        return {name: (archive[name].shape, archive[name].dtype.kind) for name in archive.files}


@contextmanager
def _archive(path: Path, key: str) -> Iterator[NpzFile]:
    """The open file; what makes it or an array of it unreadable is a DatasetError."""
    hint = 'save it with numpy.savez(file, x=...)'
    try:
        with path.open('rb') as file:  # numpy leaves a file open that it opened and cannot read
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise _error(path, 'a single array, not an .npz archive', key, hint)
            with archive:
                yield archive
    except DatasetError:
        raise
    except FileNotFoundError:
        raise _error(path, 'there is no such dataset', key) from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise _error(path, f'not a readable .npz file: {error}', key, hint) from None


def _error(path: Path, message: str, key: str, hint: str = '') -> DatasetError:
    return DatasetError(message, location=Location(str(path)), context=key, hint=hint)
