"""What every HGQ2 layer has around its arithmetic: quantizers in front and behind, an activation, float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.frontends.saved_layer import SavedLayer, describe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from da4ml_core.trace import SymbolicArray

FLOAT32_BITS = 24


def quantize_input(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """The input quantizer, if it is enabled; raises UnsupportedLayer if the result is still a real number."""
    layer.check_float32()
    if layer.flag('enable_iq', True):
        x = _quantize(layer, 'iq', x)
    return fixed_point(layer, x)


def quantize_inputs(layer: SavedLayer, xs: list[SymbolicArray]) -> list[SymbolicArray]:
    """The input quantizers of a layer with several inputs."""
    layer.check_float32()
    if layer.flag('enable_iq', True):
        configs = list(layer.options['iq_confs'])
        if len(configs) != len(xs):
            raise layer.corrupt(f'it has {len(configs)} input quantizers for {len(xs)} inputs')
        for place, (config, x) in enumerate(zip(configs, xs, strict=True)):
            group = f'{layer.group}/iq/quantizers/quantizer{f"_{place}" if place else ""}/quantizer'
            context = f'{layer.context}, input quantizer {place}'
            found = layer.read_quantizer(config, group, (1, *x.shape), False, context)
            xs[place] = x if found is None else found.apply(x)
    return [fixed_point(layer, x) for x in xs]


def quantize_output(layer: SavedLayer, y: SymbolicArray) -> SymbolicArray:
    """The output quantizer, if it is enabled."""
    return _quantize(layer, 'oq', y) if layer.flag('enable_oq', False) else y


def fixed_point(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """The array itself; raises UnsupportedLayer if it is a model input that nothing has quantized."""
    from da4ml_core.trace import Deferred

    if x.is_external:
        raise layer.unsupported(
            'arithmetic on a model input that no quantizer has touched', ['enable_iq with kif, kbi']
        )
    if isinstance(x, Deferred):
        raise layer.unsupported(
            'arithmetic on a mean that float32 rounds', ['a quantizer between them; means of 2**n values']
        )
    return x


def symbolic(result: object) -> SymbolicArray:
    """What a numpy function made of symbolic arrays, as such."""
    from da4ml_core.trace import SymbolicArray

    if not isinstance(result, SymbolicArray):
        raise TypeError(f'no symbolic array but a {type(result).__name__}')
    return result


def activate(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """The layer's activation."""
    view = layer.options.find('activation')
    if view is None:
        return x
    name = view['config'] if view.is_object and view['class_name'].text() == 'function' else view
    if name.value == 'linear':
        return x
    if name.value == 'relu':
        return rectify(layer, x)
    raise layer.unsupported(f'activation {describe(name.value)}', ['linear', 'relu'])


def rectify(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """max(x, 0)."""
    from da4ml_core.trace import relu

    if x.is_external:
        raise layer.unsupported('an activation of a model input that is not quantized yet')
    return relu(fixed_point(layer, x))


def mean_of(layer: SavedLayer, total: SymbolicArray, counts: NDArray[np.int64]) -> Any:
    """``float32(total) / counts``: exactly where all counts are powers of two; else the next quantizer rounds it.

    Raises UnsupportedLayer where float32 rounds the sums themselves, in an order that frameworks do not define.
    """
    from da4ml_core.trace.deferred import defer

    if not np.any(counts & (counts - 1)):
        return total * (1 / counts)
    if any(max(-interval.lo, interval.hi).bit_length() > FLOAT32_BITS for interval in total.intervals()):
        raise layer.unsupported('a mean of sums of more than 24 bits', ['means of 2**n values'])
    return defer(total, lambda x, count: np.float32(x) / np.float32(count), counts)


def check_exact(layer: SavedLayer, x: SymbolicArray, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> None:
    """Raise UnsupportedLayer unless every sum of products of a layer without quantizers is exact in float32."""
    intervals = x.intervals()
    largest = max((max(-v.lo, v.hi) * 2.0**v.exp for v in intervals), default=0.0)
    step = min((v.exp for v in intervals), default=0) + _step(weights)
    sums = largest * np.abs(weights).reshape(-1, weights.shape[-1]).sum(axis=0).max(initial=0.0)
    total = sums + np.abs(bias).max(initial=0.0)
    if total > 2.0 ** (min(step, _step(bias)) + FLOAT32_BITS):
        raise layer.unsupported(
            'a layer without quantizers whose float32 sums are not exact', [f'its HGQ2 form Q{layer.class_name}']
        )


def _step(numbers: NDArray[np.float64]) -> int:
    """The exponent of the coarsest power of two that all numbers are multiples of."""
    mantissas, exponents = np.frexp(numbers[numbers != 0])
    whole = np.rint(mantissas * 2.0**53).astype(np.int64)
    lowest = whole & -whole
    return int((exponents - 53 + np.log2(lowest).astype(np.int64)).min(initial=64))


def _quantize(layer: SavedLayer, role: str, x: SymbolicArray) -> SymbolicArray:
    found = layer.quantizer(role, (1, *x.shape), constant=False)
    return x if found is None else found.apply(x)
