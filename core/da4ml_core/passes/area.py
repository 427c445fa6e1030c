"""How many LUTs the logic of each op takes on a device, by the bits that reach an output. Maps hardware to area."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

from da4ml_core.device import Device
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.ir.cost import lookup_luts
from da4ml_core.ir.program import Program
from da4ml_core.passes.datapath import (
    Build,
    Combination,
    Conversion,
    Product,
    Reading,
    Rectification,
    Selection,
    Sum,
    Trimmed,
    Window,
    build,
    demanded_windows,
    value_intervals,
)

Bit = tuple[int, int] | int  # bit n of a value, or a known one


def op_luts(program: Program, device: Device) -> list[float]:
    """The LUTs of each op; none of wiring, and of what no output depends on."""
    luts = luts_by_op(program, device)
    return [luts(index) for index in range(program.num_ops)]


def luts_by_op(program: Program, device: Device) -> Callable[[int], float]:
    """The LUTs of an op by its number, for those who ask for few."""
    intervals = value_intervals(program)
    windows = demanded_windows(program, intervals)

    @cache
    def luts(index: int) -> float:
        op, window = program.ops[index], windows[index]
        return _luts(build(op, window, intervals, index), window, device) if op.operands and window.width_bits else 0.0

    return luts


def lut_estimate(program: Program, device: Device) -> float:
    """LUTs of the whole program without its registers."""
    return sum(op_luts(program, device))


def _luts(plan: Build, window: Window, device: Device) -> float:
    gate = 0.5 if device.lut_inputs == 6 else 1.0  # LUT6 have two outputs, for two bits of a function of five inputs
    if isinstance(plan, Sum):
        per_bit = device.ternary_luts_per_bit if len(plan.operands) == 3 else device.adder_luts_per_bit
        return per_bit * chain_luts(plan, device)
    if isinstance(plan, Rectification):
        return gate * plan.width_bits
    if isinstance(plan, Selection):
        # a bit is its own choice between 1 and 0
        return gate * window.width_bits if any(branch.value is not None for branch in plan.operands[1:]) else 0.0
    if isinstance(plan, Combination):
        # a mask is wiring and inverters, which others absorb
        return 0.0 if any(operand.value is None for operand in plan.operands) else gate * window.width_bits
    if isinstance(plan, Product):
        rows, columns = sorted(operand.width_bits for operand in plan.operands)
        return max(gate * columns, float((rows - 1) * columns)) if rows else 0.0
    if isinstance(plan, Reading):
        return lookup_luts(plan.lookup, plan.source, device, range(window.lo, min(plan.width_bits, window.hi)))
    if isinstance(plan, Conversion):
        rounds, saturates = plan.rounding is not Rounding.TRN, plan.overflow is not Overflow.WRAP
        return plan.width_bits * (float(rounds) + gate * float(saturates))
    return 0.0


def chain_luts(plan: Sum, device: Device) -> int:
    """Bits of a sum that take a LUT.

    A LUT4 is a part of the carry cell. Beside the carry chain of LUT6 families, a bit that meets nothing but zeros
    is a wire, and one that repeats the bit before, as all above the signs of both operands do, is that LUT again.
    A sum of three is built of cells, which stay as they are: see `ip/ternary_adder`.
    """
    added = [operand.exp for operand, minus in zip(plan.operands, plan.negated, strict=True) if not minus]
    subtracted = [operand.exp for operand, minus in zip(plan.operands, plan.negated, strict=True) if minus]
    foot, top = min(sorted(added)[1:2] + subtracted), plan.exp + plan.drop + plan.width_bits
    if not subtracted and _concatenates(plan.operands):
        return 0
    if device.lut_inputs != 6 or len(plan.operands) == 3:
        return max(0, top - foot)
    count, before = 0, None
    for place in range(foot, top):
        bits = [_bit(operand, place) for operand in plan.operands]
        known = [bit for bit in bits if isinstance(bit, int)]
        unknown = len(bits) - len(known)
        inverts = (sum(known) + sum(plan.negated)) % 2 == 1
        count += bits != before and (unknown > 1 or (unknown == 1 and inverts))
        before = bits
    return count


def _bit(operand: Trimmed, place: int) -> Bit:
    """The bit of an operand at the weight ``2**place``."""
    number = place - operand.exp
    if number < 0 or (number >= operand.width_bits and not operand.signed):
        return 0
    if operand.value is None:
        return operand.code >> number & 1
    return operand.value, operand.window.lo + min(number, operand.width_bits - 1)


def _concatenates(operands: tuple[Trimmed, ...]) -> bool:
    """Whether the terms, in ascending order, occupy disjoint bits: their sum is wiring."""
    return all(not low.signed and low.top <= high.exp for low, high in pairwise(operands))
