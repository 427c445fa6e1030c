"""Graphs of shared sums: their order, deadlines that the slack allows, and what to do with sums that are late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm.csd import csd_digits
from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.rows import Rows

Terms = list[tuple[int, int, int]]  # (value, shift, sign)
Graph = dict[int, Terms]  # of each sum; values are the inputs, then the rows, then shared sums

LONGEST_SUM = 64  # terms of a late sum that is written out value by value


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
    ordered = topological(graph)
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


def topological(graph: Graph) -> list[int]:
    """The values of a graph, each after those it depends on."""
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


def written_out(graph: Graph, levels: Sequence[int], rows: Rows, kraft: KraftLevels) -> Graph:
    """The graph with its rows in time: in late ones, values are replaced by their terms."""
    if rows.deadlines is None:
        return graph
    level = dict(enumerate(levels))
    inputs = len(level)

    def weight(terms: Terms) -> int:
        return sum(kraft.power(level[value]) for value, _, _ in terms)

    for value in topological(graph):
        row = value - inputs
        if row < len(rows.deadlines) and weight(graph[value]) > (limit := kraft.power(rows.deadlines[row])):
            terms = _in_time(graph, graph[value], weight, limit) or signed_digits(rows.numbers[row].tolist())
            graph[value] = with_positive(terms, level.__getitem__)
        level[value] = kraft.earliest(weight(graph[value]))
    return graph


def _in_time(graph: Graph, terms: Terms, weight: Callable[[Terms], int], limit: int) -> Terms | None:
    """The terms with few values written out, first those that are later than the sum of their terms."""
    while weight(terms) > limit:
        values = [at for at, term in enumerate(terms) if term[0] in graph]
        if not values or len(terms) > LONGEST_SUM:
            return None
        at = max(
            values,
            key=lambda at: (weight(terms[at : at + 1]) - weight(graph[terms[at][0]]), weight(terms[at : at + 1]), at),
        )
        value, shift, sign = terms[at]
        parts = [(inner, own + shift, part * sign) for inner, own, part in graph[value]]
        terms = merged([*terms[:at], *terms[at + 1 :], *parts])
    return terms


def merged(terms: Terms) -> Terms:
    """The same sum without two terms of one value and shift."""
    digits: dict[tuple[int, int], int] = {}
    for value, shift, sign in terms:
        digits[value, shift] = digits.get((value, shift), 0) + sign
    crowded = {value for (value, _), digit in digits.items() if abs(digit) > 1}
    kept = [(value, shift, digit) for (value, shift), digit in digits.items() if digit and value not in crowded]
    for value in sorted(crowded):
        own = {shift: digit for (one, shift), digit in digits.items() if one == value}
        low = min(own)
        number = sum(digit << (shift - low) for shift, digit in own.items())
        kept += [(value, shift + low, digit) for shift, digit in csd_digits(number)]
    return kept


def signed_digits(numbers: Sequence[int]) -> Terms:
    """A row as a sum of inputs."""
    return [(value, shift, sign) for value, number in enumerate(numbers) for shift, sign in csd_digits(number)]


def with_positive(terms: Terms, level: Callable[[int], int] = lambda value: 0) -> Terms:
    """The terms; if none is positive, with the earliest of them, -a, as -2a + a."""
    if not terms or any(sign > 0 for _, _, sign in terms):
        return terms
    value, shift, sign = first = min(terms, key=lambda term: level(term[0]))
    rest = [term for term in terms if term != first]
    return [*rest, (value, shift + 1, sign), (value, shift, -sign)]
