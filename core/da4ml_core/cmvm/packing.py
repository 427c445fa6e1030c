"""Which bits of narrow inputs share a table: groups of the bits of each column, with the fewest LUTs by an estimate."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from da4ml_core.cmvm.matrix import Problem, trailing_zeros
from da4ml_core.cmvm.tables import Bit, BitTable, Packing
from da4ml_core.device import Device
from da4ml_core.fixed import Interval, code_bits
from da4ml_core.ir.cost import table_luts
from da4ml_core.ir.table import Table

NARROW_BITS = 2  # of the inputs that tables are tried for
WIDEST = 6  # bits of the number of an entry
LARGEST_BITS = 50  # of an entry, which is computed in 64-bit integers
CLIMBS = {'fast': 0, 'balanced': 100, 'max': 1000}  # exchanges that are tried for a column


class Term(NamedTuple):
    """A bit of a column and what it adds, in the column's own step."""

    weight: int
    bit: Bit


Group = tuple[Term, ...]


def packings(problem: Problem, device: Device, radix: int, level: str, by_arrival: bool) -> Iterator[Packing]:
    """Ways to put narrow inputs into tables, those of a lower effort level first.

    With ``by_arrival``, bits that arrive together are grouped. A column has a table for each group of bits; the least
    entry is zero but for one table, which takes up the constants of the others.
    """
    narrow = [i for i, interval in enumerate(problem.inputs) if _is_narrow(interval) and problem.weights[i].any()]
    if not narrow or not _is_small(problem, narrow):
        return
    bits = [Bit(i, place) for i in narrow for place in range(problem.inputs[i].width_bits)]
    columns = _Columns(problem, bits, device, radix, by_arrival)
    yield columns.packed([columns.sorted_groups(column) for column in columns.terms])
    common = [columns.common_groups(column) for column in columns.terms]
    yield columns.packed(common)
    yield columns.packed(common, signed=True)
    if CLIMBS[level]:
        yield columns.packed([columns.climbed_groups(column, CLIMBS[level]) for column in columns.terms])


def _is_narrow(interval: Interval) -> bool:
    return not interval.is_constant and interval.width_bits <= NARROW_BITS


def _is_small(problem: Problem, narrow: Sequence[int]) -> bool:
    """Whether 64-bit integers hold the sums of the narrow inputs."""
    exps = [problem.inputs[i].exp for i in narrow]
    if max(exps) - min(exps) > LARGEST_BITS:
        return False
    top = sum(abs(int(weight)) for i in narrow for weight in problem.weights[i])
    return (top << (max(exps) - min(exps) + NARROW_BITS)) >> LARGEST_BITS == 0


class _Columns:
    """The distinct columns of the narrow inputs, and the costs of their groups."""

    def __init__(self, problem: Problem, bits: Sequence[Bit], device: Device, radix: int, by_arrival: bool) -> None:
        self.problem = problem
        self.bits = bits
        self.device = device
        self.radix = radix
        self.arrival = [problem.levels[bit.source] * by_arrival for bit in bits]
        self.exp = min(problem.inputs[bit.source].exp for bit in bits)
        self.members: list[list[tuple[int, int]]] = []  # of each distinct column: (place in the matrix, ±2^k)
        self.terms: list[list[Term]] = []
        rows = sorted({bit.source for bit in bits})
        known: dict[tuple[int, ...], int] = {}
        for j, zeros in enumerate(trailing_zeros(problem.weights[rows], 0)):
            column = [int(weight) >> max(0, zeros) for weight in problem.weights[rows, j]]
            lead = next((weight for weight in column if weight), 0)
            if not lead:
                continue
            sign = 1 if lead > 0 else -1
            number = known.setdefault(tuple(sign * weight for weight in column), len(known))
            if number == len(self.terms):
                weights = {row: sign * weight for row, weight in zip(rows, column, strict=True)}
                self.terms.append([Term(self._scaled(bit, weights[bit.source]), bit) for bit in bits])
                self.members.append([])
            self.members[number].append((j, sign << zeros))

    def _scaled(self, bit: Bit, weight: int) -> int:
        sign, exp = bit.weight(self.problem.inputs)
        return weight * sign << (exp - self.exp)

    def sorted_groups(self, column: Sequence[Term]) -> list[Group]:
        """Bits of similar weight together: the cheapest of several sizes of groups."""
        arrival = dict(zip(self.bits, self.arrival, strict=True))
        terms = sorted((term for term in column if term.weight), key=lambda term: (arrival[term.bit], abs(term.weight)))
        return min((_cut(terms, sizes) for sizes in self._sizes(len(terms))), key=self._cost)

    def common_groups(self, column: Sequence[Term]) -> list[Group]:
        """The same groups in every column, so that columns can share tables and bits of them."""
        size = self.device.lut_inputs - (self.device.lut_inputs == 6)
        groups = [tuple(column[at : at + size]) for at in range(0, len(column), size)]
        return [group for group in groups if any(term.weight for term in group)]

    def climbed_groups(self, column: Sequence[Term], steps: int) -> list[Group]:
        """Sorted groups after exchanges of bits that made them cheaper, or not dearer."""
        groups = self.sorted_groups(column)
        if len(groups) < 2:
            return groups
        rng = random.Random(len(groups))
        cost = self._cost(groups)
        for _ in range(steps):
            a, b = rng.sample(range(len(groups)), 2)
            i, j = rng.randrange(len(groups[a])), rng.randrange(len(groups[b]))
            tried = list(groups)
            tried[a] = (*groups[a][:i], groups[b][j], *groups[a][i + 1 :])
            tried[b] = (*groups[b][:j], groups[a][i], *groups[b][j + 1 :])
            found = self._cost(tried)
            if found <= cost:
                groups, cost = tried, found
        return groups

    def packed(self, grouped: Sequence[Sequence[Group]], signed: bool = False) -> Packing:
        """The tables of groups, equal ones once, and the matrix over inputs and tables.

        ``signed`` tables start with a positive weight, and may be subtracted.
        """
        weights: dict[tuple[int, int], int] = {}
        tables: dict[BitTable, int] = {}
        for groups, members in zip(grouped, self.members, strict=True):
            groups = [tuple(sorted(group, key=lambda term: term.bit)) for group in groups]
            signs = [-1 if signed and next(term.weight for term in group if term.weight) < 0 else 1 for group in groups]
            sums = [sign * _sums([term.weight for term in group]) for sign, group in zip(signs, groups, strict=True)]
            lows = [int(entries.min()) for entries in sums]
            constant = sum(sign * low for sign, low in zip(signs, lows, strict=True))
            host = _host([entries - low for entries, low in zip(sums, lows, strict=True)], signs, constant)
            for at, group in enumerate(groups):
                offset = signs[at] * constant if at == host else 0
                table = Table.of((sums[at] - lows[at] + offset).tolist(), 0)
                unscaled = BitTable(tuple(term.bit for term in group), Table(table.entries, self.exp))
                number = tables.setdefault(unscaled, len(tables))
                for j, scale in members:
                    weights[number, j] = signs[at] * scale << table.exp
        n_in, n_out = self.problem.weights.shape
        matrix = np.zeros((n_in + len(tables), n_out), dtype=self.problem.weights.dtype)
        matrix[:n_in] = self.problem.weights
        matrix[sorted({bit.source for bit in self.bits})] = 0
        for (number, j), weight in weights.items():
            matrix[n_in + number, j] = weight
        return Packing(tuple(tables), matrix)

    def _sizes(self, terms: int) -> Iterator[list[int]]:
        """Sizes of groups: as many tables as are needed with the widest that are cheap, and one more or fewer."""
        wide = self.device.lut_inputs
        cheap = wide - (wide == 6)  # a LUT6 makes two functions of five bits
        for count in range(max(1, -(-terms // wide)), -(-terms // cheap) + 2):
            sixes = max(0, terms - cheap * count)
            if sixes:
                sizes = [cheap] * (count - sixes) + [wide] * sixes
            else:
                even, more = divmod(terms, count)
                sizes = [even] * (count - more) + [even + 1] * more
                full = [cheap] * (terms // cheap) + [terms % cheap] * (terms % cheap > 0)
                yield full
                yield full[::-1]
            yield sizes
            yield sizes[::-1]

    def _cost(self, groups: Sequence[Group]) -> float:
        """LUTs of the tables, and bits of the adders after them, narrow ones added first."""
        cost = 0.0
        tops = []
        for group in groups:
            weights = tuple(sorted(term.weight for term in group))
            functions, top = _measured(weights)
            cost += table_luts(len(group), functions, self.device)
            tops.append(top)
        per_bit = self.device.adder_luts_per_bit if self.radix == 2 else self.device.ternary_luts_per_bit
        taken = (len(tops) - 2) % (self.radix - 1) + 2
        while len(tops) > 1:
            tops.sort()
            tops = [sum(tops[:taken]), *tops[taken:]]
            cost += per_bit * tops[0].bit_length()
            taken = self.radix
        return cost


def _host(sums: Sequence[NDArray[np.int64]], signs: Sequence[int], constant: int) -> int:
    """The table that taking up the constant makes least dear; of those the widest."""

    def key(at: int) -> tuple[int, int]:
        with_constant = _functions(sums[at] + signs[at] * constant)
        return len(with_constant) - len(_functions(sums[at])), -int(sums[at].max())

    return min(range(len(sums)), key=key)


def _cut(terms: Sequence[Term], sizes: Sequence[int]) -> list[Group]:
    ends = np.cumsum(sizes).tolist()
    return [tuple(terms[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def _sums(weights: Sequence[int]) -> NDArray[np.int64]:
    """The sum of weights for every set of them."""
    sums = np.zeros(1, dtype=np.int64)
    for weight in weights:
        sums = np.concatenate([sums, sums + weight])
    return sums


@lru_cache(maxsize=1 << 16)
def _measured(weights: tuple[int, ...]) -> tuple[int, int]:
    """Bits of a table that take LUTs, and its largest entry, the least being 0."""
    sums = _sums(weights)
    sums = sums - sums.min()
    return len(_functions(sums)), int(sums.max())


def _functions(entries: NDArray[np.int64]) -> set[Any]:
    """As `lookup_functions`, of at most 64 entries."""
    size = len(entries)
    top = code_bits(int(entries.min()), int(entries.max()))
    numbers = np.arange(size)
    codes = np.concatenate([entries >> np.arange(top)[:, None], numbers >> np.arange(WIDEST)[:, None]])
    columns = ((codes & 1).astype(np.uint64) << np.arange(size, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    everywhere = np.uint64(2**size - 1)
    made = np.where(columns & np.uint64(1), columns ^ everywhere, columns).tolist()
    return set(made[:top]) - set(made[top:]) - {0}
