"""Narrow every interval to what affine range analysis proves, or widen one to what it can prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from da4ml_core.fixed import Interval
from da4ml_core.ir.affine import narrowed_intervals, provable_intervals
from da4ml_core.ir.program import Program
from da4ml_core.ir.table import Lookup


def narrow(program: Program) -> Program:
    """The same operations with the tightest proved intervals; never wider than declared."""
    return _with_intervals(program, narrowed_intervals(program))


def reprove(program: Program) -> Program:
    """The same operations, an interval wider where its proof is gone: it went by a value that has been replaced."""
    return _with_intervals(program, provable_intervals(program))


def _with_intervals(program: Program, intervals: Sequence[Interval]) -> Program:
    ops = tuple(
        op if op.interval == interval else op._replace(interval=interval)
        for op, interval in zip(program.ops, intervals, strict=True)
    )
    return replace(program, ops=ops)


def tables_hold(program: Program) -> bool:
    """Whether every table is for all codes of its operand, whose range may have been proved by what is gone."""
    return all(
        op.attribute.domain.contains(program.edge_interval(op.operands[0]))
        for op in program.ops
        if isinstance(op.attribute, Lookup)
    )
