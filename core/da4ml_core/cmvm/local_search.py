"""From a graph of shared sums to a better one: chains of local search, and the way back to sums that can be built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm.decompose import KraftLevels

Graph = dict[int, list[tuple[int, int, int]]]  # the terms (value, shift, sign) of each sum


class Annealing(NamedTuple):
    """A chain of local search: its work in touched patterns, its temperatures in bits, its seed."""

    work: int
    seed: int = 0
    adder_weight: float = 0.0  # bits that an adder counts beside those of its carry chain
    hot: float = 3.0
    cold: float = 0.5
    noise: float = 0.3  # of the scores of patterns

    @classmethod
    def of(cls, radix: int, work: int, seed: int = 0) -> Annealing:
        """The settings that docs/cmvm.md found best for adders of so many operands."""
        return cls(work, seed) if radix == 3 else cls(work, seed, adder_weight=8.0, hot=6.0, cold=1.5)


class Sums(NamedTuple):
    """Sums to build, in the form of `_trees.build`: rows first, then the shared sums among them."""

    row_start: NDArray[np.int32]
    terms: NDArray[np.int32]
    order: NDArray[np.int32]
    deadlines: NDArray[np.int32]


def ordered_sums(
    graph: Graph, levels: Sequence[int], rows: int, deadlines: Sequence[int] | None, kraft: KraftLevels
) -> Sums:
    """The sums of a graph, each after those it depends on, with the latest deadlines that all of them allow."""
    inputs = len(levels)
    ordered = _topological(graph)
    inner = [value for value in ordered if value >= inputs + rows]
    number = {value: value for value in range(inputs + rows)} | {v: inputs + rows + i for i, v in enumerate(inner)}
    sums = [
        [(number[value], shift, sign) for value, shift, sign in graph[old]]
        for old in (*range(inputs, inputs + rows), *inner)
    ]
    order = [number[value] - inputs for value in ordered]
    due = [0] * len(sums)
    if deadlines is not None:
        due = _latest(sums, order, levels, deadlines, kraft)
    table = np.asarray([term for terms in sums for term in sorted(terms)], dtype=np.int32).reshape(-1, 3)
    starts = np.cumsum([0, *(len(terms) for terms in sums)]).astype(np.int32)
    return Sums(starts, table, np.asarray(order, dtype=np.int32), np.asarray(due, dtype=np.int32))


def _topological(graph: Graph) -> list[int]:
    order: list[int] = []
    entered: set[int] = set()
    for root in graph:
        stack = [] if root in entered else [(root, iter(graph[root]))]
        entered.add(root)
        while stack:
            value, rest = stack[-1]
            child = next((term for term, _, _ in rest if term in graph and term not in entered), None)
            if child is None:
                order.append(value)
                stack.pop()
            else:
                entered.add(child)
                stack.append((child, iter(graph[child])))
    return order


def _latest(
    sums: Sequence[Sequence[tuple[int, int, int]]],
    order: Sequence[int],
    levels: Sequence[int],
    deadlines: Sequence[int],
    kraft: KraftLevels,
) -> list[int]:
    """Deadlines: from the last sum to the first, each as late as the slack of its users allows."""
    inputs, rows = len(levels), len(deadlines)
    due = [*levels, *([0] * len(sums))]
    users: list[list[int]] = [[] for _ in sums]
    for row in order:
        due[inputs + row] = kraft.earliest(sum(kraft.power(due[value]) for value, _, _ in sums[row]))
        for value, _, _ in sums[row]:
            if value >= inputs:
                users[value - inputs].append(row)
    spare: dict[int, int] = {}
    for row in reversed(order):
        own = due[inputs + row]
        latest = deadlines[row] if row < rows else None
        for user in set(users[row]):
            times = users[row].count(user)
            level = own
            while times * (kraft.power(level + 1) - kraft.power(own)) <= spare[user]:
                level += 1
            latest = level if latest is None else min(latest, level)
        if latest is None:
            latest = own
        for user in users[row]:
            spare[user] -= kraft.power(latest) - kraft.power(own)
        due[inputs + row] = latest
        spare[row] = kraft.power(latest) - sum(kraft.power(due[value]) for value, _, _ in sums[row])
    return due[inputs:]
