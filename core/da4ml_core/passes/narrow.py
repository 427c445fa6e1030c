"""Narrow every interval to what affine range analysis proves."""

from __future__ import annotations

from dataclasses import replace

from da4ml_core.ir.affine import narrowed_intervals
from da4ml_core.ir.program import Program


def narrow(program: Program) -> Program:
    """The same operations with the tightest proved intervals; never wider than declared."""
    intervals = narrowed_intervals(program)
    ops = tuple(
        op if op.interval == interval else op._replace(interval=interval)
        for op, interval in zip(program.ops, intervals, strict=True)
    )
    return replace(program, ops=ops)
