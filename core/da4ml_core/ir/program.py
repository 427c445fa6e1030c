"""The program: a static single-assignment list of operations on exact fixed-point values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from da4ml_core.fixed import FixedType, Interval
from da4ml_core.ir.opcode import Attribute, InputPort, Opcode
from da4ml_core.ir.table import Lookup, Table


class Operand(NamedTuple):
    """An edge: the value ``±ops[index] * 2**shift``. Shifts are wiring; who takes a minus sign is in SPECS."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which an edge has no use for
    shift: int = 0
    negated: bool = False

    def __str__(self) -> str:
        scale = f'<<{self.shift}' if self.shift > 0 else f'>>{-self.shift}' if self.shift else ''
        return f'{"-" if self.negated else ""}%{self.index}{scale}'


class Op(NamedTuple):
    """One operation and the interval of its result; ``origin`` says what in the user's model made it."""

    opcode: Opcode
    operands: tuple[Operand, ...]
    interval: Interval
    attribute: Attribute = None
    origin: str = ''

    def renumbered(self, number: Mapping[int, int] | Sequence[int]) -> Op:
        """The same of operands with other numbers."""
        operands = tuple([Operand(number[index], shift, negated) for index, shift, negated in self.operands])
        return Op(self.opcode, operands, self.interval, self.attribute, self.origin)


Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A combinational dataflow: op i makes value i from earlier values; ``outputs`` are edges.

    External inputs (outputs) are the flattened arrays of ``input_shapes`` (``output_shapes``), one after another.
    """

    name: str
    ops: tuple[Op, ...]
    outputs: tuple[Operand, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]

    @property
    def num_ops(self) -> int:
        return len(self.ops)

    @property
    def num_inputs(self) -> int:
        """Elements of all external inputs together."""
        return sum(prod(shape) for shape in self.input_shapes)

    @property
    def num_outputs(self) -> int:
        return sum(prod(shape) for shape in self.output_shapes)

    @property
    def num_adders(self) -> int:
        """Adders counted as binary ones: an addition of n operands counts n - 1."""
        return sum(len(op.operands) - 1 for op in self.ops if op.opcode is Opcode.ADD)

    def input_ops(self) -> Iterator[tuple[int, InputPort]]:
        """``(index of the op, its port)`` of every input op, in program order."""
        for index, op in enumerate(self.ops):
            if isinstance(op.attribute, InputPort):
                yield index, op.attribute

    @property
    def tables(self) -> tuple[Table, ...]:
        """The distinct tables, in the order of their first use; the place of one here is its number."""
        return tuple(dict.fromkeys(op.attribute.table for op in self.ops if isinstance(op.attribute, Lookup)))

    def edge_interval(self, operand: Operand) -> Interval:
        """The interval of the value that an edge carries."""
        return self.ops[operand.index].interval.shifted(operand.shift, operand.negated)

    @property
    def output_intervals(self) -> tuple[Interval, ...]:
        return tuple(self.edge_interval(operand) for operand in self.outputs)

    @property
    def output_types(self) -> tuple[FixedType, ...]:
        return tuple(interval.fixed_type for interval in self.output_intervals)
