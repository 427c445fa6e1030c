"""HGQ2's table layers: each connection is a small trained network of one number, and becomes a table of its codes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.errors import TraceError
from da4ml_core.frontends.einsum_layout import read_einsum
from da4ml_core.frontends.keras_layers import bookkeeping, last_axis
from da4ml_core.frontends.keras_tables import Function, unary_function
from da4ml_core.frontends.layer_frame import activate, fixed_point, quantize_input, quantize_output, symbolic
from da4ml_core.frontends.saved_layer import MAX_ELEMENTS, SavedLayer, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from da4ml_core.frontends.hgq_quantizer import Float32
    from da4ml_core.trace import SymbolicArray

MAX_HIDDEN = 1 << 10  # layers, and numbers between two of them


@dataclass(frozen=True, slots=True)
class Normalization:
    """``(x * slope + offset) / root`` in the framework's order, or with the mean taken off first as Keras does it."""

    mean: Float32
    slope: Float32
    offset: Float32
    root: np.float32
    mean_first: bool

    def apply(self, x: np.float32, place: tuple[int, ...]) -> np.float32:
        slope, offset = self.slope[place], self.offset[place]
        normal = (x - self.mean[place]) * slope + offset if self.mean_first else x * slope + offset
        return np.float32(normal / self.root)


@dataclass(frozen=True, slots=True)
class Networks:
    """A network for each connection, by the axes of its kernel: hidden layers, a sum, perhaps a normalization."""

    hidden: tuple[tuple[Float32, Float32], ...]  # (*connections, inputs, outputs) and (*connections, outputs)
    kernel: Float32  # (*connections, inputs)
    bias: Float32  # connections
    activation: Function
    normalization: Normalization | None = None
    normalized: tuple[int, ...] = ()  # axes of the connections that the normalization has

    def function(self, place: tuple[int, ...]) -> Function:
        """That of one connection, in float32 with exact sums: the framework does not define their order."""

        def evaluate(number: float) -> np.float32:
            h = np.array([number], dtype=np.float32)
            for kernel, bias in self.hidden:
                sums = (h.astype(np.float64) @ kernel[place].astype(np.float64)).astype(np.float32) + bias[place]
                h = np.array([self.activation(value) for value in sums], dtype=np.float32)
            total = np.float32(h.astype(np.float64) @ self.kernel[place].astype(np.float64)) + self.bias[place]
            if self.normalization is None:
                return np.float32(total)
            return self.normalization.apply(total, tuple(place[axis] for axis in self.normalized))

        return evaluate


def q_dense_t(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """A sum over the inputs of a function for each pair of input and output."""
    return _dense(layer, x, layer.options['n_out'].integer())


def q_conv_t(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """The same over windows; zeros of the padding are looked up, too."""
    rank = 1 if layer.class_name.endswith('1D') else 2
    order = layer.options.find('data_format')
    if order is not None and order.text() != 'channels_last':
        raise layer.unsupported(f'data_format {order.text()!r}', ['channels_last'])
    if x.ndim != rank + 1:
        raise layer.corrupt(f'its input has the shape {x.shape}, not {rank} spatial axes and channels')
    return _dense(layer, _patches(layer, x, rank), layer.options['filters'].integer())


def _dense(layer: SavedLayer, x: SymbolicArray, outputs: int) -> SymbolicArray:
    connections = (last_axis(layer, x), outputs)
    _check_count(layer, (*x.shape, outputs))
    spread = symbolic(np.broadcast_to(x.reshape((*x.shape, 1)), (*x.shape, outputs)))
    normalization = None
    if layer.flag('batch_norm', False):
        part = SavedLayer(layer.serialized, f'{layer.group}/bn_module', layer.weights)
        normalization = _normalization(layer, part, (outputs,), connections[0], mean_first=True)
    networks = _networks(layer, connections, layer.flag('use_bias', True), normalization, (1,), (0, 1), 2)
    layer.variables(bookkeeping(layer)) if bookkeeping(layer) else None
    looked_up = _look_up(layer, quantize_input(layer, spread), networks, (spread.ndim - 2, spread.ndim - 1))
    return quantize_output(layer, activate(layer, symbolic(np.sum(looked_up, axis=-2))))


def q_einsum_dense_t(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """As the dense one, for the pairs of an einsum."""
    layout = read_einsum(layer, x.shape)
    extra = ''.join(letter for letter in layout.kernel if letter not in layout.inputs)
    if any(letter not in layout.outputs for letter in extra):
        raise layer.unsupported('an axis of the kernel alone that is summed over', ['bc,cd->bd'])
    letters = layout.inputs + extra
    shape = layout.shape_of(letters)
    _check_count(layer, shape)
    spread = symbolic(np.broadcast_to(x.reshape((*x.shape, *[1] * len(extra))), shape))
    summed = [letter for letter in layout.inputs if letter not in layout.outputs]
    normalization, normalized = None, ''
    bias = layer.options.find('bias_axes') is not None
    if layer.flag('batch_norm', False):
        named = layer.options.find('normalize_axes') or layer.options.find('bias_axes')
        normalized = named.text() if named else ''.join(c for c in layout.kernel if c in layout.outputs)
        if not set(normalized) <= set(layout.kernel):
            raise layer.unsupported(f'normalize_axes {normalized!r}', [f'axes of the kernel, {layout.kernel!r}'])
        count = prod(layout.shape_of(''.join(summed)))
        normalization = _normalization(layer, layer, layout.shape_of(normalized), count, mean_first=False)
        bias = False
    axes = tuple(layout.kernel.index(letter) for letter in normalized)
    places = tuple(letters.index(letter) for letter in layout.kernel)
    networks = _networks(layer, layout.kernel_shape, bias, normalization, axes, places, len(letters))
    looked_up = _look_up(layer, quantize_input(layer, spread), networks, places)
    total = symbolic(np.sum(looked_up, axis=tuple(letters.index(letter) for letter in summed))) if summed else looked_up
    kept = [letter for letter in letters if letter not in summed]
    y = total.transpose(*(kept.index(letter) for letter in layout.outputs))
    return quantize_output(layer, activate(layer, y))


def _check_count(layer: SavedLayer, shape: Shape) -> None:
    if min(shape, default=1) < 1 or prod(shape) > MAX_ELEMENTS:
        raise layer.corrupt(f'its connections have the shape {shape}')


def _networks(
    layer: SavedLayer,
    connections: Shape,
    biased: bool,
    normalization: Normalization | None,
    normalized: tuple[int, ...],
    places: tuple[int, ...],
    total: int,
) -> Networks:
    """The weights of the inner Sequential model, whose layers are all EinsumDense.

    ``places`` are the axes of the connections among the ``total`` that the networks are called with: biases are saved
    in the order of the latter, from the first one on, with sizes of one between them.
    """
    count, width = layer.options['n_hl'].integer(), layer.options['d_hl'].integer()
    if not 0 <= count <= MAX_HIDDEN or not 1 <= width <= MAX_HIDDEN:
        raise layer.corrupt(f'its networks have {count} hidden layers of {width} numbers')
    order = sorted(range(len(places)), key=places.__getitem__)
    spread = {place: size for place, size in zip(places, connections, strict=True)}
    saved_bias = tuple(spread.get(place, 1) for place in range(min(places), total))

    def along(bias: Float32) -> Float32:
        """A saved bias by the axes of the connections, and the numbers of a hidden layer."""
        more = bias.shape[len(saved_bias) :]
        packed = bias.reshape(*(connections[axis] for axis in order), *more)
        back = [order.index(axis) for axis in range(len(places))]
        return packed.transpose(*back, *range(len(places), packed.ndim))

    hidden = []
    inputs = 1
    for number in range(count):
        saved = _einsum_dense(layer, number, (*connections, -1, width), (*saved_bias, width) if biased else None)
        kernel = saved['kernel']
        if kernel.shape[-2] != inputs:  # built wider than what it is called with: the one number is broadcast
            kernel = kernel.sum(axis=-2, keepdims=True, dtype=np.float32)
        hidden.append((kernel, along(saved.get('bias', np.zeros((*saved_bias, width), dtype=np.float32)))))
        inputs = width
    last = _einsum_dense(layer, count, (*connections, -1), saved_bias if biased else None)
    function = unary_function(layer, 'subnn_activation')
    bias = along(last.get('bias', np.zeros(saved_bias, dtype=np.float32)))
    return Networks(tuple(hidden), last['kernel'], bias, function, normalization, normalized)


def _einsum_dense(layer: SavedLayer, number: int, kernel: Shape, bias: Shape | None) -> Mapping[str, Float32]:
    """The variables of one inner layer; -1 stands for the numbers that it is called with, of one or ``d_hl``."""
    group = f'{layer.group}/module/layers/einsum_dense{f"_{number}" if number else ""}'
    part = SavedLayer(layer.serialized, group, layer.weights)
    saved = layer.weights.variables(group)
    width = layer.options['d_hl'].integer()
    place = kernel.index(-1)
    found = saved[0].shape[place] if saved and saved[0].ndim == len(kernel) else width
    inputs = found if found in (1, width) else width
    if number == 0 and kernel[-1] == -1:
        inputs = 1
    shape = tuple(inputs if size == -1 else size for size in kernel)
    return part.variables({'kernel': shape} | ({} if bias is None else {'bias': bias}))


def _normalization(
    layer: SavedLayer, part: SavedLayer, shape: Shape, inputs: int, *, mean_first: bool
) -> Normalization:
    names = [name for name, option in (('gamma', 'bn_scale'), ('beta', 'bn_center')) if layer.flag(option, True)]
    expected = {name: shape for name in (*names, 'moving_mean', 'moving_variance')}
    own = {} if mean_first else {f'the layer, {name}': size for name, size in bookkeeping(layer).items()}
    saved = part.variables(expected | own)
    variance = saved['moving_variance'] + np.float32(layer.options['bn_epsilon'].number())
    if not np.all((variance > 0) & (variance < np.inf)):
        raise layer.corrupt('its moving_variance is not positive and finite')
    gamma, mean = saved.get('gamma', np.ones(shape, np.float32)), saved['moving_mean']
    beta = saved.get('beta', np.zeros(shape, np.float32))
    root = np.float32(sqrt(inputs))
    if mean_first:
        return Normalization(mean, (np.float32(1) / np.sqrt(variance)) * gamma, beta, root, True)
    slope = gamma / np.sqrt(variance)
    return Normalization(mean, slope, -mean * slope + beta, root, False)


def _look_up(layer: SavedLayer, x: SymbolicArray, networks: Networks, axes: Sequence[int]) -> Any:
    """The function of each element, chosen by its place along ``axes``, in the type of the table quantizer."""
    fixed_point(layer, x)
    found = layer.read_quantizer(
        layer.options['toq_conf'],
        f'{layer.group}/toq/quantizer',
        (1, *x.shape),
        False,
        f'{layer.context}, table quantizer',
    )
    if found is None:
        raise layer.unsupported("q_type 'dummy' behind a table", ['kif', 'kbi'])
    functions: dict[tuple[int, ...], Function] = {}
    chosen = []
    for index in np.ndindex(*x.shape):
        place = tuple(index[axis] for axis in axes)
        chosen.append(functions.setdefault(place, networks.function(place)))
    try:
        return found.tabulate(x, chosen)
    except TraceError as error:
        raise layer.unsupported(f'its table: {error.message}', []) from None


def _patches(layer: SavedLayer, x: SymbolicArray, rank: int) -> SymbolicArray:
    """The window of every position along one last axis, the channels innermost."""
    from da4ml_core.trace import zero_pad

    size, strides, dilation = (layer.pair(name, rank) for name in ('kernel_size', 'strides', 'dilation_rate'))
    padding = layer.options['padding'].text()
    reach = [(taps - 1) * rate + 1 for taps, rate in zip(size, dilation, strict=True)]
    if padding == 'same':
        fixed_point(layer, x)
        totals = [
            max((-(-extent // step) - 1) * step + length - extent, 0)
            for extent, step, length in zip(x.shape, strides, reach, strict=False)
        ]
        x = zero_pad(x, [(total // 2, total - total // 2) for total in totals])
    elif padding != 'valid':
        raise layer.unsupported(f'padding {padding!r}', ['valid', 'same'])
    counts = [(extent - length) // step + 1 for extent, length, step in zip(x.shape, reach, strides, strict=False)]
    if min(counts) < 1:
        raise layer.corrupt(f'its window {size} does not fit the input of {x.shape}')
    _check_count(layer, (*counts, prod(size), x.shape[-1]))
    taps = []
    for offset in np.ndindex(*size):
        starts = [int(tap) * rate for tap, rate in zip(offset, dilation, strict=True)]
        cut = tuple(
            slice(start, start + (count - 1) * step + 1, step)
            for start, count, step in zip(starts, counts, strides, strict=True)
        )
        taps.append(x[cut])
    return symbolic(np.concatenate(taps, axis=-1))
