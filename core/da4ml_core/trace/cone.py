"""What decides several values of a graph: one earlier value, and what the others are for each of its codes."""

from __future__ import annotations

from collections.abc import Iterator

from da4ml_core.ir.evaluate import result_code
from da4ml_core.ir.opcode import Opcode
from da4ml_core.trace.graph import Graph

MAX_OPERATIONS = 4096  # of one cone


def deciding(graph: Graph, values: frozenset[int]) -> Iterator[int]:
    """The values that alone decide some others, latest first."""
    open_values = {value for value in values if graph.ops[value].opcode is not Opcode.CONST}
    for _ in range(MAX_OPERATIONS):
        if not open_values:
            return
        latest = max(open_values)
        if len(open_values) == 1:
            yield latest
        open_values.remove(latest)
        operands = {edge.index for edge in graph.ops[latest].operands}
        if not operands:
            return  # an input, which nothing before it decides
        open_values |= {value for value in operands if graph.ops[value].opcode is not Opcode.CONST}


def codes_of(graph: Graph, values: frozenset[int], root: int, code: int) -> dict[int, int]:
    """The codes of values where that of the value which decides them is known."""
    found = {root: code}
    waiting = sorted(values)
    while waiting:
        value = waiting[-1]
        op = graph.ops[value]
        missing = [edge.index for edge in op.operands if edge.index not in found]
        if value in found:
            waiting.pop()
        elif missing:
            waiting.extend(missing)
        else:
            edges = []
            for edge in op.operands:
                operand = -found[edge.index] if edge.negated else found[edge.index]
                edges.append((operand, graph.intervals[edge.index].exp + edge.shift))
            found[value] = result_code(op, edges)
            waiting.pop()
    return found
