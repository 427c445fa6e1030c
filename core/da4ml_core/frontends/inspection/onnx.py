"""Inspection of ONNX models: every node is tried, on a stand-in where what it reads could not be computed."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from da4ml_core.errors import FrontendError, TraceError
from da4ml_core.frontends import qonnx_file
from da4ml_core.frontends.inspection.keras import STAND_IN, float_bit_operations
from da4ml_core.frontends.inspection.report import InspectedLayer, Inspection, Shape, Verdict, refused, untried
from da4ml_core.frontends.onnx_model import Node, OnnxGraph, read_onnx
from da4ml_core.frontends.post_training import from_onnx
from da4ml_core.frontends.post_training.float_graph import GraphBuilder
from da4ml_core.frontends.qonnx_ops import HANDLERS, QUANTIZERS
from da4ml_core.frontends.qonnx_shapes import Value
from da4ml_core.frontends.qonnx_tensor import Tensor

if TYPE_CHECKING:
    from da4ml_core.trace import SolverOptions, Tracer

USUAL_INPUT = 'fixed<3,12>'  # for models that compute with their inputs before they quantize them


def inspect_onnx(path: Path, solver: SolverOptions, input_type: str | None) -> Inspection:
    """Of a file; raises FrontendError where it as a whole cannot be read."""
    return inspect_graph(read_onnx(path), solver, input_type)


def inspect_graph(graph: OnnxGraph, solver: SolverOptions, input_type: str | None, kind: str = 'ONNX') -> Inspection:
    """Of a graph, which may come from a model of another ``kind``."""
    if input_type is None and qonnx_file.is_float(graph):
        return _inspect_float(graph, kind)
    try:
        return _inspect_quantized(graph, solver, input_type, f'Q{kind}' if kind == 'ONNX' else kind)
    except UntypedInput:
        return _inspect_quantized(graph, solver, USUAL_INPUT, f'Q{kind}' if kind == 'ONNX' else kind)


class UntypedInput(Exception):
    """The model computes with an input that has no type."""


def _inspect_quantized(graph: OnnxGraph, solver: SolverOptions, input_type: str | None, name: str) -> Inspection:
    from da4ml_core.trace import Tracer

    kind = None if input_type is None else qonnx_file.parse_type(input_type)
    tracer = Tracer(graph.name, solver=solver)
    tracer.count_bit_products()
    values: dict[str, Value] = dict(graph.constants)
    inputs: list[tuple[str, Shape]] = []
    layers: list[InspectedLayer] = []
    dropped: list[str] = []
    problem, program = '', None
    try:
        for found in graph.inputs:
            x = qonnx_file.symbolic_input(graph, found, tracer, kind)
            values[found.name] = Tensor(x)
            inputs.append((found.name, x.shape[1:]))
    except FrontendError as error:
        problem = error.message
    for node in graph.nodes:
        read = [values.get(name) for name in node.inputs if name]
        sources = [value for value in read if value is not None]
        if not qonnx_file.is_known(node) or len(sources) < len(read):
            why = f'no reader of its operation; supported: {", ".join(sorted(HANDLERS))}'
            layers.append(untried(node.name or node.outputs[0], node.op_type, (), qonnx_file.is_known(node), why))
        else:
            layers.append(_tried(graph, node, sources, values, dropped, tracer, typed=input_type is not None))
        if node.outputs[0] not in values:
            _stand_in(graph, node, values, tracer)
    if not problem and all(layer.verdict is Verdict.YES for layer in layers):
        try:
            producers = {node.outputs[0]: node for node in graph.nodes}
            outputs = qonnx_file.finished_outputs(graph, values, producers, dropped)
            program = tracer.finish([tensor.base.reshape(tensor.shape[1:] or (1,)) for tensor in outputs])
        except FrontendError as error:
            problem = error.message
    return Inspection(
        graph.file,
        f'{name} model',
        graph.name,
        tuple(inputs),
        tuple(layers),
        False,
        input_type,
        tuple(dropped),
        problem,
        program,
    )


def _tried(
    graph: OnnxGraph,
    node: Node,
    sources: Sequence[Value],
    values: dict[str, Value],
    dropped: list[str],
    tracer: Tracer,
    *,
    typed: bool,
) -> InspectedLayer:
    """One node; its result goes to ``values``. Raises UntypedInput."""
    name = node.name or node.outputs[0]
    described = _quantizer(node, sources)
    before = tracer.bit_products
    try:
        with tracer.origin(node.title):
            result = qonnx_file.apply(graph, node, list(sources), dropped)
    except (FrontendError, TraceError) as error:
        if not typed and any(isinstance(value, Tensor) and value.base.is_external for value in sources):
            raise UntypedInput from None
        return refused(name, node.op_type, error, described)
    values[node.outputs[0]] = result
    shape = result.shape[1:] if isinstance(result, Tensor) else None
    # a quantizer compares; what it multiplies by to do so is no product of the model
    spent = 0 if node.op_type in QUANTIZERS else tracer.bit_products - before
    return InspectedLayer(name, node.op_type, Verdict.YES, shape, described, spent)


def _stand_in(graph: OnnxGraph, node: Node, values: dict[str, Value], tracer: Tracer) -> None:
    """For the first output of a node that was not computed, if the file says its shape."""
    sizes = graph.shapes.get(node.outputs[0], (None, None))[1:]
    shape = tuple(size for size in sizes if size)
    if len(shape) == len(sizes) and prod(shape) <= qonnx_file.MAX_INPUT_ELEMENTS:
        x = tracer.input(shape or (1,), name=node.outputs[0]).quantize(*STAND_IN)
        values[node.outputs[0]] = Tensor(x.reshape((1, *shape)))


def _quantizer(node: Node, sources: Sequence[Value]) -> tuple[str, ...]:
    """``4 bits signed per tensor, scale 0.25``; empty for other operations."""
    parameters = [np.asarray(value) for value in sources[1:] if not isinstance(value, Tensor)]
    if node.op_type not in (*QUANTIZERS, 'QuantizeLinear') or not parameters:
        return ()
    scale = parameters[0]
    size = f'{float(scale.reshape(-1)[0]):g}' if scale.size == 1 else f'{scale.min():g} to {scale.max():g}'
    scope = f'per {"tensor" if scale.size == 1 else "channel"}, scale {size}'
    if node.op_type == 'BipolarQuant':
        return (f'1 bit {scope}',)
    if node.op_type == 'QuantizeLinear':
        zero = parameters[1] if len(parameters) > 1 else np.uint8(0)
        return (f'{zero.dtype.name} {scope}',)
    if len(parameters) < 3:
        return ()
    bits = '/'.join(f'{width:g}' for width in np.unique(parameters[-1]))
    signed = 'signed' if node.attributes.get('signed', 1) else 'unsigned'
    return (f'{bits} bits {signed} {scope}',)


def _inspect_float(graph: OnnxGraph, kind: str) -> Inspection:
    """A model without quantizers, as post-training quantization reads it."""
    builder = GraphBuilder(graph.file, graph.name)
    reader = from_onnx.Reader(graph, builder)
    layers: list[InspectedLayer] = []
    problem = ''
    try:
        from_onnx.add_inputs(reader)
    except FrontendError as error:
        problem = error.message
    for node in graph.nodes:
        name = node.name or node.outputs[0]
        known = from_onnx.is_known(node)
        if not known or not all(reader.has(source) for source in node.inputs if source):
            why = f'no reader of its operation; supported: {", ".join(sorted(from_onnx.CONVERTERS))}'
            layers.append(untried(name, node.op_type, (), known, why))
            _float_stand_in(graph, node, reader)
            continue
        before = float_bit_operations(builder)
        try:
            from_onnx.convert(node, reader)
        except FrontendError as error:
            layers.append(refused(name, node.op_type, error, ()))
            _float_stand_in(graph, node, reader)
            continue
        tensor = reader.tensors.get(node.outputs[0])
        shape = None if tensor is None else builder.shape(tensor)
        spent = float_bit_operations(builder) - before
        layers.append(InspectedLayer(name, node.op_type, Verdict.YES, shape, (), spent))
    return Inspection(
        graph.file,
        f'float {kind} model',
        graph.name,
        tuple(_fixed(graph)),
        tuple(layers),
        True,
        None,
        tuple(builder.dropped),
        problem,
    )


def _float_stand_in(graph: OnnxGraph, node: Node, reader: from_onnx.Reader) -> None:
    sizes = graph.shapes.get(node.outputs[0], (None, None))[1:]
    shape = tuple(size for size in sizes if size)
    if shape and len(shape) == len(sizes) and prod(shape) <= qonnx_file.MAX_INPUT_ELEMENTS:
        reader.tensors[node.outputs[0]] = reader.builder.input(f'{node.outputs[0]}?', shape)


def _fixed(graph: OnnxGraph) -> list[tuple[str, Shape]]:
    return [(found.name, tuple(size or 0 for size in found.shape[1:])) for found in graph.inputs]
