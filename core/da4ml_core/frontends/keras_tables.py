"""HGQ2's tables, softmax and attention: functions of one value by lookup, products of unknowns by multipliers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.errors import TraceError
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_layers import q_einsum_dense
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
    view = layer.options['activation']
    if view.is_object or view.text() not in FUNCTIONS:
        raise layer.unsupported(f'the function {describe(view.value)}', list(FUNCTIONS))
    return _tabulated(layer, quantize_input(layer, x), FUNCTIONS[view.text()])


def q_softmax(layer: SavedLayer, x: SymbolicArray) -> SymbolicArray:
    """Tables of exponentials and of the inverse of their sum; 'stable' ones count down from the largest input."""
    axes = tuple(layer.axis(axis, x.ndim) for axis in layer.options['axes'])
    return _softmax(layer, x, axes, layer.flag('stable', True), layer.options['input_scaler'].number())


def attention(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    """Multi-head attention of query, value and key; Linformer projects value and key along their positions first."""
    if not 1 <= len(xs) <= 3:
        raise layer.corrupt(f'it has {len(xs)} inputs')
    query = xs[0]
    value = xs[1] if len(xs) > 1 else query
    key = xs[2] if len(xs) > 2 else value
    fuse = layer.options.find('fuse')
    gate, window = layer.flag('use_gate', False), layer.options.find('sliding_window')
    if gate or window is not None or (fuse is not None and fuse.text() != 'none'):
        raise layer.unsupported('a gate, a sliding window or fused projections', ["fuse: 'none'"])
    given = layer.options.find('attention_axes')
    if any(x.ndim != 2 for x in (query, value, key)) or (given is not None and [a.integer() for a in given] != [1]):
        raise layer.unsupported('attention along other axes than the first', ['inputs of (positions, features)'])
    heads, size = layer.options['num_heads'].integer(), layer.options['key_dim'].integer()
    values = layer.options['value_dim'].integer()
    if min(heads, size, values) < 1:
        raise layer.corrupt('it has no heads, or heads without a size')
    if layer.class_name == 'QLinformerAttention':
        positions = [n.integer() for n in layer.options['lin_kv_proj_dim']]
        shared = layer.flag('share_kv_proj', False)
        project = {'equation': 'abc,bd->adc', 'output_shape': [*positions, key.shape[-1]], 'enable_oq': False}
        key = _projection(layer, '_lin_k_proj', key, project, bias=False)
        project['output_shape'] = [*positions, value.shape[-1]]
        value = _projection(layer, '_lin_k_proj' if shared else '_lin_v_proj', value, project, bias=False)

    def heads_of(role: str, x: Any, width: int, bias: bool) -> Any:
        options = {'equation': 'abc,cde->abde', 'output_shape': [x.shape[0], heads, width], 'enable_oq': True}
        return _projection(layer, role, x, options, bias=bias)

    q = heads_of('query_dense', query, size, True)
    k = heads_of('key_dense', key, size, False)
    v = heads_of('value_dense', value, values, True)
    scores = symbolic(np.einsum('she,the->hts', k, q))
    softmax = _part(layer, '_softmax', {'enable_iq': False, 'enable_oq': True}, 'softmax')
    weights = _softmax(softmax, scores, (2,), layer.flag('stable_softmax', True), 1 / sqrt(float(size)))
    mixed = symbolic(np.einsum('hts,she->the', weights, v))
    outputs = layer.options.find('output_shape')
    width = query.shape[-1] if outputs is None else outputs.integer()
    last = {'equation': 'abcd,cde->abe', 'output_shape': [query.shape[0], width], 'enable_oq': False}
    return quantize_output(layer, _projection(layer, 'output_dense', mixed, last | {'enable_iq': True}, bias=True))


def _projection(layer: SavedLayer, role: str, x: Any, options: dict[str, Any], *, bias: bool) -> SymbolicArray:
    bias_axes = {'abc,cde->abde': 'de', 'abcd,cde->abe': 'e'}.get(options['equation'])
    own = {'bias_axes': bias_axes if bias and layer.flag('use_bias', True) else None, 'activation': None}
    own |= {'enable_iq': layer.flag('enable_iq', True)} | options
    return q_einsum_dense(_part(layer, role, own, 'qkvo'), x)


def _part(layer: SavedLayer, role: str, options: dict[str, Any], prefix: str) -> SavedLayer:
    """A layer within the layer: its options are given, its quantizers those of the outer one with a prefix."""
    outer = layer.options.value
    quantizers = {
        key.removeprefix(f'{prefix}_'): config for key, config in outer.items() if key.startswith(f'{prefix}_')
    }
    shared = {key: outer[key] for key in ('dtype', 'enable_ebops') if key in outer}
    config = {'name': f'{layer.name}/{role.strip("_")}', **shared, **quantizers, **options}
    inner = {
        'class_name': layer.class_name,
        'config': config,
        'registered_name': layer.serialized.value.get('registered_name'),
    }
    return SavedLayer(
        JsonView(inner, layer.serialized.path, layer.serialized.file), f'{layer.group}/{role}', layer.weights
    )


def _softmax(layer: SavedLayer, x: SymbolicArray, axes: tuple[int, ...], stable: bool, scaler: float) -> SymbolicArray:
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
    part = _part(layer, f'{name}_table', {'enable_iq': enable_iq, 'enable_oq': True}, name)
    return _tabulated(part, quantize_input(part, x), function)


def _tabulated(layer: SavedLayer, x: SymbolicArray, function: Function) -> SymbolicArray:
    if not layer.flag('enable_oq', True):
        raise layer.unsupported('a function without an output quantizer', ['enable_oq'])
    found = layer.quantizer('oq', (1, *x.shape), constant=False)
    if found is None:
        raise layer.unsupported("q_type 'dummy' behind a function", ['kif', 'kbi'])
    try:
        return found.tabulate(x, function)
    except TraceError as error:
        raise layer.unsupported(f'its table: {error.message}', []) from None
