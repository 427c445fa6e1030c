"""Float models of Keras: .keras, whole-model .h5, and architectures in JSON with their weights beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from da4ml_core.errors import FrontendError, Location
from da4ml_core.frontends.keras_file import input_shape, open_model
from da4ml_core.frontends.keras_graph import ModelGraph, Node, read_graph
from da4ml_core.frontends.keras_handlers import is_input, is_model
from da4ml_core.frontends.post_training.activations import add_activation
from da4ml_core.frontends.post_training.float_graph import FloatGraph, GraphBuilder
from da4ml_core.frontends.post_training.float_operations import (
    Array,
    AveragePool,
    Concatenate,
    Convolution,
    Dense,
    MaxPool,
    Merge,
    Permute,
    Rectifier,
    Reshape,
    Scale,
    Upsample,
    ZeroPad,
)
from da4ml_core.frontends.post_training.keras_json import open_architecture
from da4ml_core.frontends.saved_layer import SavedLayer

Converter = Callable[[SavedLayer, GraphBuilder, tuple[str, ...]], str]


def read_float_keras(path: Path, weights: Path | None) -> FloatGraph:
    """The graph of a model file; raises FrontendError, UnsupportedLayer or CorruptModel."""
    if path.suffix.lower() == '.json':
        archive = open_architecture(path, weights)
    elif weights is not None:
        raise FrontendError('this model file holds its weights itself', location=Location(str(path)))
    else:
        archive = open_model(path)
    graph = read_graph(archive.config, archive.weights, known=is_known, names=[name for _, name in CONVERTERS])
    builder = GraphBuilder(archive.path, archive.config['config']['name'].text())
    values = {}
    layers = {node.key: node.layer for node in graph.nodes}
    for key in graph.inputs:
        values[key] = builder.input(key[0], input_shape(layers[key[:2]]))
    outputs = _convert(graph, builder, values)
    return builder.finish(outputs)


def _convert(graph: ModelGraph, builder: GraphBuilder, values: dict[tuple[str, int, int], str]) -> list[str]:
    for node in graph.nodes:
        if is_input(node.layer):
            continue
        sources = tuple(values[key] for key in node.sources)
        values[(*node.key, 0)] = call(node, builder, sources, graph)
    return [values[key] for key in graph.outputs]


def call(node: Node, builder: GraphBuilder, sources: tuple[str, ...], graph: ModelGraph) -> str:
    """The result of one layer of ``graph``."""
    layer = node.layer
    if node.model is not None:
        (result,) = _convert(node.model, builder, dict(zip(node.model.inputs, sources, strict=True)))
        return result
    ends = {key[:2] for key in graph.outputs}
    if layer.class_name == 'Softmax' or _activation_name(layer) == 'softmax':
        if node.key not in ends:
            raise layer.unsupported('a softmax in the middle of a model', ['a softmax at its end, which is dropped'])
        builder.dropped.append(f'the softmax of {layer.title} is dropped: the outputs are its logits')
        if layer.class_name in ('Softmax', 'Activation'):
            return sources[0]
    try:
        return CONVERTERS['keras', layer.class_name](layer, builder, sources)
    except (ValueError, IndexError) as error:
        shapes = ', '.join(str(builder.shape(source)) for source in sources)
        raise layer.corrupt(f'it cannot be applied to {shapes}: {error}') from None


def is_known(layer: SavedLayer) -> bool:
    """Whether the layer can be quantized after training."""
    key = layer.package, layer.class_name
    return key in CONVERTERS or is_input(layer) or is_model(layer) or key == ('keras', 'Softmax')


def _activation_name(layer: SavedLayer) -> str:
    view = layer.options.find('activation')
    if view is None:
        return 'linear'
    named = view['config'] if view.is_object else view
    return str(named.value) if isinstance(named.value, str) else 'unknown'


def _activated(layer: SavedLayer, builder: GraphBuilder, name: str) -> str:
    activation = _activation_name(layer)
    if activation == 'softmax':
        return name
    return add_activation(builder, layer.name, activation, name, layer.unsupported)


def _channels_last(layer: SavedLayer) -> None:
    view = layer.options.find('data_format')
    if view is not None and view.text() != 'channels_last':
        raise layer.unsupported(f'data_format {view.text()!r}', ['channels_last'])


def _bias(layer: SavedLayer, size: int) -> dict[str, tuple[int, ...]]:
    return {'bias': (size,)} if layer.flag('use_bias', True) else {}


def _numbers(layer: SavedLayer, expected: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    return {name: array.astype(np.float64) for name, array in layer.variables(expected).items()}


def _dense(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    units, width = layer.options['units'].integer(), builder.shape(sources[0])[-1]
    found = _numbers(layer, {'kernel': (width, units), **_bias(layer, units)})
    operation = Dense(found['kernel'], found.get('bias', np.zeros(units)))
    return _activated(layer, builder, builder.add(layer.name, operation, *sources))


def _convolution(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    _channels_last(layer)
    rank = _rank(layer)
    channels = builder.shape(sources[0])[-1]
    depthwise = layer.class_name.startswith('Depthwise')
    groups_view = layer.options.find('groups')
    groups = channels if depthwise else 1 if groups_view is None else groups_view.integer()
    filters = layer.options['depth_multiplier' if depthwise else 'filters'].integer()
    made = channels * filters if depthwise else filters
    shape = (*layer.pair('kernel_size', rank), channels if depthwise else channels // max(groups, 1), filters)
    found = _numbers(layer, {'kernel': shape, **_bias(layer, made)})
    kernel = found['kernel'].reshape(*shape[:rank], -1, made)
    if depthwise:
        kernel = found['kernel'].reshape(*shape[:rank], 1, made)
    operation = Convolution(
        kernel,
        found.get('bias', np.zeros(made)),
        tuple(layer.pair('strides', rank)),
        layer.options['padding'].text(),
        tuple(layer.pair('dilation_rate', rank)),
        groups,
    )
    return _activated(layer, builder, builder.add(layer.name, operation, *sources))


def _batch_normalization(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    shape = builder.shape(sources[0])
    view = layer.options['axis']
    axis = layer.axis(next(iter(view)) if view.is_list else view, len(shape))
    if axis != len(shape) - 1:
        raise layer.unsupported('an axis that is not the last', ['axis -1'])
    names = [name for name, option in (('gamma', 'scale'), ('beta', 'center')) if layer.flag(option, True)]
    found = _numbers(layer, {name: shape[-1:] for name in (*names, 'moving_mean', 'moving_variance')})
    slope = found.get('gamma', 1.0) / np.sqrt(found['moving_variance'] + layer.options['epsilon'].number())
    offset = found.get('beta', 0.0) - found['moving_mean'] * slope
    return builder.add(layer.name, Scale(np.asarray(slope), np.asarray(offset)), *sources)


def _activation(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    return _activated(layer, builder, sources[0])


def _relu(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    def number(*options: str) -> float | None:
        views = [layer.options.find(option) for option in options]
        return next((view.number() for view in views if view is not None), None)

    if number('threshold'):
        raise layer.unsupported('a threshold', ['threshold 0'])
    default = 0.3 if layer.class_name == 'LeakyReLU' else 0.0
    slope = number('negative_slope', 'alpha')
    operation = Rectifier(default if slope is None else slope, number('max_value'))
    return builder.add(layer.name, operation, *sources)


def _pool(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    _channels_last(layer)
    rank, shape = _rank(layer), builder.shape(sources[0])
    everything = 'Global' in layer.class_name
    size = list(shape[:-1]) if everything else layer.pair('pool_size', rank)
    strides = size if everything or layer.options.find('strides') is None else layer.pair('strides', rank)
    kind = MaxPool if 'Max' in layer.class_name else AveragePool
    padding = 'valid' if everything else layer.options['padding'].text()
    pooled = builder.add(layer.name, kind(tuple(size), tuple(strides), padding), *sources)
    if everything and not layer.flag('keepdims', False):
        pooled = builder.add(layer.name, Reshape(shape[-1:]), pooled)
    return pooled


def _flatten(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    _channels_last(layer)
    return builder.add(layer.name, Reshape((int(np.prod(builder.shape(sources[0]))),)), *sources)


def _reshape(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    target = [size.integer() for size in layer.options['target_shape']]
    shape = np.zeros(builder.shape(sources[0])).reshape(target).shape
    return builder.add(layer.name, Reshape(shape), *sources)


def _permute(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    return builder.add(layer.name, Permute(tuple(axis.integer() - 1 for axis in layer.options['dims'])), *sources)


def _zero_padding(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    _channels_last(layer)
    view = layer.options['padding']
    sides = list(view) if view.is_list else [view] * _rank(layer)
    if _rank(layer) == 1 and len(sides) == 2:
        sides = [view]
    pairs = [[side.integer() for side in item] if item.is_list else [item.integer()] * 2 for item in sides]
    widths = tuple((before, behind) for before, behind in pairs)
    return builder.add(layer.name, ZeroPad((*widths, (0, 0))), *sources)


def _upsampling(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    _channels_last(layer)
    mode = layer.options.find('interpolation')
    if mode is not None and mode.text() != 'nearest':
        raise layer.unsupported(f'interpolation {mode.text()!r}', ['nearest'])
    return builder.add(layer.name, Upsample(tuple(layer.pair('size', _rank(layer)))), *sources)


def _merge(function: Callable[..., object]) -> Converter:
    def convert(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
        return builder.add(layer.name, Merge(function), *sources)

    return convert


def _concatenate(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    axis = layer.axis(layer.options['axis'], len(builder.shape(sources[0]))) + 1
    return builder.add(layer.name, Concatenate(axis), *sources)


def _identity(layer: SavedLayer, builder: GraphBuilder, sources: tuple[str, ...]) -> str:
    return sources[0]


def _rank(layer: SavedLayer) -> int:
    return int(next(letter for letter in layer.class_name if letter in '123'))


_POOLS = ('MaxPooling', 'AveragePooling', 'GlobalMaxPooling', 'GlobalAveragePooling')
_INFERENCE_IDENTITIES = ('Dropout', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise', 'ActivityRegularization')

CONVERTERS: Mapping[tuple[str, str], Converter] = MappingProxyType(
    {
        ('keras', 'Dense'): _dense,
        **{('keras', f'Conv{rank}D'): _convolution for rank in (1, 2, 3)},
        **{('keras', f'DepthwiseConv{rank}D'): _convolution for rank in (1, 2)},
        ('keras', 'BatchNormalization'): _batch_normalization,
        ('keras', 'Activation'): _activation,
        ('keras', 'ReLU'): _relu,
        ('keras', 'LeakyReLU'): _relu,
        **{('keras', f'{kind}{rank}D'): _pool for kind in _POOLS for rank in (1, 2, 3)},
        ('keras', 'Flatten'): _flatten,
        ('keras', 'Reshape'): _reshape,
        ('keras', 'Permute'): _permute,
        **{('keras', f'ZeroPadding{rank}D'): _zero_padding for rank in (1, 2, 3)},
        **{('keras', f'UpSampling{rank}D'): _upsampling for rank in (1, 2, 3)},
        ('keras', 'Add'): _merge(np.add),
        ('keras', 'Subtract'): _merge(np.subtract),
        ('keras', 'Multiply'): _merge(np.multiply),
        ('keras', 'Maximum'): _merge(np.maximum),
        ('keras', 'Minimum'): _merge(np.minimum),
        ('keras', 'Concatenate'): _concatenate,
        **{('keras', name): _identity for name in (*_INFERENCE_IDENTITIES, 'Identity', 'SpatialDropout1D')},
        **{('keras', f'SpatialDropout{rank}D'): _identity for rank in (2, 3)},
    }
)
