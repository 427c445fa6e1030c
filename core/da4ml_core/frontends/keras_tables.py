"""HGQ2's tables and softmax: functions of one value by lookup, products of unknowns by multipliers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.errors import TraceError
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_layers import bookkeeping
from da4ml_core.frontends.layer_frame import fixed_point, quantize_input, quantize_output, symbolic
from da4ml_core.frontends.saved_layer import SavedLayer, describe

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

Function = Callable[[float], Any]  # of a float32 number, to the float32 number that the framework computes

EPSILON = np.float32(1e-7)  # keras.config.epsilon()
ONE = np.float32(1)


def _in_float32(function: Callable[[Any], Any]) -> Function:
    """A function computed in float64 and rounded once, as close as a float32 library comes to it."""
    return lambda x: np.float32(function(np.float64(x)))


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        'linear': np.float32,
        'relu': lambda x: np.float32(max(x, 0.0)),
        'tanh': _in_float32(np.tanh),
        'sigmoid': _in_float32(lambda x: 1 / (1 + np.exp(-x))),
        'exponential': _in_float32(np.exp),
        'softplus': _in_float32(lambda x: np.logaddexp(x, 0)),
        'softsign': lambda x: np.float32(x) / (ONE + np.abs(np.float32(x))),
        'elu': _in_float32(lambda x: x if x > 0 else np.expm1(x)),
        'silu': _in_float32(lambda x: x / (1 + np.exp(-x))),
        'relu6': lambda x: np.float32(min(max(x, 0.0), 6.0)),
    }
)


def q_unary_function_lut(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """An activation by a table, between quantizers."""
    return _tabulated(layer, quantize_input(layer, x), unary_function(layer, 'activation'))


def q_affined_unary_function_lut(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """An activation of ``x * scale + bias``, two trained numbers, by a table."""
    saved = layer.variables({'scale': (1,), 'bias': (1,)} | bookkeeping(layer))
    scale, bias = saved['scale'][0], saved['bias'][0]
    function = unary_function(layer, 'activation')
    return _tabulated(layer, quantize_input(layer, x), lambda number: function(np.float32(number) * scale + bias))


def unary_function(layer: SavedLayer, option: str) -> Function:
    """The function that an option names; raises UnsupportedLayer for one that is not known."""
    view = layer.options[option]
    named = view['config'] if view.is_object and view['class_name'].text() == 'function' else view
    if named.is_null:
        return FUNCTIONS['linear']
    if named.is_object or named.text() not in FUNCTIONS:
        raise layer.unsupported(f'the function {describe(named.value)}', list(FUNCTIONS))
    return FUNCTIONS[named.text()]


def q_softmax(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """Tables of exponentials and of the inverse of their sum; 'stable' ones count down from the largest input."""
    axes = tuple(layer.axis(axis, x.ndim) for axis in layer.options['axes'])
    return softmax_over(layer, x, axes, layer.flag('stable', True), layer.options['input_scaler'].number())


def part_of(layer: SavedLayer, role: str, options: dict[str, Any], prefix: str, class_name: str = '') -> SavedLayer:
    """A layer within the layer: its options are given, its quantizers those of the outer one with a prefix."""
    outer = layer.options.value
    quantizers = {
        key.removeprefix(f'{prefix}_'): config for key, config in outer.items() if key.startswith(f'{prefix}_')
    }
    shared = {key: outer[key] for key in ('dtype', 'enable_ebops') if key in outer}
    config = {'name': f'{layer.name}/{role.strip("_")}', **shared, **quantizers, **options}
    inner = {
        'class_name': class_name or layer.class_name,
        'config': config,
        'registered_name': layer.serialized.value.get('registered_name'),
    }
    return SavedLayer(
        JsonView(inner, layer.serialized.path, layer.serialized.file), f'{layer.group}/{role}', layer.weights
    )


def softmax_over(
    layer: SavedLayer, x: SymbolicArray, axes: tuple[int, ...], stable: bool, scaler: float
) -> SymbolicArray:
    """Exponentials by tables, times the inverse of their sum by another."""
    scores: Any = quantize_input(layer, x) if layer.flag('enable_iq', False) else fixed_point(layer, x)
    factor = np.float32(scaler)
    if stable:
        scores = np.max(scores, axis=axes, keepdims=True) - scores
        factor = -factor
    exponentials = _table_of(
        layer, 'exp', scores, lambda x: np.float32(np.exp(np.float64(np.float32(x) * factor))), stable
    )
    sums = symbolic(np.sum(exponentials, axis=axes, keepdims=True))
    inverse = _table_of(layer, 'inv', sums, lambda x: ONE / (np.float32(x) + EPSILON), True)
    return quantize_output(layer, symbolic(exponentials * inverse))


def _table_of(layer: SavedLayer, name: str, x: Any, function: Function, enable_iq: bool) -> Any:
    part = part_of(layer, f'{name}_table', {'enable_iq': enable_iq, 'enable_oq': True}, name)
    return _tabulated(part, quantize_input(part, x), function)


def _tabulated(layer: SavedLayer, x: SymbolicArray, function: Function) -> SymbolicArray:
    if not layer.flag('enable_oq', True):
        raise layer.unsupported('a function without an output quantizer', ['enable_oq'])
    found = layer.quantizer('oq', (1, *x.shape), constant=False)
    if found is None:
        raise layer.unsupported("q_type 'dummy' behind a function", ['kif', 'kbi'])
    try:
        result: SymbolicArray = found.tabulate(x, function)
        return result
    except TraceError as error:
        raise layer.unsupported(f'its table: {error.message}', []) from None
