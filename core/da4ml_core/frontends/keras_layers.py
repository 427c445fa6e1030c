"""What each supported Keras and HGQ2 layer computes at inference, exactly, on symbolic arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from da4ml_core.frontends.einsum_layout import read_einsum
from da4ml_core.frontends.saved_layer import SavedLayer, Shape, describe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from da4ml_core.frontends.hgq_quantizer import Float32
    from da4ml_core.trace import SymbolicArray

Handler = Callable[[SavedLayer, 'SymbolicArray'], 'SymbolicArray']

# keras.config.epsilon(): QEinsumDenseBatchnorm adds this one, and not its own option, to the variance.
KERAS_EPSILON = np.float32(1e-7)


def q_dense(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """``x @ kernel + bias`` over the last axis."""
    kernel_shape = (_last_axis(layer, x), layer.options['units'].integer())
    bias_shape = kernel_shape[1:] if layer.flag('use_bias', True) else None
    saved = layer.variables(_dense_variables(layer, kernel_shape, bias_shape))
    bias = layer.constants('bq', saved['bias']) if bias_shape else None
    return _affine(layer, x, None, layer.constants('kq', saved['kernel']), bias)


def q_batch_norm_dense(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A dense layer behind a batch normalization of its inputs, fused before quantization as HGQ2 fuses it.

    The framework sums ``mean @ kernel`` in float32 in an order of its own; here the sum is exact and rounded once.
    """
    inputs = _last_axis(layer, x)
    kernel_shape = (inputs, layer.options['units'].integer())
    scale = layer.flag('scale', True)
    saved = layer.variables(_norm_variables(layer, kernel_shape, kernel_shape[1:], (inputs,), scale))
    epsilon = np.float32(layer.options['epsilon'].number())
    scaler = _scaler(layer, saved, epsilon)
    kernel = layer.constants('kq', scaler[:, None] * saved['kernel'])
    exact = saved['moving_mean'].astype(np.float64) @ saved['kernel'].astype(np.float64)
    bias = layer.constants('bq', saved['bias'] + -exact.astype(np.float32))
    return _affine(layer, x, None, kernel, bias)


def q_einsum_dense(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """``einsum(equation, x, kernel) + bias``."""
    layout = read_einsum(layer, x.shape)
    axes = layer.options.find('bias_axes')
    _check_axes(layer, 'bias_axes', axes.text() if axes else '', layout.outputs)
    bias_shape = layout.trailing_shape(axes.text()) if axes else None
    saved = layer.variables(_dense_variables(layer, layout.kernel_shape, bias_shape))
    bias = layer.constants('bq', saved['bias']) if bias_shape else None
    return _affine(layer, x, layout.equation, layer.constants('kq', saved['kernel']), bias)


def q_einsum_dense_batchnorm(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """``einsum(equation, x, kernel) + bias`` with the batch normalization of its outputs fused into both."""
    layout = read_einsum(layer, x.shape)
    bias_axes = layer.options['bias_axes'].text()
    given = layer.options.find('normalize_axes')
    norm_axes = bias_axes if given is None else given.text()
    _check_axes(layer, 'bias_axes', bias_axes, layout.outputs)
    _check_axes(layer, 'normalize_axes', norm_axes, ''.join(set(layout.outputs) & set(layout.kernel)))
    norm_axes = ''.join(letter for letter in layout.kernel if letter in norm_axes)
    scale = layer.flag('scale', True)
    saved = layer.variables(
        _norm_variables(layer, layout.kernel_shape, layout.trailing_shape(bias_axes), layout.shape_of(norm_axes), scale)
    )
    scaler = _scaler(layer, saved, KERAS_EPSILON)
    along_kernel = [layout.sizes[letter] if letter in norm_axes else 1 for letter in layout.kernel]
    kernel = layer.constants('kq', saved['kernel'] * scaler.reshape(along_kernel))
    offset = (-saved['moving_mean'] * scaler).reshape(layout.trailing_shape(norm_axes))
    bias = layer.constants('bq', saved['bias'] + offset)
    return _affine(layer, x, layout.equation, kernel, bias)


def quantizer(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A standalone quantizer."""
    found = layer.read_quantizer(
        layer.options['config'], f'{layer.group}/quantizer', (1, *x.shape), False, layer.context
    )
    return x if found is None else found.apply(x)


def flatten(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    order = layer.options.find('data_format')
    if order is not None and order.text() != 'channels_last':
        raise layer.unsupported(f'data_format {order.text()!r}', ['channels_last'])
    return x.reshape((x.size,))


def reshape(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    target = [size.integer() for size in layer.options['target_shape']]
    known = math.prod(size for size in target if size != -1)
    if target.count(-1) == 1 and known > 0:
        target[target.index(-1)] = x.size // known
    if min(target, default=1) < 0 or math.prod(target) != x.size:
        raise layer.corrupt(f'its target_shape {target} does not hold the {x.size} elements of {x.shape}')
    return x.reshape(tuple(target))


def activation(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    return _activate(layer, x)


def relu_layer(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    for option, plain in (('max_value', None), ('negative_slope', 0.0), ('threshold', 0.0)):
        view = layer.options.find(option)
        if view is not None and (plain is None or view.number() != plain):
            raise layer.unsupported(f'{option} {describe(view.value)}', [f'{option} {plain}'])
    return _relu(layer, x)


def identity(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """Layers that act in training only."""
    return x


HANDLERS: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ('hgq', 'QDense'): q_dense,
        ('hgq', 'QBatchNormDense'): q_batch_norm_dense,
        ('hgq', 'QEinsumDense'): q_einsum_dense,
        ('hgq', 'QEinsumDenseBatchnorm'): q_einsum_dense_batchnorm,
        ('hgq', 'Quantizer'): quantizer,
        ('keras', 'Flatten'): flatten,
        ('keras', 'Reshape'): reshape,
        ('keras', 'Activation'): activation,
        ('keras', 'ReLU'): relu_layer,
        ('keras', 'Identity'): identity,
        ('keras', 'Dropout'): identity,
        ('keras', 'AlphaDropout'): identity,
        ('keras', 'GaussianDropout'): identity,
        ('keras', 'GaussianNoise'): identity,
    }
)


def _affine(
    layer: SavedLayer,
    x: SymbolicArray,
    equation: str | None,
    kernel: NDArray[np.float64],
    bias: NDArray[np.float64] | None,
) -> SymbolicArray:
    """Input quantizer, product, bias, activation and output quantizer: the frame of every dense layer."""
    layer.check_float32()
    if layer.flag('enable_iq', True):
        x = _quantize(layer, 'iq', x)
    if x.is_external:
        raise layer.unsupported(
            'arithmetic on a model input that no quantizer has touched', ['enable_iq with kif, kbi']
        )
    y: SymbolicArray = x @ kernel if equation is None else np.einsum(equation, x, kernel)
    if bias is not None:
        y = y + bias
    y = _activate(layer, y)
    return _quantize(layer, 'oq', y) if layer.flag('enable_oq', False) else y


def _quantize(layer: SavedLayer, role: str, x: SymbolicArray) -> SymbolicArray:
    found = layer.quantizer(role, (1, *x.shape), constant=False)
    return x if found is None else found.apply(x)


def _activate(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    view = layer.options.find('activation')
    if view is None:
        return x
    name = view['config'] if view.is_object and view['class_name'].text() == 'function' else view
    if name.value == 'linear':
        return x
    if name.value == 'relu':
        return _relu(layer, x)
    raise layer.unsupported(f'activation {describe(name.value)}', ['linear', 'relu'])


def _relu(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    from da4ml_core.trace import relu

    if x.is_external:
        raise layer.unsupported('an activation of a model input that is not quantized yet')
    return relu(x)


def _last_axis(layer: SavedLayer, x: SymbolicArray) -> int:
    if x.ndim == 0:
        raise layer.corrupt('its input is a scalar')
    return x.shape[-1]


def _dense_variables(layer: SavedLayer, kernel: Shape, bias: Shape | None) -> dict[str, Shape]:
    expected = {'kernel': kernel}
    if bias is not None:
        expected['bias'] = bias
    if layer.flag('enable_ebops', True):
        expected |= {'beta': (), 'ebops': ()}
    return expected


def _norm_variables(layer: SavedLayer, kernel: Shape, bias: Shape, norm: Shape, scale: bool) -> dict[str, Shape]:
    """Keras saves trainable variables first: the scale goes before the bookkeeping, the statistics after it."""
    expected = {'kernel': kernel, 'bias': bias}
    if scale:
        expected['gamma'] = norm
    return expected | _dense_variables(layer, kernel, bias) | {'moving_mean': norm, 'moving_variance': norm}


def _scaler(layer: SavedLayer, saved: Mapping[str, Float32], epsilon: np.float32) -> Float32:
    variance = saved['moving_variance'] + epsilon
    if not np.all((variance > 0) & (variance < np.inf)):
        raise layer.corrupt('its moving_variance is not positive and finite')
    gamma = saved.get('gamma', np.float32(1))
    return np.asarray(gamma / np.sqrt(variance), dtype=np.float32)


def _check_axes(layer: SavedLayer, option: str, axes: str, legal: str) -> None:
    if len(set(axes)) != len(axes) or not set(axes) <= set(legal):
        raise layer.unsupported(f'{option} {axes!r}', [f'distinct axes of {"".join(sorted(legal))!r}'])
