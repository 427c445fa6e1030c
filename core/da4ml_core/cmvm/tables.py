"""Tables of bits of narrow inputs: what they hold, the proof that they are linear, and their operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from da4ml_core.cmvm.matrix import Integers, Problem
from da4ml_core.errors import SelfCheckFailed
from da4ml_core.fixed import FixedType, Interval
from da4ml_core.ir import Op, Opcode, Operand, Quantization
from da4ml_core.ir.table import Lookup, Table

OPERANDS = 3  # of one addition, which here joins bits and is wiring


class Bit(NamedTuple):
    """Bit ``place`` of the code of an input."""

    source: int
    place: int

    def weight(self, inputs: Sequence[Interval]) -> tuple[int, int]:
        """What it adds to the input where it is set, as (sign, exponent)."""
        interval = inputs[self.source]
        is_sign = interval.signed and self.place == interval.width_bits - 1
        return -1 if is_sign else 1, interval.exp + self.place


class BitTable(NamedTuple):
    """An entry for every combination of bits; ``bits[k]`` is bit k of its number."""

    bits: tuple[Bit, ...]
    table: Table

    @property
    def interval(self) -> Interval:
        return Interval(min(self.table.entries), max(self.table.entries), self.table.exp)

    def __str__(self) -> str:
        address = ', '.join(f'%{bit.source}[{bit.place}]' for bit in reversed(self.bits))
        return f'table of {address} : {self.interval}'


@dataclass(frozen=True, slots=True)
class Packing:
    """Tables, and what is left to add: ``weights`` are of the inputs, then of the tables, in steps of the problem."""

    tables: tuple[BitTable, ...]
    weights: Integers

    def sums(self, problem: Problem) -> Problem:
        """The problem of adding inputs and tables; a table is ready one level after the latest of its bits."""
        levels = [1 + max(problem.levels[bit.source] for bit in table.bits) for table in self.tables]
        intervals = tuple(table.interval for table in self.tables)
        return Problem(self.weights, problem.exp, problem.inputs + intervals, problem.levels + tuple(levels))

    def check(self, problem: Problem) -> None:
        """Raise SelfCheckFailed unless the sums of the tables' entries are the matrix times every value of the bits."""
        n_in, n_out = problem.weights.shape
        forms = [_linear_form(table) for table in self.tables]
        least = min([interval.exp for interval in problem.inputs] + [table.table.exp for table in self.tables])
        for j in range(n_out):
            constant = 0
            found: dict[Bit, int] = {}
            for weight, table, (offset, steps) in zip(self.weights[n_in:, j].tolist(), self.tables, forms, strict=True):
                if weight:
                    up = table.table.exp - least
                    constant += weight * offset << up
                    for bit, step in zip(table.bits, steps, strict=True):
                        found[bit] = found.get(bit, 0) + (weight * step << up)
            if constant:
                raise _wrong(f'column {j} is off by a constant')
            for i, (weight, left) in enumerate(
                zip(problem.weights[:, j].tolist(), self.weights[:n_in, j].tolist(), strict=True)
            ):
                for place in range(problem.inputs[i].width_bits):
                    sign, exp = Bit(i, place).weight(problem.inputs)
                    if found.pop(Bit(i, place), 0) != (weight - left) * sign << (exp - least):
                        raise _wrong(f'matrix[{i}, {j}] is another one')
            if any(found.values()):
                raise _wrong(f'column {j} has bits that no input has')


def _linear_form(table: BitTable) -> tuple[int, list[int]]:
    """``(entry of no bits, what each bit adds)``, checked on every entry."""
    entries = table.table.entries
    steps = [entries[1 << k] - entries[0] for k in range(len(table.bits))]
    expected = [entries[0]]
    for step in steps:
        expected += [entry + step for entry in expected]
    if list(entries) != expected:
        raise _wrong(f'the {table} is not linear')
    return entries[0], steps


def _wrong(what: str) -> SelfCheckFailed:
    return SelfCheckFailed(f'tables: {what}', hint='this is a bug of the solver: please report the matrix')


def table_ops(tables: Sequence[BitTable], inputs: Sequence[Interval]) -> tuple[list[Op], list[int]]:
    """The operations that follow the inputs, and for each table the number of its value among inputs and those."""
    ops: list[Op] = []
    numbers: dict[Op, int] = {}

    def append(op: Op) -> int:
        if op not in numbers:
            numbers[op] = len(inputs) + len(ops)
            ops.append(op)
        return numbers[op]

    made = []
    for table in tables:
        address = _address([_bit(bit, inputs, append) for bit in table.bits], append)
        made.append(append(Op(Opcode.LOOKUP, (address,), table.interval, Lookup(table.table, 0))))
    return ops, made


def _bit(bit: Bit, inputs: Sequence[Interval], append: Callable[[Op], int]) -> Operand:
    """A bit as 0 or 1; the sign bit, too."""
    exp = inputs[bit.source].exp + bit.place
    if inputs[bit.source][:2] == (0, 1):
        return Operand(bit.source, -exp)
    kind = Quantization(FixedType(False, exp + 1, -exp))
    return Operand(append(Op(Opcode.QUANTIZE, (Operand(bit.source),), Interval(0, 1, exp), kind)), -exp)


def _address(bits: Sequence[Operand], append: Callable[[Op], int]) -> Operand:
    """All bits side by side, the first one lowest."""
    joined, *left = (edge._replace(shift=edge.shift + place) for place, edge in enumerate(bits))
    width = 1
    while left:
        taken, left = left[: OPERANDS - 1], left[OPERANDS - 1 :]
        width += len(taken)
        joined = Operand(append(Op(Opcode.ADD, (joined, *taken), Interval(0, (1 << width) - 1))))
    return joined
