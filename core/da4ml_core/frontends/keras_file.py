"""Keras 3 models (.keras, .h5) of HGQ2 become programs, with neither Keras nor any of its backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from da4ml_core.errors import Location, TraceError, UnsupportedLayer
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_archive import KerasArchive, open_archive
from da4ml_core.frontends.keras_graph import ModelGraph, Node, NodeKey, TensorKey, all_layers, read_graph, tensor_key
from da4ml_core.frontends.keras_handlers import HANDLERS, MERGES, SEQUENCES, is_input
from da4ml_core.frontends.keras_hdf5 import open_hdf5
from da4ml_core.frontends.keras_operations import operate
from da4ml_core.frontends.layer_frame import fixed_point
from da4ml_core.frontends.saved_layer import SavedLayer, Shape

if TYPE_CHECKING:
    from da4ml_core.ir import Program
    from da4ml_core.trace import SolverOptions, SymbolicArray, Tracer

MAX_INPUT_ELEMENTS = 1 << 20
WEIGHTED = ('Dense', 'Conv1D', 'Conv2D', 'Conv3D', 'DepthwiseConv1D', 'DepthwiseConv2D', 'BatchNormalization')


def load_keras(path: str | Path, solver: SolverOptions | None = None) -> Program:
    """Read and trace a model file; raises FrontendError, UnsupportedLayer or CorruptModel, naming file and layer.

    The program equals the framework's float32 model wherever float32 is exact there: sums within 24 bits.
    """
    from da4ml_core.trace import SolverOptions, Tracer

    archive = open_model(Path(path))
    _check_quantizers(archive)
    graph = read_graph(archive.config, archive.weights)
    tracer = Tracer(archive.config['config']['name'].text(), solver=solver or SolverOptions())
    layers = {node.key: node.layer for node in graph.nodes}
    inputs = [tracer.input(input_shape(layers[key[:2]]), name=key[0]) for key in graph.inputs]
    outputs = trace_graph(graph, inputs, tracer)
    check_outputs(graph, outputs)
    return tracer.finish(outputs)


def check_outputs(graph: ModelGraph, outputs: Sequence[SymbolicArray]) -> None:
    """Raise UnsupportedLayer for an output that is an input as it came."""
    layers = {node.key: node.layer for node in graph.nodes}
    for key, output in zip(graph.outputs, outputs, strict=True):
        if output.is_external:
            raise layers[key[:2]].unsupported('a model output that no quantizer has touched')
        fixed_point(layers[key[:2]], output)


def open_model(path: Path) -> KerasArchive:
    """The file, of either form."""
    return open_hdf5(path) if path.suffix.lower() == '.h5' else open_archive(path)


def is_float(layers: Sequence[SavedLayer]) -> bool:
    """Whether they have weights, and none of them is a layer of HGQ2."""
    weighted = any(layer.package == 'keras' and layer.class_name in WEIGHTED for layer in layers)
    return weighted and not any(layer.package == 'hgq' for layer in layers)


def _check_quantizers(archive: KerasArchive) -> None:
    """Raise UnsupportedLayer for a float model."""
    if is_float(all_layers(archive.config, archive.weights)):
        raise UnsupportedLayer(
            'the model has no quantizers: none of its layers is one of HGQ2',
            location=Location(archive.path),
            hint='quantize it after training with the section `quantization`, or train it with HGQ2',
        )


def trace_graph(graph: ModelGraph, inputs: Sequence[SymbolicArray], tracer: Tracer) -> list[SymbolicArray]:
    """Call every layer on its symbolic inputs; the model's outputs, in order."""
    values: dict[TensorKey, SymbolicArray] = dict(zip(graph.inputs, inputs, strict=True))
    layers: dict[NodeKey, SavedLayer] = {node.key: node.layer for node in graph.nodes}

    def read(key: TensorKey) -> SymbolicArray:
        if key not in values:
            raise layers[key[:2]].corrupt(f'it has no output {key[2]}')
        return values[key]

    for node in graph.nodes:
        if is_input(node.layer):
            continue
        sources = [read(key) for key in node.sources]
        if node.model is not None:
            if len(sources) != len(node.model.inputs):
                raise node.layer.corrupt(f'it is called with {len(sources)} tensors, not {len(node.model.inputs)}')
            results = trace_graph(node.model, sources, tracer)
        else:
            # weights that overflow float32 are found where they are quantized
            with tracer.origin(node.layer.title), np.errstate(over='ignore', invalid='ignore'):
                results = call(node, sources, lambda view: read(tensor_key(view['config']['keras_history'])))
        values.update({(*node.key, place): result for place, result in enumerate(results)})
    return [read(key) for key in graph.outputs]


def call(node: Node, sources: list[SymbolicArray], read: Callable[[JsonView], SymbolicArray]) -> list[SymbolicArray]:
    """One call of a layer; ``read`` finds the tensor of a serialized argument of an operation."""
    layer = node.layer
    if node.call is not None and layer.package == 'keras.ops':
        return [operate(layer, node.call, read)]
    key = layer.package, layer.class_name
    try:
        if key in SEQUENCES:
            return SEQUENCES[key](layer, sources[0])
        return [MERGES[key](layer, sources) if key in MERGES else HANDLERS[key](layer, sources[0])]
    except TraceError as error:
        shapes = ', '.join(str(source.shape) for source in sources)
        raise UnsupportedLayer(
            f'it cannot be applied to {shapes}: {error.message}',
            location=Location(layer.serialized.file),
            context=layer.context,
            hint=error.hint,
        ) from None


def input_shape(layer: SavedLayer) -> Shape:
    """The shape without the batch axis; raises UnsupportedLayer for sizes that are only known at run time."""
    for option in ('sparse', 'ragged'):
        if layer.flag(option, False):
            raise layer.unsupported(f'a {option} input', ['dense inputs'])
    sizes = list(layer.options['batch_shape'])[1:]
    if any(size.is_null for size in sizes):
        shown = ', '.join('?' if size.is_null else str(size.integer()) for size in sizes)
        raise layer.unsupported(f'a dynamic input shape ({shown})', ['a fixed size for every axis but the batch'])
    shape = tuple(size.integer() for size in sizes)
    total = 1
    for size in shape:
        total *= size
        if size < 1 or total > MAX_INPUT_ELEMENTS:
            raise layer.corrupt(f'its shape {list(shape)} is not one of 1 to {MAX_INPUT_ELEMENTS} elements')
    return shape
