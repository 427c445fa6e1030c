"""How long the logic of each op takes on a device, in picoseconds. The only place that maps hardware to time."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from da4ml_core.device import Device
from da4ml_core.fixed import Interval, Overflow, Rounding
from da4ml_core.ir.cost import table_levels
from da4ml_core.ir.program import Program
from da4ml_core.passes.datapath import (
    Build,
    Conversion,
    Product,
    Reading,
    Rectification,
    Selection,
    Sum,
    Window,
    build,
)


def op_delays_ps(
    program: Program, intervals: Sequence[Interval], windows: Sequence[Window], device: Device
) -> list[int]:
    """From the latest operand to the result, the routing to the operand included; 0 for wiring and dead values.

    Every op counts as if its slowest operand bit decided its slowest result bit: a chain of adders whose carries
    overlap is faster than the sum of its delays.
    """
    delays = []
    for index, (op, window) in enumerate(zip(program.ops, windows, strict=True)):
        wanted = bool(op.operands) and window.width_bits > 0
        delays.append(ceil(1000 * _delay_ns(build(op, window, intervals, index), device)) if wanted else 0)
    return delays


def _delay_ns(plan: Build, device: Device) -> float:
    if isinstance(plan, Sum):
        chain = device.adder_delay_ns(plan.width_bits + plan.drop)
        if len(plan.operands) < 3:
            return chain
        # three operands: a level that makes two of them, in the LUTs of the chain or in a chain before it
        return chain + (device.lut_level_ns if device.max_operands == 3 else chain)
    if isinstance(plan, Conversion):
        levels = 0.0
        if plan.rounding is not Rounding.TRN:
            levels += device.adder_delay_ns(plan.width_bits)
        if plan.overflow is not Overflow.WRAP:
            levels += device.lut_level_ns + device.gate_delay_ns(plan.operands[0].width_bits)
        return levels
    if isinstance(plan, (Rectification, Selection)):
        return device.lut_level_ns
    if isinstance(plan, Product):
        rows = min(operand.width_bits for operand in plan.operands)
        return device.adder_delay_ns(plan.width_bits) * max(1, (rows - 1).bit_length())
    if isinstance(plan, Reading):
        return device.lut_level_ns * table_levels(plan.operands[0].width_bits)
    return 0.0
