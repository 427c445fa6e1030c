"""HGQ2's recurrent layers, unrolled: every time step is logic of its own, the state a value that is handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.frontends.layer_frame import activate, fixed_point, symbolic
from da4ml_core.frontends.saved_layer import SavedLayer, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from da4ml_core.trace import SymbolicArray

MAX_STEPS = 1 << 12


def q_simple_rnn(layer: SavedLayer, x: SymbolicArray) -> list[SymbolicArray]:
    """``h = activation(paq(iq(x) @ kernel + bias + h @ recurrent))``."""
    units = _units(layer)
    kernel, recurrent, bias = _weights(layer, x, units, (units,), (units,))
    quantized_state = layer.flag('enable_sq', layer.options.find('sq_conf') is not None)

    def step(now: Any, state: Any) -> Any:
        before = _quantized(layer, 'sq', state) if quantized_state else state
        total = _quantized(layer, 'iq', now) @ kernel + bias + before @ recurrent
        return activate(layer, _quantized(layer, 'paq', total))

    return _unrolled(layer, x, units, step)


def q_gru(layer: SavedLayer, x: SymbolicArray) -> list[SymbolicArray]:
    """Gates between quantizers, whose saturation is the hard sigmoid and tanh of the layer."""
    units = _units(layer)
    after = layer.flag('reset_after', True)
    biases = (2, 3 * units) if after else (3 * units,)
    kernel, recurrent, bias = _weights(layer, x, units, (3 * units,), biases)
    input_bias, recurrent_bias = (bias[0], bias[1]) if after and bias.ndim == 2 else (bias, np.zeros(1))
    gates = 2 * units

    def step(now: Any, state: Any) -> Any:
        before = _quantized(layer, 'sq', state)
        inputs = _quantized(layer, 'iq', now) if layer.flag('enable_iq', True) else fixed_point(layer, now)
        driven = inputs @ kernel + input_bias
        inner = before @ recurrent + recurrent_bias if after else before @ recurrent[:, :gates]
        both = _activated(layer, 'recurrent_activation', driven[:gates] + inner[:gates])
        both = _quantized(layer, 'praq', both)
        update, reset = both[:units], both[units:]
        if after:
            candidate = reset * _quantized(layer, 'rhq', inner[gates:])
        else:
            candidate = _quantized(layer, 'rhq', reset * before) @ recurrent[:, gates:]
        fresh = _quantized(layer, 'paq', _activated(layer, 'activation', driven[gates:] + candidate))
        return update * before + (1 - update) * fresh

    return _unrolled(layer, x, units, step)


def _units(layer: SavedLayer) -> int:
    units = layer.options['units'].integer()
    if not 1 <= units <= 1 << 16:
        raise layer.corrupt(f'it has {units} units')
    return units


def _unrolled(layer: SavedLayer, x: Any, units: int, step: Callable[[Any, Any], Any]) -> list[SymbolicArray]:
    """The last output or all of them, and the last state where the layer returns it."""
    layer.check_float32()
    for option in ('stateful', 'enable_oq'):
        if layer.flag(option, False):
            raise layer.unsupported(option, [f'{option}: false'])
    if x.ndim != 2 or x.shape[0] > MAX_STEPS:
        raise layer.corrupt(f'its input has the shape {x.shape}, not (up to {MAX_STEPS} steps, features)')
    first = _quantized(layer, 'iq', x[0]) if layer.flag('enable_iq', True) else fixed_point(layer, x[0])
    state = symbolic(np.broadcast_to(first[:1] * 0.0, (units,)))
    order = range(x.shape[0] - 1, -1, -1) if layer.flag('go_backwards', False) else range(x.shape[0])
    outputs = []
    for place in order:
        state = symbolic(step(x[place], state))
        outputs.append(state)
    result = symbolic(np.stack(outputs)) if layer.flag('return_sequences', False) else state
    return [result, state] if layer.flag('return_state', False) else [result]


def _weights(
    layer: SavedLayer, x: SymbolicArray, units: int, columns: Shape, bias: Shape
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Kernel, recurrent kernel and bias of the cell, quantized."""
    cell = SavedLayer(layer.serialized, f'{layer.group}/cell', layer.weights)
    expected = {'kernel': (x.shape[-1], *columns), 'recurrent kernel': (units, *columns)}
    biased = layer.flag('use_bias', True)
    saved = cell.variables(expected | ({'bias': bias} if biased else {}))
    kernel, recurrent = cell.constants('kq', saved['kernel']), cell.constants('rkq', saved['recurrent kernel'])
    return kernel, recurrent, cell.constants('bq', saved['bias']) if biased else np.zeros(1)


def _quantized(layer: SavedLayer, role: str, x: Any) -> Any:
    cell = SavedLayer(layer.serialized, f'{layer.group}/cell', layer.weights)
    found = cell.quantizer(role, (1, *x.shape), constant=False)
    return fixed_point(layer, x if found is None else found.apply(x))


def _activated(layer: SavedLayer, option: str, x: Any) -> Any:
    """The identity: the quantizer behind it is what saturates."""
    view = layer.options.find(option)
    named = view['config'] if view is not None and view.is_object else view
    if named is not None and named.value != 'linear':
        raise layer.unsupported(f'{option} {named.value!r}', ['linear'])
    return x
