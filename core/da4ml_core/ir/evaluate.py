"""What one op computes, exactly: the code of its result from the codes of its operands."""

from __future__ import annotations

from collections.abc import Sequence

from da4ml_core.errors import InterpError
from da4ml_core.fixed import Rounding, quantize_code, round_code
from da4ml_core.ir.affine import bit_code
from da4ml_core.ir.opcode import BitFunction, Opcode, Quantization
from da4ml_core.ir.program import Op
from da4ml_core.ir.table import Lookup


def result_code(op: Op, edges: Sequence[tuple[int, int]]) -> int:
    """The code in steps of the op's interval; ``edges`` are the numbers ``code * 2**exp``, signs applied.

    Raises InterpError for an operand without an entry, and where the interval has too coarse a step.
    """
    if op.opcode is Opcode.CONST:
        return op.interval.lo
    if op.opcode is Opcode.ADD:
        finest = min(exp for _, exp in edges)
        return _rescale(sum(code << (exp - finest) for code, exp in edges), finest, op)
    if op.opcode is Opcode.MUX:
        condition, negative, otherwise = edges
        return _rescale(*(negative if condition[0] < 0 else otherwise), op)
    if isinstance(op.attribute, BitFunction):
        finest = min(exp for _, exp in edges)
        a, b = (code << (exp - finest) for code, exp in edges)
        return _rescale(bit_code(op.attribute, a, b), finest, op)
    if op.opcode is Opcode.MUL:
        (a, a_exp), (b, b_exp) = edges
        return _rescale(a * b, a_exp + b_exp, op)
    (code, exp) = edges[0]
    if isinstance(op.attribute, Lookup):
        table, first, step = op.attribute
        place = round_code(code, step - exp, Rounding.TRN) - first  # nothing is cut off: the domain holds the operand
        if place not in range(len(table)):
            raise InterpError(f'{code}*2^{exp} is outside {op.attribute.domain}, which the table is for')
        return _rescale(table.entries[place], table.exp, op)
    if op.opcode is Opcode.NEG:
        return _rescale(-code, exp, op)
    if op.opcode is Opcode.RELU:
        code = max(code, 0)
        if op.attribute is None:
            return _rescale(code, exp, op)
    if isinstance(op.attribute, Quantization):
        kind, rounding, overflow = op.attribute
        return _rescale(quantize_code(code, exp, kind, rounding, overflow), -kind.frac_bits, op)
    raise InterpError(f'no interpretation of the operation {op.opcode!r}')


def _rescale(code: int, exp: int, op: Op) -> int:
    """A code in steps of ``2**exp`` in the steps of the op's interval; raises InterpError where that is not exact."""
    shift = exp - op.interval.exp
    if shift >= 0:
        return code << shift
    if code & ((1 << -shift) - 1):
        raise InterpError(
            f'the {op.opcode} result {code}*2^{exp} is finer than the steps of its interval {op.interval}'
        )
    return code >> -shift
