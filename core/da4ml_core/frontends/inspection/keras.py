"""Inspection of Keras models: every layer is called on its input, or on a stand-in where that could not be computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.errors import FrontendError, TraceError
from da4ml_core.frontends import keras_file, keras_handlers
from da4ml_core.frontends.hgq_quantizer import CONFIG_CLASSES, read_quantizer
from da4ml_core.frontends.inspection.report import FLOAT_BITS, InspectedLayer, Inspection, Verdict, refused, untried
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_graph import (
    ModelGraph,
    Node,
    TensorKey,
    all_layers,
    read_graph,
    tensor_key,
    why_unknown,
)
from da4ml_core.frontends.post_training import from_keras
from da4ml_core.frontends.post_training.float_graph import GraphBuilder
from da4ml_core.frontends.post_training.float_operations import Weighted
from da4ml_core.frontends.post_training.keras_json import open_architecture
from da4ml_core.frontends.saved_layer import SavedLayer, Shape

if TYPE_CHECKING:
    from da4ml_core.trace import SolverOptions, Tracer

MAX_STAND_IN = 1 << 16  # elements
STAND_IN = (True, 3, 4)  # fixed<3,4>: what a layer that was not computed may have returned
ROLES = ('iq', 'kq', 'bq', 'oq')

Tensors = dict[TensorKey, Any]  # None where nothing tells the shape


class Reading(ABC):
    """How the layers of one kind of model are called; the tensors are what it calls them with."""

    names: Sequence[str]

    @abstractmethod
    def known(self, layer: SavedLayer) -> bool:
        """Whether there is a reader of the layer's class."""

    @abstractmethod
    def input(self, name: str, shape: Shape, *, stand_in: bool) -> Any:
        """A new tensor."""

    @abstractmethod
    def call(self, node: Node, sources: list[Any], tensors: Tensors, graph: ModelGraph) -> list[Any]:
        """The results of one layer; raises FrontendError."""

    @abstractmethod
    def shape(self, tensor: Any) -> Shape:
        """Without the batch axis."""

    @property
    @abstractmethod
    def bit_operations(self) -> int:
        """Of all layers so far."""


class QuantizedReading(Reading):
    """Layers of HGQ2, traced."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.names = keras_handlers.known_names()
        tracer.count_bit_products()

    def known(self, layer: SavedLayer) -> bool:
        return keras_handlers.is_known(layer)

    def input(self, name: str, shape: Shape, *, stand_in: bool) -> Any:
        x = self.tracer.input(shape, name=name)
        return x.quantize(*STAND_IN) if stand_in else x

    def call(self, node: Node, sources: list[Any], tensors: Tensors, graph: ModelGraph) -> list[Any]:
        def read(view: JsonView) -> Any:
            return tensors[tensor_key(view['config']['keras_history'])]

        with self.tracer.origin(node.layer.title), np.errstate(over='ignore', invalid='ignore'):
            return keras_file.call(node, sources, read)

    def shape(self, tensor: Any) -> Shape:
        return tuple(tensor.shape)

    @property
    def bit_operations(self) -> int:
        return self.tracer.bit_products


class FloatReading(Reading):
    """Layers of Keras itself, as post-training quantization reads them."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.names = [name for _, name in from_keras.CONVERTERS]

    def known(self, layer: SavedLayer) -> bool:
        return from_keras.is_known(layer)

    def input(self, name: str, shape: Shape, *, stand_in: bool) -> Any:
        return self.builder.input(f'{name}?{len(self.builder.inputs)}' if stand_in else name, shape)

    def call(self, node: Node, sources: list[Any], tensors: Tensors, graph: ModelGraph) -> list[Any]:
        return [from_keras.call(node, self.builder, tuple(sources), graph)]

    def shape(self, tensor: Any) -> Shape:
        return self.builder.shape(tensor)

    @property
    def bit_operations(self) -> int:
        return float_bit_operations(self.builder)


def float_bit_operations(builder: GraphBuilder) -> int:
    """Multiplications so far, each of two factors of ``FLOAT_BITS`` bits."""
    return FLOAT_BITS**2 * sum(
        prod(node.operation.kernel.shape[:-1]) * prod(builder.shape(node.name))
        for node in builder.nodes
        if isinstance(node.operation, Weighted)
    )


def inspect_keras(path: Path, weights: Path | None, solver: SolverOptions) -> Inspection:
    """Raises FrontendError where the file as a whole cannot be read."""
    from da4ml_core.trace import Tracer

    is_architecture = path.suffix.lower() == '.json'
    archive = open_architecture(path, weights) if is_architecture else keras_file.open_model(path)
    layers = all_layers(archive.config, archive.weights)
    is_float = is_architecture or keras_file.is_float(layers)
    name = archive.config['config']['name'].text()
    tracer = Tracer(name, solver=solver)
    builder = GraphBuilder(archive.path, name)
    reading = FloatReading(builder) if is_float else QuantizedReading(tracer)
    kind = 'float Keras model' if is_float else 'HGQ2 model'
    walk = Walk(reading)
    inputs: list[tuple[str, Shape]] = []
    try:
        graph = read_graph(archive.config, archive.weights, known=lambda layer: True)
        named = {node.key: node.layer for node in graph.nodes}
        inputs = [(key[0], keras_file.input_shape(named[key[:2]])) for key in graph.inputs]
        tensors = [reading.input(input_name, shape, stand_in=False) for input_name, shape in inputs]
        outputs = walk.graph(graph, tensors, '')
        program = None
        if not is_float and all(layer.verdict is Verdict.YES for layer in walk.found):
            keras_file.check_outputs(graph, outputs)
            program = tracer.finish(outputs)
        problem = ''
    except FrontendError as error:
        # the layers are not connected as a model's are; of those that were not reached, the class is known
        problem, program = error.message, None
        reached = {layer.name for layer in walk.found}
        for layer in layers:
            if layer.name not in reached and not keras_handlers.is_input(layer):
                walk.found.append(
                    untried(layer.name, layer.class_name, quantizers(layer), reading.known(layer), walk.why(layer))
                )
    return Inspection(
        archive.path,
        kind,
        name,
        tuple(inputs),
        tuple(walk.found),
        is_float,
        None,
        tuple(builder.dropped),
        problem,
        program,
    )


@dataclass
class Walk:
    """Calls the layers of a model, and of those within it, in order; what each came to is in ``found``."""

    reading: Reading
    found: list[InspectedLayer] = field(default_factory=list)

    def graph(self, graph: ModelGraph, inputs: Sequence[Any], prefix: str) -> list[Any]:
        """The outputs."""
        tensors: Tensors = dict(zip(graph.inputs, inputs, strict=True))
        shapes = recorded_shapes(graph)
        for node in graph.nodes:
            if keras_handlers.is_input(node.layer):
                continue
            sources = [tensors.get(key) for key in node.sources]
            name = prefix + node.layer.name
            if node.model is not None and len(sources) == len(node.model.inputs):
                results = self.graph(node.model, sources, f'{name}/')
            else:
                results = self.layer(node, sources, tensors, graph, name)
            tensors.update({(*node.key, place): result for place, result in enumerate(results)})
            for key, shape in shapes.items():  # what could not be computed, and others read
                if key[:2] == node.key and tensors.get(key) is None:
                    tensors[key] = self.reading.input(name, shape, stand_in=True)
        return [tensors.get(key) for key in graph.outputs]

    def layer(self, node: Node, sources: list[Any], tensors: Tensors, graph: ModelGraph, name: str) -> list[Any]:
        layer, reading = node.layer, self.reading
        facts = name, layer.class_name
        known = reading.known(layer)
        if not known or any(source is None for source in sources):
            self.found.append(untried(*facts, quantizers(layer), known, self.why(layer)))
            return []
        before = reading.bit_operations
        try:
            results = reading.call(node, sources, tensors, graph)
        except (FrontendError, TraceError) as error:
            self.found.append(refused(*facts, error, quantizers(layer)))
            return []
        shape = reading.shape(results[0]) if results else None
        spent = reading.bit_operations - before
        self.found.append(InspectedLayer(*facts, Verdict.YES, shape, quantizers(layer), spent))
        return results

    def why(self, layer: SavedLayer) -> str:
        """Why there is no reader of the layer's class."""
        return f'no reader of its class; {why_unknown(layer, self.reading.names)}'


def recorded_shapes(graph: ModelGraph) -> Mapping[TensorKey, Shape]:
    """Shapes that the file records with the readers of a tensor, where they are fixed and of a sane size."""
    shapes: dict[TensorKey, Shape] = {}
    for node in graph.nodes:
        recorded = [] if node.call is None else list(_recorded(node.call.value))
        built = node.layer.serialized.find('build_config')
        sole = built.value.get('input_shape') if built is not None and built.is_object else None
        if len(node.sources) == 1:
            recorded.append((list(node.sources[0]), sole))
        for key, shape in recorded:
            sizes = (
                [size for size in shape[1:] if isinstance(size, int) and size > 0] if isinstance(shape, list) else []
            )
            if sizes and len(sizes) == len(shape) - 1 and prod(sizes) <= MAX_STAND_IN:
                shapes.setdefault(tuple(key), tuple(sizes))
    return shapes


def _recorded(call: Any) -> Iterator[tuple[list[Any], Any]]:
    """The history and the shape of each tensor in a serialized call."""
    pending = [call]
    while pending:
        value = pending.pop()
        if isinstance(value, dict) and value.get('class_name') == '__keras_tensor__':
            yield value['config']['keras_history'], value['config'].get('shape')
        elif isinstance(value, dict | list):
            pending.extend(value.values() if isinstance(value, dict) else value)


def quantizers(layer: SavedLayer) -> tuple[str, ...]:
    """Each quantizer of the layer in words; those within its parts (of attention) are counted."""
    found = []
    if layer.class_name == 'Quantizer':
        found.append(_quantizer(layer, 'q', layer.options.find('config'), f'{layer.group}/quantizer'))
    for role in ROLES:
        found.append(_quantizer(layer, role, layer.options.find(f'{role}_conf'), f'{layer.group}/{role}/quantizer'))
    several = layer.options.find('iq_confs')
    for place, config in enumerate(several if several is not None and several.is_list else ()):
        group = f'{layer.group}/iq/quantizers/quantizer{f"_{place}" if place else ""}/quantizer'
        found.append(_quantizer(layer, f'iq{place}', config, group))
    described = [text for text in found if text]
    if not described:
        inner = [group for group in layer.weights.groups(layer.group) if group.endswith('q/quantizer')]
        if inner:
            return (f'{len(inner)} quantizers in its parts',)
    return tuple(described)


def _quantizer(layer: SavedLayer, role: str, config: JsonView | None, group: str) -> str:
    """``kq 3-5 bits per channel SAT_SYM``; empty where there is none, or none that was built."""
    if config is None or not config.is_object or config.value.get('class_name') not in CONFIG_CLASSES:
        return ''
    try:
        variables = layer.weights.variables(group)
        if not variables:
            return ''
        shape = np.broadcast_shapes(*(array.shape for array in variables))
        quantizer = read_quantizer(config, variables, shape, constant=True, context=layer.context)
    except (FrontendError, ValueError) as error:
        return f'{role}: {error.message if isinstance(error, FrontendError) else error}'
    if quantizer is None:
        return ''
    bits = np.maximum(quantizer.signed + quantizer.int_bits + quantizer.frac_bits, 0)
    low, high = int(bits.min(initial=99)), int(bits.max(initial=0))
    width = f'{low}' if low == high else f'{low}-{high}'
    long_axes = [axis for axis, size in enumerate(shape) if size > 1]
    scope = 'tensor' if not long_axes else 'channel' if long_axes == [len(shape) - 1] else 'element'
    return f'{role} {width} bits per {scope} {quantizer.overflow.name}'
