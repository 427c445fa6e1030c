"""Convolutions, pooling and padding of Keras and HGQ2, exactly, on symbolic arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from da4ml_core.errors import TraceError
from da4ml_core.frontends.keras_layers import bookkeeping, last_axis
from da4ml_core.frontends.layer_frame import (
    activate,
    check_exact,
    fixed_point,
    mean_of,
    quantize_input,
    quantize_output,
)
from da4ml_core.frontends.saved_layer import SavedLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from da4ml_core.trace import SymbolicArray

Windowed = Callable[['SymbolicArray'], 'SymbolicArray']


def q_conv(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A convolution with quantized input, kernel and bias; 'causal' zeros are quantized like the input."""
    rank = _rank(layer, x)
    causal = layer.options['padding'].text() == 'causal'
    if causal:
        x = _causal_zeros(layer, x)
    x = _channels_last(layer, quantize_input(layer, x))
    kernel, bias = _convolution_variables(layer, x, rank, quantized=True)
    y = _convolve(layer, x, kernel, 'valid' if causal else layer.options['padding'].text())
    y = _channels_as_saved(layer, y if bias is None else y + bias)
    return quantize_output(layer, activate(layer, y))


def conv(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """Keras's own convolution, where it is exact in float32."""
    layer.check_float32()
    rank = _rank(layer, x)
    x = _channels_last(layer, fixed_point(layer, x))
    kernel, bias = _convolution_variables(layer, x, rank, quantized=False)
    check_exact(layer, x, kernel, np.zeros(1) if bias is None else bias)
    y = _convolve(layer, x, kernel, layer.options['padding'].text())
    return activate(layer, _channels_as_saved(layer, y if bias is None else y + bias))


def q_pool(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A pooling layer between its quantizers."""
    return quantize_output(layer, _pool(layer, quantize_input(layer, x)))


def pool(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A pooling layer of Keras."""
    return _pool(layer, fixed_point(layer, x))


def zero_padding(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """Zeros around the spatial axes."""
    from da4ml_core.trace import zero_pad

    widths = _margins(layer, 'padding', x)
    return _on_channels_last(layer, fixed_point(layer, x), lambda y: zero_pad(y, widths))


def cropping(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """The spatial axes without their margins."""
    spatial = [slice(before, -behind or None) for before, behind in _margins(layer, 'cropping', x)]
    y = _on_channels_last(layer, x, lambda y: y[tuple(spatial)])
    if not y.size:
        raise layer.corrupt('its cropping leaves nothing')
    return y


def upsampling(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """Repeated positions."""
    from da4ml_core.trace import upsample

    rank = _rank(layer, x)
    mode = layer.options.find('interpolation')
    if mode is not None and mode.text() != 'nearest':
        raise layer.unsupported(f'interpolation {mode.text()!r}', ['nearest'])
    size = layer.pair('size', rank)
    return _on_channels_last(layer, x, lambda y: upsample(y, size))


def _pool(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    from da4ml_core.trace import max_pool, sum_pool, window_counts

    rank = _rank(layer, x)
    everything = 'Global' in layer.class_name
    inside = _channels_last(layer, x)
    size = list(inside.shape[:-1]) if everything else layer.pair('pool_size', rank)
    strides = size if everything or layer.options.find('strides') is None else layer.pair('strides', rank)
    padding = 'valid' if everything else layer.options['padding'].text()
    if 'Max' in layer.class_name:
        y = max_pool(inside, size, strides, padding)
    else:
        counts = window_counts(inside.shape[:-1], size, strides, padding)
        y = mean_of(layer, sum_pool(inside, size, strides, padding), counts[..., None])
    y = _channels_as_saved(layer, y)
    if everything and not layer.flag('keepdims', False):
        y = y.reshape((y.size,))
    return y


def _convolution_variables(
    layer: SavedLayer, x: SymbolicArray, rank: int, *, quantized: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    channels = last_axis(layer, x)
    depthwise = layer.class_name.startswith('Depthwise')
    groups = channels if depthwise else _groups(layer)
    filters = layer.options['depth_multiplier' if depthwise else 'filters'].integer()
    if filters < 1 or channels % groups or (not depthwise and filters % groups):
        raise layer.corrupt(f'its {groups} groups do not divide {channels} channels and {filters} filters')
    shape = (*layer.pair('kernel_size', rank), channels if depthwise else channels // groups, filters)
    expected = {'kernel': shape}
    if layer.flag('use_bias', True):
        expected['bias'] = (channels * filters if depthwise else filters,)
    saved = layer.variables(expected | (bookkeeping(layer) if quantized else {}))
    values = {
        name: layer.constants(role, saved[name]) if quantized else saved[name].astype(np.float64)
        for name, role in (('kernel', 'kq'), ('bias', 'bq'))
        if name in expected
    }
    kernel = values['kernel']
    if depthwise:
        kernel = kernel.reshape(*shape[:rank], 1, channels * filters)
    return kernel, values.get('bias')


def _convolve(layer: SavedLayer, x: SymbolicArray, kernel: NDArray[np.float64], padding: str) -> SymbolicArray:
    from da4ml_core import trace

    rank = kernel.ndim - 2
    strides, dilation = layer.pair('strides', rank), layer.pair('dilation_rate', rank)
    groups = x.shape[-1] if layer.class_name.startswith('Depthwise') else _groups(layer)
    try:
        return trace.conv(x, kernel, strides, padding, dilation, groups)
    except TraceError as error:
        raise layer.corrupt(f'it cannot be applied to {x.shape}: {error.message}') from None


def _groups(layer: SavedLayer) -> int:
    view = layer.options.find('groups')
    groups = 1 if view is None else view.integer()
    if groups < 1:
        raise layer.corrupt(f'it has {groups} groups')
    return groups


def _causal_zeros(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    from da4ml_core.trace import zero_pad

    reach = layer.pair('dilation_rate', 1)[0] * (layer.pair('kernel_size', 1)[0] - 1)
    if x.is_external:
        raise layer.unsupported("padding 'causal' on a model input that no quantizer has touched", ['valid', 'same'])
    return _on_channels_last(layer, x, lambda y: zero_pad(y, [(reach, 0)]))


def _margins(layer: SavedLayer, option: str, x: SymbolicArray) -> list[tuple[int, int]]:
    rank = _rank(layer, x)
    view = layer.options[option]
    given = list(view) if view.is_list else [view] * rank
    if rank == 1 and len(given) == 2:
        given = [view]
    margins = []
    for width in given:
        both = [side.integer() for side in width] if width.is_list else [width.integer()] * 2
        if len(both) != 2 or min(both) < 0 or max(both) > 1 << 10:
            raise width.error(f'{option} must be two small numbers for each axis')
        margins.append((both[0], both[1]))
    if len(margins) != rank:
        raise view.error(f'{option} must have an entry for each of {rank} axes')
    return margins


def _rank(layer: SavedLayer, x: SymbolicArray) -> int:
    rank = int(next(letter for letter in layer.class_name if letter in '123'))
    if x.ndim != rank + 1:
        raise layer.corrupt(f'its input has the shape {x.shape}, not {rank} spatial axes and channels')
    return rank


def _is_channels_first(layer: SavedLayer) -> bool:
    order = layer.options.find('data_format')
    return order is not None and order.text() == 'channels_first'


def _channels_last(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    return x.transpose(*range(1, x.ndim), 0) if _is_channels_first(layer) else x


def _channels_as_saved(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    return x.transpose(x.ndim - 1, *range(x.ndim - 1)) if _is_channels_first(layer) else x


def _on_channels_last(layer: SavedLayer, x: SymbolicArray, function: Windowed) -> SymbolicArray:
    return _channels_as_saved(layer, function(_channels_last(layer, x)))
