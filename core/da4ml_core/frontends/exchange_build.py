"""Programs from the operations of the neighbours' formats, whichever of the formats they were written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from da4ml_core.errors import ParseError
from da4ml_core.fixed import FixedType, Interval, Rounding, dyadic, round_code
from da4ml_core.ir.affine import op_interval
from da4ml_core.ir.opcode import Attribute, BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import MAX_ENTRIES, Lookup, Table
from da4ml_core.ir.verify import verify
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.narrow import narrow

FUNCTIONS = tuple(BitFunction)
MAX_SHIFT = 256
MAX_BITS = 128  # of a value, and MAX_SHIFT of its scale: far more than either peer can run


class Word(NamedTuple):
    """An operation of DAIS v1; ``data`` are its numbers, with tables' first operands and step sizes made explicit."""

    opcode: int
    operands: tuple[int, ...]
    data: tuple[int, ...]
    interval: Interval


class Listing(NamedTuple):
    """A program as the formats tell it; ``outputs`` are (operation or -1, shift, negated)."""

    name: str
    input_shifts: Sequence[int]
    words: Sequence[Word]
    outputs: Sequence[tuple[int, int, bool]]
    tables: Sequence[Sequence[int]]


def build_program(listing: Listing) -> Program:
    """The verified program; raises ParseError for an operation that is not of the format."""
    builder = _Builder(listing)
    for place, word in enumerate(listing.words):
        if any(not 0 <= operand < place for operand in word.operands if word.opcode != -1):
            raise ParseError(f'operation {place} ({word.opcode}) uses a later one')
        if abs(word.interval.exp) > MAX_SHIFT or word.interval.width_bits > MAX_BITS:
            raise ParseError(f'operation {place} ({word.opcode}) has no sensible type')
        shifts = word.data[-1:] if word.opcode in (4, 5, 8) else word.data[:1]
        shifts = word.data[1::2] if word.opcode == 11 else shifts
        if any(abs(shift) > MAX_SHIFT for shift in shifts):
            raise ParseError(f'operation {place} ({word.opcode}) is shifted too far')
        builder.values.append(builder.fit(builder.value(place, word), word.interval))
    outputs = []
    for number, shift, negated in listing.outputs:
        if not -1 <= number < len(builder.values) or abs(shift) > MAX_SHIFT:
            raise ParseError(f'there is no operation {number} for an output, or no shift {shift}')
        value = builder.values[number] if number >= 0 else builder.constant(0, 0)
        value = value._replace(shift=value.shift + shift)
        outputs.append(builder.derived(Opcode.NEG, value) if negated else value)
    program = Program(
        listing.name, tuple(builder.ops), tuple(outputs), ((len(listing.input_shifts),),), ((len(outputs),),)
    )
    return verify(narrow(eliminate_dead_code(program)))


class _Builder:
    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.ops: list[Op] = []
        self.values: list[Operand] = []

    def interval(self, edge: Operand) -> Interval:
        return self.ops[edge.index].interval.shifted(edge.shift, edge.negated)

    def derived(self, opcode: Opcode, *operands: Operand, attribute: Attribute = None) -> Operand:
        probe = Op(opcode, operands, Interval(0, 0), attribute)
        interval = op_interval(probe, [self.interval(edge) for edge in operands])
        self.ops.append(probe._replace(interval=interval))
        return Operand(len(self.ops) - 1)

    def constant(self, code: int, exp: int) -> Operand:
        self.ops.append(Op(Opcode.CONST, (), Interval(code, code, exp)))
        return Operand(len(self.ops) - 1)

    def fit(self, edge: Operand, interval: Interval) -> Operand:
        """The value in the type of an interval; it lies there already, by what the format says, if not by our proof."""
        kind = interval.fixed_type
        if kind.interval.contains(self.interval(edge)):
            return edge
        return self.derived(Opcode.QUANTIZE, edge, attribute=Quantization(kind))

    def plus(self, a: Operand, b: Operand) -> Operand:
        if a.negated and b.negated:
            total = self.derived(Opcode.ADD, a._replace(negated=False), b._replace(negated=False))
            return self.derived(Opcode.NEG, total)
        return self.derived(Opcode.ADD, a, b)

    def signed(self, edge: Operand, negated: bool) -> Operand:
        return self.derived(Opcode.NEG, edge) if negated else edge

    def value(self, place: int, word: Word) -> Operand:
        opcode, numbers, data, interval = word
        kind = interval.fixed_type
        if opcode == -1:
            return self.port(numbers[0], kind)
        if opcode == 5:
            return self.constant(data[0], data[1])
        edges = [self.values[number] for number in numbers]
        minus = opcode < 0
        match abs(opcode):
            case 0 | 1:
                other = edges[1]._replace(shift=edges[1].shift + data[0], negated=opcode == 1)
                return self.plus(edges[0], other)
            case 2:
                positive = self.derived(Opcode.RELU, self.signed(edges[0], minus))
                return self.derived(Opcode.QUANTIZE, positive, attribute=Quantization(kind))
            case 3:
                source = self.signed(edges[0], minus)
                source = source._replace(shift=source.shift + data[0])
                return self.derived(Opcode.QUANTIZE, source, attribute=Quantization(kind))
            case 4:
                return self.plus(edges[0], self.constant(data[0], data[1]))
            case 6:
                other = edges[1]._replace(shift=edges[1].shift + data[0])
                return self.derived(Opcode.MUX, self.top_bit(numbers[2]), edges[0], self.signed(other, minus))
            case 7:
                return self.derived(Opcode.MUL, *edges)
            case 8:
                return self.lookup(edges[0], data, interval)
            case 9:
                return self.unary(self.signed(edges[0], minus), data[0], self.listing.words[numbers[0]].interval)
            case 10 if data[1] < len(FUNCTIONS):
                other = edges[1]._replace(shift=edges[1].shift + data[0])
                a, b = self.signed(edges[0], bool(data[2])), self.signed(other, bool(data[3]))
                return self.derived(Opcode.BITWISE, a, b, attribute=FUNCTIONS[data[1]])
            case 11:
                return self.total(edges, data)
            case 12:
                return self.signed(edges[0], True)
        raise ParseError(f'operation {place} is of an unknown kind: {opcode}')

    def total(self, edges: Sequence[Operand], data: Sequence[int]) -> Operand:
        """The sum of edges, each with its own sign, 1 for plus, and shift."""
        terms = [
            edge._replace(shift=edge.shift + shift, negated=not sign)
            for edge, sign, shift in zip(edges, data[::2], data[1::2], strict=True)
        ]
        terms.sort(key=lambda edge: edge.negated)
        if terms[0].negated:
            terms[0] = self.derived(Opcode.NEG, terms[0]._replace(negated=False))
        total = terms[0]
        for start in range(1, len(terms), 2):
            total = self.derived(Opcode.ADD, total, *terms[start : start + 2])
        return total

    def port(self, position: int, kind: FixedType) -> Operand:
        if not 0 <= position < len(self.listing.input_shifts):
            raise ParseError(f'there is no input {position}')
        shift = self.listing.input_shifts[position]
        if abs(shift) > MAX_SHIFT:
            raise ParseError(f'input {position} is shifted too far')
        kind = FixedType(kind.signed, kind.int_bits - shift, kind.frac_bits + shift)
        self.ops.append(Op(Opcode.INPUT, (), kind.interval, InputPort(position, Quantization(kind))))
        return Operand(len(self.ops) - 1, shift)

    def top_bit(self, number: int) -> Operand:
        """The condition that the most significant bit of a value, in its type, is set."""
        kind = self.listing.words[number].interval.fixed_type
        if kind.signed:
            return self.values[number]
        bit = FixedType(False, kind.int_bits, 1 - kind.int_bits)
        top = self.derived(Opcode.QUANTIZE, self.values[number], attribute=Quantization(bit))
        if self.interval(top)[:2] not in ((0, 1), (1, 1), (0, 0)):
            raise ParseError(f'the condition {number} has no most significant bit')
        return top._replace(negated=True)

    def lookup(self, edge: Operand, data: Sequence[int], interval: Interval) -> Operand:
        number, first, exp = data
        if not 0 <= number < len(self.listing.tables):
            raise ParseError(f'there is no table {number}')
        entries = tuple(self.listing.tables[number])
        source = self.interval(edge)
        lo = min(first, round_code(source.lo, exp - source.exp, Rounding.TRN))
        hi = max(first + len(entries) - 1, round_code(source.hi, exp - source.exp, Rounding.TRN))
        if (source.exp < exp and not source.is_constant) or hi - lo >= MAX_ENTRIES or not entries:
            raise ParseError(f'table {number} does not fit its operand {source}')
        # what the format leaves open, for operands that it rules out
        padded = (entries[0],) * (first - lo) + entries + (entries[-1],) * (hi - first - len(entries) + 1)
        lookup = Lookup(Table(padded, interval.exp), lo, exp)
        return self.derived(Opcode.LOOKUP, edge, attribute=lookup)

    def unary(self, edge: Operand, function: int, declared: Interval) -> Operand:
        if function == 0:
            flipped = self.derived(Opcode.NEG, edge)
            return self.plus(flipped, self.constant(-1, declared.exp))
        if function not in (1, 2):
            raise ParseError(f'unknown function of bits: {function}')
        kind = declared.fixed_type
        ones = -1 if kind.signed else (1 << kind.width_bits) - 1
        distance = edge if function == 1 else self.plus(edge, self.constant(-ones, declared.exp))
        one, zero = self.constant(1, 0), self.constant(0, 0)
        hit, miss = (one, zero) if function == 1 else (zero, one)
        above = self.derived(Opcode.NEG, distance)
        return self.derived(Opcode.MUX, distance, hit, self.derived(Opcode.MUX, above, hit, miss))


def exact_interval(limits: Sequence[float]) -> Interval:
    """The interval of ``[min, max, step]``; raises ParseError unless all are multiples of a step, a power of two."""
    low, high, step = limits
    size, exp = dyadic(step)
    codes = []
    for bound in (low, high):
        n, own = dyadic(bound)
        if n and own < exp:
            raise ParseError(f'{bound} is no multiple of the step {step}')
        codes.append(n << (own - exp) if n else 0)
    if size != 1 or codes[0] > codes[1]:
        raise ParseError(f'{list(limits)} is not a range with a step that is a power of two')
    return Interval(codes[0], codes[1], exp)
