"""Keras 3 model files (.keras) of HGQ2 models become programs, with neither Keras nor any of its backends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from da4ml_core.errors import Location, UnsupportedLayer
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_archive import KerasArchive, open_archive
from da4ml_core.frontends.keras_layers import HANDLERS
from da4ml_core.frontends.keras_names import layer_groups
from da4ml_core.frontends.saved_layer import SavedLayer, Shape, nearest_first

if TYPE_CHECKING:
    from da4ml_core.ir import Program
    from da4ml_core.trace import SolverOptions, SymbolicArray, Tracer

MODEL_CLASSES = ('Functional', 'Sequential')
MAX_INPUT_ELEMENTS = 1 << 20

NodeKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Node:
    """One call of a layer: its key, the layer, and the calls whose outputs it reads."""

    key: NodeKey
    layer: SavedLayer
    sources: tuple[NodeKey, ...]


@dataclass(frozen=True, slots=True)
class ModelGraph:
    """The calls of a model in an order in which each comes after its sources."""

    inputs: tuple[NodeKey, ...]
    outputs: tuple[NodeKey, ...]
    nodes: tuple[Node, ...]


def load_keras(path: str | Path, solver: SolverOptions | None = None) -> Program:
    """Read and trace a model file; raises FrontendError, UnsupportedLayer or CorruptModel, naming file and layer.

    The program equals the framework's float32 model wherever float32 is exact there: sums within 24 bits.
    """
    from da4ml_core.trace import SolverOptions, Tracer

    archive = open_archive(Path(path))
    graph = read_graph(archive)
    tracer = Tracer(archive.config['config']['name'].text(), solver=solver or SolverOptions())
    return tracer.finish(trace_graph(graph, tracer))


def read_graph(archive: KerasArchive) -> ModelGraph:
    """The layers and how they are connected; every class is checked before any is read."""
    model = archive.config
    class_name = model['class_name'].text()
    if class_name not in MODEL_CLASSES:
        raise UnsupportedLayer(
            f'a model of the class {class_name!r} is not supported',
            location=Location(archive.path),
            hint=f'supported: {", ".join(MODEL_CLASSES)} models; a subclassed model keeps its graph in Python code',
        )
    serialized = list(model['config']['layers'])
    groups = layer_groups(serialized, 'layers', archive.weights)
    layers = [SavedLayer(view, group, archive.weights) for view, group in zip(serialized, groups, strict=True)]
    _check_classes(layers)
    return _functional(model, layers) if class_name == 'Functional' else _sequential(model, layers)


def trace_graph(graph: ModelGraph, tracer: Tracer) -> list[SymbolicArray]:
    """Call every layer on its symbolic inputs; the model's outputs, in order."""
    values: dict[NodeKey, SymbolicArray] = {}
    layers = {node.key: node.layer for node in graph.nodes}
    for key in graph.inputs:
        layer = layers[key]
        values[key] = tracer.input(_input_shape(layer), name=layer.name)
    for node in graph.nodes:
        if node.key in values:
            continue
        handler = HANDLERS[node.layer.package, node.layer.class_name]
        # weights that overflow float32 are found where they are quantized
        with tracer.origin(node.layer.title), np.errstate(over='ignore', invalid='ignore'):
            values[node.key] = handler(node.layer, values[node.sources[0]])
    for key in graph.outputs:
        if values[key].is_external:
            raise layers[key].unsupported('a model output that no quantizer has touched')
    return [values[key] for key in graph.outputs]


def _check_classes(layers: list[SavedLayer]) -> None:
    """Raise one UnsupportedLayer that names every layer of an unknown class."""
    unknown = [layer for layer in layers if not _is_input(layer) and _handler_key(layer) not in HANDLERS]
    if not unknown:
        return
    first = unknown[0]
    shown = first.class_name if first.package in ('keras', 'hgq') else f'{first.package}.{first.class_name}'
    supported = nearest_first(first.class_name, [name for _, name in HANDLERS])
    raise UnsupportedLayer(
        f'layer {first.name!r} is a {shown}, which is not supported',
        location=Location(first.serialized.file),
        context=first.context,
        notes=[f'neither is layer {layer.name!r} ({layer.class_name})' for layer in unknown[1:]],
        hint=f'supported: {", ".join(supported)}',
    )


def _handler_key(layer: SavedLayer) -> tuple[str, str]:
    return layer.package, layer.class_name


def _is_input(layer: SavedLayer) -> bool:
    return _handler_key(layer) == ('keras', 'InputLayer')


def _sequential(model: JsonView, layers: list[SavedLayer]) -> ModelGraph:
    if not layers or not _is_input(layers[0]):
        raise model.error('the Sequential model was saved before it knew its input shape', hint='build it first')
    keys = [(layer.name, index) for index, layer in enumerate(layers)]
    nodes = [Node(keys[0], layers[0], ())]
    nodes += [Node(key, layer, (keys[i],)) for i, (key, layer) in enumerate(zip(keys[1:], layers[1:], strict=True))]
    return ModelGraph((keys[0],), (keys[-1],), tuple(nodes))


def _functional(model: JsonView, layers: list[SavedLayer]) -> ModelGraph:
    waiting: list[Node] = []
    for layer in layers:
        calls = [()] if _is_input(layer) else [_sources(layer, call) for call in layer.serialized['inbound_nodes']]
        waiting += [Node((layer.name, index), layer, sources) for index, sources in enumerate(calls)]
    known = {node.key for node in waiting}
    if len(known) != len(waiting):
        raise model.error('two layers of the model have the same name')
    for node in waiting:
        for source in node.sources:
            if source not in known:
                raise node.layer.corrupt(
                    f'its input is call {source[1]} of {source[0]!r}, which the model does not have'
                )

    inputs = tuple(_tensor_keys(model['config']['input_layers']))
    outputs = tuple(_tensor_keys(model['config']['output_layers']))
    is_input = {node.key: _is_input(node.layer) for node in waiting}
    for key in inputs + outputs:
        if key not in known or (key in inputs and not is_input[key]):
            raise model.error(f'the model has no {"input" if key in inputs else "layer"} {key[0]!r}')
    return ModelGraph(inputs, outputs, _sorted_nodes(model, waiting, inputs))


def _sorted_nodes(model: JsonView, waiting: list[Node], inputs: tuple[NodeKey, ...]) -> tuple[Node, ...]:
    """A topological order that keeps to the file's where it can; raises CorruptModel for a cycle."""
    done: set[NodeKey] = set()
    order: list[Node] = []
    waiting = [node for node in waiting if node.sources or node.key in inputs]
    while waiting:
        later: list[Node] = []
        for node in waiting:
            if done.issuperset(node.sources):
                done.add(node.key)
                order.append(node)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise model.error(f'the layers {", ".join(repr(node.key[0]) for node in later)} wait for each other')
        waiting = later
    return tuple(order)


def _sources(layer: SavedLayer, call: JsonView) -> tuple[NodeKey, ...]:
    """The calls whose outputs are the arguments of this call; the supported layers take one tensor."""
    if not call.is_object:
        raise layer.unsupported('a model file of Keras 2', ['model files of Keras 3'])
    tensors = [history for argument in call['args'] for history in _histories(argument)]
    named = [history for argument in call['kwargs'].members().values() for history in _histories(argument)]
    if len(tensors) != 1 or named:
        raise layer.unsupported(f'a call with {len(tensors) + len(named)} tensors', ['a call with one tensor'])
    return (_tensor_key(tensors[0]),)


def _histories(argument: JsonView) -> Iterator[JsonView]:
    """The ``keras_history`` of each tensor in an argument; nested lists are walked without recursion."""
    pending = [argument]
    while pending:
        view = pending.pop()
        if view.is_list:
            pending.extend(view)
        elif view.is_object and view.value.get('class_name') == '__keras_tensor__':
            yield view['config']['keras_history']


def _tensor_keys(view: JsonView) -> list[NodeKey]:
    """``[name, call, tensor]``, or a list of such."""
    entries = list(view)
    return [_tensor_key(view)] if entries and not entries[0].is_list else [_tensor_key(entry) for entry in entries]


def _tensor_key(view: JsonView) -> NodeKey:
    parts = list(view)
    if len(parts) != 3 or parts[2].integer() != 0:
        raise view.error(f'{view.key} must name a layer, one of its calls, and its only output')
    return parts[0].text(), parts[1].integer()


def _input_shape(layer: SavedLayer) -> Shape:
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
