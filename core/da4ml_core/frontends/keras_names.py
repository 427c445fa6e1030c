"""Where Keras 3 saves each layer's variables: by class name and count, not by the layer's own name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_archive import WeightStore


def layer_groups(layers: Sequence[JsonView], parent: str, weights: WeightStore) -> list[str]:
    """The group of each serialized layer below ``parent``, in order.

    The rule is the class name in snake case with a running number; newer files also record the layer's name there,
    which decides where the two differ.
    """
    recorded = weights.children(parent)
    by_name: dict[str, str] = {name: group for group, name in recorded.items() if name}
    counts: Counter[str] = Counter()
    groups = []
    for layer in layers:
        base = snake_case(layer['class_name'].text().rpartition('>')[2])
        group = f'{base}_{counts[base]}' if counts[base] else base
        counts[base] += 1
        name = layer['config']['name'].text()
        if recorded.get(group, '') not in ('', name):
            group = by_name.get(name, group)
        groups.append(f'{parent}/{group}')
    return groups


def snake_case(name: str) -> str:
    """``QEinsumDenseBatchnorm`` is saved as ``q_einsum_dense_batchnorm``."""
    word_starts = r'(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])'
    return re.sub(word_starts, '_', re.sub(r'\W', '', name)).lower()
