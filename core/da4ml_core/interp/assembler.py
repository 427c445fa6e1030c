"""Instructions of the block machine, and exact arithmetic made of them: a lane of 16, 32 or 64 bits for every value.

Lane arithmetic is modulo 2**bits. Sums, negations and left shifts are exact if the *result* fits its lane, whatever
its operands and partial sums do; right shifts, comparisons and rounding need operands that fit. No step relies on
anything else, so that the machine code computes exactly what the intervals promise, or ``TooWide`` is raised.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from da4ml_core.fixed import FixedType, Overflow, Rounding, round_code
from da4ml_core.ir.opcode import Quantization

LANE_BITS = (16, 32, 64)
_HALVES = tuple(1 << (bits - 1) for bits in LANE_BITS)


class Kind(IntEnum):
    """What an instruction does to the lanes of ``d`` from those of a, b, c; shifts l, m, n; immediates p, q."""

    ADD = 0  # a + (b << m)
    SUB = 1  # a - (b << m)
    RSUB = 2  # (b << m) - a
    ADD_PPP = 3  # (a << l) + (b << m) + (c << n)
    ADD_PPM = 4  # (a << l) + (b << m) - (c << n)
    ADD_PMM = 5  # (a << l) - (b << m) - (c << n)
    OFFSET = 6  # (a << l) + p
    NEGATE = 7  # p - (a << l)
    SLICE_SIGNED = 8  # ((a + p) << l) >> m, the right shift arithmetic
    SLICE_UNSIGNED = 9  # ((a + p) << l) >> m, the right shift logical
    RELU_SLICE = 10  # (max(a, 0) << l) >> m, the right shift logical
    NUDGE_SIGN = 11  # a + p + (a < 0 ? q : 0)
    NUDGE_EVEN = 12  # a + p + ((a >> l) & 1)
    CLAMP = 13  # min(max(a, p), q)
    ZERO_OUTSIDE = 14  # p <= a <= q ? a : 0
    FILL = 15  # p
    FROM_16 = 16  # a, from 16 bit lanes, sign extended
    FROM_32 = 17  # a, from 32 bit lanes, sign extended or cut
    FROM_64 = 18  # a, from 64 bit lanes, cut
    LOAD_REAL = 19  # element l of the sample times float64(p) rounded in mode m; in doubt if smaller than float64(q)
    LOAD_CODE = 20  # element l of the sample, checked to lie in [p, q]
    STORE_CODE = 21  # element l of the result = a
    STORE_REAL = 22  # element l of the result = a times float64(p)
    SELECT = 23  # a < 0 ? b << m : c << n
    MULTIPLY = 24  # (a * b) << l
    GATHER = 25  # entry a - q of a table
    AND = 26  # (a << l) & (b << m)
    OR = 27  # (a << l) | (b << m)
    XOR = 28  # (a << l) ^ (b << m)
    CALL = 29  # the machine code at address p, on all buffers


ROUNDINGS = tuple(Rounding)  # the numbering of LOAD_REAL


class TooWide(Exception):
    """A value that 64 bits do not hold; such a program runs on the reference interpreter."""


class Register(NamedTuple):
    """A virtual register: a whole block of one value in lanes of one size."""

    number: int
    lane: int


class Instruction(NamedTuple):
    kind: Kind
    lane: int
    result: Register | None
    operands: tuple[Register, ...] = ()
    shifts: tuple[int, ...] = ()
    p: int = 0
    q: int = 0
    table: tuple[int, ...] = ()


class Value:
    """Codes known to lie in [lo, hi], in one or more registers of different lanes, one of which holds them all."""

    __slots__ = ('hi', 'lo', 'registers')

    def __init__(self, register: Register, lo: int, hi: int) -> None:
        self.registers = {register.lane: register}
        self.lo = lo
        self.hi = hi


def lane_of(*bounds: int) -> int:
    """The narrowest lane that holds all of the integers given; raises TooWide."""
    lo, hi = min(bounds), max(bounds)
    for lane, half in enumerate(_HALVES):
        if -half <= lo and hi < half:
            return lane
    raise TooWide


class Assembler:
    """Emits instructions on values; every method states which bounds it needs and keeps."""

    def __init__(self) -> None:
        self.code: list[Instruction] = []
        self._registers = 0

    def emit(
        self,
        kind: Kind,
        lane: int,
        operands: Iterable[Register] = (),
        shifts: tuple[int, ...] = (),
        p: int = 0,
        q: int = 0,
        table: tuple[int, ...] = (),
    ) -> Register:
        result = Register(self._registers, lane)
        self._registers += 1
        self.code.append(Instruction(kind, lane, result, tuple(operands), shifts, p, q, table))
        return result

    def consume(self, kind: Kind, register: Register, column: int, p: int) -> None:
        """Write a register to a column of the result."""
        self.code.append(Instruction(kind, register.lane, None, (register,), (column,), p))

    def fill(self, number: int) -> Value:
        return Value(self.emit(Kind.FILL, lane_of(number), p=number), number, number)

    def fetch(self, value: Value, lane: int) -> Register:
        """The value in a lane of its choice, modulo 2**bits; conversions are emitted once."""
        register = value.registers.get(lane)
        if register is None:
            wider = [known for known in value.registers if known > lane]
            source = value.registers[min(wider) if wider else max(value.registers)]
            kind = (Kind.FROM_16, Kind.FROM_32, Kind.FROM_64)[source.lane]
            register = value.registers[lane] = self.emit(kind, lane, (source,))
        return register

    def total(self, terms: list[tuple[Value, int, bool]], constant: int, lo: int, hi: int) -> Value:
        """constant + the sum of ``±value << shift``, known to lie in [lo, hi]."""
        lane = lane_of(lo, hi)
        bits = LANE_BITS[lane]
        kept = [(negated, -shift, self.fetch(value, lane)) for value, shift, negated in terms if shift < bits]
        kept.sort()  # positive terms first, and those with large shifts; the ones dropped are multiples of 2**bits
        ordered = [(register, -shift) for _, shift, register in kept]
        positives = sum(not negated for negated, _, _ in kept)
        if not ordered:
            return self.fill(_modulo(constant, bits))
        if not positives:
            (register, shift), *rest = ordered
            ordered = [(self.emit(Kind.NEGATE, lane, (register,), (shift,), p=_modulo(constant, bits)), 0), *rest]
            constant, positives = 0, 1
        register, shift = self._sum(ordered, positives, lane)
        if constant or shift:
            register = self.emit(Kind.OFFSET, lane, (register,), (shift,), p=_modulo(constant, bits))
        return Value(register, lo, hi)

    def _sum(self, terms: list[tuple[Register, int]], positives: int, lane: int) -> tuple[Register, int]:
        """The sum of one to three shifted registers, of which the first ``positives`` count positive."""
        if len(terms) == 1:
            return terms[0]
        registers, shifts = zip(*terms, strict=True)
        if len(terms) == 3:
            kind = {3: Kind.ADD_PPP, 2: Kind.ADD_PPM, 1: Kind.ADD_PMM}[positives]
            return self.emit(kind, lane, registers, shifts), 0
        (a, first), (b, second) = terms
        if positives == 1 and first and not second:
            return self.emit(Kind.RSUB, lane, (b, a), (0, first)), 0
        if positives == 2 and second == 0:
            (a, first), (b, second) = (b, second), (a, first)
        if first:
            a = self.emit(Kind.OFFSET, lane, (a,), (first,))
        return self.emit(Kind.ADD if positives == 2 else Kind.SUB, lane, (a, b), (0, second)), 0

    def selected(
        self, condition: Value, negative: tuple[Value, int], otherwise: tuple[Value, int], lo: int, hi: int
    ) -> Value:
        """``negative`` where the condition is, else ``otherwise``; values with left shifts, result in [lo, hi]."""
        lane = lane_of(lo, hi)
        key = lane_of(condition.lo, condition.hi)
        if key > lane:  # narrow the sign, which is all that matters, and not the branches
            sign = self.emit(Kind.SLICE_SIGNED, key, (self.fetch(condition, key),), (0, LANE_BITS[key] - 1))
            condition = Value(sign, -1, 0)
        operands = (self.fetch(condition, lane), *(self.fetch(value, lane) for value, _ in (negative, otherwise)))
        shifts = (0, *(min(shift, LANE_BITS[lane] - 1) for _, shift in (negative, otherwise)))
        return Value(self.emit(Kind.SELECT, lane, operands, shifts), lo, hi)

    def product(self, a: Value, b: Value, shift: int, lo: int, hi: int) -> Value:
        """``a * b << shift``, known to lie in [lo, hi]."""
        lane = lane_of(lo, hi)
        if shift >= LANE_BITS[lane]:
            return self.fill(0)
        return Value(self.emit(Kind.MULTIPLY, lane, (self.fetch(a, lane), self.fetch(b, lane)), (shift,)), lo, hi)

    def looked_up(self, value: Value, first: int, table: tuple[int, ...]) -> Value:
        """The entry of a table for a value, whose entry 0 is for the value ``first``."""
        lo, hi = min(table), max(table)
        lane = lane_of(first, first + len(table) - 1, lo, hi)
        return Value(self.emit(Kind.GATHER, lane, (self.fetch(value, lane),), q=first, table=table), lo, hi)

    def combined(self, kind: Kind, operands: list[tuple[Value, int]], lo: int, hi: int) -> Value:
        """AND, OR or XOR of two values with left shifts, known to lie in [lo, hi]."""
        lane = lane_of(lo, hi)
        bits = LANE_BITS[lane]
        registers = [
            self.fetch(value, lane) if shift < bits else self.emit(Kind.FILL, lane) for value, shift in operands
        ]
        shifts = tuple(shift % bits for _, shift in operands)
        return Value(self.emit(kind, lane, registers, shifts), lo, hi)

    def up(self, value: Value, shift: int) -> Value:
        """``value << shift``."""
        if shift == 0:
            return value
        return self.total([(value, shift, False)], 0, value.lo << shift, value.hi << shift)

    def down(self, value: Value, shift: int) -> Value:
        """``value >> shift`` where no bit is lost, shift > 0; a narrower value than its bounds say stays exact, too."""
        lane = max(lane for lane in value.registers)
        register = self.emit(Kind.SLICE_SIGNED, lane, (value.registers[lane],), (0, min(shift, LANE_BITS[lane] - 1)))
        return Value(register, -(-value.lo >> shift), value.hi >> shift)

    def rounded(self, value: Value, shift: int, mode: Rounding) -> Value:
        """``value * 2**-shift`` in a rounding mode, shift > 0."""
        lo, hi = round_code(value.lo, shift, mode), round_code(value.hi, shift, mode)
        if lo == hi:  # every mode is monotone
            return self.fill(lo)
        kind, p, q = _nudge(shift, mode)
        lane = lane_of(value.lo, value.lo + p + min(q, 0), value.hi + p + max(q, 0) + (kind is Kind.NUDGE_EVEN), p, q)
        register = self.fetch(value, lane)
        if kind is not None:
            register = self.emit(kind, lane, (register,), (shift,), p, q)
            p = 0
        register = self.emit(Kind.SLICE_SIGNED, lane, (register,), (0, min(shift, LANE_BITS[lane] - 1)), p)
        return Value(register, lo, hi)

    def wrapped(self, value: Value, bits: int, signed: bool, shift: int = 0) -> Value:
        """The low bits, from bit ``shift`` on, of a value that does not fit them; bits > 0, any shift."""
        top = 1 << (bits - signed)
        lo, hi = (-top if signed else 0), top - 1
        lane = lane_of(lo, hi) if shift <= 0 else lane_of(value.lo, value.hi, lo, hi)
        left = LANE_BITS[lane] - bits - shift
        if left >= LANE_BITS[lane]:
            return self.fill(0)
        kind = Kind.SLICE_SIGNED if signed else Kind.SLICE_UNSIGNED
        register = self.fetch(value, lane)
        if left < 0:  # the highest bits wanted are copies of the sign
            register = self.emit(Kind.SLICE_SIGNED, lane, (register,), (0, min(shift, LANE_BITS[lane] - 1)))
            left = LANE_BITS[lane] - bits
        return Value(self.emit(kind, lane, (register,), (left, LANE_BITS[lane] - bits)), lo, hi)

    def overflowed(self, value: Value, kind: FixedType, mode: Overflow) -> Value:
        """The value brought into the range of a type, its step already being the type's."""
        lo, hi, _ = kind.interval
        if mode is Overflow.SAT_SYM and kind.signed and lo < hi:
            lo += 1
        if lo <= value.lo and value.hi <= hi:
            return value
        if lo == hi:
            return self.fill(lo)
        if mode is Overflow.WRAP:
            return self.wrapped(value, kind.width_bits, kind.signed)
        if value.hi < lo or hi < value.lo:
            return self.fill(0 if mode is Overflow.SAT_ZERO else lo if value.hi < lo else hi)
        lo, hi = max(lo, value.lo), min(hi, value.hi)
        lane = lane_of(value.lo, value.hi)
        if mode is Overflow.SAT_ZERO:
            register = self.emit(Kind.ZERO_OUTSIDE, lane, (self.fetch(value, lane),), p=lo, q=hi)
            return Value(register, min(lo, 0), max(hi, 0))
        return Value(self.emit(Kind.CLAMP, lane, (self.fetch(value, lane),), p=lo, q=hi), lo, hi)

    def quantized(self, value: Value, exp: int, quantization: Quantization) -> Value:
        """``value * 2**exp`` in a type, in the type's steps."""
        kind, rounding, overflow = quantization
        shift = -kind.frac_bits - exp
        bounds = kind.interval
        rounded = (round_code(value.lo, shift, rounding), round_code(value.hi, shift, rounding))
        inside = bounds.lo <= rounded[0] and rounded[1] <= bounds.hi
        if (
            overflow is Overflow.WRAP
            and not inside
            and bounds.lo < bounds.hi
            and (shift <= 0 or rounding is Rounding.TRN)
        ):
            return self.wrapped(value, kind.width_bits, kind.signed, shift)
        value = self.rounded(value, shift, rounding) if shift > 0 else self.up(value, -shift)
        return self.overflowed(value, kind, overflow)

    def relu(self, value: Value, exp: int, kind: FixedType | None, to: int) -> Value:
        """max(value * 2**exp, 0), its bits within an unsigned type if one is given, in steps of ``2**to`` or finer."""
        shift = (to if kind is None else -kind.frac_bits) - exp
        lo, hi = (round_code(max(bound, 0), shift, Rounding.TRN) for bound in (value.lo, value.hi))
        wraps = kind is not None and kind.interval.hi < hi
        if kind is not None and wraps:
            lo, hi = 0, kind.interval.hi
        if hi == 0:
            return self.fill(0)
        lane = lane_of(value.lo, value.hi, hi)
        left, right = max(-shift, 0), max(shift, 0)
        if wraps:
            right = LANE_BITS[lane] - hi.bit_length()
            left = right - shift  # not negative: a value that wraps has all these bits
        if left >= LANE_BITS[lane]:
            return self.fill(0)
        return Value(self.emit(Kind.RELU_SLICE, lane, (self.fetch(value, lane),), (left, right)), lo, hi)


def _nudge(shift: int, mode: Rounding) -> tuple[Kind | None, int, int]:
    """What to add before an arithmetic right shift: the instruction, if more than a constant p, and q."""
    half = 1 << (shift - 1)
    match mode:
        case Rounding.TRN:
            return None, 0, 0
        case Rounding.RND:
            return None, half, 0
        case Rounding.RND_MIN_INF:
            return None, half - 1, 0
        case Rounding.TRN_ZERO:
            return Kind.NUDGE_SIGN, 0, 2 * half - 1
        case Rounding.RND_ZERO:
            return Kind.NUDGE_SIGN, half - 1, 1
        case Rounding.RND_INF:
            return Kind.NUDGE_SIGN, half, -1
    return Kind.NUDGE_EVEN, half - 1, 0


def _modulo(number: int, bits: int) -> int:
    """The two's-complement integer of that many bits that is congruent to a number."""
    half = 1 << (bits - 1)
    return (number + half) % (2 * half) - half
