"""Architectures of Keras in JSON with their weights in HDF5, as Keras 2 saved them, in the form of a .keras file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from da4ml_core.errors import CorruptModel, FrontendError, Location
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_archive import MAX_WEIGHTS_BYTES, KerasArchive, WeightStore, parse_config, read_hdf5
from da4ml_core.frontends.keras_hdf5 import ROOT, saved_groups

MAX_DEPTH = 16


def open_architecture(path: Path, weights: Path | None) -> KerasArchive:
    """The file and its weights: those given, or else <stem>_weights.h5 or <stem>.weights.h5 beside it."""
    config = parse_config(_read(path), str(path))
    modern = JsonView(_modern(config, 0), config.path, config.file)
    place = weights or weights_beside(path)
    if place is None:
        raise FrontendError(
            'this is the architecture of a model without its weights',
            location=Location(str(path)),
            hint=f'put them into {path.stem}_weights.h5 beside it',
        )
    arrays, _, _ = read_hdf5(_read(place), str(place))
    named = {f'{ROOT}{name.removesuffix(":0")}': array for name, array in arrays.items()}
    return KerasArchive(str(path), modern, WeightStore(saved_groups(modern, named), {}, str(place)))


def weights_beside(path: Path) -> Path | None:
    """The weights of an architecture, if they lie beside it."""
    for name in (f'{path.stem}_weights.h5', f'{path.stem}.weights.h5'):
        if path.with_name(name).is_file():
            return path.with_name(name)
    return None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_WEIGHTS_BYTES:
            raise CorruptModel('the file is too large', location=Location(str(path)))
        return path.read_bytes()
    except OSError as error:
        raise FrontendError(f'cannot read {path}: {error.strerror}', location=Location(str(path))) from None


def _modern(view: JsonView, depth: int) -> Any:
    """A model's object as Keras 3 writes it; only what is missing or otherwise named is changed."""
    if depth > MAX_DEPTH:
        raise view.error(f'models lie within models {depth} deep')
    model = dict(view.value)
    model['class_name'] = 'Functional' if view['class_name'].text() == 'Model' else view['class_name'].text()
    if not view['config'].is_object:
        raise view.error('this is a model of Keras 1', hint='save it again with Keras 2.2 or later')
    config = dict(view['config'].value)
    config.setdefault('name', 'model')
    layers = [_layer(layer, depth) for layer in view['config']['layers']]
    if layers and model['class_name'] == 'Sequential' and layers[0]['class_name'] != 'InputLayer':
        options = layers[0]['config']
        if 'batch_input_shape' in options:
            shape = options['batch_input_shape']
            layers.insert(0, {'class_name': 'InputLayer', 'config': {'name': 'input', 'batch_shape': shape}})
    model['config'] = {**config, 'layers': layers}
    return model


def _layer(view: JsonView, depth: int) -> dict[str, Any]:
    layer = dict(view.value if view.is_object else {})
    if view['class_name'].text() in ('Model', 'Functional', 'Sequential'):
        layer = _modern(view, depth + 1)
    options = dict(view['config'].value if view['config'].is_object else {})
    if view['class_name'].text() == 'InputLayer':
        options.setdefault('batch_shape', options.get('batch_input_shape'))
    else:
        options = {**options, **(layer['config'] if isinstance(layer.get('config'), dict) else {})}
        options.setdefault('trainable', True)
    layer['config'] = options
    if 'name' in layer:
        options.setdefault('name', layer['name'])
    nodes = view.find('inbound_nodes')
    if nodes is not None and all(node.is_list for node in nodes):
        layer['inbound_nodes'] = [_node(node) for node in nodes]
    return layer


def _node(view: JsonView) -> dict[str, Any]:
    """A call whose arguments are tensors."""
    histories = []
    for tensor in view:
        parts = list(tensor)[:3]
        histories.append([part.value for part in parts])
    tensors = [{'class_name': '__keras_tensor__', 'config': {'keras_history': history}} for history in histories]
    return {'args': [tensors] if len(tensors) > 1 else tensors, 'kwargs': {}}
