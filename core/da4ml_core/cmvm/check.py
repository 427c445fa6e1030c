"""The proof that a graph computes its matrix: its linear forms on symbolic unit vectors, in exact integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm import _forms
from da4ml_core.cmvm.matrix import Problem
from da4ml_core.errors import SelfCheckFailed
from da4ml_core.fixed import Interval

SAFE_BITS = 62.0
ZERO = -2  # the node of an output without terms


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes are the inputs, then one per adder.

    ``adders`` has the columns node, shift, negated for each of its three operands, the third node being negative in a
    binary adder; ``outputs`` has the columns node (-2: zero), shift, negated.
    """

    adders: NDArray[np.int32]
    outputs: tuple[tuple[int, int, bool], ...]

    def operands(self) -> Iterator[list[tuple[int, int, bool]]]:
        """The operands of each adder as (node, shift, negated)."""
        for row in self.adders.tolist():
            yield [(row[k], row[k + 1], bool(row[k + 2])) for k in range(0, len(row), 3) if row[k] >= 0]


def exact_intervals(graph: Graph, problem: Problem) -> list[Interval]:
    """The exact interval of every node, from its linear form over the inputs.

    Raises SelfCheckFailed if the outputs are not the matrix.
    """
    return node_intervals(graph, problem, problem.inputs)


def node_intervals(graph: Graph, problem: Problem, inputs: Sequence[Interval]) -> list[Interval]:
    """As `exact_intervals`, for inputs of other ranges."""
    bases = [interval.exp for interval in inputs]
    bounds = [float(max(-interval.lo, interval.hi, 1).bit_length()) for interval in inputs]
    for operands in graph.operands():
        base = min(bases[node] + shift for node, shift, _ in operands)
        wide = max(bounds[node] + bases[node] + shift for node, shift, _ in operands)
        bases.append(base)
        bounds.append(wide - base + len(operands) - 1)
    if max(bounds) <= SAFE_BITS and problem.weights.dtype != object:
        return _by_kernel(graph, problem, inputs, bases)
    return _by_python(graph, problem, inputs, bases)


def _by_kernel(graph: Graph, problem: Problem, inputs: Sequence[Interval], bases: list[int]) -> list[Interval]:
    roots = [(node, shift, negated) if node >= 0 else (0, 0, False) for node, shift, negated in graph.outputs]
    table = np.asarray(roots, dtype=np.int64).reshape(-1, 3)
    exps = np.asarray([interval.exp for interval in inputs], dtype=np.int32)
    lo, hi, zeros, forms = _forms.evaluate(
        np.ascontiguousarray(graph.adders),
        table,
        len(inputs),
        np.asarray([interval.lo for interval in inputs], dtype=np.int64),
        np.asarray([interval.hi for interval in inputs], dtype=np.int64),
        exps,
        np.asarray(bases, dtype=np.int32),
    )
    signs = np.where(table[:, 2] != 0, -1, 1)
    signs[[node < 0 for node, _, _ in graph.outputs]] = 0
    forms = forms * signs[:, None]
    base = np.asarray(bases, dtype=np.int64)[table[:, 0]]
    wanted = problem.weights.T
    up = problem.exp + exps[None, :].astype(np.int64) - (base + table[:, 1])[:, None]  # form == wanted << up
    _compare(forms, wanted, up)
    return [
        Interval(int(low) >> zero, int(high) >> zero, step + zero)
        for low, high, zero, step in zip(lo.tolist(), hi.tolist(), zeros.tolist(), bases, strict=True)
    ]


def _compare(forms: NDArray[np.int64], wanted: NDArray[np.int64], up: NDArray[np.int64]) -> None:
    """Raise SelfCheckFailed unless ``forms == wanted << up`` without any overflow."""
    left, right = np.clip(up, 0, 63), np.clip(-up, 0, 63)
    exact = (forms >> left == wanted >> right) & (forms >> left << left == forms) & (wanted >> right << right == wanted)
    far = (np.abs(up) > 62) & ((forms != 0) | (wanted != 0))
    _raise_unless(exact & ~far)


def _by_python(graph: Graph, problem: Problem, inputs: Sequence[Interval], bases: list[int]) -> list[Interval]:
    forms: list[dict[int, int]] = [{i: 1} for i in range(len(inputs))]
    for made, operands in enumerate(graph.operands(), len(inputs)):
        form: dict[int, int] = {}
        for node, shift, negated in operands:
            up = bases[node] + shift - bases[made]
            for i, coefficient in forms[node].items():
                form[i] = form.get(i, 0) + ((-coefficient if negated else coefficient) << up)
        forms.append({i: c for i, c in form.items() if c})
    exact = np.ones((len(graph.outputs), len(inputs)), dtype=bool)
    for j, (node, shift, negated) in enumerate(graph.outputs):
        form = forms[node] if node >= 0 else {}
        base = bases[node] + shift if node >= 0 else 0
        for i, interval in enumerate(inputs):
            up = problem.exp + interval.exp - base  # form == wanted << up
            got = -form.get(i, 0) if negated else form.get(i, 0)
            wanted = int(problem.weights[i, j])
            exact[j, i] = got << max(0, -up) == wanted << max(0, up)
    _raise_unless(exact)
    return [_form_interval(form, base, inputs) for form, base in zip(forms, bases, strict=True)]


def _form_interval(form: dict[int, int], base: int, inputs: Sequence[Interval]) -> Interval:
    lo = hi = bits = 0
    for i, coefficient in form.items():
        ends = (coefficient * inputs[i].lo, coefficient * inputs[i].hi)
        lo += min(ends)
        hi += max(ends)
        bits |= coefficient if ends != (0, 0) else 0
    zeros = max(0, (bits & -bits).bit_length() - 1)
    return Interval(lo >> zeros, hi >> zeros, base + zeros)


def _raise_unless(exact: NDArray[np.bool_]) -> None:
    if not exact.all():
        j, i = (int(index) for index in np.argwhere(~exact)[0])
        raise SelfCheckFailed(
            f'the adder graph has a wrong coefficient at matrix[{i}, {j}]',
            hint='this is a bug of the solver: please report the matrix',
        )
