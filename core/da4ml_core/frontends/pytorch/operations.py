"""What each supported operation of torch is in ONNX; arguments have the names of ATen's schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from da4ml_core.frontends.pytorch.graph import Call, Tensor, TorchGraph

Converter = Callable[[Call, TorchGraph], Tensor]


def convert(call: Call, graph: TorchGraph) -> Tensor:
    """The result of a call; raises UnsupportedLayer."""
    converter = CONVERTERS.get(call.operation)
    if converter is None:
        raise call.node.unsupported(
            f'the operation {call.operation} is not supported',
            hint=f'supported: {", ".join(sorted(CONVERTERS))}; of Brevitas, its layers in a live module',
        )
    return converter(call, graph)


def linear(call: Call, graph: TorchGraph) -> Tensor:
    weight = call.constant('weight')
    bias = () if call.get('bias') is None else (call.constant('bias'),)
    return graph.add(call, 'Gemm', call.tensor('input'), weight, *bias, transB=1)


def _convolution(rank: int) -> Converter:
    def convert_convolution(call: Call, graph: TorchGraph) -> Tensor:
        weight = call.constant('weight')
        bias = () if call.get('bias') is None else (call.constant('bias'),)
        strides, dilation = (call.sizes(name, rank, [1] * rank) for name in ('stride', 'dilation'))
        padding = call.get('padding', 0)
        if isinstance(padding, str):
            pads = _named_padding(call, padding, weight.shape[2:], strides, dilation)
        else:
            around = call.sizes('padding', rank, [0] * rank)
            pads = around + around
        return graph.add(
            call,
            'Conv',
            call.tensor('input'),
            weight,
            *bias,
            strides=strides,
            dilations=dilation,
            pads=pads,
            group=call.integer('groups', 1),
        )

    return convert_convolution


def _named_padding(
    call: Call, padding: str, size: tuple[int, ...], strides: list[int], dilation: list[int]
) -> list[int]:
    if padding == 'valid':
        return [0] * (2 * len(size))
    if padding != 'same' or set(strides) != {1}:
        raise call.node.unsupported(f'padding {padding!r} with strides {strides} is not supported')
    total = [rate * (reach - 1) for reach, rate in zip(size, dilation, strict=True)]
    before = [number // 2 for number in total]
    return before + [number - first for number, first in zip(total, before, strict=True)]


def batch_norm(call: Call, graph: TorchGraph) -> Tensor:
    if call.flag('training'):
        raise call.node.unsupported('batch normalization in training mode is not supported', hint='call eval() first')
    mean, variance = call.constant('running_mean'), call.constant('running_var')
    scale = np.ones_like(mean) if call.get('weight') is None else call.constant('weight')
    bias = np.zeros_like(mean) if call.get('bias') is None else call.constant('bias')
    epsilon = float(call.get('eps', 1e-5))
    # what torch does on a CPU: one rounding in x * slope + offset
    return graph.add(
        call, 'BatchNormalization', call.tensor('input'), scale, bias, mean, variance, epsilon=epsilon, fused=1
    )


def _pool(kind: str, rank: int) -> Converter:
    def convert_pool(call: Call, graph: TorchGraph) -> Tensor:
        size = call.sizes('kernel_size', rank, [])
        strides, around = call.sizes('stride', rank, size), call.sizes('padding', rank, [0] * rank)
        attributes: dict[str, Any] = {}
        if kind == 'MaxPool':
            attributes['dilations'] = call.sizes('dilation', rank, [1] * rank)
        else:
            attributes['count_include_pad'] = int(call.flag('count_include_pad', True))
            if call.get('divisor_override') is not None:
                raise call.node.unsupported('divisor_override is not supported')
        return graph.add(
            call,
            kind,
            call.tensor('self'),
            kernel_shape=size,
            strides=strides,
            pads=around + around,
            ceil_mode=int(call.flag('ceil_mode')),
            **attributes,
        )

    return convert_pool


def _adaptive(kind: str) -> Converter:
    def convert_adaptive(call: Call, graph: TorchGraph) -> Tensor:
        size = call.get('output_size')
        sizes = [size] if isinstance(size, int) else list(size or ())
        if any(extent != 1 for extent in sizes):
            raise call.node.unsupported(f'an adaptive pooling to {sizes} is not supported', hint='to 1')
        return graph.add(call, kind, call.tensor('self'))

    return convert_adaptive


def mean(call: Call, graph: TorchGraph) -> Tensor:
    """Of all spatial axes, which is a global pooling."""
    axes = call.get('dim', [])
    listed = sorted([axes] if isinstance(axes, int) else axes)
    if listed not in ([2], [2, 3], [2, 3, 4], [-1], [-2, -1], [-3, -2, -1]):
        raise call.node.unsupported(f'a mean over the axes {listed} is not supported', hint='over all spatial axes')
    pooled = graph.add(call, 'GlobalAveragePool', call.tensor('self'))
    return pooled if call.flag('keepdim') else graph.add(call, 'Flatten', pooled, axis=1)


def _arithmetic(op_type: str) -> Converter:
    def convert_arithmetic(call: Call, graph: TorchGraph) -> Tensor:
        if call.get('alpha', 1) != 1 or call.get('rounding_mode') is not None:
            raise call.node.unsupported('alpha and rounding_mode are not supported')
        sides = [call.arguments.get('self'), call.arguments.get('other')]
        if not any(isinstance(side, Tensor) for side in sides):
            raise call.node.unsupported('arithmetic of constants alone is not supported')
        return graph.add(call, op_type, *(side if isinstance(side, Tensor) else _number(side) for side in sides))

    return convert_arithmetic


def _number(value: Any) -> Any:
    return np.asarray(value, dtype=np.float32)


def matmul(call: Call, graph: TorchGraph) -> Tensor:
    return graph.add(call, 'MatMul', call.tensor('self'), call.constant('other'))


def _simple(op_type: str) -> Converter:
    def convert_simple(call: Call, graph: TorchGraph) -> Tensor:
        return graph.add(call, op_type, call.tensor('self'))

    return convert_simple


def relu6(call: Call, graph: TorchGraph) -> Tensor:
    return graph.add(call, 'Clip', call.tensor('self'), 0.0, 6.0)


def clamp(call: Call, graph: TorchGraph) -> Tensor:
    low, high = call.get('min', call.get('min_val')), call.get('max', call.get('max_val'))
    if high is None and low == 0:
        return graph.add(call, 'Relu', call.tensor('self'))
    if low is None or high is None:
        raise call.node.unsupported('a clamp with one bound is not supported', hint='both, or a ReLU')
    return graph.add(call, 'Clip', call.tensor('self'), float(low), float(high))


def leaky_relu(call: Call, graph: TorchGraph) -> Tensor:
    return graph.add(call, 'LeakyRelu', call.tensor('self'), alpha=float(call.get('negative_slope', 0.01)))


def softmax(call: Call, graph: TorchGraph) -> Tensor:
    return graph.add(call, 'Softmax', call.tensor('self'), axis=call.integer('dim', -1))


def identity(call: Call, graph: TorchGraph) -> Tensor:
    return call.tensor('input' if 'input' in call.arguments else 'self')


def flatten(call: Call, graph: TorchGraph) -> Tensor:
    if call.integer('start_dim', 0) != 1 or call.integer('end_dim', -1) != -1:
        raise call.node.unsupported('it is only supported from the axis behind the batch on', hint='flatten(1)')
    return graph.add(call, 'Flatten', call.tensor('self'), axis=1)


def reshape(call: Call, graph: TorchGraph) -> Tensor:
    """The batch stays in front, whatever stands for it."""
    shape = call.get('shape', call.get('size', ()))
    rest = list(shape)[1:]
    if not rest or not all(isinstance(size, int) for size in rest):
        raise call.node.unsupported(
            f'a shape {shape} is not supported', hint='the batch first, and fixed sizes, one of which may be -1'
        )
    return graph.add(call, 'Reshape', call.tensor('self'), np.array([1, *rest], dtype=np.int64))


def permute(call: Call, graph: TorchGraph) -> Tensor:
    dims = list(call.get('dims', ()))
    rank = len(dims)
    return graph.add(call, 'Transpose', call.tensor('self'), perm=[axis % rank for axis in dims] if rank else [])


def concatenate(call: Call, graph: TorchGraph) -> Tensor:
    tensors = list(call.get('tensors', ()))
    if not tensors or not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise call.node.unsupported('it joins what is no computed tensor')
    return graph.add(call, 'Concat', *tensors, axis=call.integer('dim', 0))


CONVERTERS: Mapping[str, Converter] = MappingProxyType(
    {
        'linear': linear,
        **{f'conv{rank}d': _convolution(rank) for rank in (1, 2, 3)},
        'batch_norm': batch_norm,
        **{f'max_pool{rank}d': _pool('MaxPool', rank) for rank in (1, 2, 3)},
        **{f'avg_pool{rank}d': _pool('AveragePool', rank) for rank in (1, 2, 3)},
        **{f'adaptive_avg_pool{rank}d': _adaptive('GlobalAveragePool') for rank in (1, 2, 3)},
        **{f'adaptive_max_pool{rank}d': _adaptive('GlobalMaxPool') for rank in (1, 2, 3)},
        'mean': mean,
        'add': _arithmetic('Add'),
        'sub': _arithmetic('Sub'),
        'mul': _arithmetic('Mul'),
        'div': _arithmetic('Div'),
        'matmul': matmul,
        'relu': _simple('Relu'),
        'relu6': relu6,
        'hardtanh': clamp,
        'clamp': clamp,
        'leaky_relu': leaky_relu,
        **{name: _simple(name.capitalize()) for name in ('sigmoid', 'tanh', 'softplus', 'softsign')},
        'softmax': softmax,
        **{name: identity for name in ('dropout', 'contiguous', 'clone', 'detach', 'identity', 'alias')},
        'flatten': flatten,
        'reshape': reshape,
        'view': reshape,
        'permute': permute,
        'cat': concatenate,
    }
)

# the order of positional arguments, where it is not that of the schema's (self, other)
PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        'linear': ('input', 'weight', 'bias'),
        **{
            f'conv{rank}d': ('input', 'weight', 'bias', 'stride', 'padding', 'dilation', 'groups') for rank in (1, 2, 3)
        },
        'batch_norm': ('input', 'running_mean', 'running_var', 'weight', 'bias', 'training', 'momentum', 'eps'),
        **{
            f'max_pool{rank}d': ('self', 'kernel_size', 'stride', 'padding', 'dilation', 'ceil_mode')
            for rank in (1, 2, 3)
        },
        **{
            f'avg_pool{rank}d': ('self', 'kernel_size', 'stride', 'padding', 'ceil_mode', 'count_include_pad')
            for rank in (1, 2, 3)
        },
        **{f'adaptive_{kind}_pool{rank}d': ('self', 'output_size') for kind in ('avg', 'max') for rank in (1, 2, 3)},
        'mean': ('self', 'dim', 'keepdim'),
        'clamp': ('self', 'min', 'max'),
        'hardtanh': ('self', 'min_val', 'max_val'),
        'leaky_relu': ('self', 'negative_slope'),
        'softmax': ('self', 'dim'),
        'flatten': ('self', 'start_dim', 'end_dim'),
        'cat': ('tensors', 'dim'),
        **{name: ('self', 'other') for name in ('add', 'sub', 'mul', 'div', 'matmul')},
    }
)
VARIADIC = MappingProxyType({'reshape': 'shape', 'view': 'size', 'permute': 'dims'})
