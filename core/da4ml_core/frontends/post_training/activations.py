"""Activation functions of float models by name: rectifiers exactly, others as tables of their quantized inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from da4ml_core.errors import UnsupportedLayer
from da4ml_core.frontends.post_training.float_graph import GraphBuilder
from da4ml_core.frontends.post_training.float_operations import Operation, Rectifier, Tabulated


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(x, -700, 700)))


def _softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def _elu(x: Any) -> Any:
    return np.where(np.asarray(x) > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: Any) -> Any:
    # scale and alpha of Klambauer et al. 2017
    return 1.0507009873554805 * np.where(np.asarray(x) > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


ACTIVATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        'relu': Rectifier(),
        'relu6': Rectifier(cap=6.0),
        'sigmoid': Tabulated(_sigmoid),
        'tanh': Tabulated(np.tanh),
        'softplus': Tabulated(_softplus),
        'softsign': Tabulated(lambda x: x / (1 + np.abs(x))),
        'elu': Tabulated(_elu),
        'selu': Tabulated(_selu),
        'silu': Tabulated(lambda x: x * _sigmoid(x)),
        'swish': Tabulated(lambda x: x * _sigmoid(x)),
        'exponential': Tabulated(np.exp),
        'hard_sigmoid': Tabulated(lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    }
)


def add_activation(
    builder: GraphBuilder,
    layer: str,
    name: str,
    source: str,
    unsupported: Callable[[str, Sequence[str]], UnsupportedLayer],
) -> str:
    """The tensor behind an activation function; raises UnsupportedLayer for an unknown one."""
    if name == 'linear':
        return source
    if name not in ACTIVATIONS:
        raise unsupported(f'activation {name!r}', ['linear', *ACTIVATIONS])
    return builder.add(layer, ACTIVATIONS[name], source)
