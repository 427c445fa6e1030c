"""The Keras 3 model file: a zip of config.json and model.weights.h5, read in memory, never extracted or executed."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.errors import CorruptModel, Location, MissingDependency
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.zip_archive import open_zip, read_member

if TYPE_CHECKING:
    import h5py

CONFIG_MEMBER = 'config.json'
WEIGHTS_MEMBER = 'model.weights.h5'
MAX_CONFIG_BYTES = 64 << 20  # a model of a thousand layers needs about 8 MB
MAX_WEIGHTS_BYTES = 1 << 30
MAX_NUMBERS = 1 << 26  # in all arrays together: small files can describe huge ones

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class KerasArchive:
    """What the file holds: the architecture, and the variables below each path of the weights file."""

    path: str
    config: JsonView
    weights: WeightStore


def open_archive(path: Path) -> KerasArchive:
    """Read a ``.keras`` file; raises FrontendError if it is not there, CorruptModel if it is not whole."""
    file = str(path)
    hint = "save the whole model with `model.save('name.keras')`"
    with open_zip(path, '.keras', file) as archive:
        config = read_member(archive, CONFIG_MEMBER, MAX_CONFIG_BYTES, file, hint)
        weights = read_member(archive, WEIGHTS_MEMBER, MAX_WEIGHTS_BYTES, file, hint)
    return KerasArchive(file, parse_config(config, file), WeightStore.parse(weights, file))


def parse_config(data: bytes, file: str) -> JsonView:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CorruptModel(
            f'{CONFIG_MEMBER} is not JSON: {error}', location=Location(file), context=CONFIG_MEMBER
        ) from None
    return JsonView(value, CONFIG_MEMBER, file)


class WeightStore:
    """Arrays by their path in the weights file, as read; nothing outside the file is ever followed."""

    def __init__(self, arrays: Mapping[str, Array], names: Mapping[str, str], file: str) -> None:
        self._groups: dict[str, dict[str, Array]] = {}
        for path, array in arrays.items():
            group, _, index = path.rpartition('/vars/')
            self._groups.setdefault(group, {})[index] = array
        self._names = dict(names)
        self._file = file

    @classmethod
    def parse(cls, data: bytes, file: str) -> WeightStore:
        """Read every variable of an HDF5 image; raises CorruptModel for links and storage outside of it."""
        arrays, names, _ = read_hdf5(data, file)
        return cls(arrays, names, file)

    def children(self, group: str) -> dict[str, str]:
        """Group names directly below ``group``, with the name of the Keras object saved there (if recorded)."""
        prefix = f'{group}/'
        return {
            path.removeprefix(prefix).removesuffix('/vars'): name
            for path, name in self._names.items()
            if path.startswith(prefix) and path.count('/') == prefix.count('/') + 1
        }

    def groups(self, above: str) -> list[str]:
        """All places below ``above`` that have variables."""
        return [group for group in self._groups if group.startswith(f'{above}/')]

    def variables(self, group: str) -> list[Array]:
        """The variables of the object saved at ``group``, in Keras's order; raises CorruptModel for gaps."""
        found = self._groups.get(group, {})
        expected = [str(index) for index in range(len(found))]
        if sorted(found) != sorted(expected):
            raise CorruptModel(
                f'{WEIGHTS_MEMBER}: the variables of {group} are numbered {", ".join(sorted(found))}',
                location=Location(self._file),
                context=group,
            )
        return [found[index] for index in expected]


def read_hdf5(data: bytes, file: str) -> tuple[dict[str, Array], dict[str, str], dict[str, str]]:
    """All arrays of an HDF5 image, the names that Keras recorded with them, and the texts at its root."""
    try:
        import h5py
    except ImportError:
        raise MissingDependency('reading .keras files needs h5py', hint='pip install h5py') from None
    arrays: dict[str, Array] = {}
    names: dict[str, str] = {}
    try:
        with h5py.File(io.BytesIO(data), 'r') as root:
            _read_group(root, arrays, names, file)
            texts = {key: value for key, value in root.attrs.items() if isinstance(value, str)}
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeError) as error:
        raise CorruptModel(
            f'{WEIGHTS_MEMBER} is not a whole HDF5 file: {error}',
            location=Location(file),
            context=WEIGHTS_MEMBER,
        ) from None
    return arrays, names, texts


def _read_group(root: h5py.File, arrays: dict[str, Array], names: dict[str, str], file: str) -> None:
    """Walk hard links from the root without recursion; each object is visited once, so cycles end."""
    import h5py

    pending: list[tuple[str, Any]] = [('', root)]
    seen: set[Any] = set()
    total = 0
    while pending:
        path, group = pending.pop()
        token = h5py.h5o.get_info(group.id).addr
        if token in seen:
            continue
        seen.add(token)
        if path.endswith('vars'):
            name = group.attrs.get('name')
            names[path] = name if isinstance(name, str) else ''
        for key in group:
            child_path = f'{path}/{key}' if path else key
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise CorruptModel(
                    f'{WEIGHTS_MEMBER}: {child_path} is a link to elsewhere',
                    location=Location(file),
                    context=WEIGHTS_MEMBER,
                    hint='Keras writes no links; this file was made by something else',
                )
            child = group[key]
            if isinstance(child, h5py.Group):
                pending.append((child_path, child))
            elif isinstance(child, h5py.Dataset):
                total += _check_dataset(child, child_path, file)
                if total > MAX_NUMBERS:
                    raise CorruptModel(
                        f'{WEIGHTS_MEMBER} describes more than {MAX_NUMBERS} numbers', location=Location(file)
                    )
                arrays[child_path] = np.asarray(child[()])


def _check_dataset(dataset: h5py.Dataset, path: str, file: str) -> int:
    """The count of its numbers; raises CorruptModel unless it is an array of numbers in this very file."""
    problem = ''
    if dataset.is_virtual or dataset.external:
        problem = 'keeps its data in another file'
    elif dataset.dtype.kind not in 'fiub':
        problem = f'holds {dataset.dtype}, not numbers'
    elif dataset.shape is None:
        problem = 'is empty'
    if problem:
        raise CorruptModel(f'{WEIGHTS_MEMBER}: {path} {problem}', location=Location(file), context=WEIGHTS_MEMBER)
    return math.prod(dataset.shape)
