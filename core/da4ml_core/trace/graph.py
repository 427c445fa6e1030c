"""The growing program: appends operations, and gives the same operation on the same values the same number."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from da4ml_core.cmvm import Solution
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding, overflows, quantize_code, quantize_interval
from da4ml_core.ir.affine import op_interval
from da4ml_core.ir.cost import op_levels
from da4ml_core.ir.opcode import Attribute, BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand
from da4ml_core.ir.table import Lookup, Table
from da4ml_core.trace.variable import (
    NO_VALUE,
    ZERO,
    Dyadic,
    Variable,
    add_dyadic,
    normal_dyadic,
    variable_interval,
)


class Graph:
    """Operations in order, their intervals and adder levels; all methods take and return exact values."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.intervals: list[Interval] = []
        self.levels: list[int] = []
        self.origin = ''
        self.solutions: dict[Hashable, Solution] = {}  # of all products so far
        self.search_work = 0  # of the local search for all products so far
        self.bit_products: int | None = None  # bits of all factors multiplied so far, where someone counts them
        self._numbers: dict[tuple[Opcode, tuple[Operand, ...], Attribute, Interval | None], int] = {}
        self._relu_sources: dict[int, Variable] = {}

    def interval(self, variable: Variable) -> Interval:
        return variable_interval(variable, self.intervals)

    def append(
        self,
        opcode: Opcode,
        operands: tuple[Operand, ...],
        attribute: Attribute = None,
        interval: Interval | None = None,
        is_wiring: bool = False,
    ) -> int:
        """The number of the value; ``interval`` may be given where more is known than the operands' intervals say.

        An addition counts as a level, as the solver counts it, unless it is said to be wiring.
        """
        key = (opcode, operands, attribute, interval if opcode is Opcode.CONST else None)
        number = self._numbers.get(key)
        if number is not None:
            return number
        edges = [self.intervals[edge.index].shifted(edge.shift, edge.negated) for edge in operands]
        if interval is None:
            probe = Op(opcode, operands, Interval(0, 0), attribute)
            interval = op_interval(probe, edges)
        op = Op(opcode, operands, interval, attribute, self.origin)
        number = len(self.ops)
        self.ops.append(op)
        self.intervals.append(interval)
        ready = max((self.levels[edge.index] for edge in operands), default=0)
        levels = int(not is_wiring) if opcode is Opcode.ADD else op_levels(op, edges)
        self.levels.append(ready + levels)
        self._numbers[key] = number
        return number

    def input(self, position: int, quantization: Quantization) -> Variable:
        """The port of an external element; the constant zero if its type has no bits."""
        if quantization.type.interval.is_constant:
            return Variable()
        return Variable(self.append(Opcode.INPUT, (), InputPort(position, quantization)))

    def constant(self, constant: Dyadic) -> Operand:
        n, exp = normal_dyadic(*constant)
        return Operand(self.append(Opcode.CONST, (), None, Interval(n, n, exp)))

    def add(self, a: Variable, b: Variable) -> Variable:
        """The exact sum; constants are gathered, and one minus sign is moved out where both have it."""
        constant = add_dyadic(a.constant, b.constant)
        if a.is_constant or b.is_constant:
            return (b if a.is_constant else a)._replace(constant=constant)
        if a.value == b.value and a.shift == b.shift:
            if a.negated != b.negated:
                return Variable(constant=constant)
            return Variable(a.value, a.shift + 1, a.negated, constant)
        if (b.negated, b.value, b.shift) < (a.negated, a.value, a.shift):
            a, b = b, a
        flip = a.negated
        base = a.shift  # moving the common scale out lets equal sums at other scales be one op
        edges = (Operand(a.value), Operand(b.value, b.shift - base, b.negated != flip))
        return Variable(self.append(Opcode.ADD, edges), base, flip, constant)

    def edge(self, variable: Variable) -> Operand:
        """The variable as one unsigned edge: its constant and its sign become operations where they must."""
        if variable.is_constant:
            return self.constant(variable.constant)
        operand = Operand(variable.value, variable.shift, variable.negated)
        if variable.constant[0]:
            return Operand(self.append(Opcode.ADD, (self.constant(variable.constant), operand)))
        if variable.negated:
            return Operand(self.append(Opcode.NEG, (Operand(variable.value),)), variable.shift)
        return operand

    def pure(self, variable: Variable) -> Variable:
        """The variable as a value, scaled and signed, without a constant."""
        if variable.is_constant or not variable.constant[0]:
            return variable
        operand = self.edge(variable)
        return Variable(operand.index, operand.shift)

    def multiply(self, a: Variable, b: Variable) -> Variable:
        """The product of two variables, neither of them constant."""
        a, b = sorted((self.pure(a), self.pure(b)))
        number = self.append(Opcode.MUL, (Operand(a.value), Operand(b.value)))
        return Variable(number, a.shift + b.shift, a.negated != b.negated)

    def bitwise(self, function: BitFunction, a: Variable, b: Variable) -> Variable:
        """A function of the bits of two variables in their finer step."""
        if a == b:
            return Variable() if function is BitFunction.XOR else a
        if Variable() in (a, b):
            return Variable() if function is BitFunction.AND else b if a == Variable() else a
        first, second = sorted((self.edge(a), self.edge(b)))
        edges = (Operand(first.index), second._replace(shift=second.shift - first.shift))
        number = self.append(Opcode.BITWISE, edges, function)
        interval = self.intervals[number]
        if interval.is_constant:
            return Variable(constant=normal_dyadic(interval.lo, interval.exp + first.shift))
        return Variable(number, first.shift)

    def lookup(self, value: int, table: Table) -> Variable:
        """The entry of a table for a value; there is one for each of its codes, in ascending order."""
        lo, _, exp = self.intervals[value]
        if len(set(table.entries)) == 1:
            return Variable(constant=normal_dyadic(table.entries[0], table.exp))
        return Variable(self.append(Opcode.LOOKUP, (Operand(value),), Lookup(table, lo, exp)))

    def select(
        self, condition: Variable, negative: Variable, otherwise: Variable, interval: Interval | None = None
    ) -> Variable:
        """``negative`` where the condition is, else ``otherwise``; ``interval`` may say more than those of both do."""
        bounds = self.interval(condition)
        if bounds.lo >= 0 or negative == otherwise:
            return otherwise
        if bounds.hi < 0:
            return negative
        return self._mux(self.edge(condition), negative, otherwise, interval)

    def choose(self, bit: Variable, then: Variable, otherwise: Variable) -> Variable:
        """``then`` where a bit (0 or 1) is set, else ``otherwise``."""
        if bit.is_constant or then == otherwise:
            return then if bit.constant[0] else otherwise
        op = self.ops[bit.value]
        source = self.intervals[bit.value]
        if op.opcode is Opcode.MUX and all(self.intervals[edge.index].is_constant for edge in op.operands[1:]):
            key = op.operands[0]
            edge = op.operands[1]
            negative = self.intervals[edge.index].shifted(edge.shift)
        elif source[:2] in ((0, 1), (-1, 0)):
            key = Operand(bit.value, 0, source.lo == 0)
            negative = source._replace(lo=source.lo or source.hi)
        else:
            key = self.edge(bit)._replace(negated=True)
            return self._mux(key, then, otherwise)
        number = (-negative.lo if bit.negated else negative.lo, negative.exp + bit.shift)
        if not add_dyadic(number, bit.constant)[0]:  # the bit where the key is negative
            then, otherwise = otherwise, then
        return self._mux(key, then, otherwise)

    def _mux(self, key: Operand, a: Variable, b: Variable, interval: Interval | None = None) -> Variable:
        """The operation, with what both branches share taken out of it."""
        shared = not (a.is_constant or b.is_constant) and (a.shift, a.negated) == (b.shift, b.negated)
        if shared and a.constant == b.constant:
            scaled = key._replace(shift=key.shift - a.shift)  # its scale means nothing but to the range analysis
            number = self.append(Opcode.MUX, (scaled, Operand(a.value), Operand(b.value)))
            return Variable(number, a.shift, a.negated, a.constant)
        return Variable(self.append(Opcode.MUX, (key, self.edge(a), self.edge(b)), None, interval))

    def relu(self, variable: Variable) -> Variable:
        """max(variable, 0)."""
        interval = self.interval(variable)
        if interval.lo >= 0:
            return variable
        if interval.hi <= 0:
            return Variable()
        operand = self.edge(variable)
        number = self.append(Opcode.RELU, (Operand(operand.index),))
        self._relu_sources.setdefault(number, variable.scaled(-operand.shift))
        return Variable(number, operand.shift)

    def quantize(self, variable: Variable, quantization: Quantization) -> Variable:
        """The variable in a fixed-point type; only what can change a value becomes an operation."""
        kind, rounding, overflow = quantization
        if variable.is_constant:
            code = quantize_code(*variable.constant, kind, rounding, overflow)
            return Variable(constant=normal_dyadic(code, -kind.frac_bits))
        if kind.interval.is_constant:
            return Variable()
        interval = self.interval(variable)
        result = quantize_interval(interval, *quantization)
        fits = not overflows(interval, *quantization)
        if interval.exp > -kind.frac_bits and overflow is Overflow.WRAP:
            kind = kind._replace(frac_bits=-interval.exp)  # the finer bits are zeros
        if fits and interval.exp >= -kind.frac_bits:
            return variable
        if kind.interval.is_constant:
            return Variable()
        if result.is_constant:
            return Variable(constant=normal_dyadic(result.lo, result.exp))
        if fits:
            overflow = Overflow.WRAP
            kind = FixedType.holding(Interval(result.lo, result.hi, result.exp).at(-kind.frac_bits))
        offset = _rounding_offset(rounding, -kind.frac_bits, interval.exp)
        if offset is not None:
            return self._truncate(variable, offset, Quantization(kind, Rounding.TRN, overflow))
        operand = self.edge(variable)
        moved = Quantization(_rescaled(kind, operand.shift), rounding, overflow)
        return Variable(self.append(Opcode.QUANTIZE, (Operand(operand.index),), moved), operand.shift)

    def _truncate(self, variable: Variable, offset: Dyadic, quantization: Quantization) -> Variable:
        """``variable + offset`` truncated; behind a relu the offset moves in front of it, to join the bias there."""
        source = self._pure_relu_source(variable)
        if source is None:
            operand = self.edge(variable.plus(offset))
            moved = quantization._replace(type=_rescaled(quantization.type, operand.shift))
            return Variable(self.append(Opcode.QUANTIZE, (Operand(operand.index),), moved), operand.shift)
        operand = self.edge(source.plus(offset))
        kind = quantization.type
        top = self.intervals[operand.index].shifted(operand.shift)
        if quantization.overflow is Overflow.WRAP and not kind.signed:
            moved = quantization._replace(type=_rescaled(kind, operand.shift))
            return Variable(self.append(Opcode.RELU, (Operand(operand.index),), moved), operand.shift)
        if top.hi <= 0:
            return Variable()
        positive = Operand(self.append(Opcode.RELU, (Operand(operand.index),)), operand.shift)
        moved = quantization._replace(type=_rescaled(kind, operand.shift))
        return Variable(self.append(Opcode.QUANTIZE, (Operand(positive.index),), moved), operand.shift)

    def _pure_relu_source(self, variable: Variable) -> Variable | None:
        """What the relu that made a variable was applied to, scaled alike; None if it was no bare relu."""
        if variable.value == NO_VALUE or variable.negated or variable.constant != ZERO:
            return None
        source = self._relu_sources.get(variable.value)
        return None if source is None else source.scaled(variable.shift)

    def inline(self, inputs: Sequence[int], solution: Solution) -> list[int]:
        """Append the operations of a solution for input values; the number of each of its values."""
        ops, values = solution.body
        own = frozenset(values)  # all else joins the bits that tables look at
        numbers = list(inputs)
        for place, op in enumerate(ops, len(inputs)):
            edges = tuple(Operand(numbers[edge.index], edge.shift, edge.negated) for edge in op.operands)
            numbers.append(self.append(op.opcode, edges, op.attribute, op.interval, place not in own))
        return [numbers[value] for value in values]


def _rounding_offset(rounding: Rounding, step: int, exp: int) -> Dyadic | None:
    """The constant that makes truncation to ``2**step`` equal to a mode, for values in steps of ``2**exp``, if any."""
    if step <= exp or rounding is Rounding.TRN:
        return ZERO
    if rounding is Rounding.RND:
        return 1, step - 1
    if rounding is Rounding.RND_MIN_INF:
        return add_dyadic((1, step - 1), (-1, exp))
    return None


def _rescaled(kind: FixedType, shift: int) -> FixedType:
    """The type that a value has before it is scaled by ``2**shift``."""
    return FixedType(kind.signed, kind.int_bits - shift, kind.frac_bits + shift)
