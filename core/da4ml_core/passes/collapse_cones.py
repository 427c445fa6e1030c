"""Collapse cones: what a few bits decide through several operations becomes one table, where that takes fewer LUTs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from da4ml_core.device import Device
from da4ml_core.errors import InterpError
from da4ml_core.fixed import Interval, sum_intervals
from da4ml_core.ir.cost import lookup_luts
from da4ml_core.ir.evaluate import result_code
from da4ml_core.ir.opcode import Opcode
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import Lookup, Table
from da4ml_core.passes.area import luts_by_op
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.narrow import reprove, tables_hold
from da4ml_core.passes.rewriting import Rewriting, rewrite, use_counts

MAX_CUTS = 6  # that are kept of a value: of more, those of the fewest bits
WORTH_IT = 0.001  # LUTs saved an operation: less is not worth another look at the whole program
Cut = frozenset[int]  # values that decide another


class Cone(NamedTuple):
    """Operations that one table replaces: those that ``leaves`` decide, and that nothing else reads."""

    leaves: tuple[int, ...]  # from the lowest bits of the address up
    interior: frozenset[int]
    lookup: Lookup
    gain: float


def collapse_cones(program: Program, device: Device) -> Program:
    """The same outputs; an address of several values is their bits side by side, which is wiring.

    The bits of an address are those of one LUT, so that a table is no slower than what it replaces.
    """
    least = WORTH_IT * program.num_ops
    cones = _chosen(program, device)
    if sum(cone.gain for cone in cones.values()) < least:
        return program
    smaller, cones, widened_bits = _collapsed(program, cones)
    gain = sum(cone.gain for cone in cones.values()) - widened_bits
    return eliminate_dead_code(smaller) if cones and gain >= least and tables_hold(smaller) else program


def _chosen(program: Program, device: Device) -> dict[int, Cone]:
    """The cones that save most, by their root; no two of them overlap."""
    luts = luts_by_op(program, device)
    uses = use_counts(program)
    found = []
    for root, cuts in enumerate(_cuts(program, device.lut_inputs)):
        for cut in cuts:
            cone = _cone(program, root, cut, luts, uses, device) if cut and root not in cut else None
            if cone is not None:
                found.append((cone.gain, root, cone))
    chosen: dict[int, Cone] = {}
    gone: set[int] = set()
    kept: set[int] = set()
    for _, root, cone in sorted(found, key=lambda each: (-each[0], each[1], each[2].leaves)):
        replaced = cone.interior | {root}
        if not (replaced & (gone | kept) or gone & set(cone.leaves)):
            chosen[root] = cone
            gone |= replaced
            kept |= {*cone.leaves, root}
    return chosen


def _cuts(program: Program, max_bits: int) -> Iterator[list[Cut]]:
    """For each value, sets of earlier values (or itself) that decide it and have few bits together."""
    widths = [0 if op.interval.is_constant else op.interval.width_bits for op in program.ops]
    known: list[list[Cut]] = []
    for index, op in enumerate(program.ops):
        made: set[Cut] = set()
        if op.opcode is Opcode.CONST:
            made.add(frozenset())
        elif op.operands:
            for parts in product(*(known[edge.index] for edge in op.operands)):
                cut = frozenset().union(*parts)
                if sum([widths[leaf] for leaf in cut]) <= max_bits:
                    made.add(cut)
        cuts = sorted(made, key=lambda cut: (sum(widths[leaf] for leaf in cut), len(cut), sorted(cut)))[:MAX_CUTS]
        known.append([frozenset((index,)), *cuts] if 0 < widths[index] <= max_bits else cuts)
        yield cuts


def _cone(
    program: Program, root: int, cut: Cut, luts: Callable[[int], float], uses: Sequence[int], device: Device
) -> Cone | None:
    """The table for a value by what decides it, if that saves LUTs."""
    inside = _inside(program, root, cut)
    interior = _read_by_none_else(program, root, inside, uses)
    saved = sum(map(luts, interior)) + luts(root)
    if saved <= 0.5:  # no table is cheaper
        return None
    leaves = _address(program, cut)
    if leaves is None:
        return None
    lookup, source = _table(program, root, inside, leaves)
    gain = saved - lookup_luts(lookup, source, device)
    return Cone(leaves, interior, lookup, gain) if gain > 0 else None


def _inside(program: Program, root: int, cut: Cut) -> list[int]:
    """The operations between the leaves and a value, without it, in program order; no constants."""
    inside: set[int] = set()
    pending = [root]
    while pending:
        for edge in program.ops[pending.pop()].operands:
            if edge.index not in cut and edge.index not in inside:
                inside.add(edge.index)
                pending.append(edge.index)
    return sorted(inside)


def _read_by_none_else(program: Program, root: int, inside: Sequence[int], uses: Sequence[int]) -> frozenset[int]:
    """Those that nobody needs once the root is a table."""
    left = {index: uses[index] for index in inside}
    free = {root}
    for index in (root, *reversed(inside)):
        if index == root or not left[index]:
            free.add(index)
            for edge in program.ops[index].operands:
                if edge.index in left:
                    left[edge.index] -= 1
    return frozenset(free - {root})


def _address(program: Program, cut: Cut) -> tuple[int, ...] | None:
    """The values in the order of their bits in an address, of which only the last may be negative."""
    signed = [leaf for leaf in sorted(cut) if program.ops[leaf].interval.lo < 0]
    if len(signed) > 1:
        return None
    return (*sorted(cut - set(signed)), *signed)


def _table(program: Program, root: int, inside: Sequence[int], leaves: Sequence[int]) -> tuple[Lookup, Interval]:
    """The results for all codes of the leaves side by side; an address that they never make has its neighbour's.

    Codes that would take a value out of its interval never come together.
    """
    ranges = [program.ops[leaf].interval for leaf in leaves]
    offsets = _offsets(ranges)
    results: dict[int, int] = {}
    values: dict[int, int] = {}
    for codes in product(*(range(interval.lo, interval.hi + 1) for interval in ranges)):
        values.update(zip(leaves, codes, strict=True))
        for index in (*inside, root):
            op = program.ops[index]
            edges = [
                (-values[edge.index] if edge.negated else values[edge.index], program.edge_interval(edge).exp)
                for edge in op.operands
            ]
            try:
                values[index] = code = result_code(op, edges)
            except InterpError:  # finer than the steps of its interval, or without an entry
                break
            if not op.interval.lo <= code <= op.interval.hi:
                break
        else:
            results[_address_of(codes, offsets)] = values[root]
    reached = Interval(min(results), max(results))
    lo, hi, _ = reached.fixed_type.interval  # of the analysis of ranges, more may be left when the cone is gone
    entries = [results[reached.lo]]
    for address in range(lo, hi + 1):
        entries.append(results.get(address, entries[-1]))
    return Lookup(Table.of(entries[1:], program.ops[root].interval.exp), lo), reached


def _address_of(codes: Sequence[int], offsets: Sequence[int]) -> int:
    return sum(code << offset for code, offset in zip(codes, offsets, strict=True))


def _offsets(ranges: Sequence[Interval]) -> list[int]:
    """Where the bits of each leaf begin in the address."""
    return [sum(interval.width_bits for interval in ranges[:place]) for place in range(len(ranges))]


def _collapsed(program: Program, cones: dict[int, Cone]) -> tuple[Program, dict[int, Cone], int]:
    """The program with tables, which they are, and bits that others grew by: their ranges were proved by what is gone.

    Tables whose operand was proved to stay in range by what they replace are left out.
    """
    while True:
        made, places, widened_bits = _with_tables(program, cones)
        lost = {
            root
            for root, place in places.items()
            if not cones[root].lookup.domain.contains(made.edge_interval(made.ops[place].operands[0]))
        }
        if not lost:
            return made, cones, widened_bits
        cones = {root: cone for root, cone in cones.items() if root not in lost}


def _with_tables(program: Program, cones: dict[int, Cone]) -> tuple[Program, dict[int, int], int]:
    """The program with what is left dead, the number of the table for each root, and the bits that others grew by."""
    places: dict[int, int] = {}

    def rule(new: Rewriting, op: Op) -> Operand:
        root = len(new.edges)
        if root not in cones:
            return new.append(op)
        places[root] = len(new.ops) + len(cones[root].leaves) - 1
        return _looked_up(new, op, cones[root])

    before = rewrite(program, rule)
    made = reprove(before)
    grown = [
        after.interval.width_bits - op.interval.width_bits
        for op, after in zip(before.ops, made.ops, strict=True)
        if after is not op
    ]
    return made, places, sum(max(0, bits) for bits in grown)


def _looked_up(new: Rewriting, op: Op, cone: Cone) -> Operand:
    ranges = [new.program.ops[leaf].interval for leaf in cone.leaves]
    edges = [
        new.moved(Operand(leaf, offset - interval.exp))
        for leaf, interval, offset in zip(cone.leaves, ranges, _offsets(ranges), strict=True)
    ]
    address = edges[0]
    for edge in edges[1:]:
        both = sum_intervals([new.interval(address), new.interval(edge)])
        address = new.append(Op(Opcode.ADD, (address, edge), both, None, op.origin))
    bounds = cone.lookup.bounds(cone.lookup.domain)
    return new.append(Op(Opcode.LOOKUP, (address,), bounds, cone.lookup, op.origin))
