"""The reference interpreter: one sample at a time on unbounded integers, written to be obviously right."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as as_int

from da4ml_core.errors import InterpError
from da4ml_core.ir.evaluate import result_code
from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Op, Program


def evaluate(program: Program, codes: Sequence[int]) -> list[int]:
    """The output codes of one sample; the oracle that every faster way of running a program is compared with.

    ``codes`` holds one integer for each input op, in program order, in steps of ``2**exp`` of the op's interval;
    the result one for each output edge, in steps of that edge's interval. Raises InterpError for a wrong number of
    codes, and where a value leaves its interval: an input out of its port's range, or a program that breaks its laws.
    """
    expected = sum(op.opcode is Opcode.INPUT for op in program.ops)
    if len(codes) != expected:
        raise InterpError(f'{len(codes)} codes given, but {program.name!r} has {expected} input ops')
    given = iter(codes)
    values: list[int] = []
    for position, op in enumerate(program.ops):
        value = as_int(next(given)) if op.opcode is Opcode.INPUT else _result(program, op, values)
        if not op.interval.lo <= value <= op.interval.hi:
            raise InterpError(f'%{position} ({op.opcode}) is {value}, outside its interval {op.interval}')
        values.append(value)
    return [-values[edge.index] if edge.negated else values[edge.index] for edge in program.outputs]


def _result(program: Program, op: Op, values: Sequence[int]) -> int:
    """The code of an op's result from the codes of the earlier values."""
    edges = [
        (-values[edge.index] if edge.negated else values[edge.index], program.edge_interval(edge).exp)
        for edge in op.operands
    ]
    return result_code(op, edges)
