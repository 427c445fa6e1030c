"""Layers of Brevitas: their quantizers become those of QONNX, with the values that the layers themselves compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import FrontendError, Location
from da4ml_core.frontends.pytorch.graph import Call, Tensor, TorchGraph
from da4ml_core.frontends.pytorch.operations import convert

Array = NDArray[Any]

ROUNDINGS = MappingProxyType({'ROUND': 'ROUND', 'FLOOR': 'FLOOR', 'CEIL': 'CEIL', 'ROUND_TO_ZERO': 'DOWN'})


class Observed:
    """What the quantizers of weights and biases gave in one run of the model, by the quantizer."""

    def __init__(self) -> None:
        self.results: dict[int, list[Array]] = {}

    def record(self, quantizer: Any, result: Any) -> None:
        self.results.setdefault(id(quantizer), []).append(_array(result))

    def of(self, call: Call, quantizer: Any, what: str) -> Array:
        """The one result of a quantizer; raises UnsupportedLayer where it differs from call to call."""
        found = self.results.get(id(quantizer), [])
        if not found or any(not np.array_equal(found[0], other) for other in found[1:]):
            raise call.node.unsupported(
                f'its {what} differs from call to call: it depends on the scale of the input'
                if found
                else f'its {what} was not quantized in a run of the model'
            )
        return found[0]


def observe(module: Any, inputs: Sequence[Any], file: str) -> Observed:
    """Run the module once, on zeros, and note what its quantizers of parameters make of them."""
    import torch

    observed = Observed()
    hooks = [
        quantizer.register_forward_hook(lambda quantizer, given, result: observed.record(quantizer, result))
        for layer in module.modules()
        for quantizer in (getattr(layer, name, None) for name in ('weight_quant', 'bias_quant'))
        if isinstance(quantizer, torch.nn.Module)
    ]
    try:
        with torch.no_grad():
            module(*inputs)
    except Exception as error:  # the user's own forward(), or shapes that do not fit
        raise FrontendError(
            f'the module does not run on zeros of the shapes {[list(x.shape) for x in inputs]}: '
            f'{type(error).__name__}: {error}',
            location=Location(file),
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    return observed


def quantize(call: Call, quantizer: Any, x: Tensor, graph: TorchGraph) -> Tensor:
    """An activation quantizer behind x; x itself where it is off."""
    if quantizer is None or not quantizer.is_quant_enabled:
        return x
    if hasattr(quantizer, 'mantissa_bit_width') or getattr(quantizer, 'is_groupwise', False):
        raise call.node.unsupported('a quantizer to small floats, or in groups, is not supported', hint='integers')
    if 'Dynamic' in type(quantizer).__name__:
        raise call.node.unsupported('a quantizer whose scale depends on the sample is not supported')
    rounding = str(quantizer.rounding_mode).upper()
    if rounding not in ROUNDINGS:
        raise call.node.unsupported(f'the rounding {rounding} is not supported', hint=f'{", ".join(ROUNDINGS)}')
    scale, zero, bits = (_parameter(call, getattr(quantizer, name)()) for name in ('scale', 'zero_point', 'bit_width'))
    kind = graph.add(
        call,
        'Quant',
        x,
        scale,
        zero,
        bits,
        signed=int(bool(quantizer.is_signed)),
        narrow=int(bool(quantizer.is_narrow_range)),
        rounding_mode=ROUNDINGS[rounding],
    )
    return kind


def weighted(call: Call, layer: Any, arguments: list[Any], graph: TorchGraph, observed: Observed) -> Tensor:
    """QuantLinear and QuantConv: input quantizer, product with what the quantizer made of the weights, output."""
    x = quantize(call, layer.input_quant, _tensor(call, arguments), graph)
    given: dict[str, Any] = {'input': x, 'weight': observed.of(call, layer.weight_quant, 'weight')}
    if layer.bias is not None:
        given['bias'] = observed.of(call, layer.bias_quant, 'bias')
    if hasattr(layer, 'kernel_size'):
        if layer.padding_mode != 'zeros':
            raise call.node.unsupported(f'padding_mode {layer.padding_mode!r} is not supported', hint='zeros')
        operation = f'conv{len(layer.kernel_size)}d'
        given |= {name: getattr(layer, name) for name in ('stride', 'padding', 'dilation', 'groups')}
    else:
        operation = 'linear'
    y = convert(Call(call.file, call.layer, operation, given), graph)
    return quantize(call, layer.output_quant, y, graph)


def activation(call: Call, layer: Any, arguments: list[Any], graph: TorchGraph, observed: Observed) -> Tensor:
    """QuantIdentity, QuantReLU, QuantHardTanh: an input quantizer, the function, the quantizer."""
    x = quantize(call, layer.input_quant, _tensor(call, arguments), graph)
    function = getattr(layer.act_quant.fused_activation_quant_proxy, 'activation_impl', None)
    name = type(function).__name__
    if name == 'ReLU' or (name == 'Identity' and 'QuantReLU' in [base.__name__ for base in type(layer).__mro__]):
        x = graph.add(call, 'Relu', x)
    elif name == 'Hardtanh' and function is not None:
        x = graph.add(call, 'Clip', x, float(function.min_val), float(function.max_val))
    elif name not in ('Identity', 'NoneType'):
        raise call.node.unsupported(
            f'the activation {name} in front of a quantizer is not supported', hint='ReLU, Hardtanh, none'
        )
    return quantize(call, layer.act_quant, x, graph)


def element_sum(call: Call, layer: Any, arguments: list[Any], graph: TorchGraph, observed: Observed) -> Tensor:
    """QuantEltwiseAdd: both inputs quantized alike, their sum quantized."""
    if len(arguments) != 2 or not all(isinstance(argument, Tensor) for argument in arguments):
        raise call.node.unsupported('it takes two computed tensors')
    left, right = (quantize(call, layer.input_quant, argument, graph) for argument in arguments)
    return quantize(call, layer.output_quant, graph.add(call, 'Add', left, right), graph)


def _tensor(call: Call, arguments: list[Any]) -> Tensor:
    if not arguments or not isinstance(arguments[0], Tensor):
        raise call.node.unsupported('its input is no computed tensor')
    return arguments[0]


def _parameter(call: Call, value: Any) -> Array:
    if value is None:
        raise call.node.unsupported('its quantizer has no scale, zero point or bit width before it has seen data')
    return _array(value)


def _array(value: Any) -> Array:
    """A tensor of torch, or the value of a QuantTensor."""
    found = getattr(value, 'value', value)
    return np.asarray(found.detach().cpu().numpy(), dtype=np.float32)


Layer = Callable[[Call, Any, list[Any], TorchGraph, Observed], Tensor]
LAYERS: Mapping[str, Layer] = MappingProxyType(
    {
        'QuantLinear': weighted,
        'QuantConv1d': weighted,
        'QuantConv2d': weighted,
        'QuantConv3d': weighted,
        'QuantIdentity': activation,
        'QuantReLU': activation,
        'QuantHardTanh': activation,
        'QuantEltwiseAdd': element_sum,
    }
)
