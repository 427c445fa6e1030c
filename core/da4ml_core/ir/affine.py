"""Ranges of values by affine analysis: sums are followed exactly back to the values that are not sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from da4ml_core.fixed import Interval, code_bits, quantize_interval, sum_intervals
from da4ml_core.ir.opcode import BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Program
from da4ml_core.ir.table import Lookup

CONSTANT = -1  # the symbol of the constant part of a form
MAX_SYMBOLS = 256  # a sum of more is a symbol of its own, once as many terms have been added in all as
MAX_TERMS = 8_000_000  # because running sums of n values would take n^2 steps and numbers


class LinearForm(NamedTuple):
    """The sum of ``coefficient * code(symbol)`` in steps of ``2**exp``; a symbol is the index of an op."""

    exp: int
    coefficients: dict[int, int]

    def interval(self, symbols: Sequence[Interval]) -> Interval:
        """Exact bounds while the symbols vary independently; its step is the coarsest that is exact."""
        lo = hi = 0
        bits = 0
        for symbol, coefficient in self.coefficients.items():
            bits |= coefficient
            if symbol == CONSTANT:
                lo += coefficient
                hi += coefficient
                continue
            low, high, _ = symbols[symbol]
            if coefficient > 0:
                lo += coefficient * low
                hi += coefficient * high
            else:
                lo += coefficient * high
                hi += coefficient * low
        if bits == 0:
            return Interval(0, 0, self.exp)
        zeros = (bits & -bits).bit_length() - 1
        return Interval(lo >> zeros, hi >> zeros, self.exp + zeros)


Term = tuple[LinearForm, int, bool]  # a form, its shift, and whether it is subtracted


def add_forms(terms: Sequence[Term]) -> LinearForm:
    """The sum of ``±form * 2**shift``; what cancels is gone."""
    exp = min([form.exp + shift for form, shift, _ in terms])
    total: dict[int, int] = {}
    cancels = False
    for (own, coefficients), shift, negated in terms:
        up = own + shift - exp
        for symbol, coefficient in coefficients.items():
            coefficient <<= up
            if negated:
                coefficient = -coefficient
            if symbol in total:
                coefficient += total[symbol]
                cancels = cancels or not coefficient
            total[symbol] = coefficient
    return LinearForm(exp, {s: c for s, c in total.items() if c} if cancels else total)


def op_interval(op: Op, operands: Sequence[Interval]) -> Interval:
    """The tightest interval of an op's result that follows from the intervals of its edges (signs applied)."""
    attribute = op.attribute
    if isinstance(attribute, InputPort):
        return attribute.quantization.type.interval
    if op.opcode is Opcode.CONST:
        return op.interval
    if op.opcode in (Opcode.ADD, Opcode.NEG):
        return sum_intervals(operands if op.opcode is Opcode.ADD else [operands[0].shifted(0, True)])
    if op.opcode is Opcode.MUL:
        return _product(operands[0], operands[1], is_square=op.operands[0].index == op.operands[1].index)
    source = operands[0]
    if isinstance(attribute, Lookup):
        return attribute.bounds(source if attribute.domain.contains(source) else attribute.domain)
    if isinstance(attribute, BitFunction):
        return _bits(attribute, source, operands[1])
    if op.opcode is Opcode.MUX:
        return _either(source, operands[1], operands[2])
    if op.opcode is Opcode.RELU:
        source = Interval(max(source.lo, 0), max(source.hi, 0), source.exp)
    if isinstance(attribute, Quantization):
        return quantize_interval(source, *attribute)
    return source


def _product(a: Interval, b: Interval, is_square: bool) -> Interval:
    corners = [x * y for x in a[:2] for y in b[:2]]
    lo, hi = min(corners), max(corners)
    if is_square:
        nearest = max(a.lo, -a.hi, 0)
        lo = nearest * nearest
    return Interval(lo, hi, a.exp + b.exp)


def _bits(function: BitFunction, a: Interval, b: Interval) -> Interval:
    """The interval of a function of the bits of two codes."""
    a, b = _stepped(a, b), _stepped(b, a)
    exp = min(a.exp, b.exp)
    a, b = a.at(exp), b.at(exp)
    if function is BitFunction.OR:  # by De Morgan
        lo, hi, _ = _bits(BitFunction.AND, Interval(~a.hi, ~a.lo, exp), Interval(~b.hi, ~b.lo, exp))
        return Interval(~hi, ~lo, exp)
    if a.is_constant and b.is_constant:
        code = bit_code(function, a.lo, b.lo)
        return Interval(code, code, exp)
    top = max(code_bits(min(bound, ~bound), max(bound, ~bound)) for bound in (*a[:2], *b[:2])) - 1
    lowest, highest = -(1 << top), (1 << top) - 1  # all bits below the signs
    if function is BitFunction.XOR:
        same = (a.lo >= 0 and b.lo >= 0) or (a.hi < 0 and b.hi < 0)
        opposite = (a.lo >= 0 and b.hi < 0) or (a.hi < 0 and b.lo >= 0)
        return Interval(0 if same else lowest, -1 if opposite else highest, exp)
    positive = [operand.hi for operand in (a, b) if operand.lo >= 0]  # the result is not greater than these
    if positive:
        return Interval(0, min(positive), exp)
    return Interval(lowest, min(a.hi, b.hi) if max(a.hi, b.hi) < 0 else max(a.hi, b.hi), exp)


def bit_code(function: BitFunction, a: int, b: int) -> int:
    """A function of the bits of two integers."""
    if function is BitFunction.AND:
        return a & b
    return a | b if function is BitFunction.OR else a ^ b


def _either(condition: Interval, negative: Interval, otherwise: Interval) -> Interval:
    """The interval of a selection by the sign of a condition."""
    if condition.lo >= 0:
        return otherwise
    if condition.hi < 0:
        return negative
    return _stepped(negative, otherwise).union(_stepped(otherwise, negative))


def _stepped(interval: Interval, other: Interval) -> Interval:
    """The interval; zero, which has no step of its own, in the steps of the other."""
    return interval._replace(exp=other.exp) if interval.lo == interval.hi == 0 else interval


def derived_intervals(program: Program) -> list[Interval]:
    """For each op, the interval that its definition and the declared intervals of earlier ops prove."""
    return _propagate(program, lambda proved, declared: declared, returns_known=False)


def narrowed_intervals(program: Program) -> list[Interval]:
    """For each op, the interval that follows from the input types alone, whatever is declared."""
    return _propagate(program, lambda proved, declared: proved)


def provable_intervals(program: Program) -> list[Interval]:
    """For each op, the declared interval, or what can be proved where the declared one cannot (any more)."""
    return _propagate(program, lambda proved, declared: declared if declared.contains(proved) else proved)


def _propagate(
    program: Program, decide: Callable[[Interval, Interval], Interval], returns_known: bool = True
) -> list[Interval]:
    """Derive every interval in order; later ones build on what is decided from the derived and the declared one."""
    known: list[Interval] = []
    derived: list[Interval] = []
    last_use = _last_uses(program)
    forms: dict[int, LinearForm] = {}
    added = 0
    for index, op in enumerate(program.ops):
        edges = [
            known[index].shifted(shift, negated) if shift or negated else known[index]
            for index, shift, negated in op.operands
        ]
        proved = op_interval(op, edges)
        is_sum = op.opcode in (Opcode.ADD, Opcode.NEG)
        if is_sum:
            flip = op.opcode is Opcode.NEG
            form = add_forms([(forms[edge.index], edge.shift, edge.negated != flip) for edge in op.operands])
            proved = intersect(proved, form.interval(known))
            added += len(form.coefficients)
        elif op.opcode is Opcode.MUX:
            parts = [(forms[edge.index], edge.shift, edge.negated) for edge in op.operands]
            proved = intersect(proved, _selected(edges, parts, known))
        derived.append(proved)
        known.append(decide(proved, op.interval))
        is_followed = is_sum and (added <= MAX_TERMS or len(form.coefficients) <= MAX_SYMBOLS)
        forms[index] = form if is_followed else _symbol_form(index, known[index])
        for edge in op.operands:
            if last_use[edge.index] == index:
                forms.pop(edge.index, None)
    return known if returns_known else derived


def _selected(edges: Sequence[Interval], forms: Sequence[Term], symbols: Sequence[Interval]) -> Interval:
    """The interval of a selection, its branches bounded by what the sign of the condition says about them.

    Of the condition k and a branch a, ``a - k`` and ``a + k`` are exact forms: max, min and abs follow from them.
    """
    condition, *branches = forms
    against = (condition[0], condition[1], not condition[2])
    differences = [add_forms([branch, against]).interval(symbols) for branch in branches]  # of a - k, b - k
    sums = [add_forms([branch, condition]).interval(symbols) for branch in branches]
    negative = _clipped(edges[1], sums[0], differences[0])  # k < 0: a + k < a < a - k
    otherwise = _clipped(edges[2], differences[1], sums[1])  # k >= 0: b - k <= b <= b + k
    return _either(edges[0], negative, otherwise)


def _clipped(interval: Interval, low: Interval, high: Interval) -> Interval:
    """The interval between the low end of one and the high end of another; unchanged where that is empty."""
    exp = min(interval.exp, low.exp, high.exp)
    up = interval.exp - exp
    lo = max(interval.lo, -(-low.at(exp).lo >> up))
    hi = min(interval.hi, high.at(exp).hi >> up)
    return Interval(lo, hi, interval.exp) if lo <= hi else interval


def intersect(a: Interval, b: Interval) -> Interval:
    """The values that lie in both of two intervals known to hold the same value; the step is the coarser one."""
    exp = a.exp
    if exp == b.exp:
        lo, hi = a.lo if a.lo > b.lo else b.lo, a.hi if a.hi < b.hi else b.hi
        return a if (lo, hi) == (a.lo, a.hi) else Interval(lo, hi, exp)
    exp, fine = max(exp, b.exp), min(exp, b.exp)
    a, b = a.at(fine), b.at(fine)
    lo, hi = max(a.lo, b.lo), min(a.hi, b.hi)
    step = exp - fine
    return Interval(-(-lo >> step), hi >> step, exp)


def _symbol_form(index: int, interval: Interval) -> LinearForm:
    if interval.is_constant:
        return LinearForm(interval.exp, {CONSTANT: interval.lo} if interval.lo else {})
    return LinearForm(interval.exp, {index: 1})


def _last_uses(program: Program) -> list[int]:
    last = [-1] * program.num_ops
    for index, op in enumerate(program.ops):
        for edge in op.operands:
            last[edge.index] = index
    return last
