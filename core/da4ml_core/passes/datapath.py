"""How hardware builds the bits of a value that are asked for: primitives on operands trimmed to what matters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from da4ml_core.fixed import (
    Interval,
    Overflow,
    Rounding,
    code_bits,
    overflow_code,
    round_code,
)
from da4ml_core.ir.opcode import BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import Lookup

_LOOKS_AT_SIGN = (Rounding.TRN_ZERO, Rounding.RND_ZERO, Rounding.RND_INF)


class Window(NamedTuple):
    """Bits ``lo`` (included) to ``hi`` (excluded) of a value's code."""

    lo: int = 0
    hi: int = 0

    @property
    def width_bits(self) -> int:
        return self.hi - self.lo

    def hull(self, other: Window) -> Window:
        """The smallest window that holds both; an empty one counts for nothing."""
        if not self.width_bits:
            return other
        if not other.width_bits:
            return self
        return Window(min(self.lo, other.lo), max(self.hi, other.hi))


class Trimmed(NamedTuple):
    """A window of an operand's code as a number of its own, counted in steps of ``2**exp``.

    ``value`` is the op it is cut from; None makes it the literal ``code``.
    """

    value: int | None
    window: Window
    signed: bool
    exp: int
    code: int = 0

    @property
    def width_bits(self) -> int:
        return self.window.width_bits

    @property
    def top(self) -> int:
        """Weight (as an exponent) of the first bit above."""
        return self.exp + self.width_bits


class Wiring(NamedTuple):
    """The bits of the operands, disjoint and from the lowest up, extended and with zeros between; zero without any."""

    operands: tuple[Trimmed, ...]


class Sum(NamedTuple):
    """``(±a ± b ± c) / 2**drop`` modulo ``2**width_bits``, the operands counted in steps of ``2**exp``.

    Terms that are added come first, in ascending order of their own ``exp``.
    """

    operands: tuple[Trimmed, ...]
    negated: tuple[bool, ...]
    exp: int
    drop: int
    width_bits: int


class Conversion(NamedTuple):
    """The operand over ``2**shift``, rounded, and brought into ``width_bits`` bits at the weight ``2**exp``."""

    operands: tuple[Trimmed]
    shift: int
    rounding: Rounding
    overflow: Overflow
    signed: bool
    width_bits: int
    exp: int


class Rectification(NamedTuple):
    """The low ``width_bits`` bits of the operand, or zero if it is negative."""

    operands: tuple[Trimmed]
    width_bits: int


class Selection(NamedTuple):
    """The second operand if the first, a single bit, is set, else the third; each cut to the result."""

    operands: tuple[Trimmed, Trimmed, Trimmed]


class Combination(NamedTuple):
    """A function of the bits of both operands, each cut to the result."""

    operands: tuple[Trimmed, Trimmed]
    function: BitFunction


class Product(NamedTuple):
    """The product of both operands modulo ``2**width_bits``, in steps of ``2**exp``."""

    operands: tuple[Trimmed, Trimmed]
    signed: bool
    width_bits: int
    exp: int


class Reading(NamedTuple):
    """The entry of a table for the operand, as ``width_bits`` bits in steps of ``2**exp``."""

    operands: tuple[Trimmed]
    source: Interval
    lookup: Lookup
    signed: bool
    width_bits: int
    exp: int


Build = Wiring | Sum | Conversion | Rectification | Selection | Combination | Product | Reading


def value_intervals(program: Program) -> tuple[Interval, ...]:
    """The interval of each value that hardware goes by: never looser than the type that an op converts to."""
    return tuple(_value_interval(op) for op in program.ops)


def _value_interval(op: Op) -> Interval:
    attribute = op.attribute.quantization if isinstance(op.attribute, InputPort) else op.attribute
    if not isinstance(attribute, Quantization) or op.interval.is_constant:
        return op.interval
    return op.interval if attribute.type.interval.contains(op.interval) else attribute.type.interval


def full_window(interval: Interval) -> Window:
    """All bits of a value's code; none of a constant, which is written where it is used."""
    return Window() if interval.is_constant else Window(0, interval.width_bits)


def demanded_windows(program: Program, intervals: Sequence[Interval]) -> tuple[Window, ...]:
    """The bits of each value that reach an output; empty for constants and dead values."""
    windows = [Window()] * program.num_ops
    for edge in program.outputs:
        windows[edge.index] = full_window(intervals[edge.index])
    for index in range(program.num_ops - 1, -1, -1):
        if windows[index].width_bits:
            for operand in build(program.ops[index], windows[index], intervals, index).operands:
                if operand.value is not None:
                    windows[operand.value] = windows[operand.value].hull(operand.window)
    return tuple(windows)


def build(op: Op, window: Window, intervals: Sequence[Interval], index: int) -> Build:
    """How the bits ``window`` of the value ``index``, made by ``op``, come from its operands (none: an input)."""
    exp = intervals[index].exp
    lo, hi = exp + window.lo, exp + window.hi
    if op.opcode in (Opcode.ADD, Opcode.NEG):
        negated = [op.opcode is Opcode.NEG or edge.negated for edge in op.operands]
        return _build_sum([_whole(edge, intervals) for edge in op.operands], negated, lo, hi)
    if op.opcode is Opcode.QUANTIZE and isinstance(op.attribute, Quantization):
        source = intervals[op.operands[0].index].shifted(op.operands[0].shift)
        return _build_conversion(_whole(op.operands[0], intervals), source, op.attribute, lo, hi)
    if op.opcode is Opcode.MUX:
        return _build_selection(op, intervals, lo, hi)
    if op.opcode is Opcode.MUL:
        a, b = (_whole(edge, intervals) for edge in op.operands)
        return _build_product(a, b, lo, hi)
    if isinstance(op.attribute, BitFunction):
        a, b = (_cut(_whole(edge, intervals), lo, hi) for edge in op.operands)
        return Combination((a, b), op.attribute)
    if isinstance(op.attribute, Lookup):
        return _build_reading(op.operands[0], op.attribute, intervals, lo, hi)
    if op.opcode is Opcode.RELU:
        kind = op.attribute.type if isinstance(op.attribute, Quantization) else None
        if kind is not None:
            lo_kept, hi_kept = max(lo, -kind.frac_bits), min(hi, kind.width_bits - kind.frac_bits)
        else:
            lo_kept, hi_kept = lo, hi
        return _build_rectification(_whole(op.operands[0], intervals), lo_kept, hi_kept)
    return Wiring(())


def _whole(edge: Operand, intervals: Sequence[Interval]) -> Trimmed:
    """The untrimmed operand of an edge, without its sign; a literal for a constant, without its trailing zeros."""
    interval = intervals[edge.index].shifted(edge.shift)
    if interval.is_constant:
        return _literal(interval.lo, interval.exp)
    return Trimmed(edge.index, Window(0, interval.width_bits), interval.signed, interval.exp)


def _literal(code: int, exp: int) -> Trimmed:
    zeros = (code & -code).bit_length() - 1 if code else 0
    code >>= zeros
    return Trimmed(None, Window(0, code_bits(code, code)), code < 0, exp + zeros, code)


def _cut(operand: Trimmed, lo: int, hi: int) -> Trimmed:
    """The part of a number that decides its bits from weight ``2**lo`` up to ``2**hi``; no bits if there is none."""
    window, signed = operand.window, operand.signed
    if hi < operand.top:
        window, signed = Window(window.lo, max(window.lo, window.hi - (operand.top - hi))), False
    below = min(max(0, lo - operand.exp), window.width_bits)
    if below and below == window.width_bits and signed:  # nothing but copies of the sign: one of them is enough
        return operand._replace(window=Window(window.hi - 1, window.hi), exp=lo)
    return operand._replace(window=Window(window.lo + below, window.hi), signed=signed, exp=operand.exp + below)


def _wiring(operands: list[Trimmed]) -> Wiring:
    return Wiring(tuple(operand for operand in operands if operand.width_bits))


def _build_sum(operands: list[Trimmed], negated: list[bool], lo: int, hi: int) -> Wiring | Sum:
    terms = []
    for operand, minus in zip(operands, negated, strict=True):
        if operand.value is None and minus:  # a constant takes its own sign
            operand, minus = _literal(-operand.code, operand.exp), False
        operand = _cut(operand, operand.exp, hi)
        if operand.width_bits:
            terms.append((operand, minus))
    added = sorted((term for term, minus in terms if not minus), key=lambda term: term.exp)
    subtracted = [term for term, minus in terms if minus]
    if not subtracted and all(not low.signed and low.top <= high.exp for low, high in pairwise(added)):
        return _wiring([_cut(term, lo, hi) for term in added])
    # Below the foot of the carry chain only the lowest added term has bits, and they are the result's.
    foot = min(term.exp for term in [*added[1:2], *subtracted])
    exp = min(lo, foot)
    if added and added[0].exp < exp:
        lowest = _cut(added[0], exp, hi)
        if not lowest.width_bits:
            return _build_sum([*added[1:], *subtracted], [False] * (len(added) - 1) + [True] * len(subtracted), lo, hi)
        added[0] = lowest
    if not added and len(subtracted) > 1:
        added = [Trimmed(None, Window(0, 1), False, exp)]
    signs = (False,) * len(added) + (True,) * len(subtracted)
    return Sum((*added, *subtracted), signs, exp, lo - exp, hi - lo)


def _build_conversion(
    operand: Trimmed, source: Interval, quantization: Quantization, lo: int, hi: int
) -> Wiring | Conversion:
    kind, rounding, overflow = quantization
    step = -kind.frac_bits
    shift = step - source.exp
    if shift <= 0 or (rounding is Rounding.TRN_ZERO and source.lo >= 0):
        rounding = Rounding.TRN
    bounds = (round_code(source.lo, shift, rounding), round_code(source.hi, shift, rounding))
    if all(overflow_code(code, kind, overflow) == code for code in bounds):
        overflow = Overflow.WRAP  # every mode is monotone within the range: nothing overflows
    if rounding is Rounding.TRN and overflow is Overflow.WRAP:
        return _wiring([_cut(operand, max(lo, step), hi)])
    width = kind.width_bits
    if overflow is Overflow.WRAP:
        width = min(width, hi - step)
        if rounding not in _LOOKS_AT_SIGN:
            operand = _cut(operand, operand.exp, step + width)
    if rounding is Rounding.TRN:
        operand = _cut(operand, step, operand.top)
    elif rounding is Rounding.RND:
        operand = _cut(operand, step - 1, operand.top)
    if not operand.width_bits:
        return Wiring(())
    return Conversion((operand,), step - operand.exp, rounding, overflow, kind.signed, width, step)


def _build_selection(op: Op, intervals: Sequence[Interval], lo: int, hi: int) -> Wiring | Selection:
    condition, *branches = (_whole(edge, intervals) for edge in op.operands)
    negative, otherwise = (_cut(branch, lo, hi) for branch in branches)
    if op.operands[0].negated:
        bit = condition if condition.value is None else condition._replace(window=Window(0, 1), signed=False)
        decided = None if condition.value is not None else bool(condition.code)
    else:
        top = condition.window.hi
        bit = condition._replace(window=Window(top - 1, top), signed=False)
        decided = _sign(intervals[op.operands[0].index])
    if decided is not None:
        return _wiring([negative if decided else otherwise])
    if not (negative.width_bits or otherwise.width_bits):
        return Wiring(())
    if negative.value is None and negative.code == 1 and negative.width_bits and not otherwise.width_bits:
        return _wiring([_cut(bit._replace(exp=negative.exp), lo, hi)])
    return Selection((bit, negative, otherwise))


def _sign(interval: Interval) -> bool | None:
    """Whether all values of an interval are negative, or none is; None if that depends on the value."""
    return None if interval.lo < 0 <= interval.hi else interval.lo < 0


def _build_product(a: Trimmed, b: Trimmed, lo: int, hi: int) -> Wiring | Product:
    exp = a.exp + b.exp
    a, b = _cut(a, a.exp, hi - b.exp), _cut(b, b.exp, hi - a.exp)
    width = min(a.width_bits + b.width_bits, hi - exp)
    signed = a.signed or b.signed
    if not (a.width_bits and b.width_bits) or (exp + width <= lo and not signed):
        return Wiring(())
    return Product((a, b), signed, width, exp)


def _build_reading(edge: Operand, lookup: Lookup, intervals: Sequence[Interval], lo: int, hi: int) -> Wiring | Reading:
    source = intervals[edge.index].shifted(edge.shift)
    bounds = lookup.bounds(source if lookup.domain.contains(source) else lookup.domain)
    if bounds.is_constant:
        return _wiring([_cut(_literal(bounds.lo, bounds.exp), lo, hi)])
    if bounds.exp + bounds.width_bits <= lo and not bounds.signed:
        return Wiring(())
    return Reading((_whole(edge, intervals),), source, lookup, bounds.signed, bounds.width_bits, bounds.exp)


def _build_rectification(operand: Trimmed, lo: int, hi: int) -> Wiring | Rectification:
    if not operand.signed:
        return _wiring([_cut(operand, lo, hi)])
    lo, hi = max(lo, operand.exp), min(hi, operand.top - 1)
    if lo >= hi:
        return Wiring(())
    operand = _cut(operand, lo, operand.top)
    return Rectification((operand,), hi - lo)
