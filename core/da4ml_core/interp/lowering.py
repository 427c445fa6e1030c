"""Programs to instructions of the block machine, one variant for each kind of external data."""

from __future__ import annotations

from math import ldexp
from struct import pack, unpack

from da4ml_core.errors import InterpError
from da4ml_core.fixed import Interval
from da4ml_core.interp.assembler import ROUNDINGS, Assembler, Instruction, Kind, Value, lane_of
from da4ml_core.interp.ports import REGULAR, TINY, float_exact
from da4ml_core.ir.opcode import BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import Lookup

WIDEST = 2  # the lane that external data come in
NORMAL_EXPONENTS = range(-1022, 1024)  # of float64 numbers


def takes_reals(program: Program) -> bool:
    """Whether the machine can scale and round every input itself: the scales are normal float64 numbers."""
    return all(port.quantization.type.frac_bits in NORMAL_EXPONENTS for _, port in program.input_ops())


def makes_floats(program: Program) -> bool:
    """Whether the machine can scale every output itself."""
    return all(
        float_exact(interval) and (interval.exp in NORMAL_EXPONENTS or interval.lo == interval.hi == 0)
        for interval in program.output_intervals
    )


def lower(program: Program, *, reals: bool, floats: bool) -> list[Instruction]:
    """The instructions of a program that reads real numbers or port codes, and writes float64 numbers or output codes.

    Raises TooWide if a value, or a step on the way to it, does not fit 64 bits.
    """
    return _Lowering(program, reals, floats).run()


class _Lowering:
    def __init__(self, program: Program, reals: bool, floats: bool) -> None:
        self.program = program
        self.reals = reals
        self.floats = floats
        self.assembler = Assembler()
        self.values: dict[int, Value] = {}

    def run(self) -> list[Instruction]:
        columns: dict[int, list[int]] = {}
        for column, edge in enumerate(self.program.outputs):
            columns.setdefault(edge.index, []).append(column)
        needed = _needed(self.program)
        ports = 0
        for index, op in enumerate(self.program.ops):
            if isinstance(op.attribute, InputPort):  # all of them: a NaN is an error even where nothing depends on it
                self._keep(index, self._loaded(op.interval, op.attribute, ports))
                ports += 1
            elif needed[index] and not op.interval.is_constant:
                self._keep(index, self._computed(op))
            for column in columns.get(index, ()):  # as early as possible: it frees the buffer
                self._store(column, self.program.outputs[column])
        return self.assembler.code

    def _keep(self, index: int, value: Value) -> None:
        """The value of an op, with the bounds that its interval proves."""
        interval = self.program.ops[index].interval
        if not interval.is_constant:
            value.lo, value.hi = max(value.lo, interval.lo), min(value.hi, interval.hi)
            self.values[index] = value

    def _value(self, index: int) -> Value:
        value = self.values.get(index)
        if value is None:  # a constant that is used as such
            value = self.values[index] = self.assembler.fill(self.program.ops[index].interval.lo)
        return value

    def _loaded(self, interval: Interval, port: InputPort, number: int) -> Value:
        emit = self.assembler.emit
        if not self.reals:
            lane_of(interval.lo, interval.hi)
            loaded = emit(Kind.LOAD_CODE, WIDEST, (), (number,), interval.lo, interval.hi)
            return Value(loaded, interval.lo, interval.hi)
        kind, rounding, overflow = port.quantization
        tiny = TINY if kind.frac_bits < 0 else 0.0  # a scale of at least 1 loses nothing
        p, q = _float_bits(ldexp(1.0, kind.frac_bits)), _float_bits(tiny)
        loaded = emit(Kind.LOAD_REAL, WIDEST, (), (port.position, ROUNDINGS.index(rounding)), p, q)
        value = self.assembler.overflowed(Value(loaded, -int(REGULAR), int(REGULAR)), kind, overflow)
        return self._rescaled(value, -kind.frac_bits, interval.exp)

    def _computed(self, op: Op) -> Value:
        if op.opcode in (Opcode.ADD, Opcode.NEG):
            return self._total(op)
        if op.opcode is Opcode.MUX:
            return self._selected(op)
        if op.opcode is Opcode.MUL:
            return self._product(op)
        if isinstance(op.attribute, BitFunction):
            return self._combined(op, Kind[op.attribute.name])
        edge = op.operands[0]
        exp = self.program.edge_interval(edge).exp
        value = self._value(edge.index)
        if edge.negated:
            value = self.assembler.total([(value, 0, True)], 0, -value.hi, -value.lo)
        if isinstance(op.attribute, Lookup):
            operand = self.program.edge_interval(edge)
            value = self.assembler.looked_up(value, operand.lo, op.attribute.reachable(operand))
            return self._rescaled(value, op.attribute.table.exp, op.interval.exp)
        if op.opcode is Opcode.RELU:
            kind = op.attribute.type if isinstance(op.attribute, Quantization) else None
            value = self.assembler.relu(value, exp, kind, op.interval.exp)
            return value if kind is None else self._rescaled(value, -kind.frac_bits, op.interval.exp)
        if isinstance(op.attribute, Quantization):
            value = self.assembler.quantized(value, exp, op.attribute)
            return self._rescaled(value, -op.attribute.type.frac_bits, op.interval.exp)
        raise InterpError(f'no interpretation of the operation {op.opcode!r}')

    def _total(self, op: Op) -> Value:
        """A sum of edges, in the finest step among theirs and the result's."""
        edges = [(edge, self.program.edge_interval(edge)) for edge in op.operands]
        finest = min((interval.exp for _, interval in edges if interval.lo or interval.hi), default=op.interval.exp)
        finest = min(finest, op.interval.exp)
        constant = 0
        terms: list[tuple[Value, int, bool]] = []
        for edge, interval in edges:
            if not interval.is_constant:
                sign = edge.negated != (op.opcode is Opcode.NEG)
                terms.append((self._value(edge.index), interval.exp - finest, sign))
            elif interval.lo:
                term = interval.lo << (interval.exp - finest)
                constant += -term if op.opcode is Opcode.NEG else term
        result = op.interval.at(finest)
        return self._rescaled(self.assembler.total(terms, constant, result.lo, result.hi), finest, op.interval.exp)

    def _selected(self, op: Op) -> Value:
        """One of two edges, in the finest step among theirs and the result's."""
        condition = self.program.edge_interval(op.operands[0])
        branches = [(edge, self.program.edge_interval(edge)) for edge in op.operands[1:]]
        if condition.lo >= 0 or condition.hi < 0:
            branches = branches[1:] if condition.lo >= 0 else branches[:1]
        finest = min([op.interval.exp, *(branch.exp for _, branch in branches if branch.lo or branch.hi)])
        values: list[tuple[Value, int]] = []
        for edge, branch in branches:
            if branch.is_constant:
                values.append((self.assembler.fill(branch.at(finest).lo), 0))
            else:
                values.append((self._value(edge.index), branch.exp - finest))
        if len(values) == 1:
            result = self.assembler.up(*values[0])
        else:
            key = self._value(op.operands[0].index)
            if op.operands[0].negated:
                key = self.assembler.total([(key, 0, True)], 0, -key.hi, -key.lo)
            lo, hi, _ = op.interval.at(finest)
            result = self.assembler.selected(key, values[0], values[1], lo, hi)
        return self._rescaled(result, finest, op.interval.exp)

    def _product(self, op: Op) -> Value:
        """The product of two edges, in its own step or the result's if that is finer."""
        a, b = (self.program.edge_interval(edge) for edge in op.operands)
        finest = min(a.exp + b.exp, op.interval.exp)
        lo, hi, _ = op.interval.at(finest)
        x, y = (self._value(edge.index) for edge in op.operands)
        result = self.assembler.product(x, y, a.exp + b.exp - finest, lo, hi)
        return self._rescaled(result, finest, op.interval.exp)

    def _combined(self, op: Op, kind: Kind) -> Value:
        """A function of the bits of two edges, in the finest step among theirs and the result's."""
        steps = [self.program.edge_interval(edge).exp for edge in op.operands]
        finest = min(*steps, op.interval.exp)
        lo, hi, _ = op.interval.at(finest)
        operands = [(self._value(edge.index), exp - finest) for edge, exp in zip(op.operands, steps, strict=True)]
        return self._rescaled(self.assembler.combined(kind, operands, lo, hi), finest, op.interval.exp)

    def _rescaled(self, value: Value, exp: int, to: int) -> Value:
        """A value in steps of ``2**exp`` counted in steps of ``2**to``, which is known to be exact."""
        if exp >= to:
            return self.assembler.up(value, exp - to)
        return self.assembler.down(value, to - exp)

    def _store(self, column: int, edge: Operand) -> None:
        interval = self.program.edge_interval(edge)
        lane = lane_of(interval.lo, interval.hi)
        value = self._value(edge.index)
        if edge.negated:
            value = self.assembler.total([(value, 0, True)], 0, interval.lo, interval.hi)
        register = self.assembler.fetch(value, lane)
        if self.floats:
            scale = ldexp(1.0, interval.exp) if interval.lo or interval.hi else 1.0
            self.assembler.consume(Kind.STORE_REAL, register, column, _float_bits(scale))
        else:
            self.assembler.consume(Kind.STORE_CODE, register, column, 0)


def _needed(program: Program) -> list[bool]:
    """Which ops an output depends on."""
    needed = [False] * len(program.ops)
    for edge in program.outputs:
        needed[edge.index] = True
    for index in range(len(program.ops) - 1, -1, -1):
        if needed[index] and not program.ops[index].interval.is_constant:
            for edge in program.ops[index].operands:
                needed[edge.index] = True
    return needed


def _float_bits(number: float) -> int:
    """The 64 bits of a float64 number as a signed integer."""
    bits: int = unpack('<q', pack('<d', number))[0]
    return bits
