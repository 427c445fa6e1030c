"""The transposed problem of a chain: its graphs are those of the problem with their edges reversed.

Adders are as many, up to the difference of the matrix' sides (Hartley 1996), and what is a local optimum on one side
seldom is one on the other. Widths and depths are not the same: what is late on the way back is written out.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm.csd import has_positive_digit
from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.graphs import Graph, with_positive
from da4ml_core.cmvm.local_search import Inputs, Side
from da4ml_core.cmvm.rows import Rows

FLIPS_PER_SUM = 20  # before a sum that has no positive term gets one that costs an adder


@dataclass(frozen=True, slots=True)
class Transposed:
    """Inputs are the rows of the problem; rows are its inputs, equal ones only once.

    ``edges`` has the row and the sign of each input of the problem, and None where that has no weight.
    """

    numbers: NDArray[np.int64]
    edges: tuple[tuple[int, int] | None, ...]

    @classmethod
    def of(cls, rows: Rows) -> Transposed:
        known: dict[tuple[int, ...], int] = {}
        edges: list[tuple[int, int] | None] = []
        for column in rows.numbers.T.tolist():
            sign = 1 if has_positive_digit(column) else -1
            own = tuple(sign * number for number in column)
            negative = tuple(-number for number in own)
            if not any(own):
                edges.append(None)
            elif negative in known:
                edges.append((known[negative], -sign))
            else:
                edges.append((known.setdefault(own, len(known)), sign))
        numbers = np.asarray(list(known), dtype=np.int64).reshape(len(known), len(rows.numbers))
        return cls(numbers, tuple(edges))

    def graph_of(self, graph: Graph) -> Graph:
        """The graph of the transposed problem, of one of the problem."""
        outer, inner = len(self.numbers[0]), len(self.numbers[0]) + len(self.numbers)
        own = {value: inner + at for at, value in enumerate(graph)}
        first = {row: at for at, (row, _) in reversed([(i, e) for i, e in enumerate(self.edges) if e is not None])}
        signs = {at: edge[1] for at, edge in enumerate(self.edges) if edge is not None}
        named = own | {at: outer + row for row, at in first.items()}
        result: Graph = {value: [] for value in (*range(outer, inner), *own.values())}
        for user, terms in graph.items():
            for value, shift, sign in terms:
                if (reversed_value := named.get(value)) is not None:
                    result[reversed_value].append((own[user], shift, sign * signs.get(value, 1)))
        for row in range(outer):
            result[own[len(self.edges) + row]].append((row, 0, 1))
        _make_signs(result, inner)
        return result

    def side(self, radix: int) -> Side:
        """The transposed problem, without deadlines."""
        inputs = self.numbers.shape[1]
        levels = np.zeros(inputs, dtype=np.int32)
        alike = Inputs(levels, levels, np.full(inputs, -128.0), np.full(inputs, 127.0))
        return Side(alike, self.numbers, None, KraftLevels(levels.tolist(), radix))

    def graph_from(self, graph: Graph) -> Graph:
        """The graph of the problem, of one of the transposed problem."""
        inputs, rows = len(self.edges), len(self.numbers[0])
        own = {value: inputs + rows + at for at, value in enumerate(graph)}
        result: Graph = {value: [] for value in (*range(inputs, inputs + rows), *own.values())}
        for user, terms in graph.items():
            for value, shift, sign in terms:
                result[own.get(value, inputs + value)].append((own[user], shift, sign))
        for at, edge in enumerate(self.edges):
            if edge is not None:
                result[own[rows + edge[0]]].append((at, 0, edge[1]))
        _make_signs(result, inputs + rows)
        return result


def _make_signs(graph: Graph, first_inner: int) -> None:
    """Negate shared sums until every sum has a positive term; one that still has none pays an adder for it."""
    pick = random.Random(0)
    users: dict[int, list[int]] = {value: [] for value in graph}
    for user, terms in graph.items():
        for value, _, _ in terms:
            if value in users:
                users[value].append(user)
    turned = dict.fromkeys(graph, 1)

    def is_negative(value: int) -> bool:
        own = turned[value]
        return bool(graph[value]) and all(own * turned.get(term, 1) * sign < 0 for term, _, sign in graph[value])

    bad = [value for value in graph if is_negative(value)]
    hopeless = set()
    flips = FLIPS_PER_SUM * len(graph)
    while bad:
        value = bad.pop()
        if value in hopeless or not is_negative(value):
            continue
        flips -= 1
        inner = [value] if value >= first_inner else [term for term, _, _ in graph[value] if term >= first_inner]
        if flips < 0 or not inner:
            hopeless.add(value)
            continue
        flipped = pick.choice(inner)
        turned[flipped] = -turned[flipped]
        bad += [one for one in (value, flipped, *users[flipped]) if is_negative(one)]
    for value, terms in graph.items():
        own = turned[value]
        graph[value] = with_positive([(term, shift, own * turned.get(term, 1) * sign) for term, shift, sign in terms])
