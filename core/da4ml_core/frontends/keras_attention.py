"""HGQ2's attention layers: projections by products or by tables, scores, softmax; Linformer and SALT project keys."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.frontends.keras_layers import q_einsum_dense
from da4ml_core.frontends.keras_networks import q_einsum_dense_t
from da4ml_core.frontends.keras_tables import part_of, softmax_over
from da4ml_core.frontends.keras_windows import q_conv
from da4ml_core.frontends.layer_frame import fixed_point, quantize_output, symbolic
from da4ml_core.frontends.saved_layer import SavedLayer

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

FUSED = {'none': '', 'kv': 'kv', 'qkv': 'qkv'}  # whose inputs share a quantizer
ROLES = {'q': 'query_dense', 'k': 'key_dense', 'v': 'value_dense'}


def attention(layer: SavedLayer, xs: list[Any]) -> SymbolicArray:
    """Multi-head attention of query, value and key."""
    if not 1 <= len(xs) <= 3:
        raise layer.corrupt(f'it has {len(xs)} inputs')
    query = xs[0]
    value = xs[1] if len(xs) > 1 else query
    key = xs[2] if len(xs) > 2 else value
    gate, window = layer.flag('use_gate', False), layer.options.find('sliding_window')
    if gate or window is not None:
        raise layer.unsupported('a gate or a sliding window', ['use_gate: false', 'sliding_window: null'])
    given = layer.options.find('attention_axes')
    if any(x.ndim != 2 for x in (query, value, key)) or (given is not None and [a.integer() for a in given] != [1]):
        raise layer.unsupported('attention along other axes than the first', ['inputs of (positions, features)'])
    heads, size = layer.options['num_heads'].integer(), layer.options['key_dim'].integer()
    values = layer.options['value_dim'].integer()
    if min(heads, size, values) < 1:
        raise layer.corrupt('it has no heads, or heads without a size')
    if layer.class_name.startswith('QLinformerAttention'):
        key, value = _linformer(layer, key, value)
    elif layer.class_name == 'QSALTAttention':
        key, value = _salt(layer, key, value)
    inputs = _fused(layer, {'q': query, 'k': key, 'v': value})

    def heads_of(letter: str, width: int, bias: bool) -> Any:
        x, quantized = inputs[letter]
        options = {'equation': 'abc,cde->abde', 'output_shape': [x.shape[0], heads, width], 'enable_oq': True}
        enable_iq = not quantized and layer.flag('enable_iq', True)
        return _projection(layer, ROLES[letter], x, options | {'enable_iq': enable_iq}, bias=bias)

    q, k, v = heads_of('q', size, True), heads_of('k', size, False), heads_of('v', values, True)
    scores = symbolic(np.einsum('she,the->hts', k, q))
    if layer.class_name == 'QSALTAttention':
        scores = _score_convolution(layer, scores, heads)
    softmax = part_of(layer, '_softmax', {'enable_iq': False, 'enable_oq': True}, 'softmax')
    weights = softmax_over(softmax, scores, (2,), layer.flag('stable_softmax', True), 1 / sqrt(float(size)))
    mixed = symbolic(np.einsum('hts,she->the', weights, v))
    outputs = layer.options.find('output_shape')
    width = query.shape[-1] if outputs is None else outputs.integer()
    last = {'equation': 'abcd,cde->abe', 'output_shape': [query.shape[0], width], 'enable_iq': True}
    # the table form hands the output quantizer of the layer on to its last projection, and applies it once more
    by_table = layer.class_name.endswith('T')
    last['enable_oq'] = by_table and layer.flag('enable_oq', False)
    return quantize_output(layer, _projection(layer, 'output_dense', mixed, last, bias=True))


def _fused(layer: SavedLayer, inputs: dict[str, Any]) -> dict[str, tuple[Any, bool]]:
    """Each input, and whether the quantizer that it shares with others was applied; the file holds it only once."""
    fuse = layer.options.find('fuse')
    name = 'none' if fuse is None else fuse.text()
    if name not in FUSED:
        raise layer.unsupported(f'fuse {name!r}', list(FUSED))
    shared = FUSED[name] if layer.flag('enable_iq', True) else ''
    parts = [part_of(layer, ROLES[letter], {}, 'qkvo') for letter in shared]
    held = [part for part in parts if layer.weights.variables(f'{part.group}/iq/quantizer')]
    if shared and not held:
        raise layer.corrupt('the weights file has no input quantizer for it')
    result = {}
    for letter, x in inputs.items():
        if letter not in shared:
            result[letter] = x, False
            continue
        found = held[0].quantizer('iq', (1, *x.shape), constant=False)
        result[letter] = x if found is None else found.apply(x), True
    return result


def _linformer(layer: SavedLayer, key: Any, value: Any) -> tuple[Any, Any]:
    """Key and value projected along their positions."""
    mode = layer.options.find('lin_kv_proj_mode')
    if layer.class_name.endswith('T') and mode is not None and mode.text() != 'dense_t':
        raise layer.unsupported(f'lin_kv_proj_mode {mode.text()!r}', ['dense_t'])
    positions = [n.integer() for n in layer.options['lin_kv_proj_dim']]
    by_table = layer.class_name.endswith('T')
    options = {'equation': 'abc,bd->adc', 'enable_oq': by_table and layer.flag('enable_oq', False)}
    roles = ('_lin_k_proj', '_lin_k_proj' if layer.flag('share_kv_proj', False) else '_lin_v_proj')
    projected = [
        _projection(layer, role, x, options | {'output_shape': [*positions, x.shape[-1]]}, bias=False)
        for role, x in zip(roles, (key, value), strict=True)
    ]
    return projected[0], projected[1]


def _salt(layer: SavedLayer, key: Any, value: Any) -> tuple[Any, Any]:
    """Key and value projected along their positions, all of them or within clusters."""
    view = layer.options['lin_kv_proj_dim']
    positions = next(iter(view)).integer() if view.is_list else view.integer()
    if positions < 1:
        raise layer.corrupt(f'its lin_kv_proj_dim is {positions}')
    shared = layer.flag('share_kv_proj', False)
    projected = []
    for letter, x in (('k', key), ('v', value)):
        role = '_lin_k_proj' if shared else f'_lin_{letter}_proj'
        options: dict[str, Any] = {'output_shape': [positions, x.shape[-1]], 'equation': 'bnd,nm->bmd'}
        if layer.flag(f'cluster_{letter}_proj', False):
            missing = -x.shape[0] % positions
            if missing:
                x = np.pad(fixed_point(layer, x), [(0, missing), (0, 0)])
            x = x.reshape((positions, x.shape[0] // positions, x.shape[1]))
            options['equation'] = 'bmnd,mn->bmd'
        projected.append(_projection(layer, role, x, options | {'enable_iq': True, 'enable_oq': False}, bias=False))
    return projected[0], projected[1]


def _score_convolution(layer: SavedLayer, scores: Any, heads: int) -> Any:
    """SALT's convolution of the scores, whose channels are the heads."""
    size = layer.options['conv_size'].integer()
    if size == 0:
        return scores
    options = {
        'filters': heads,
        'kernel_size': size,
        'strides': 1,
        'dilation_rate': 1,
        'padding': 'same',
        'groups': heads if layer.flag('separate_conv', False) else 1,
        'data_format': 'channels_first',
        'use_bias': True,
        'activation': None,
        'enable_iq': True,
        'enable_oq': False,
    }
    return q_conv(part_of(layer, 'conv', options, 'qkvo', 'QConv2D'), scores)


def _projection(layer: SavedLayer, role: str, x: Any, options: dict[str, Any], *, bias: bool) -> SymbolicArray:
    bias_axes = {'abc,cde->abde': 'de', 'abcd,cde->abe': 'e'}.get(options['equation'])
    own = {'bias_axes': bias_axes if bias and layer.flag('use_bias', True) else None, 'activation': None}
    own |= {'enable_iq': layer.flag('enable_iq', True)} | options
    if not layer.class_name.endswith('AttentionT'):
        return q_einsum_dense(part_of(layer, role, own, 'qkvo'), x)
    shared = ('n_hl', 'd_hl', 'subnn_activation', 'batch_norm', 'bn_center', 'bn_scale', 'bn_epsilon')
    own |= {key: layer.options.value[key] for key in shared if key in layer.options.value}
    return q_einsum_dense_t(part_of(layer, role, own, 'qkvo'), x)
