"""Float models in ONNX files: channels behind the batch there, last here, with transpositions that cancel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import FrontendError, Location, UnsupportedLayer
from da4ml_core.frontends.onnx_model import Node, OnnxGraph, read_onnx
from da4ml_core.frontends.post_training.activations import ACTIVATIONS
from da4ml_core.frontends.post_training.float_graph import FloatGraph, GraphBuilder
from da4ml_core.frontends.post_training.float_operations import (
    AveragePool,
    Concatenate,
    Convolution,
    Dense,
    MaxPool,
    Merge,
    Operation,
    Permute,
    Rectifier,
    Reshape,
    Scale,
    ZeroPad,
)

Array = NDArray[Any]


class Reader:
    """Tensors of a graph so far: the name of each in the builder, or its numbers."""

    def __init__(self, graph: OnnxGraph, builder: GraphBuilder) -> None:
        self.graph = graph
        self.builder = builder
        self.tensors: dict[str, str] = {}
        self.constants: dict[str, Array] = dict(graph.constants)

    def is_constant(self, name: str) -> bool:
        return name in self.constants

    def has(self, name: str) -> bool:
        return name in self.constants or name in self.tensors

    def tensor(self, node: Node, place: int = 0) -> str:
        name = node.inputs[place] if place < len(node.inputs) else ''
        if name not in self.tensors:
            raise node.corrupt(f'its input {name!r} is made by no node before it')
        return self.tensors[name]

    def constant(self, node: Node, place: int, default: Any = None) -> Array:
        name = node.inputs[place] if place < len(node.inputs) else ''
        if not name and default is not None:
            return np.asarray(default)
        if name not in self.constants:
            raise node.unsupported(f'its input {name!r} is not supported', hint='supported: a constant there')
        return self.constants[name]

    def shape(self, name: str) -> tuple[int, ...]:
        return self.builder.shape(name)

    def add(self, node: Node, operation: Operation, *sources: str) -> str:
        return self.builder.add(layer_name(node), operation, *sources)

    def channels_last(self, node: Node, x: str) -> str:
        rank = len(self.shape(x))
        return self.add(node, Permute((*range(1, rank), 0)), x)

    def channels_first(self, node: Node, x: str) -> str:
        rank = len(self.shape(x))
        return self.add(node, Permute((rank - 1, *range(rank - 1))), x)


Converter = Callable[[Node, Reader], str]


def layer_name(node: Node) -> str:
    return node.name or node.outputs[0]


def read_float_onnx(path: Path) -> FloatGraph:
    """The graph of a model file; raises FrontendError, UnsupportedLayer or CorruptModel."""
    return float_graph_of(read_onnx(path))


def float_graph_of(graph: OnnxGraph) -> FloatGraph:
    """As :func:`read_float_onnx`, of a graph that was read before, or made of a model of another kind."""
    _check_operations(graph)
    builder = GraphBuilder(graph.file, graph.name)
    reader = Reader(graph, builder)
    add_inputs(reader)
    for node in graph.nodes:
        convert(node, reader)
    missing = [name for name in graph.outputs if name not in reader.tensors]
    if missing:
        raise FrontendError(f'output {missing[0]!r} is nothing that the model computes', location=Location(graph.file))
    return builder.finish([reader.tensors[name] for name in graph.outputs])


def add_inputs(reader: Reader) -> None:
    """The inputs of the model; raises UnsupportedLayer for shapes that are not fixed."""
    for found in reader.graph.inputs:
        sizes = [size for size in found.shape[1:] if size is not None]
        if not found.shape or found.shape[0] not in (None, 1) or len(sizes) != len(found.shape) - 1 or not sizes:
            raise UnsupportedLayer(
                f'input {found.name!r} has no fixed shape behind a batch axis of 1 or unknown size',
                location=Location(reader.graph.file),
            )
        reader.tensors[found.name] = reader.builder.input(found.name, tuple(sizes))


def convert(node: Node, reader: Reader) -> None:
    """Add what one node computes; raises FrontendError."""
    if node.op_type == 'Constant':
        value = node.attributes.get('value')
        if not isinstance(value, np.ndarray):
            raise node.unsupported('a constant that is no tensor is not supported')
        reader.constants[node.outputs[0]] = value
        return
    if node.op_type == 'Softmax':
        if node.outputs[0] not in reader.graph.outputs:
            raise node.unsupported('Softmax in the middle of a model is not supported')
        reader.builder.dropped.append(f'{node.title} is dropped: the outputs are its logits')
        reader.tensors[node.outputs[0]] = reader.tensor(node)
        return
    try:
        reader.tensors[node.outputs[0]] = CONVERTERS[node.op_type](node, reader)
    except FrontendError:
        raise
    except (ValueError, IndexError) as error:
        raise node.corrupt(f'its inputs do not fit: {error}') from None


def is_known(node: Node) -> bool:
    """Whether the operation can be quantized after training."""
    return node.op_type in (*CONVERTERS, 'Constant', 'Softmax')


def _check_operations(graph: OnnxGraph) -> None:
    unknown = [node for node in graph.nodes if not is_known(node)]
    if unknown:
        first = unknown[0]
        has_quantizers = any(node.op_type in QUANTIZERS for node in unknown)
        raise first.unsupported(
            f'the operation {first.op_type} is not supported in a float model',
            hint='the model has quantizers of its own: leave the section quantization out'
            if has_quantizers
            else f'supported: {", ".join(sorted(CONVERTERS))}, and Softmax at the end',
            notes=[f'neither is node {node.title}' for node in unknown[1:]],
        )


def _matmul(node: Node, reader: Reader) -> str:
    kernel = reader.constant(node, 1).astype(np.float64)
    if kernel.ndim != 2:
        raise node.unsupported(f'a matrix of {kernel.ndim} axes is not supported')
    return reader.add(node, Dense(kernel, np.zeros(kernel.shape[1])), reader.tensor(node))


def _gemm(node: Node, reader: Reader) -> str:
    if node.integer('transA', 0):
        raise node.unsupported('transA 1 is not supported')
    kernel = reader.constant(node, 1).astype(np.float64) * node.number('alpha', 1.0)
    kernel = kernel.T if node.integer('transB', 0) else kernel
    bias = reader.constant(node, 2, 0.0).astype(np.float64) * node.number('beta', 1.0)
    spread = np.broadcast_to(bias.reshape(-1), (kernel.shape[1],))
    return reader.add(node, Dense(kernel, spread.copy()), reader.tensor(node))


def _convolution(node: Node, reader: Reader) -> str:
    weights = reader.constant(node, 1).astype(np.float64)
    rank = weights.ndim - 2
    kernel = weights.transpose(*range(2, rank + 2), 1, 0)
    bias = reader.constant(node, 2, np.zeros(kernel.shape[-1])).astype(np.float64)
    x = reader.channels_last(node, reader.tensor(node))
    strides = tuple(node.integers('strides') or [1] * rank)
    dilation = tuple(node.integers('dilations') or [1] * rank)
    x, padding = _padded(node, reader, x, kernel.shape[:rank], strides, dilation, zeros=True)
    y = reader.add(node, Convolution(kernel, bias, strides, padding, dilation, node.integer('group', 1)), x)
    return reader.channels_first(node, y)


def _padded(
    node: Node,
    reader: Reader,
    x: str,
    size: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    zeros: bool,
) -> tuple[str, str]:
    """The tensor, with zeros around it where the node asks for them, and the padding that is left to do."""
    mode = node.text('auto_pad', 'NOTSET')
    if mode in ('SAME_UPPER', 'VALID'):
        return x, 'same' if mode == 'SAME_UPPER' else 'valid'
    if mode != 'NOTSET':
        raise node.unsupported(f'auto_pad {mode} is not supported')
    rank = len(size)
    pads = node.integers('pads') or [0] * (2 * rank)
    if len(pads) != 2 * rank or min(pads) < 0:
        raise node.corrupt(f'its pads {pads} are not two sizes for each of {rank} axes')
    if not any(pads):
        return x, 'valid'
    widths = tuple(zip(pads[:rank], pads[rank:], strict=True))
    same = []
    for extent, reach, step, rate in zip(reader.shape(x)[:rank], size, strides, dilation, strict=True):
        total = max((-(-extent // step) - 1) * step + (reach - 1) * rate + 1 - extent, 0)
        same.append((total // 2, total - total // 2))
    if widths == tuple(same):
        return x, 'same'
    if not zeros:
        raise node.unsupported(f'pads {pads} are not supported', hint='supported: those of auto_pad SAME_UPPER')
    return reader.add(node, ZeroPad((*widths, (0, 0))), x), 'valid'


def _pool(node: Node, reader: Reader) -> str:
    x = reader.channels_last(node, reader.tensor(node))
    shape = reader.shape(x)
    rank = len(shape) - 1
    everything = node.op_type.startswith('Global')
    size = shape[:-1] if everything else tuple(node.integers('kernel_shape') or ())
    strides = size if everything else tuple(node.integers('strides') or [1] * rank)
    if node.integer('ceil_mode', 0) or set(node.integers('dilations') or [1]) != {1}:
        raise node.unsupported('ceil_mode and dilations are not supported')
    kind = MaxPool if 'Max' in node.op_type else AveragePool
    padding = 'valid'
    if not everything:
        counts_zeros = bool(node.integer('count_include_pad', 0))
        x, padding = _padded(node, reader, x, size, strides, (1,) * rank, kind is AveragePool and counts_zeros)
        if padding == 'same' and counts_zeros:
            raise node.unsupported('count_include_pad with these pads is not supported')
    return reader.channels_first(node, reader.add(node, kind(size, strides, padding), x))


def _batch_normalization(node: Node, reader: Reader) -> str:
    scale, bias, mean, variance = (reader.constant(node, place).astype(np.float64) for place in range(1, 5))
    slope = scale / np.sqrt(variance + node.number('epsilon', 1e-5))
    return _scaled(node, reader, reader.tensor(node), slope, bias - mean * slope, 0)


def _scaled(node: Node, reader: Reader, x: str, factor: Array, offset: Array, axis: int) -> str:
    """A factor and an offset along one axis of a sample."""
    rank = len(reader.shape(x))
    if axis == rank - 1:
        return reader.add(node, Scale(factor, offset), x)
    order = (*(place for place in range(rank) if place != axis), axis)
    moved = reader.add(node, Scale(factor, offset), reader.add(node, Permute(order), x))
    return reader.add(node, Permute(tuple(order.index(place) for place in range(rank))), moved)


def _arithmetic(node: Node, reader: Reader) -> str:
    if len(node.inputs) != 2:
        raise node.corrupt(f'it has {len(node.inputs)} inputs, not 2')
    constant = [reader.is_constant(name) for name in node.inputs]
    function = {'Add': np.add, 'Sub': np.subtract, 'Mul': np.multiply, 'Div': np.divide}[node.op_type]
    if all(constant):
        raise node.unsupported('arithmetic of constants alone is not supported', hint='fold constants on export')
    if not any(constant):
        if node.op_type == 'Div':
            raise node.unsupported('a division by a computed tensor is not supported')
        return reader.add(node, Merge(function), reader.tensor(node, 0), reader.tensor(node, 1))
    swapped = constant[0]
    x = reader.tensor(node, int(swapped))
    number = reader.constant(node, int(not swapped)).astype(np.float64)
    if node.op_type == 'Div' and (swapped or not number.all()):
        raise node.unsupported('a division by a computed tensor, or by zero, is not supported')
    rank = len(reader.shape(x))
    aligned = number.reshape((1,) * max(0, rank + 1 - number.ndim) + number.shape)
    long = [axis for axis, size in enumerate(aligned.shape[1:]) if size > 1]
    if aligned.shape[0] != 1 or aligned.ndim != rank + 1 or len(long) > 1:
        raise node.unsupported(
            f'a constant of shape {number.shape} is not supported',
            hint='supported: one number, or one for each channel',
        )
    axis = long[0] if long else rank - 1
    flat = aligned.reshape(-1)
    one, zero = np.ones_like(flat), np.zeros_like(flat)
    factor, offset = {
        'Add': (one, flat),
        'Sub': (-one, flat) if swapped else (one, -flat),
        'Mul': (flat, zero),
        'Div': (1 / flat if node.op_type == 'Div' else flat, zero),
    }[node.op_type]
    return _scaled(node, reader, x, factor, offset, axis)


def _rectifier(node: Node, reader: Reader) -> str:
    slope = node.number('alpha', 0.01) if node.op_type == 'LeakyRelu' else 0.0
    return reader.add(node, Rectifier(slope), reader.tensor(node))


def _clip(node: Node, reader: Reader) -> str:
    low = node.number('min', 0.0) if 'min' in node.attributes else float(reader.constant(node, 1, -np.inf))
    high = node.number('max', 0.0) if 'max' in node.attributes else float(reader.constant(node, 2, np.inf))
    if low != 0.0:
        raise node.unsupported(f'a lower bound {low} is not supported', hint='supported: 0')
    return reader.add(node, Rectifier(cap=None if np.isinf(high) else high), reader.tensor(node))


def _activation(node: Node, reader: Reader) -> str:
    return reader.add(node, ACTIVATIONS[node.op_type.lower()], reader.tensor(node))


def _reshape(node: Node, reader: Reader) -> str:
    x = reader.tensor(node)
    shape = reader.shape(x)
    if node.op_type == 'Flatten':
        if node.integer('axis', 1) != 1:
            raise node.unsupported(f'axis {node.integer("axis", 1)} is not supported', hint='supported: 1')
        target = [1, -1]
    else:
        target = [int(size) for size in reader.constant(node, 1)]
        whole = (1, *shape)
        target = [whole[place] if size == 0 else size for place, size in enumerate(target)]
    batch, *rest = target
    if batch not in (1, -1) or (batch == -1 and -1 in rest):
        raise node.unsupported(f'a shape {target} without the batch axis in front is not supported')
    return reader.add(node, Reshape(np.zeros(shape).reshape(rest).shape), x)


def _transpose(node: Node, reader: Reader) -> str:
    x = reader.tensor(node)
    order = node.integers('perm') or list(range(len(reader.shape(x)), -1, -1))
    if order[0] != 0:
        raise node.unsupported('a transposition of the batch axis is not supported')
    return reader.add(node, Permute(tuple(axis - 1 for axis in order[1:])), x)


def _concat(node: Node, reader: Reader) -> str:
    sources = [reader.tensor(node, place) for place in range(len(node.inputs))]
    axis = node.integer('axis')
    axis = axis + len(reader.shape(sources[0])) + 1 if axis < 0 else axis
    if axis == 0:
        raise node.unsupported('a concatenation along the batch axis is not supported')
    return reader.add(node, Concatenate(axis), *sources)


def _identity(node: Node, reader: Reader) -> str:
    return reader.tensor(node)


QUANTIZERS = ('Quant', 'BipolarQuant', 'Trunc', 'QuantizeLinear', 'DequantizeLinear')

CONVERTERS: Mapping[str, Converter] = MappingProxyType(
    {
        'MatMul': _matmul,
        'Gemm': _gemm,
        'Conv': _convolution,
        'BatchNormalization': _batch_normalization,
        **{name: _pool for name in ('MaxPool', 'AveragePool', 'GlobalMaxPool', 'GlobalAveragePool')},
        **{name: _arithmetic for name in ('Add', 'Sub', 'Mul', 'Div')},
        'Relu': _rectifier,
        'LeakyRelu': _rectifier,
        'Clip': _clip,
        **{name: _activation for name in ('Sigmoid', 'Tanh', 'Softplus', 'Softsign')},
        'Flatten': _reshape,
        'Reshape': _reshape,
        'Transpose': _transpose,
        'Concat': _concat,
        'Identity': _identity,
        'Dropout': _identity,
    }
)
