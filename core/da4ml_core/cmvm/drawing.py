"""Pictures of adder graphs: Graphviz text, and a layered drawing in SVG that needs no other program."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from da4ml_core.ir import InputPort, Opcode, Operand, Program
from da4ml_core.ir.cost import edge_intervals, op_levels

SWEEPS = 8
CHAR_WIDTH = 6.7  # of 11 px monospace
BOX_HEIGHT, ROW_HEIGHT, LINE_HEIGHT, COLUMN_GAP, MARGIN = 22.0, 30.0, 10.0, 60.0, 16.0
FILLS = {Opcode.INPUT: ('#eff6ff', '#2563eb'), None: ('#f8fafc', '#475569')}
OP_FILL = ('#f0fdf4', '#16a34a')
PLUS, MINUS = '#94a3b8', '#dc2626'


class Node(NamedTuple):
    """An operation or, with ``opcode`` None, an output; ``sources`` count the operations of the program."""

    opcode: Opcode | None
    text: str
    note: str
    column: int
    sources: tuple[Operand, ...]


def sum_text(operands: Sequence[Operand]) -> str:
    """A sum as people write it, positive terms first."""
    ordered = sorted(operands, key=lambda edge: edge.negated)
    return ' '.join(
        f'{"- " if edge.negated else "+ " if position else ""}{edge._replace(negated=False)}'
        for position, edge in enumerate(ordered)
    )


def nodes(program: Program, arrival: Sequence[int]) -> list[Node]:
    """The operations, then the outputs; columns are adder levels, without those at which nothing is ready.

    ``arrival`` are the levels of the inputs.
    """
    levels: list[int] = []
    found = []
    for index, op in enumerate(program.ops):
        start = max((levels[edge.index] for edge in op.operands), default=0)
        level = arrival[index] if op.opcode is Opcode.INPUT else start + op_levels(op, edge_intervals(program, op))
        levels.append(level)
        if op.opcode is Opcode.INPUT:
            text = f'%{index} = x{op.attribute.position}' if isinstance(op.attribute, InputPort) else f'%{index}'
        elif op.opcode is Opcode.ADD:
            text = f'%{index} = {sum_text(op.operands)}'
        elif op.opcode is Opcode.CONST:
            text = f'%{index} = {op.interval.lo}'
        else:
            text = f'%{index} = {op.opcode}({", ".join(map(str, op.operands))})'
        note = f'{op.interval}, {op.interval.width_bits} bits, level {level}'
        found.append(Node(op.opcode, text, note, level, op.operands))
    last = 1 + max(levels, default=0)
    for position, edge in enumerate(program.outputs):
        interval = program.edge_interval(edge)
        note = f'{interval}, {interval.width_bits} bits, level {levels[edge.index]}'
        found.append(Node(None, f'y{position} = {edge}', note, last, (edge,)))
    ranks = {level: rank for rank, level in enumerate(sorted({node.column for node in found}))}
    return [node._replace(column=ranks[node.column]) for node in found]


def to_dot(program: Program, arrival: Sequence[int]) -> str:
    """The graph in Graphviz' language, a column per adder level; dashed edges are subtracted."""
    lines = ['digraph cmvm {', '  rankdir=LR;', '  node [shape=box, fontname="monospace", style=filled];']
    found = nodes(program, arrival)
    for index, node in enumerate(found):
        fill, stroke = FILLS.get(node.opcode, OP_FILL)
        text, note = (part.replace('"', r'\"') for part in (node.text, node.note))
        lines.append(f'  n{index} [label="{text}", tooltip="{note}", fillcolor="{fill}", color="{stroke}"];')
    for index, node in enumerate(found):
        for edge in node.sources:
            style = f' [style=dashed, color="{MINUS}"]' if edge.negated else ''
            lines.append(f'  n{edge.index} -> n{index}{style};')
    for column in sorted({node.column for node in found}):
        same = ' '.join(f'n{index};' for index, node in enumerate(found) if node.column == column)
        lines.append(f'  {{ rank=same; {same} }}')
    return '\n'.join([*lines, '}', ''])


class Link(NamedTuple):
    """A line from one point of the drawing to the next; points are nodes, then those where long edges pass a column."""

    source: int
    target: int
    negated: bool


def to_svg(program: Program, arrival: Sequence[int], title: str) -> str:
    """The graph as a drawing of its own, a column per adder level; red dashed edges are subtracted.

    The edges of a value that pass columns pass them together. Within a column, points stand at the mean of their
    neighbours, in a few sweeps to and fro (Sugiyama et al. 1981).
    """
    found = nodes(program, arrival)
    columns, links = _routed(found)
    middles = _placed(columns, links, len(found))
    top = min(middles.values(), default=0.0) - ROW_HEIGHT / 2 - 2 * MARGIN
    height = max(middles.values(), default=0.0) + ROW_HEIGHT / 2 + MARGIN - top
    ends: dict[int, tuple[float, float, float]] = {}  # left, right, middle
    left = MARGIN
    for column in columns:
        width = max(16.0 + CHAR_WIDTH * len(found[point].text) for point in column if point < len(found))
        for point in column:
            own = 16.0 + CHAR_WIDTH * len(found[point].text) if point < len(found) else width
            ends[point] = left, left + own, middles[point] - top
        left += width + COLUMN_GAP
    width = max(left - COLUMN_GAP, 3 * MARGIN + CHAR_WIDTH * 1.1 * len(title)) + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="monospace" font-size="11">',
        f'<title>{escape(title)}</title>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        f'<text x="{MARGIN:.0f}" y="18" font-size="12" fill="#475569">{escape(title)}</text>',
    ]
    for link in links:
        lines.append(_line(ends[link.source][1:], (ends[link.target][0], ends[link.target][2]), link.negated))
    for point in range(len(found), len(ends)):
        left, right, middle = ends[point]
        lines.append(_line((left, middle), (right, middle), False))
    lines += [_box(node, *ends[point]) for point, node in enumerate(found)]
    return '\n'.join([*lines, '</svg>', ''])


def _routed(found: Sequence[Node]) -> tuple[list[list[int]], list[Link]]:
    """The points of each column, and the lines between neighbouring columns."""
    columns: list[list[int]] = [[] for _ in range(1 + max((node.column for node in found), default=-1))]
    for point, node in enumerate(found):
        columns[node.column].append(point)
    links = []
    passed: dict[int, list[int]] = {point: [point] for point in range(len(found))}  # of a value, a point per column
    made = len(found)
    for point, node in enumerate(found):
        for edge in node.sources:
            line = passed[edge.index]
            first = found[edge.index].column
            while first + len(line) < node.column:
                columns[first + len(line)].append(made)
                links.append(Link(line[-1], made, False))
                line.append(made)
                made += 1
            links.append(Link(line[node.column - first - 1], point, edge.negated))
    return columns, links


def _placed(columns: Sequence[list[int]], links: Sequence[Link], num_nodes: int) -> dict[int, float]:
    """The height of every point; sorts the columns."""
    before: dict[int, list[int]] = {point: [] for column in columns for point in column}
    after: dict[int, list[int]] = {point: [] for point in before}
    for link in links:
        before[link.target].append(link.source)
        after[link.source].append(link.target)
    middles: dict[int, float] = {}
    for column in columns:
        _stack(column, num_nodes, middles)
    for sweep in range(SWEEPS):
        near = after if sweep % 2 else before
        for column in reversed(columns) if sweep % 2 else columns:
            wishes = {
                point: sum(middles[other] for other in near[point]) / len(near[point])
                if near[point]
                else middles[point]
                for point in column
            }
            column.sort(key=lambda point, wishes=wishes: (wishes[point], point))  # type: ignore[misc]
            _stack(column, num_nodes, middles)
    return middles


def _stack(column: Sequence[int], num_nodes: int, middles: dict[int, float]) -> None:
    """Give the points of a column their heights from top to bottom, around 0."""
    heights = [ROW_HEIGHT if point < num_nodes else LINE_HEIGHT for point in column]
    top = -sum(heights) / 2
    for point, height in zip(column, heights, strict=True):
        middles[point] = top + height / 2
        top += height


def _line(start: tuple[float, float], end: tuple[float, float], negated: bool) -> str:
    (x, y), (to_x, to_y) = start, end
    bend = (to_x - x) / 2
    style = f'stroke="{MINUS}" stroke-dasharray="4 3"' if negated else f'stroke="{PLUS}"'
    path = f'M{x:.1f} {y:.1f} C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}'
    return f'<path d="{path}" fill="none" {style}/>'


def _box(node: Node, left: float, right: float, middle: float) -> str:
    fill, stroke = FILLS.get(node.opcode, OP_FILL)
    return (
        f'<g><title>{escape(node.note)}</title>'
        f'<rect x="{left:.1f}" y="{middle - BOX_HEIGHT / 2:.1f}" width="{right - left:.1f}" height="{BOX_HEIGHT:.0f}" '
        f'rx="4" fill="{fill}" stroke="{stroke}"/>'
        f'<text x="{left + 8:.1f}" y="{middle + 4:.1f}" fill="#0f172a">{escape(node.text)}</text></g>'
    )
