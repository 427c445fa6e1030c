"""Lower conversions to dropped bits: rounding as additions, saturation as selections; for formats that have no more."""

from __future__ import annotations

from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding, overflows
from da4ml_core.ir.affine import op_interval
from da4ml_core.ir.opcode import Attribute, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.passes.rewriting import Rewriting, rewrite


def lower_conversions(program: Program) -> Program:
    """The same program with every ``quantize`` TRN and WRAP.

    The declared intervals hold, but that of a saturated value may be tighter than what the verifier proves.
    Of the input ports, those that round with RND and wrap become such too, with a bit more; others stay as they are.
    """
    return rewrite(program, _lowered)


def _lowered(new: Rewriting, op: Op) -> Operand:
    if isinstance(op.attribute, InputPort):
        return _port(new, op, op.attribute)
    if op.opcode is not Opcode.QUANTIZE or not isinstance(op.attribute, Quantization) or op.attribute.is_wiring:
        return new.append(op)
    kind, rounding, overflow = op.attribute
    if kind.interval.is_constant:
        return new.constant(0, 0, op.origin)
    source = op.operands[0]
    fits = not overflows(new.interval(source), *op.attribute)
    rounded = _rounded(new, source, -kind.frac_bits, rounding, op.origin)
    if overflow is not Overflow.WRAP and not fits:
        interval = new.interval(rounded)
        whole = FixedType.holding(Interval(interval.lo, interval.hi, interval.exp))
        if interval.exp < -kind.frac_bits:
            whole = whole._replace(frac_bits=kind.frac_bits)
            rounded = _derived(new, Opcode.QUANTIZE, (rounded,), Quantization(whole), op.origin)
        rounded = _bounded(new, rounded, kind, overflow, op.origin)
    return new.append(op._replace(operands=(rounded,), attribute=Quantization(kind)))


def _port(new: Rewriting, op: Op, port: InputPort) -> Operand:
    kind, rounding, overflow = port.quantization
    if rounding is not Rounding.RND or overflow is not Overflow.WRAP or kind.interval.is_constant:
        return new.append(op)
    finer = kind._replace(frac_bits=kind.frac_bits + 1)
    bits = new.append(Op(Opcode.INPUT, (), finer.interval, InputPort(port.position, Quantization(finer)), op.origin))
    total = _plus(new, bits, 1, -finer.frac_bits, op.origin)
    return _derived(new, Opcode.QUANTIZE, (total,), Quantization(kind), op.origin)


def _derived(
    new: Rewriting, opcode: Opcode, operands: tuple[Operand, ...], attribute: Attribute, origin: str
) -> Operand:
    probe = Op(opcode, operands, Interval(0, 0), attribute, origin)
    return new.append(probe._replace(interval=op_interval(probe, [new.interval(edge) for edge in operands])))


def _plus(new: Rewriting, value: Operand, code: int, exp: int, origin: str) -> Operand:
    if not code:
        return value
    return _derived(new, Opcode.ADD, (value, new.constant(code, exp, origin)), None, origin)


def _rounded(new: Rewriting, value: Operand, step: int, rounding: Rounding, origin: str) -> Operand:
    """The value plus what makes truncation to ``2**step`` equal to a rounding mode."""
    fine = new.interval(value).exp
    if step <= fine or rounding is Rounding.TRN:
        return value
    half = 1 << (step - fine - 1)

    def plus(code: int) -> Operand:
        return _plus(new, value, code, fine, origin)

    if rounding is Rounding.RND:
        return plus(half)
    if rounding is Rounding.RND_MIN_INF:
        return plus(half - 1)
    if rounding is Rounding.RND_CONV:
        last = Quantization(FixedType(False, step + 1, -step))
        odd = _derived(new, Opcode.QUANTIZE, (value,), last, origin)
        return _derived(new, Opcode.ADD, (plus(half - 1), odd._replace(shift=odd.shift + fine - step)), None, origin)
    negative, otherwise = {
        Rounding.TRN_ZERO: (2 * half - 1, 0),
        Rounding.RND_ZERO: (half, half - 1),
        Rounding.RND_INF: (half - 1, half),
    }[rounding]
    return _derived(new, Opcode.MUX, (value, plus(negative), plus(otherwise)), None, origin)


def _bounded(new: Rewriting, value: Operand, kind: FixedType, overflow: Overflow, origin: str) -> Operand:
    """The value where it is in the range of a type, else the bound that is nearer, or zero."""
    lo, hi, exp = kind.interval
    lo += overflow is Overflow.SAT_SYM and kind.signed
    for bound, sign in ((hi, 1), (lo, -1)):
        against = value._replace(negated=True) if sign > 0 else value
        constant = new.constant(sign * bound, exp, origin)
        room = _derived(new, Opcode.ADD, (constant, against), None, origin)  # negative where it is out of range
        beyond = new.constant(0 if overflow is Overflow.SAT_ZERO else bound, exp, origin)
        value = _derived(new, Opcode.MUX, (room, beyond, value), None, origin)
    return value
