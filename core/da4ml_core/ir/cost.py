"""What the solver reckons an operation costs: the LUTs of carry chains and tables, and adder levels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from da4ml_core.device import Device
from da4ml_core.fixed import Interval, Overflow, Rounding, code_bits
from da4ml_core.ir.opcode import Opcode, Quantization
from da4ml_core.ir.program import Op, Program
from da4ml_core.ir.table import Lookup

MUXED_ADDRESS_BITS = 8  # LUTs that fixed multiplexers join: F7 and F8 (UG474, UG574), PFUMX and L6MUX21 (FPGA-TN-02032)


def adder_chain_bits(terms: Sequence[tuple[Interval, bool]], result: Interval) -> int:
    """Bits of the carry chain of a sum of ``(interval, negated)`` terms.

    Low bits where a single positive term reaches are wires; a negated term needs the chain from its own lowest bit on.
    """
    result_top = result.exp + result.width_bits
    present = [(term.exp, negated) for term, negated in terms if term.lo or term.hi]
    if len(present) < 2 and not any(negated for _, negated in present):
        return 0
    positive = sorted(exp for exp, negated in present if not negated)
    negative = [exp for exp, negated in present if negated]
    start = min([*positive[1:2], *negative])
    if not negative and _disjoint([term for term, _ in terms]):
        return 0
    return max(0, result_top - start)


def _disjoint(terms: Sequence[Interval]) -> bool:
    """Whether the codes of the terms occupy disjoint bits, so that their sum is a concatenation."""
    ordered = sorted((term for term in terms if term.lo or term.hi), key=lambda term: term.exp)
    return all(low.lo >= 0 and low.exp + low.width_bits <= high.exp for low, high in pairwise(ordered))


def op_levels(op: Op, operands: Sequence[Interval]) -> int:
    """Adder levels from the latest operand to the result; ``operands`` are the intervals of its edges."""
    if op.opcode is Opcode.ADD:
        return int(any(edge.negated for edge in op.operands) or not _disjoint(operands))
    if op.opcode is Opcode.NEG:
        return 1
    if op.opcode is Opcode.QUANTIZE and isinstance(op.attribute, Quantization):
        rounds = op.attribute.rounding is not Rounding.TRN
        saturates = op.attribute.overflow is not Overflow.WRAP
        return int(rounds) + int(saturates)
    if op.opcode in (Opcode.MUX, Opcode.BITWISE):
        return 1
    if op.opcode is Opcode.MUL:
        # a product of n bits has at most n rows of the other factor, which are added in pairs
        return max(1, (op.interval.width_bits - 1).bit_length() - 1)
    if isinstance(op.attribute, Lookup):
        return table_levels((len(op.attribute.table) - 1).bit_length())
    return 0


def table_levels(address_bits: int) -> int:
    """Levels of a table: its LUTs with their fixed multiplexers, then one for each 4 to 1 multiplexer of LUTs."""
    return 1 + max(0, address_bits - MUXED_ADDRESS_BITS + 1) // 2


def table_luts(address_bits: int, entry_bits: int, device: Device) -> float:
    """LUTs of a table that has no structure to use."""
    if not address_bits:
        return 0.0
    if address_bits < device.lut_inputs:
        return entry_bits * (0.5 if device.lut_inputs == 6 else 1.0)
    leaves = 1 << (address_bits - device.lut_inputs)
    inputs = 1 << max(0, address_bits - MUXED_ADDRESS_BITS)
    multiplexers = -(-(inputs - 1) // 3) if device.lut_inputs == 6 else inputs - 1
    return float(entry_bits * (leaves + multiplexers))


def adder_luts(op: Op, operands: Sequence[Interval], device: Device) -> float:
    """LUTs of the whole carry chain of an adder or a negation; ``operands``: its edges' intervals without signs."""
    signs = [True] if op.opcode is Opcode.NEG else [edge.negated for edge in op.operands]
    bits = adder_chain_bits(list(zip(operands, signs, strict=True)), op.interval)
    return bits * (device.ternary_luts_per_bit if len(operands) == 3 else device.adder_luts_per_bit)


def lookup_functions(lookup: Lookup, operand: Interval) -> frozenset[int]:
    """The bits of a table that take LUTs, each as its column of bits, complemented if that makes its first bit 0.

    Constant bits and copies of a bit of the operand are wiring; equal bits, and a bit and its complement, are one.
    Tables beyond the LUTs of one fixed multiplexer are not looked into: all their bits count.
    """
    if operand.width_bits > MUXED_ADDRESS_BITS:
        return frozenset(range(lookup.bounds(operand).width_bits))
    return _functions(lookup.reachable(operand), operand.lo)


def lookup_luts(lookup: Lookup, operand: Interval, device: Device, bits: range | None = None) -> float:
    """LUTs of a table by its functions, each of the address bits that it depends on; of some ``bits`` of its results.

    Tables beyond the LUTs of one fixed multiplexer have no structure to use.
    """
    width = lookup.bounds(operand).width_bits
    if operand.width_bits > MUXED_ADDRESS_BITS:
        return table_luts(operand.width_bits, width if bits is None else len(bits), device)
    entries = lookup.reachable(operand)
    if bits is not None:
        entries = tuple(code >> bits.start & (1 << len(bits)) - 1 for code in entries)
    functions = _functions(entries, operand.lo)
    return sum(table_luts(_support(function, operand.lo, len(entries)), 1, device) for function in functions)


@lru_cache(maxsize=1 << 16)
def _support(function: int, first: int, count: int) -> int:
    """How many address bits decide a function; addresses that are never read may give anything."""
    known = {first + place: function >> place & 1 for place in range(count)}
    needed = 0
    for bit in range(code_bits(first, first + count - 1)):
        folded: dict[int, int] = {}
        if all(folded.setdefault(address & ~(1 << bit), value) == value for address, value in known.items()):
            known = folded
        else:
            needed += 1
    return needed


@lru_cache(maxsize=4096)
def _functions(entries: tuple[int, ...], first: int) -> frozenset[int]:
    everywhere = (1 << len(entries)) - 1
    addresses = range(first, first + len(entries))
    made, wires = (
        {
            column ^ everywhere if column & 1 else column
            for column in (
                sum((code >> bit & 1) << place for place, code in enumerate(codes))
                for bit in range(code_bits(min(codes), max(codes)))
            )
        }
        for codes in (entries, addresses)
    )
    return frozenset(made - wires - {0})


def edge_intervals(program: Program, op: Op) -> list[Interval]:
    """The intervals of an op's edges, shifted but without their signs."""
    return [program.ops[edge.index].interval.shifted(edge.shift) for edge in op.operands]


def chain_luts(program: Program, device: Device) -> float:
    """LUTs of all carry chains and tables of a program: what the solver minimizes.

    A bit that several tables make of one value is made once.
    """
    total = 0.0
    made: set[tuple[int, int]] = set()
    for op in program.ops:
        edges = edge_intervals(program, op)
        if op.opcode in (Opcode.ADD, Opcode.NEG):
            total += adder_luts(op, edges, device)
        elif isinstance(op.attribute, Lookup):
            source = op.operands[0].index
            bits = {(source, function) for function in lookup_functions(op.attribute, edges[0])} - made
            total += table_luts(edges[0].width_bits, len(bits), device)
            made |= bits
    return total


def arrival_levels(program: Program) -> list[int]:
    """Adder levels at which each value is ready; inputs and constants at 0."""
    levels: list[int] = []
    for op in program.ops:
        start = max((levels[edge.index] for edge in op.operands), default=0)
        levels.append(start + op_levels(op, edge_intervals(program, op)))
    return levels


def depth(program: Program) -> int:
    """Adder levels of the longest path to an output."""
    levels = arrival_levels(program)
    return max((levels[edge.index] for edge in program.outputs), default=0)
