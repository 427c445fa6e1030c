"""HGQ2's dense layers, batch normalizations and quantizers as they act at inference, on symbolic arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from da4ml_core.frontends.einsum_layout import read_einsum
from da4ml_core.frontends.layer_frame import activate, check_exact, fixed_point, quantize_input, quantize_output
from da4ml_core.frontends.saved_layer import SavedLayer, Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from da4ml_core.frontends.hgq_quantizer import Float32
    from da4ml_core.trace import SymbolicArray

# keras.config.epsilon(): QEinsumDenseBatchnorm adds this one, and not its own option, to the variance.
KERAS_EPSILON = np.float32(1e-7)


def q_dense(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """``x @ kernel + bias`` over the last axis."""
    kernel_shape = (last_axis(layer, x), layer.options['units'].integer())
    bias_shape = kernel_shape[1:] if layer.flag('use_bias', True) else None
    saved = layer.variables(dense_variables(layer, kernel_shape, bias_shape))
    bias = layer.constants('bq', saved['bias']) if bias_shape else None
    return _affine(layer, x, None, layer.constants('kq', saved['kernel']), bias)


def q_batch_norm_dense(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A dense layer behind a batch normalization of its inputs, fused before quantization as HGQ2 fuses it.

    The framework sums ``mean @ kernel`` in float32 in an order of its own; here the sum is exact and rounded once.
    """
    inputs = last_axis(layer, x)
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
    check_axes(layer, 'bias_axes', axes.text() if axes else '', layout.outputs)
    bias_shape = layout.trailing_shape(axes.text()) if axes else None
    saved = layer.variables(dense_variables(layer, layout.kernel_shape, bias_shape))
    bias = layer.constants('bq', saved['bias']) if bias_shape else None
    return _affine(layer, x, layout.equation, layer.constants('kq', saved['kernel']), bias)


def q_einsum_dense_batchnorm(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """``einsum(equation, x, kernel) + bias`` with the batch normalization of its outputs fused into both."""
    layout = read_einsum(layer, x.shape)
    bias_axes = layer.options['bias_axes'].text()
    given = layer.options.find('normalize_axes')
    norm_axes = bias_axes if given is None else given.text()
    check_axes(layer, 'bias_axes', bias_axes, layout.outputs)
    check_axes(layer, 'normalize_axes', norm_axes, ''.join(set(layout.outputs) & set(layout.kernel)))
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


def q_batch_normalization(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """``x * scale + offset`` along one axis, both of them quantized."""
    axis = layer.axis(layer.options['axis'], x.ndim)
    size = x.shape[axis]
    scale, center = layer.flag('scale', True), layer.flag('center', True)
    names = [*(['gamma'] if scale else []), *(['offset'] if center else []), 'moving_mean', 'moving_variance']
    saved = layer.variables({name: (size,) for name in names} | bookkeeping(layer))
    scaler = _scaler(layer, saved, np.float32(layer.options['epsilon'].number()))
    # HGQ2 takes an offset of one, not zero, where there is none
    offset = saved.get('offset', np.float32(1)) - saved['moving_mean'] * scaler
    along = [size if place == axis else 1 for place in range(x.ndim)]
    slope = layer.constants('kq', scaler).reshape(along)
    shift = layer.constants('bq', np.asarray(offset, dtype=np.float32)).reshape(along)
    y = quantize_input(layer, x) * slope + shift
    return quantize_output(layer, y)


def dense(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """Keras's own Dense, where it is exact in float32."""
    return _plain(layer, x, None, (last_axis(layer, x), layer.options['units'].integer()), None)


def einsum_dense(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """Keras's own EinsumDense, where it is exact in float32."""
    layout = read_einsum(layer, x.shape)
    axes = layer.options.find('bias_axes')
    check_axes(layer, 'bias_axes', axes.text() if axes else '', layout.outputs)
    return _plain(layer, x, layout.equation, layout.kernel_shape, layout.trailing_shape(axes.text()) if axes else ())


def _plain(
    layer: SavedLayer, x: SymbolicArray, equation: str | None, kernel: Shape, bias: Shape | None
) -> SymbolicArray:
    """A product without quantizers; ``bias`` is its shape, () for none, None for one of the outputs."""
    fixed_point(layer, x)
    layer.check_float32()
    expected = {'kernel': kernel}
    if bias is None and layer.flag('use_bias', True):
        bias = kernel[-1:]
    if bias:
        expected['bias'] = bias
    saved = {name: array.astype(np.float64) for name, array in layer.variables(expected).items()}
    offset = saved.get('bias', np.zeros(1))
    # of an einsum every output may be a sum over the whole kernel
    check_exact(layer, x, saved['kernel'] if equation is None else saved['kernel'].reshape(-1, 1), offset)
    y: SymbolicArray = x @ saved['kernel'] if equation is None else np.einsum(equation, x, saved['kernel'])
    return activate(layer, y + offset if bias else y)


def quantizer(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A standalone quantizer."""
    found = layer.read_quantizer(
        layer.options['config'], f'{layer.group}/quantizer', (1, *x.shape), False, layer.context
    )
    return x if found is None else found.apply(x)


def _affine(
    layer: SavedLayer,
    x: SymbolicArray,
    equation: str | None,
    kernel: NDArray[np.float64],
    bias: NDArray[np.float64] | None,
) -> SymbolicArray:
    """Input quantizer, product, bias, activation and output quantizer: the frame of every dense layer."""
    x = quantize_input(layer, x)
    y: SymbolicArray = x @ kernel if equation is None else np.einsum(equation, x, kernel)
    if bias is not None:
        y = y + bias
    return quantize_output(layer, activate(layer, y))


def last_axis(layer: SavedLayer, x: SymbolicArray) -> int:
    if x.ndim == 0:
        raise layer.corrupt('its input is a scalar')
    return x.shape[-1]


def dense_variables(layer: SavedLayer, kernel: Shape, bias: Shape | None) -> dict[str, Shape]:
    expected = {'kernel': kernel}
    if bias is not None:
        expected['bias'] = bias
    return expected | bookkeeping(layer)


def bookkeeping(layer: SavedLayer) -> dict[str, Shape]:
    """What HGQ2 saves with every layer for its estimate of resources."""
    return {'beta': (), 'ebops': ()} if layer.flag('enable_ebops', True) else {}


def _norm_variables(layer: SavedLayer, kernel: Shape, bias: Shape, norm: Shape, scale: bool) -> dict[str, Shape]:
    """Keras saves trainable variables first: the scale goes before the bookkeeping, the statistics after it."""
    expected = {'kernel': kernel, 'bias': bias}
    if scale:
        expected['gamma'] = norm
    return expected | dense_variables(layer, kernel, bias) | {'moving_mean': norm, 'moving_variance': norm}


def _scaler(layer: SavedLayer, saved: Mapping[str, Float32], epsilon: np.float32) -> Float32:
    variance = saved['moving_variance'] + epsilon
    if not np.all((variance > 0) & (variance < np.inf)):
        raise layer.corrupt('its moving_variance is not positive and finite')
    gamma = saved.get('gamma', np.float32(1))
    return np.asarray(gamma / np.sqrt(variance), dtype=np.float32)


def check_axes(layer: SavedLayer, option: str, axes: str, legal: str) -> None:
    if len(set(axes)) != len(axes) or not set(axes) <= set(legal):
        raise layer.unsupported(f'{option} {axes!r}', [f'distinct axes of {"".join(sorted(legal))!r}'])
