"""Whole-model HDF5 files of Keras: variables by name, brought to the places that .keras files have them in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from da4ml_core.errors import CorruptModel, FrontendError, Location
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_archive import (
    MAX_WEIGHTS_BYTES,
    KerasArchive,
    WeightStore,
    parse_config,
    read_hdf5,
)
from da4ml_core.frontends.keras_names import snake_case

Array = np.ndarray[Any, Any]

ROOT = 'model_weights/'
SEVERAL = 'iq/quantizers/'
MAX_DEPTH = 16

# The orders in which Keras saves variables: trainable ones first.
WRAPPING = ('b', 'f', 'k', 'i', 'i_decay_speed')
SATURATING = ('b', 'i', 'f', 'k')
OWN = (
    *('kernel', 'scale', 'bias', 'alpha', 'gamma', 'bn_gamma', 'bn_beta'),
    *('beta', 'ebops', 'moving_mean', 'moving_variance'),
)
OWN_OF_NORMALIZATION = ('gamma', 'bn_gamma', 'bn_beta', 'moving_mean', 'moving_variance', 'beta', 'ebops')


def open_hdf5(path: Path) -> KerasArchive:
    """Read a whole-model ``.h5`` file; raises FrontendError if it is not there, CorruptModel if it is not whole."""
    file = str(path)
    try:
        size = path.stat().st_size
        image = path.read_bytes() if size <= MAX_WEIGHTS_BYTES else b''
    except FileNotFoundError:
        raise FrontendError(f'there is no model file {file}', location=Location(file)) from None
    except OSError as error:
        raise FrontendError(f'cannot read {file}: {error.strerror}', location=Location(file)) from None
    if not image:
        raise CorruptModel(f'a file of {size} bytes', location=Location(file))
    arrays, _, attributes = read_hdf5(image, file)
    text = attributes.get('model_config')
    if text is None:
        raise CorruptModel(
            'the file has no model_config: it holds weights without their model',
            location=Location(file),
            hint="save the whole model with `model.save('name.keras')`",
        )
    config = parse_config(text.encode(), file)
    return KerasArchive(file, config, WeightStore(saved_groups(config, arrays), {}, file))


def saved_groups(model: JsonView, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The variables under the paths of a .keras file; of what has no place there nothing is taken."""
    groups: dict[str, Array] = {}
    _place(model, 'layers', arrays, groups, 0)
    return groups


def _place(model: JsonView, parent: str, arrays: Mapping[str, Array], groups: dict[str, Array], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise model.error(f'models lie within models {depth} deep')
    counts: Counter[str] = Counter()
    for layer in model['config']['layers']:
        class_name = layer['class_name'].text().rpartition('>')[2]
        name, base = layer['config']['name'].text(), snake_case(class_name)
        group = f'{parent}/{base}_{counts[base]}' if counts[base] else f'{parent}/{base}'
        counts[base] += 1
        if class_name in ('Functional', 'Sequential'):
            _place(layer, f'{group}/layers', arrays, groups, depth + 1)
            continue
        found: dict[str, dict[str, Array]] = {}
        for path in sorted(path for path in arrays if path.startswith(ROOT)):
            steps = path.removeprefix(ROOT).split('/')
            if name in steps[:-1]:
                last = len(steps) - 2 - steps[:-1][::-1].index(name)
                found.setdefault(_object(name, steps[last + 1 : -1]), {})[steps[-1]] = arrays[path]
        for place, variables in _renumbered(found).items():
            order = _order(variables, class_name)
            target = f'{group}/{place}/vars' if place else f'{group}/vars'
            groups |= {f'{target}/{index}': variables[key] for index, key in enumerate(order)}


def _object(name: str, steps: list[str]) -> str:
    """The path of an object within its layer: ``dense_iq/fixed_point_quantizer_kif_3`` is ``iq/quantizer``."""
    path: list[str] = []
    for step in steps:
        role = re.fullmatch(r'.*_([ikbo]q)', step)
        if step.startswith('fixed_point_quantizer'):
            path.append('quantizer')
        elif role:
            path.append(role[1])
        elif step.startswith('multiple_quantizers'):
            path += ['iq', 'quantizers']
        else:
            path.append(step)
    return '/'.join(path)


def _renumbered(found: Mapping[str, dict[str, Array]]) -> dict[str, dict[str, Array]]:
    """The quantizers of several inputs are numbered through the whole model here, but from zero in a .keras file."""
    several = [place for place in found if place.startswith(SEVERAL)]
    several.sort(key=lambda place: int(re.sub(r'\D', '', place) or 0))
    places = {
        place: f'{SEVERAL}quantizer{f"_{number}" if number else ""}/quantizer' for number, place in enumerate(several)
    }
    return {places.get(place, place): variables for place, variables in found.items()}


def _order(variables: Mapping[str, Array], class_name: str) -> list[str]:
    if 'k' in variables and 'i' in variables:
        known: tuple[str, ...] = WRAPPING if 'i_decay_speed' in variables else SATURATING
    else:
        known = OWN_OF_NORMALIZATION if class_name == 'QBatchNormalization' else OWN
    return [*(key for key in known if key in variables), *(key for key in variables if key not in known)]
