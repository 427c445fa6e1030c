"""A trained float model as a graph of operations, and its simplification: what multiplies twice is folded into once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from da4ml_core.frontends.post_training.float_operations import (
    Array,
    Convolution,
    Dense,
    Operation,
    Permute,
    Rectifier,
    Scale,
    Weighted,
)

MAX_EVALUATED = 1 << 22  # numbers of one batch of inputs


@dataclass(frozen=True, slots=True)
class FloatNode:
    """One operation on the tensors of earlier nodes; ``layer`` is the name that the user knows it by."""

    name: str
    layer: str
    operation: Operation
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FloatGraph:
    """Nodes in order; inputs are shapes without the batch, by name. ``dropped`` says what was left out at the end."""

    file: str
    name: str
    inputs: Mapping[str, tuple[int, ...]]
    nodes: tuple[FloatNode, ...]
    outputs: tuple[str, ...]
    dropped: tuple[str, ...] = ()

    def evaluate(self, *inputs: Array) -> list[Array]:
        """The outputs in float64 for a batch, or one of each input."""
        values = dict(zip(self.inputs, inputs, strict=True))
        for node in self.nodes:
            values[node.name] = node.operation.evaluate([values[source] for source in node.sources])
        return [values[name] for name in self.outputs]

    def consumers(self) -> dict[str, list[FloatNode]]:
        """Who reads each tensor."""
        found: dict[str, list[FloatNode]] = {name: [] for name in (*self.inputs, *(node.name for node in self.nodes))}
        for node in self.nodes:
            for source in node.sources:
                found[source].append(node)
        return found


@dataclass(slots=True)
class GraphBuilder:
    """Grows a graph, and knows the shape of every tensor by trying each operation on zeros."""

    file: str
    name: str
    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    nodes: list[FloatNode] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    _shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def input(self, name: str, shape: tuple[int, ...]) -> str:
        self.inputs[name] = self._shapes[name] = shape
        return name

    def shape(self, name: str) -> tuple[int, ...]:
        """Without the batch."""
        return self._shapes[name]

    def add(self, layer: str, operation: Operation, *sources: str) -> str:
        """The name of the result; raises what numpy or the windows raise where shapes do not fit."""
        result = operation.evaluate([np.zeros((1, *self._shapes[source])) for source in sources])
        self._counts[layer] += 1
        name = f'{layer}:{self._counts[layer]}'
        self._shapes[name] = result.shape[1:]
        self.nodes.append(FloatNode(name, layer, operation, sources))
        return name

    def finish(self, outputs: Sequence[str]) -> FloatGraph:
        return FloatGraph(self.file, self.name, self.inputs, tuple(self.nodes), tuple(outputs), tuple(self.dropped))


def simplified(graph: FloatGraph, fold_batchnorm: bool = True) -> FloatGraph:
    """The same function with fewer operations: transpositions meet, scales go into the product beside them."""
    while True:
        step = _transpositions(graph) or (_scales(graph) if fold_batchnorm else None)
        if step is None:
            return _without_dead(graph)
        graph = step


def _transpositions(graph: FloatGraph) -> FloatGraph | None:
    """One transposition removed, joined with the next, or moved behind a rectifier; None where there is none left."""
    consumers, nodes = graph.consumers(), {node.name: node for node in graph.nodes}
    for node in graph.nodes:
        operation = node.operation
        if isinstance(operation, Permute) and operation.order == tuple(range(len(operation.order))):
            if node.name not in graph.outputs or node.sources[0] in nodes:
                return _aliased(graph, node.name, node.sources[0])
            continue
        source = nodes.get(node.sources[0]) if node.sources else None
        if source is None or not isinstance(source.operation, Permute):
            continue
        if isinstance(operation, Permute):
            order = tuple(source.operation.order[axis] for axis in operation.order)
            return _replaced(graph, replace(node, operation=Permute(order), sources=source.sources))
        if isinstance(operation, Rectifier) and len(consumers[source.name]) == 1 and source.name not in graph.outputs:
            first = FloatNode(source.name, node.layer, operation, source.sources)
            second = FloatNode(node.name, source.layer, source.operation, (source.name,))
            return _replaced(graph, first, second)
    return None


def _scales(graph: FloatGraph) -> FloatGraph | None:
    """One scale folded into the product before it, or else into the dense product behind it."""
    consumers, nodes = graph.consumers(), {node.name: node for node in graph.nodes}
    for node in graph.nodes:
        scale = node.operation
        if not isinstance(scale, Scale) or scale.kernel.ndim > 1 or scale.bias.ndim > 1:
            continue
        source = nodes.get(node.sources[0])
        if (
            source is not None
            and isinstance(source.operation, (Dense, Convolution, Scale))
            and source.operation.kernel.ndim >= scale.kernel.ndim
            and len(consumers[source.name]) == 1
            and source.name not in graph.outputs
        ):
            kernel, bias = source.operation.rescaled(scale.kernel, scale.bias)
            joined: Weighted = replace(source.operation, kernel=kernel, bias=bias)
            return _aliased(_replaced(graph, replace(source, operation=joined)), node.name, source.name)
        readers = consumers[node.name]
        if len(readers) == 1 and isinstance(readers[0].operation, Dense) and node.name not in graph.outputs:
            dense = readers[0].operation
            width = dense.kernel.shape[0]
            factors, offsets = (np.broadcast_to(array, (width,)) for array in (scale.kernel, scale.bias))
            behind = Dense(factors[:, None] * dense.kernel, offsets @ dense.kernel + dense.bias)
            merged = replace(readers[0], operation=behind)
            return _aliased(_replaced(graph, merged), node.name, node.sources[0])
    return None


def _replaced(graph: FloatGraph, *nodes: FloatNode) -> FloatGraph:
    named = {node.name: node for node in nodes}
    return replace(graph, nodes=tuple(named.get(node.name, node) for node in graph.nodes))


def _aliased(graph: FloatGraph, name: str, instead: str) -> FloatGraph:
    """The graph without a node, whose readers read another tensor."""

    def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(instead if other == name else other for other in names)

    nodes = tuple(replace(node, sources=renamed(node.sources)) for node in graph.nodes if node.name != name)
    return replace(graph, nodes=nodes, outputs=renamed(graph.outputs))


def _without_dead(graph: FloatGraph) -> FloatGraph:
    live = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.name in live:
            live.update(node.sources)
    return replace(graph, nodes=tuple(node for node in graph.nodes if node.name in live))
