"""What the solver returns: a proved adder graph, in a compact form for inlining and as a program of its own."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from numpy.typing import NDArray

from da4ml_core.cmvm import drawing
from da4ml_core.cmvm.check import ZERO, Graph, exact_intervals, node_intervals
from da4ml_core.cmvm.matrix import Problem
from da4ml_core.cmvm.search import Candidate
from da4ml_core.cmvm.tables import BitTable, Packing, table_ops
from da4ml_core.device import Device
from da4ml_core.fixed import Interval
from da4ml_core.ir import InputPort, Op, Opcode, Operand, Program, Quantization
from da4ml_core.ir.cost import adder_luts, chain_luts, edge_intervals, op_levels

DRAWN_ADDERS = 500  # in a notebook


class Adder(NamedTuple):
    """``a + b [+ c]`` with the signs and shifts of its edges; at least one of them is positive."""

    a: Operand
    b: Operand
    interval: Interval
    c: Operand | None = None

    @property
    def operands(self) -> tuple[Operand, ...]:
        return (self.a, self.b) if self.c is None else (self.a, self.b, self.c)


class Found(NamedTuple):
    """What a search ended with, for another one of the same rows."""

    numbers: NDArray[Any]
    candidate: Candidate


@dataclass(frozen=True, repr=False)
class Solution:
    """A shift-and-add graph for ``y = x @ matrix``, proved equal to it.

    Values are numbered from the inputs, 0 to n_in - 1, to the tables of bits of inputs, if any, and on to the adders.
    ``outputs`` has an edge per column, or None where the column is zero; an edge may be negated, for a following adder
    to absorb (``program`` spends a negation on it).
    """

    problem: Problem
    device: Device
    graph: Graph
    adders: tuple[Adder, ...]
    outputs: tuple[Operand | None, ...]
    limit: int | None
    minimal_depth: int
    stats: Mapping[str, Any] = field(default_factory=dict)
    packing: Packing | None = None
    sums: Found | None = field(default=None, compare=False)

    @classmethod
    def proved(
        cls,
        problem: Problem,
        graph: Graph,
        device: Device,
        limit: int | None,
        minimal_depth: int,
        stats: Mapping[str, Any],
        packing: Packing | None = None,
    ) -> Solution:
        """The solution that a graph is; raises SelfCheckFailed if it does not compute the problem's matrix.

        With a packing, the graph is of the inputs and its tables.
        """
        sums = problem
        if packing is not None:
            packing.check(problem)
            sums = packing.sums(problem)
        intervals = exact_intervals(graph, sums)
        adders = []
        for operands, interval in zip(graph.operands(), intervals[len(sums.inputs) :], strict=True):
            a, b, *rest = (Operand(*operand) for operand in operands)
            adders.append(Adder(a, b, interval, *rest))
        outputs = tuple(
            None if node == ZERO else Operand(node, shift, negated) for node, shift, negated in graph.outputs
        )
        return cls(problem, device, graph, tuple(adders), outputs, limit, minimal_depth, stats, packing)

    @property
    def matrix(self) -> NDArray[Any]:
        """The exact matrix: int64 where it fits, else float64 where that is exact, else integers and fractions."""
        return self.problem.matrix

    @property
    def inputs(self) -> tuple[Interval, ...]:
        return self.problem.inputs

    @property
    def tables(self) -> tuple[BitTable, ...]:
        """Tables of bits of inputs, each a value of its own; none if adders alone are cheaper."""
        return () if self.packing is None else self.packing.tables

    @cached_property
    def start_key(self) -> Hashable:
        """What decides a search that starts from this solution."""
        if self.sums is None:
            return None
        found = self.sums.candidate
        return found.joins.tobytes(), found.sums.row_start.tobytes(), found.sums.terms.tobytes()

    @cached_property
    def num_adders(self) -> int:
        """Adders counted as binary ones."""
        return sum(len(adder.operands) - 1 for adder in self.adders)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Adder levels at which each value is ready, arrival times of the inputs included; a table takes one."""
        levels = list(self._sums.levels)
        for adder in self.adders:
            levels.append(1 + max(levels[edge.index] for edge in adder.operands))
        return tuple(levels)

    @cached_property
    def depth(self) -> int:
        """Adder levels until the last output is ready, negations of outputs included."""
        return max((self.levels[edge.index] + edge.negated for edge in self.outputs if edge is not None), default=0)

    @cached_property
    def lut_cost(self) -> float:
        """LUTs of the tables, the adders and the negated outputs on the device."""
        return chain_luts(self._graph_program, self.device)

    @cached_property
    def delay_ns(self) -> float:
        """The longest path from the inputs to an output, by the device's estimate."""
        program = self._graph_program
        ready: list[float] = []
        for op in program.ops:
            start = max((ready[edge.index] for edge in op.operands), default=0.0)
            ready.append(start + _delay_ns(op, program, self.device))
        return max((ready[edge.index] for edge in program.outputs), default=0.0)

    @cached_property
    def program(self) -> Program:
        """A verified-by-construction program: an input per row, an output per column.

        Its input ports take the smallest types that hold the intervals asked for; its ranges are those of the types.
        """
        types = [interval.fixed_type for interval in self.inputs]
        ranges = [kind.interval for kind in types]
        if ranges == list(self.inputs):
            return self._graph_program
        values = [*ranges, *(table.interval for table in self.tables)]
        intervals = node_intervals(self.graph, self._sums, values)
        return self._program(ranges, intervals[len(values) :])

    @cached_property
    def body(self) -> tuple[tuple[Op, ...], tuple[int, ...]]:
        """The operations after the inputs, and the number of each value among the inputs and those."""
        return self._body(self.inputs, [adder.interval for adder in self.adders])

    @cached_property
    def _sums(self) -> Problem:
        return self.problem if self.packing is None else self.packing.sums(self.problem)

    @cached_property
    def _graph_program(self) -> Program:
        return self._program(self.inputs, [adder.interval for adder in self.adders])

    def _body(
        self, inputs: Sequence[Interval], intervals: Sequence[Interval]
    ) -> tuple[tuple[Op, ...], tuple[int, ...]]:
        ops, made = table_ops(self.tables, inputs)
        numbers = [*range(len(inputs)), *made]
        for adder, interval in zip(self.adders, intervals, strict=True):
            numbers.append(len(inputs) + len(ops))
            ops.append(Op(Opcode.ADD, tuple(_renumbered(edge, numbers) for edge in adder.operands), interval))
        return tuple(ops), tuple(numbers)

    def _program(self, inputs: Sequence[Interval], intervals: Sequence[Interval]) -> Program:
        """The program for inputs of some ranges and the adders' intervals that follow from them."""
        body, numbers = self._body(inputs, intervals)
        ops = [
            Op(Opcode.INPUT, (), interval, InputPort(position, Quantization(interval.fixed_type)))
            for position, interval in enumerate(inputs)
        ]
        ops += body
        made: dict[int | None, int] = {}
        edges = []
        for output in self.outputs:
            edge = None if output is None else _renumbered(output, numbers)
            if edge is not None and not edge.negated:
                edges.append(edge)
                continue
            source = None if edge is None else edge.index
            if source not in made:
                made[source] = len(ops)
                if source is None:
                    ops.append(Op(Opcode.CONST, (), Interval(0, 0)))
                else:
                    ops.append(Op(Opcode.NEG, (Operand(source),), ops[source].interval.shifted(0, True)))
            edges.append(Operand(made[source], 0 if edge is None else edge.shift))
        return Program('cmvm', tuple(ops), tuple(edges), ((len(inputs),),), ((len(edges),),))

    @property
    def summary(self) -> str:
        """Its size in a line."""
        n_in, n_out = self.problem.weights.shape
        tables = f'{len(self.tables)} tables, ' if self.tables else ''
        size = f'{tables}{self.num_adders} adders, {self.lut_cost:g} LUTs on {self.device.name}, depth {self.depth}'
        return f'{n_in} x {n_out} matrix: {size}'

    def __repr__(self) -> str:
        return f'<Solution of a {self.summary}>'

    def __str__(self) -> str:
        lines = [self.summary]
        for index, table in enumerate(self.tables, len(self.inputs)):
            lines.append(f'  %{index} = {table}')
        for index, adder in enumerate(self.adders, len(self.inputs) + len(self.tables)):
            lines.append(f'  %{index} = {drawing.sum_text(adder.operands)} : {adder.interval}')
        for position, edge in enumerate(self.outputs):
            lines.append(f'  y{position} = {edge if edge is not None else 0}')
        return '\n'.join(lines)

    def to_dot(self) -> str:
        """The graph in Graphviz' language, a column per adder level."""
        return drawing.to_dot(self._graph_program, self.problem.levels)

    def to_svg(self) -> str:
        """The graph as a drawing, a column per adder level, that stands by itself."""
        return drawing.to_svg(self._graph_program, self.problem.levels, self.summary)

    def _repr_svg_(self) -> str | None:
        """What a notebook shows; None, for the text instead, where a drawing would be too large to read."""
        return self.to_svg() if len(self.adders) + len(self.tables) <= DRAWN_ADDERS else None


def _renumbered(edge: Operand, numbers: Sequence[int]) -> Operand:
    return edge._replace(index=numbers[edge.index])


def _delay_ns(op: Op, program: Program, device: Device) -> float:
    edges = edge_intervals(program, op)
    if op.opcode is Opcode.LOOKUP:
        return (device.route_delay_ns + device.lut_delay_ns) * op_levels(op, edges)
    bits = adder_luts(op, edges, device)
    if not bits:
        return 0.0
    return device.route_delay_ns + device.lut_delay_ns + device.carry_delay_ns_per_bit * bits
